/* kept_memory.h - memory that outlives this process, if the service manager keeps its descriptor.
 *
 * Place: descriptor_store.h -> here -> pipeline. For a process that is killed: the next one finds
 * all as it was at that instruction. What it holds has the layout of one build and one
 * configuration, which a text says; a state (handover_state.h) is for those that end in order. */
#ifndef KEPT_MEMORY_H
#define KEPT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_memory {
	uint8_t *bytes; /* owned; NULL: none. At the begin of a page */
	size_t size;
	int descriptor;  /* owned; -1: none */
	uint32_t number; /* of its owner: what it is known by */
};

/* New memory of zeros. Returns 0, or a negative errno: then it is none. */
int kept_memory_create(struct kept_memory *memory, const char *layout, uint64_t size);
/* Memory that another process has created, with the same layout and size; with 'size' 0, of any
 * size. The descriptor is taken. Returns 0, -EINVAL if it is of another layout, or another negative
 * errno. */
int kept_memory_open(struct kept_memory *memory, int descriptor, const char *layout, uint64_t size);
/* Also of one that is none. What is in it stays, as long as any descriptor is open. */
void kept_memory_clear(struct kept_memory *memory);

#endif
