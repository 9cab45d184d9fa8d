/* nat_memory.h - where a nat_table has its connections: memory that may outlive the process.
 *
 * Place: nat_table.c, which alone writes to it; agent/pipeline, which has it kept.
 * Invariant: an entry in use is whole at each instruction, so that a process that is killed leaves
 * connections, and no halves of any. What links entries is made anew by whoever reads them. */
#ifndef NAT_MEMORY_H
#define NAT_MEMORY_H

#include "nat_connection.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define NAT_MEMORY_CHAINS 4
/* Connections at most: a reference has a chain's number, too. */
#define NAT_MEMORY_MAX (UINT32_MAX / (2 * NAT_MEMORY_CHAINS))

struct nat_entry {
	struct nat_connection connection;
	uint32_t next[NAT_MEMORY_CHAINS];   /* reference of the next in the chain, or none */
	uint32_t before[NAT_MEMORY_CHAINS]; /* likewise, of the one before */
	uint32_t previous, later; /* in the list of ended ones; 'later' also links free ones */
	int64_t ended_ms;
	uint8_t list; /* the last list that it was in */
	bool is_used, has_ended;
};

struct nat_memory {
	uint32_t touched; /* entries from this number on were never used */
	uint32_t reserved;
	struct nat_entry entries[];
};

/* What was written before this is there, if what is written after it is: a process that is killed
 * stops between two instructions. */
static inline void nat_memory_commit(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* Bytes for a table of so many connections. */
uint64_t nat_memory_size(uint32_t max_connections);
/* Visit the connections that a table has left, of which the process may be no more, in the order in
 * which another table is to remember them, as nat_table_visit() does. Returns 0 or -ENOMEM. */
int nat_memory_visit(const void *memory, size_t size,
		     void (*visit)(void *context, const struct nat_connection *connection,
				   int64_t ended_ms),
		     void *context);

#endif
