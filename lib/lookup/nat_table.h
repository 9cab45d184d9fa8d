/* nat_table.h - connections whose addresses or ports the kernel translates: from the key of a flow,
 * seen before, within or after the translation, to what its packets are once it is complete.
 *
 * Place: capture_conntrack -> here -> export thread, which looks each record up. One owner.
 * Bounded: memory is touched as connections come.
 *
 * A connection is remembered for a while after its end, because its flows expire later. What was
 * translated of an ICMP error, or of a packet that conntrack does not follow, is not known. */
#ifndef NAT_TABLE_H
#define NAT_TABLE_H

#include "flow.h"
#include "hash.h"
#include "nat_connection.h"

#include <stdbool.h>
#include <stddef.h>

/* Addresses and ports of a packet that has left the translation, as in the record of a flow: bytes
 * as on the wire, 4 of an IPv4 address, and ports in host order. All 0: not known. */
struct nat_translation {
	uint8_t source[16];
	uint8_t destination[16];
	uint16_t source_port; /* 0 where the protocol has none */
	uint16_t destination_port;
};

struct nat_table; /* opaque: defined in nat_table.c */

/* 'max_connections' is at least 1; 'key' is secret. The connections are in zeroed memory of
 * nat_memory_size() bytes, borrowed for life; NULL: in the table's own. Returns NULL with errno
 * set.
 */
struct nat_table *nat_table_create_in(uint32_t max_connections, struct hash_key key, void *memory);
static inline struct nat_table *nat_table_create(uint32_t max_connections, struct hash_key key)
{
	return nat_table_create_in(max_connections, key, NULL);
}
void nat_table_destroy(struct nat_table *table);

/* A connection has begun, or is there. One that is not translated is not taken. When the table is
 * full, the one that ended first makes room; where none has ended it is not taken, and counted. */
void nat_table_add(struct nat_table *table, const struct nat_connection *connection);
/* It has ended; what is not known is no error. 'now_ms' never decreases. */
void nat_table_end(struct nat_table *table, const struct nat_connection *connection,
		   int64_t now_ms);
/* Between these two all connections that are there were added: what is left has ended. The first
 * NAT_TABLE_AT_ONCE are looked at at once, others in each call of nat_table_forget(). */
#define NAT_TABLE_AT_ONCE 16384
void nat_table_list_begin(struct nat_table *table);
void nat_table_list_end(struct nat_table *table, int64_t now_ms);
/* One that another table has remembered; if this one has it, that holds. It ended at 'ended_ms':
 * those that did are given first, the oldest before the others. Not taken if the table is full. */
void nat_table_remember(struct nat_table *table, const struct nat_connection *connection,
			int64_t ended_ms);
/* Visit all, in the order in which another table is to remember them; 'ended_ms' of those that have
 * not ended is INT64_MAX. */
void nat_table_visit(const struct nat_table *table,
		     void (*visit)(void *context, const struct nat_connection *connection,
				   int64_t ended_ms),
		     void *context);
/* Forget those that ended at 'before_ms' or earlier, NAT_TABLE_AT_ONCE of them at most: call it
 * often. */
void nat_table_forget(struct nat_table *table, int64_t before_ms);

/* Look a flow up. Returns whether it is of a known connection; if not, 'translation' is all 0. O(1)
 * expected; the key of the table's hash is secret. */
bool nat_table_find(const struct nat_table *table, const struct flow_key *key,
		    struct nat_translation *translation);

struct nat_table_counts {
	uint32_t connections; /* remembered, those that have ended too */
	uint64_t refused; /* no room; each once, however often it is listed (some share a bit) */
};
struct nat_table_counts nat_table_counts(const struct nat_table *table);

#endif
