/* interface_mtus.c - a list of atomic words. */
#include "interface_mtus.h"

#include <string.h>

void interface_mtus_init(struct interface_mtus *mtus, uint32_t fallback)
{
	memset(mtus, 0, sizeof(*mtus));
	atomic_init(&mtus->fallback, fallback);
	atomic_init(&mtus->least, fallback);
	atomic_init(&mtus->count, 0);
	for (size_t i = 0; i < INTERFACE_MTUS_MAX; i++)
		atomic_init(&mtus->entries[i], 0);
}

void interface_mtus_set_fallback(struct interface_mtus *mtus, uint32_t fallback)
{
	atomic_store_explicit(&mtus->fallback, fallback, memory_order_relaxed);
}

void interface_mtus_set(struct interface_mtus *mtus, const struct interface_mtu *list, size_t count)
{
	uint32_t least = (uint32_t)atomic_load_explicit(&mtus->fallback, memory_order_relaxed);

	if (count > INTERFACE_MTUS_MAX)
		count = INTERFACE_MTUS_MAX;
	for (size_t i = 0; i < count; i++) {
		if (list[i].mtu < least)
			least = list[i].mtu;
		atomic_store_explicit(&mtus->entries[i],
				      (uint64_t)list[i].index << 32 | list[i].mtu,
				      memory_order_relaxed);
	}
	atomic_store_explicit(&mtus->least, least, memory_order_relaxed);
	atomic_store_explicit(&mtus->count, count, memory_order_release);
}

uint32_t interface_mtus_find(struct interface_mtus *mtus, uint32_t index)
{
	size_t count = atomic_load_explicit(&mtus->count, memory_order_acquire);

	for (size_t i = 0; index && i < count; i++) {
		uint64_t entry = atomic_load_explicit(&mtus->entries[i], memory_order_relaxed);

		if (entry >> 32 == index)
			return (uint32_t)entry;
	}
	return (uint32_t)atomic_load_explicit(&mtus->fallback, memory_order_relaxed);
}
