/* fragment_table.h - remembers ports of first fragments, so that later fragments count in the same
 * flow.
 *
 * Place: between decode and flow cache; one owner, no clock of its own. A later fragment goes under
 * the protocol and ports of its first fragment (same addresses, fragment_protocol and
 * identification) if that came before it, at most its lifetime ago, and is still remembered;
 * otherwise it stays as decoded (ports 0). Bounded: when full, the oldest entry of the source that
 * has most entries is replaced and counted, so that nobody who sends first fragments without end
 * takes away those of others. Memory (116 bytes for each datagram) is touched as it is used.
 *
 * Of two first fragments of the same name the newest one names what follows: identifications are
 * used again after they have wrapped. What was accounted before stays where it is. So whoever
 * forges or overlaps fragments can choose where his own bytes go, and within that time those of
 * later fragments of that one identification; no byte already accounted ever moves, and none is
 * counted twice or dropped. */
#ifndef FRAGMENT_TABLE_H
#define FRAGMENT_TABLE_H

#include "decode.h"

#define FRAGMENT_LIFETIME_MS 30000 /* unless somebody chooses another */

struct fragment_table; /* opaque: defined in fragment_table.c */

struct fragment_statistics {
	uint64_t first;     /* first fragments remembered */
	uint64_t matched;   /* later fragments put under their first one's ports */
	uint64_t unmatched; /* later fragments whose first one is not known: port 0 */
	uint64_t replaced;  /* entries given up early because the table was full */
};

/* Create a table for 'capacity' datagrams (rounded up to a power of two) that are remembered for
 * 'lifetime_ms', keyed with 'hash_key'. Returns NULL with errno set if memory is short. Owned by
 * the caller: fragment_table_destroy(). */
struct fragment_table *fragment_table_create(uint32_t capacity, uint32_t lifetime_ms,
					     const uint8_t hash_key[static 16]);
void fragment_table_destroy(struct fragment_table *table);

/* Remember a first fragment, or give a later one its protocol and ports. Call only when
 * info->fragment is not FRAGMENT_none. Uses info->clock_ms. O(1), never allocates. */
void fragment_table_resolve(struct fragment_table *table, struct packet_info *info);

const struct fragment_statistics *fragment_table_statistics(const struct fragment_table *table);

#endif
