/* ledger_log.h - what an operator must hear of the ledger, while the daemon runs and at its end.
 *
 * Place: pipeline_snapshot -> here -> log. The control thread calls it by a timer and at the end.
 */
#ifndef LEDGER_LOG_H
#define LEDGER_LOG_H

#include "pipeline.h"

/* What has been reported. Counters may continue those of an earlier agent. */
struct ledger_log {
	uint64_t packets_lost;  /* in the kernel */
	uint64_t flows_evicted; /* because the cache is full */
};

/* What is lost or evicted at the start is no news. */
void ledger_log_begin(struct ledger_log *log, const struct pipeline_snapshot *snapshot);

/* Packets lost in the kernel and flows evicted since the last look; and where it is not known how
 * many were lost. */
void ledger_log_look(struct ledger_log *log, const struct pipeline_snapshot *snapshot,
		     uint32_t max_flows);

/* At the end: what was lost, by collector, and whether every packet and record is accounted for.
 * Returns how many records were lost, as loss_report_log(). */
uint64_t ledger_log_end(struct ledger_log *log, const struct pipeline_snapshot *snapshot,
			uint32_t max_flows);

#endif
