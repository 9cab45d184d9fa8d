/* flow_cache_recover.h - a cache in memory that has outlived its process, which was killed.
 *
 * Place: kept memory -> flow cache. The process may have been killed at any instruction: what it
 * was changing is undone or done, by the marks that it has left (flow_cache_marks.h). Doing it
 * again changes nothing, so this process may be killed as well. */
#ifndef FLOW_CACHE_RECOVER_H
#define FLOW_CACHE_RECOVER_H

#include "flow_cache.h"

/* How far the cache has come: both count for ever, modulo 2^32. */
struct flow_cache_progress {
	uint32_t packets; /* accounted by flow_cache_add(); ignored ones are not among them */
	uint32_t records; /* given to the sink */
};

struct flow_cache_progress flow_cache_progress(const struct flow_cache *cache);

/* A number of how a build lays a cache out: that of another one is not to be continued. */
uint64_t flow_cache_layout(void);

/* Continue with the cache in 'memory', which flow_cache_create_in() has made with the same
 * max_flows and columns; its hash key stays, all else is as 'config' says. Index and orders are
 * made anew: 0.2 s for a million flows. The statistics are those of cached flows alone until
 * flow_cache_recover_statistics(). Returns NULL with errno set: EINVAL if this is no such cache, or
 * ENOMEM for 16 bytes a flow. */
struct flow_cache *flow_cache_recover(const struct flow_cache_config *config, void *memory);

/* 'before' and what has expired since, record by record, make the statistics whole. */
void flow_cache_recover_record(struct flow_cache_statistics *before,
			       const struct flow_record *record);
void flow_cache_recover_statistics(struct flow_cache *cache,
				   const struct flow_cache_statistics *before);

#endif
