/* own_exports.h - between which addresses this agent exports, so that its own packets are not
 * accounted.
 *
 * Written by the export thread when a socket gets another end, read by workers for each batch,
 * without locks and without memory of its own growing: the list has fixed storage, and a worker
 * copies it when it has changed. A packet is ours if both its ends are: our address and port, and
 * the collector's. What others send to or from a collector is traffic like any other. Where source
 * NAT of this host has changed our end already, the netfilter mark of the socket stands for it. */
#ifndef OWN_EXPORTS_H
#define OWN_EXPORTS_H

#include "flow.h"

#include <stdbool.h>
#include <stddef.h>

/* Twice as many as there are collectors: an end that was given up is remembered for a while. */
#define OWN_EXPORTS_MAX 128
/* How long packets of a socket that was closed may still come: the kernel ends a TCP connection. */
#define OWN_EXPORTS_KEEP_MS 60000

struct export_remote;
struct own_exports; /* opaque: defined in own_exports.c */

/* The two ends of one socket, in 40 bytes without padding. */
struct own_export {
	uint8_t ip_version;
	uint8_t protocol;
	uint16_t remote_port;
	uint16_t local_port;
	uint8_t has_local; /* else only the mark shows it */
	uint8_t zero;
	uint8_t remote[16];
	uint8_t local[16];
};

/* A worker's copy. All zeros is an empty list. */
struct own_export_list {
	uint64_t version;
	uint64_t ports; /* bit (port % 64) of each remote port: most packets need no look at more */
	size_t count;
	struct own_export items[OWN_EXPORTS_MAX];
};

/* Returns NULL if memory is short. */
struct own_exports *own_exports_create(void);
void own_exports_destroy(struct own_exports *exports);

/* Export thread: the ends from now on; what was on the list before stays for OWN_EXPORTS_KEEP_MS.
 * 'now_ms' is monotonic. Costs a comparison if nothing has changed. Never allocates. */
void own_exports_set(struct own_exports *exports, const struct export_remote *remotes, size_t count,
		     int64_t now_ms);

/* Worker: bring the copy up to date. One load if nothing has changed. While the list is being
 * written the copy stays as it is, and the next call brings it. */
void own_exports_read(const struct own_exports *exports, struct own_export_list *list);

bool own_exports_find(const struct own_export_list *list, const struct flow_key *key,
		      uint32_t mark);

/* Whether a packet is between this agent and one of its collectors. 'mark' is its netfilter mark, 0
 * if the source does not say. */
static inline bool own_exports_match(const struct own_export_list *list, const struct flow_key *key,
				     uint32_t mark)
{
	const uint64_t ports =
		UINT64_C(1) << key->source_port % 64 | UINT64_C(1) << key->destination_port % 64;

	return __builtin_expect((list->ports & ports) != 0, 0) && own_exports_find(list, key, mark);
}

#endif
