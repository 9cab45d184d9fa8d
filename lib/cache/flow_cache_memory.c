/* flow_cache_memory.c - sizes and places of a cache's parts, and its beginning and end.
 *
 * Place: under flow_cache.c and flow_cache_recover.c.
 *
 * Invariant: where the parts are follows from the configuration and the address of the mapping
 * alone, so that another process finds them at another address. */
#include "flow_cache.h"
#include "flow_columns_layout.h"
#include "flow_hash.h"
#include "flow_index_look.h"
#include "flow_offload_layout.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert((CACHED_FLOW_IPV4_SIZE + CACHED_FLOW_IPV6_SIZE) / FLOW_UNIT * FLOW_CACHE_MAX_FLOWS <
		       FLOW_NONE,
	       "every flow has a name");

/* Where each part begins, in bytes. In 64 bits: the bound may need more than the address space of a
 * machine of 32 bits. */
struct layout {
	uint64_t buckets, overflow_buckets, flows, columns, end;
};

static uint64_t round_up(uint64_t size, uint64_t unit)
{
	return (size + unit - 1) / unit * unit;
}

/* The index starts on a cache line. */
static struct layout layout_of(const struct flow_cache_config *config)
{
	const uint64_t max_flows = config->max_flows;
	const uint64_t flows_size = max_flows * (CACHED_FLOW_IPV4_SIZE + CACHED_FLOW_IPV6_SIZE);
	struct layout layout = { .buckets = round_up(sizeof(struct flow_cache), 64) };

	layout.overflow_buckets =
		layout.buckets + (max_flows / BUCKET_LOAD + 2) * sizeof(struct bucket);
	layout.flows = layout.overflow_buckets + max_flows * sizeof(struct bucket);
	layout.columns = layout.flows + round_up(flows_size, 64);
	layout.end = layout.columns + flow_columns_size(config->columns, max_flows);
	return layout;
}

uint64_t flow_cache_size(const struct flow_cache_config *config)
{
	return layout_of(config).end;
}

void flow_cache_place(struct flow_cache *cache, const struct flow_cache_config *config)
{
	const struct layout layout = layout_of(config);
	uint8_t *memory = (uint8_t *)cache;

	flow_columns_init(&cache->columns, config->columns, config->max_flows,
			  memory + layout.columns);
	cache->buckets = (struct bucket *)(void *)(memory + layout.buckets);
	cache->overflow_buckets = (struct bucket *)(void *)(memory + layout.overflow_buckets);
	cache->flows = memory + layout.flows;
	cache->flows_first[1] =
		(flow_place)((uint64_t)config->max_flows * CACHED_FLOW_IPV4_SIZE / FLOW_UNIT);
}

void flow_cache_empty(struct flow_cache *cache)
{
	cache->bucket_count = 1;
	cache->bucket_mask = 0;
	cache->bucket_mask_wide = 1;
	cache->split_above = BUCKET_LOAD;
	cache->overflow_used = cache->overflow_free = 0;
	cache->flows_free[0] = cache->flows_free[1] = FLOW_NONE;
	cache->age.head = cache->age.tail = FLOW_NONE;
	for (size_t i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		cache->wheel[i].head = cache->wheel[i].tail = FLOW_NONE;
	memset(cache->wheel_occupied, 0, sizeof(cache->wheel_occupied));
}

struct flow_cache *flow_cache_create_in(const struct flow_cache_config *config, void *memory)
{
	struct flow_cache *cache = memory;

	cache->hash_key = flow_hash_key_of(config->hash_key);
	cache->expiry = config->expiry;
	flow_expiry_end_asked(&cache->expiry);
	cache->is_bidirectional = config->is_bidirectional;
	cache->has_ports = config->has_ports;
	cache->max_flows = config->max_flows;
	cache->now = CLOCK_START_MS;
	cache->marks.added = 1; /* no packet is under way */
	cache->marks.leaving[0] = cache->marks.leaving[1] = FLOW_NONE;
	flow_cache_place(cache, config);
	flow_cache_empty(cache);
	return cache;
}

struct flow_cache *flow_cache_create(const struct flow_cache_config *config)
{
	const uint64_t size = flow_cache_size(config);
	struct flow_cache *cache;
	void *mapping;

	if (config->max_flows == 0 || config->max_flows > FLOW_CACHE_MAX_FLOWS) {
		errno = EINVAL;
		return NULL;
	}
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	/* NORESERVE: address space for the bound, memory for what is used. Huge pages are left to
	 * the system's own setting: asked for, they made updates 5 % cheaper at a million flows and
	 * 10 % at four million, nothing at ten thousand, where they took 6 MB instead of 1. */
	mapping = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	cache = flow_cache_create_in(config, mapping);
	cache->mapping_size = (size_t)size;
	return cache;
}

void flow_cache_destroy(struct flow_cache *cache)
{
	if (cache && cache->mapping_size)
		(void)munmap(cache, cache->mapping_size);
}

void flow_cache_set_expiry(struct flow_cache *cache, const struct expiry_policy *expiry)
{
	cache->expiry = *expiry;
	flow_expiry_end_asked(&cache->expiry);
	if (cache->offload)
		flow_offload_set_expiry(cache);
	/* Deadlines may have come nearer. */
	for (flow_place index = cache->age.head; index != FLOW_NONE;
	     index = flow_at(cache, index)->age_next) {
		flow_wheel_disarm(cache, index);
		flow_wheel_arm(cache, index);
	}
}

bool flow_cache_end(struct flow_cache *cache, const struct flow_key *key,
		    enum flow_end_reason reason)
{
	const uint32_t hash = flow_hash(&cache->hash_key, key);
	const flow_place place =
		flow_index_find_from(cache, flow_index_home(cache, hash), key, hash);

	if (place == FLOW_NONE)
		return false;
	flow_at(cache, place)->expiry_class =
		reason == FLOW_END_dropped ? EXPIRY_dropped : EXPIRY_forced;
	flow_wheel_disarm(cache, place);
	flow_wheel_arm(cache, place);
	if (cache->offload)
		flow_offload_end(cache, place);
	return true;
}

void flow_cache_statistics(const struct flow_cache *cache, struct flow_cache_statistics *statistics)
{
	*statistics = cache->statistics;
	statistics->memory_bytes =
		sizeof(struct flow_cache) +
		((uint64_t)cache->bucket_count + cache->overflow_used) * sizeof(struct bucket) +
		(uint64_t)cache->flows_used[0] * CACHED_FLOW_IPV4_SIZE +
		(uint64_t)cache->flows_used[1] * CACHED_FLOW_IPV6_SIZE +
		flow_columns_used_size(cache);
}
