/* asn_table.h - longest-prefix match from address to AS number, mask and next hop.
 *
 * Stage: enrichment of a flow_record in the exporter; built once from a file by asn_file.c, then
 * read only. */
#ifndef ASN_TABLE_H
#define ASN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct asn_table; /* opaque: defined in asn_table.c */

/* What a prefix says. All 0 when no prefix matches (RFC 3954: AS 0 is unknown). */
struct asn_entry {
	uint32_t as_number;      /* bgpSourceAsNumber, bgpDestinationAsNumber */
	uint32_t peer_as_number; /* 0 if the file gives none */
	uint8_t prefix_length;   /* 0 to 128 */
	bool has_next_hop;
	uint8_t next_hop[16]; /* 4 or 16 bytes, same family as the prefix */
};

struct asn_table *asn_table_create(void);
void asn_table_destroy(struct asn_table *table);

/* Add a prefix of entry->prefix_length bits; host bits of 'address' must be 0. ip_version is 4 or
 * 6; 'entry' is copied. A prefix added twice: the last one wins. Returns 0, -EINVAL (also after
 * asn_table_freeze()) or -ENOMEM. Amortized O(1). */
int asn_table_add(struct asn_table *table, uint8_t ip_version, const uint8_t *address,
		  const struct asn_entry *entry);

/* Build the search structure; before it nothing is found. A second call does nothing. Returns 0, or
 * -ENOMEM: then the table can only be destroyed. */
int asn_table_freeze(struct asn_table *table);

/* Longest matching prefix of 'address' (4 or 16 bytes). Returns a borrowed entry, never NULL: all 0
 * if none matches. O(log n), never allocates. */
const struct asn_entry *asn_table_find(const struct asn_table *table, uint8_t ip_version,
				       const uint8_t *address);

/* Prefixes of a family, duplicates counted once. 0 before asn_table_freeze(). */
size_t asn_table_count(const struct asn_table *table, uint8_t ip_version);

/* Whether any entry has a next hop, or a peer AS: decides which fields the template carries. */
bool asn_table_has_next_hops(const struct asn_table *table);
bool asn_table_has_peers(const struct asn_table *table);

/* Memory that the frozen table holds. */
size_t asn_table_memory_bytes(const struct asn_table *table);

#endif
