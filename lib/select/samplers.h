/* samplers.h - what the sampler number of a flow means: how packets were chosen, and one of how
 * many.
 *
 * Place: filled by workers, read by the exporter and whoever shows flows; flows carry the number
 * (flow_key.sampler), so that packets of different rates never share a record. One table for all
 * workers; a number never changes its meaning. */
#ifndef SAMPLERS_H
#define SAMPLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How packets are chosen. */
enum sampling_method {
	SAMPLING_none,          /* all of them */
	SAMPLING_random,        /* each with the same chance; what a rule does counts as this */
	SAMPLING_deterministic, /* each N-th */
	SAMPLING_hash,          /* by a hash of what does not change on the packet's way */
	SAMPLING_flows,         /* by a hash of the flow key: all packets of a flow, or none */
	SAMPLING_METHOD_COUNT
};

/* The word of the configuration, such as "random"; "unknown" beyond. Static storage. */
const char *sampling_method_name(enum sampling_method method);

struct sampler {
	uint8_t method;    /* enum sampling_method */
	uint32_t interval; /* one packet in this many counts; 0: not known */
};

#define SAMPLER_NONE    0   /* every packet counts */
#define SAMPLER_UNKNOWN 255 /* rates beyond the 254 that the table holds, or beyond 32 bits */

struct samplers; /* opaque: defined in samplers.c */

/* Returns NULL if memory is short. */
struct samplers *samplers_create(void);
void samplers_destroy(struct samplers *samplers);

/* The number of a sampler, which is new if it has none yet; SAMPLER_NONE for interval 0 and 1,
 * SAMPLER_UNKNOWN if there is no number left or the interval has more than 32 bits. O(samplers):
 * callers remember the last answer. */
uint8_t samplers_number(struct samplers *samplers, enum sampling_method method, uint64_t interval);

/* Numbers 1 to this have a meaning. Grows only. */
uint8_t samplers_count(const struct samplers *samplers);

/* What a number means: { SAMPLING_none, 1 } for SAMPLER_NONE, { SAMPLING_none, 0 } for one without
 * a meaning. */
struct sampler samplers_at(const struct samplers *samplers, uint8_t number);

#endif
