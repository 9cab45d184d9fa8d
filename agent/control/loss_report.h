/* loss_report.h - what collectors did not get, in words, at the end of the daemon.
 *
 * Place: pipeline_snapshot -> loss_report -> log. */
#ifndef LOSS_REPORT_H
#define LOSS_REPORT_H

#include "pipeline.h"

/* One warning for each collector that lost something: how much, and for which reasons. Returns how
 * many records were lost on the way: what a protocol cannot carry is in the line, but not in this
 * number, as it was never to be sent. */
uint64_t loss_report_log(const struct pipeline_snapshot *snapshot);

/* "12 refused, 3 spool_full": the reasons of a ledger; "" if nothing was lost. Cut at 'size'.
 * Returns 'text'. */
const char *loss_report_reasons(const struct collector_ledger *ledger, char *text, size_t size);

#endif
