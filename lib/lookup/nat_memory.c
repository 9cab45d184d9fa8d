/* nat_memory.c - the connections that a table has left. */
#include "nat_memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

uint64_t nat_memory_size(uint32_t max_connections)
{
	const uint64_t count = max_connections < NAT_MEMORY_MAX ? max_connections : NAT_MEMORY_MAX;

	return sizeof(struct nat_memory) + count * sizeof(struct nat_entry);
}

static int compare_ends(const void *one, const void *other)
{
	const int64_t a = (*(const struct nat_entry *const *)one)->ended_ms;
	const int64_t b = (*(const struct nat_entry *const *)other)->ended_ms;

	return (a > b) - (a < b);
}

int nat_memory_visit(const void *memory, size_t size,
		     void (*visit)(void *context, const struct nat_connection *connection,
				   int64_t ended_ms),
		     void *context)
{
	const struct nat_memory *left = memory;
	const size_t room = (size - sizeof(*left)) / sizeof(left->entries[0]);
	const size_t touched = left->touched < room ? left->touched : room;
	const struct nat_entry **ended = calloc(touched + 1, sizeof(const struct nat_entry *));
	size_t count = 0;

	if (!ended)
		return -ENOMEM;
	for (size_t i = 0; i < touched; i++)
		if (left->entries[i].is_used && left->entries[i].has_ended)
			ended[count++] = &left->entries[i];
	qsort(ended, count, sizeof(const struct nat_entry *), compare_ends);
	for (size_t i = 0; i < count; i++)
		visit(context, &ended[i]->connection, ended[i]->ended_ms);
	free(ended);
	for (size_t i = 0; i < touched; i++)
		if (left->entries[i].is_used && !left->entries[i].has_ended)
			visit(context, &left->entries[i].connection, INT64_MAX);
	return 0;
}
