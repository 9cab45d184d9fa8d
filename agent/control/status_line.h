/* status_line.h - one line for `systemctl status`.
 *
 * Place: pipeline_snapshot -> here -> service manager; flowagent.c calls it by a timer. */
#ifndef STATUS_LINE_H
#define STATUS_LINE_H

#include "pipeline.h"

/* Tell the service manager (STATUS=), if there is one, how it goes. */
void status_line_send(const struct pipeline_snapshot *snapshot, uint64_t packets_per_second);

#endif
