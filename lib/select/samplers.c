/* samplers.c - an array that only grows.
 *
 * Place: beside the flow cache. Without a lock: an entry is one atomic word, written once, by
 * whoever finds it empty; entries before it are full by then, and the count follows. */
#include "samplers.h"

#include <stdatomic.h>
#include <stdlib.h>

struct samplers {
	_Atomic uint8_t count;
	_Atomic uint64_t entries[SAMPLER_UNKNOWN]; /* of which SAMPLER_NONE is not used */
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
	return calloc(1, sizeof(struct samplers));
}

void samplers_destroy(struct samplers *samplers)
{
	free(samplers);
}

/* As one word, which is never 0. */
static uint64_t word_of(enum sampling_method method, uint32_t interval)
{
	return ((uint64_t)method + 1) << 32 | interval;
}

/* The count is at least this. */
static void raise_count(struct samplers *samplers, uint8_t number)
{
	uint8_t count = atomic_load(&samplers->count);

	while (count < number && !atomic_compare_exchange_weak(&samplers->count, &count, number))
		;
}

uint8_t samplers_number(struct samplers *samplers, enum sampling_method method, uint64_t interval)
{
	uint64_t word;

	if (interval <= 1)
		return SAMPLER_NONE;
	if (interval > UINT32_MAX)
		return SAMPLER_UNKNOWN;
	word = word_of(method, (uint32_t)interval);
	for (uint8_t number = 1; number < SAMPLER_UNKNOWN; number++) {
		uint64_t found = 0;

		/* Put it where nothing is; or see what is there. */
		if (!atomic_compare_exchange_strong(&samplers->entries[number], &found, word) &&
		    found != word)
			continue;
		raise_count(samplers, number);
		return number;
	}
	return SAMPLER_UNKNOWN;
}

uint8_t samplers_count(const struct samplers *samplers)
{
	return atomic_load_explicit(&samplers->count, memory_order_acquire);
}

struct sampler samplers_at(const struct samplers *samplers, uint8_t number)
{
	uint64_t word;

	if (number == SAMPLER_NONE)
		return (struct sampler){ SAMPLING_none, 1 };
	if (number > samplers_count(samplers))
		return (struct sampler){ SAMPLING_none, 0 };
	word = atomic_load_explicit(&samplers->entries[number], memory_order_acquire);
	return (struct sampler){ (uint8_t)((word >> 32) - 1), (uint32_t)word };
}
