/* equalities.h - the equalities of lib/record/ledger.h, for a snapshot of the whole agent.
 *
 * Place: pipeline_snapshot -> equalities -> `show stats`, and the daemon's own check at its end. */
#ifndef EQUALITIES_H
#define EQUALITIES_H

#include "pipeline.h"

struct equality {
	const char *name;   /* of the left side: "packets_read"; static */
	const char *object; /* what it is about: a collector's name, "group NAME"; borrowed until
			       return */
	uint64_t left, right;
};

/* Hand each equality to 'visit'. Returns how many do not hold: anything but 0 is a defect. */
size_t equalities_visit(const struct pipeline_snapshot *snapshot,
			void (*visit)(void *context, const struct equality *equality),
			void *context);

#endif
