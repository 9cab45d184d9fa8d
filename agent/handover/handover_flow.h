/* handover_flow.h - a flow of the cache as bytes of the state that one agent leaves to the next.
 *
 * Place: lib/cache/flow_cache_move.h <-> handover_state.h. Integers are big-endian, in the order of
 * handover_flow.c. The body of a section: u32 bytes of each flow, then flows; a later version may
 * add members at the end of each, which this one skips. */
#ifndef HANDOVER_FLOW_H
#define HANDOVER_FLOW_H

#include "bytes.h"
#include "flow_cache_move.h"

#define HANDOVER_FLOW_SIZE            168
#define HANDOVER_FLOW_SIZE_WITH_OWNER 144 /* of earlier versions: without tcp */
#define HANDOVER_FLOW_SIZE_WITH_MACS  132 /* likewise: without owner */
#define HANDOVER_FLOW_SIZE_LEAST      116 /* likewise: without link addresses */

void handover_flow_write(struct writer *writer, const struct moved_flow *flow);

/* Take the size off a section's body. Returns 0 if there are no flows. */
uint32_t handover_flow_begin(struct reader *body);
/* The next flow. Returns false at the end, and at what is no flow: then the reader has failed. */
bool handover_flow_read(struct reader *body, uint32_t size, struct moved_flow *flow);

#endif
