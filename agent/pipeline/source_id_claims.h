/* source_id_claims.h - notices that another agent of this host sends to a collector under the same
 * source id.
 *
 * Place: pipeline.c at the start, pipeline_reload.c for other collectors; looked at by the control
 * thread.
 *
 * A collector that hears two exporters with one number from one address takes the numbers of their
 * messages for one sequence, full of gaps. Each agent binds a socket with an abstract name for each
 * collector: number, host and port. The kernel gives a name once in a network namespace, and takes
 * it back from a process that ends, however it ends. */
#ifndef SOURCE_ID_CLAIMS_H
#define SOURCE_ID_CLAIMS_H

#include "config.h"

struct source_id_claims; /* opaque: defined in source_id_claims.c */

/* To claim the source id towards each collector in the network, by source_id_claims_look(). Returns
 * NULL without memory. */
struct source_id_claims *source_id_claims_create(const struct config *config);
void source_id_claims_destroy(struct source_id_claims *claims);

/* Claim what is not claimed yet, what another agent has had so far among it, and report a problem
 * of each collector for as long as it lasts. NULL is ignored. */
void source_id_claims_look(struct source_id_claims *claims);

#endif
