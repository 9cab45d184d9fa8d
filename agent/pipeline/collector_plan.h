/* collector_plan.h - the collectors of another configuration, held against those that run.
 *
 * Place: pipeline_reload.c -> here -> exporter_change.h. */
#ifndef COLLECTOR_PLAN_H
#define COLLECTOR_PLAN_H

#include "exporter_change.h"

struct config;

/* Fill in a plan for each collector of 'after', with strings borrowed from there. Those of 'before'
 * are the exporter's, in their order. Returns whether anything is another. */
bool collector_plan_make(const struct config *before, const struct config *after,
			 const struct exporter *exporter, struct exporter_plan *plans);

#endif
