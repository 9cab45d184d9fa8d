/* counters_log.h - the counters of this moment as lines of the log, for SIGUSR1.
 *
 * Place: pipeline_snapshot -> log. One line for the whole, one for each source and collector. */
#ifndef COUNTERS_LOG_H
#define COUNTERS_LOG_H

#include "pipeline.h"

void counters_log(const struct pipeline_snapshot *snapshot);

/* The same of a pipeline as it is now. */
struct pipeline;
void counters_log_now(struct pipeline *pipeline);

#endif
