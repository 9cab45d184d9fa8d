/* samplers.c - an array that only grows.
 *
 * Stage: beside the flow cache. An entry is written before the count that makes it valid, and never
 * again: so readers need no lock, and the lock is for writers only. */
#include "samplers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct samplers {
	pthread_mutex_t lock; /* for those who add */
	_Atomic uint8_t count;
	struct sampler entries[SAMPLER_UNKNOWN]; /* the first is SAMPLER_NONE */
};

const char *sampling_method_name(enum sampling_method method)
{
	switch (method) {
	case SAMPLING_none: return "none";
	case SAMPLING_random: return "random";
	case SAMPLING_deterministic: return "deterministic";
	case SAMPLING_hash: return "hash";
	case SAMPLING_flows: return "flows";
	case SAMPLING_METHOD_COUNT: break;
	}
	return "unknown";
}

struct samplers *samplers_create(void)
{
	struct samplers *samplers = calloc(1, sizeof(*samplers));

	if (!samplers || pthread_mutex_init(&samplers->lock, NULL)) {
		free(samplers);
		return NULL;
	}
	samplers->entries[SAMPLER_NONE].interval = 1;
	return samplers;
}

void samplers_destroy(struct samplers *samplers)
{
	if (!samplers)
		return;
	(void)pthread_mutex_destroy(&samplers->lock);
	free(samplers);
}

/* With the lock held. */
static uint8_t find_or_add(struct samplers *samplers, struct sampler sampler)
{
	const uint8_t count = samplers_count(samplers);

	for (uint8_t number = 1; number <= count; number++)
		if (samplers->entries[number].method == sampler.method &&
		    samplers->entries[number].interval == sampler.interval)
			return number;
	if (count == SAMPLER_UNKNOWN - 1)
		return SAMPLER_UNKNOWN;
	samplers->entries[count + 1] = sampler;
	atomic_store_explicit(&samplers->count, (uint8_t)(count + 1), memory_order_release);
	return (uint8_t)(count + 1);
}

uint8_t samplers_number(struct samplers *samplers, enum sampling_method method, uint64_t interval)
{
	uint8_t number;

	if (interval <= 1)
		return SAMPLER_NONE;
	if (interval > UINT32_MAX)
		return SAMPLER_UNKNOWN;
	(void)pthread_mutex_lock(&samplers->lock);
	number = find_or_add(samplers, (struct sampler){ (uint8_t)method, (uint32_t)interval });
	(void)pthread_mutex_unlock(&samplers->lock);
	return number;
}

uint8_t samplers_count(const struct samplers *samplers)
{
	return atomic_load_explicit(&samplers->count, memory_order_acquire);
}

struct sampler samplers_at(const struct samplers *samplers, uint8_t number)
{
	if (number > samplers_count(samplers))
		return (struct sampler){ SAMPLING_none, 0 };
	return samplers->entries[number];
}
