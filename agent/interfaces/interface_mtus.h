/* interface_mtus.h - the MTU of each network interface, to find packets that are longer.
 *
 * Place: interfaces.c -> here -> worker_decode.c.
 *
 * Written by one thread (the control thread before start, then the export thread, out of
 * interfaces.c), read by workers without locks. Each entry is one atomic word; a reader that meets
 * a list under change finds an entry of before or after it. Bounded: interfaces beyond
 * INTERFACE_MTUS_MAX have the fallback. Most have it anyway, without an entry. */
#ifndef INTERFACE_MTUS_H
#define INTERFACE_MTUS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define INTERFACE_MTUS_MAX 1024

struct interface_mtu {
	uint32_t index;
	uint32_t mtu;
};

struct interface_mtus {
	atomic_uint_fast32_t fallback; /* of interfaces that are not known: those of a file */
	atomic_uint_fast32_t least;    /* of all: nothing shorter needs a look */
	atomic_size_t count;
	_Atomic(uint64_t) entries[INTERFACE_MTUS_MAX]; /* index << 32 | mtu */
};

void interface_mtus_init(struct interface_mtus *mtus, uint32_t fallback);

/* Another one: interface_mtus_set() must follow. */
void interface_mtus_set_fallback(struct interface_mtus *mtus, uint32_t fallback);

/* The list from now on. */
void interface_mtus_set(struct interface_mtus *mtus, const struct interface_mtu *list,
			size_t count);

/* MTU of an interface; the fallback for 0 and for one that is not known. O(interfaces): only for
 * packets longer than interface_mtus_least(). */
uint32_t interface_mtus_find(struct interface_mtus *mtus, uint32_t index);

static inline uint64_t interface_mtus_least(struct interface_mtus *mtus)
{
	return atomic_load_explicit(&mtus->least, memory_order_relaxed);
}

#endif
