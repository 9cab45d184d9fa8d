/* asn_pool.c - see asn_pool.h. Place: below asn_builder.c, while a table is made; nothing of it
 * runs when addresses are looked up. */
#include "asn_pool.h"

#include "hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX   (1u << 30) /* numbers of leaves have 30 bits */
#define FIRST_COUNT 64

void *asn_vector_add(struct asn_vector *vector)
{
	if (vector->count == vector->capacity) {
		const size_t wanted = vector->capacity ? vector->capacity * 2 : FIRST_COUNT;
		void *grown;

		if (vector->count >= COUNT_MAX)
			return NULL;
		grown = reallocarray(vector->elements, wanted, vector->element_size);
		if (!grown)
			return NULL;
		vector->elements = grown;
		vector->capacity = wanted;
	}
	return (uint8_t *)vector->elements + vector->count++ * vector->element_size;
}

void asn_vector_clear(struct asn_vector *vector)
{
	free(vector->elements);
	*vector = (struct asn_vector){ .element_size = vector->element_size };
}

static const void *element_at(const struct asn_pool *pool, size_t number)
{
	return (const uint8_t *)pool->elements.elements + number * pool->elements.element_size;
}

/* The key is fixed: the source is the operator's own. */
static size_t slot_of(const void *element, size_t size, size_t slot_count)
{
	const struct hash_key key = { 0, 0 };

	return (size_t)hash_words(key, element, size) & (slot_count - 1);
}

static int grow_slots(struct asn_pool *pool)
{
	const size_t slot_count = pool->slot_count ? pool->slot_count * 2 : 2 * FIRST_COUNT;
	uint32_t *slots;

	if (pool->elements.count < pool->slot_count / 2)
		return 0;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 1; i < pool->elements.count; i++) {
		size_t slot = slot_of(element_at(pool, i), pool->elements.element_size, slot_count);

		while (slots[slot])
			slot = (slot + 1) & (slot_count - 1);
		slots[slot] = (uint32_t)i;
	}
	free(pool->slots);
	pool->slots = slots;
	pool->slot_count = slot_count;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] == 0)
		size--;
	return size == 0;
}

int asn_pool_number(struct asn_pool *pool, const void *element, uint32_t *number)
{
	const size_t size = pool->elements.element_size;
	size_t slot;
	void *added;

	if (pool->elements.count == 0) {
		added = asn_vector_add(&pool->elements);
		if (!added)
			return -ENOMEM;
		memset(added, 0, size);
	}
	*number = 0;
	if (is_zero(element, size))
		return 0;
	if (grow_slots(pool) < 0)
		return -ENOMEM;
	for (slot = slot_of(element, size, pool->slot_count); pool->slots[slot];
	     slot = (slot + 1) & (pool->slot_count - 1)) {
		*number = pool->slots[slot];
		if (memcmp(element_at(pool, *number), element, size) == 0)
			return 0;
	}
	added = asn_vector_add(&pool->elements);
	if (!added)
		return -ENOMEM;
	memcpy(added, element, size);
	*number = (uint32_t)(pool->elements.count - 1);
	pool->slots[slot] = *number;
	return 0;
}

void asn_pool_clear(struct asn_pool *pool)
{
	asn_vector_clear(&pool->elements);
	free(pool->slots);
	pool->slots = NULL;
	pool->slot_count = 0;
}
