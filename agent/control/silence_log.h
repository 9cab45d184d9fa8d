/* silence_log.h - a source from which no packet has come for long: a problem that lasts until one
 * comes.
 *
 * Place: pipeline_snapshot -> here -> log; daemon.c calls it by a timer. */
#ifndef SILENCE_LOG_H
#define SILENCE_LOG_H

#include "pipeline.h"

/* No host that has a network is silent for so long: something asks for its time, or its name. */
#define SILENCE_LIMIT_MS (10 * 60 * 1000)

struct silence_log {
	int64_t started_ms; /* CLOCK_MONOTONIC; 0 before the first look */
	int64_t looked_ms;  /* at the last one */
};

/* Log each live source that has become silent since the last look, once; and that it is over.
 * Sources that are away or have ended have problems of their own. 'now_ms' is CLOCK_MONOTONIC. */
void silence_log_look(struct silence_log *silence, const struct pipeline_snapshot *snapshot,
		      int64_t now_ms);

#endif
