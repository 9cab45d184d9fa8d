/* asn_table.h - longest-prefix match from address to AS number, mask and next hop.
 *
 * Place: enrichment of a flow_record before the exporter. The table is an image of bytes that
 * asn_builder.h makes, in memory or in a file that all agents of a host map; it is read only.
 * asn_image.h has the format. */
#ifndef ASN_TABLE_H
#define ASN_TABLE_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct asn_table; /* opaque: defined in asn_table.c */

/* What a prefix says. All 0 when no prefix matches (RFC 3954: AS 0 is unknown). */
struct asn_entry {
	uint32_t as_number;      /* bgpSourceAsNumber, bgpDestinationAsNumber */
	uint32_t peer_as_number; /* 0 if the source gives none */
	uint8_t prefix_length;   /* 0 to 128 */
	bool has_next_hop;
	uint16_t peers;       /* of the source that have the prefix; 0: not known */
	uint8_t next_hop[16]; /* 4 or 16 bytes, same family as the prefix */
};

/* Check an image and make it a table: 'image' lies at a multiple of 8. Refused are what is no
 * table, another version or byte order, and one that is cut or damaged; 'name' is the file's, for
 * the error. 'release' is called with the image by asn_table_destroy(); NULL: it stays the
 * caller's. Returns NULL with 'error' filled: then the image stays the caller's. Cost: one pass
 * over the image for its checksum. */
struct asn_table *asn_table_open(const char *name, const void *image, size_t size,
				 void (*release)(void *image, size_t size),
				 struct error_text *error);
void asn_table_destroy(struct asn_table *table);

/* Longest matching prefix of 'address' (4 or 16 bytes): fills 'entry', all 0 if none matches. Never
 * reads outside of the image, whatever that contains. The image must not change or become shorter
 * while it is in use. O(1) for IPv4, at most 8 steps for IPv6; never allocates. */
void asn_table_find(const struct asn_table *table, uint8_t ip_version, const uint8_t *address,
		    struct asn_entry *entry);

/* Copy the name of an AS number. Returns whether the table has one; otherwise 'name' is "".
 * O(log n). Names come from outside: they may hold any byte but NUL. */
#define ASN_NAME_SIZE 128
bool asn_table_name(const struct asn_table *table, uint32_t as_number,
		    char name[static ASN_NAME_SIZE]);
/* How many it has. */
size_t asn_table_name_count(const struct asn_table *table);

/* Prefixes of a family, duplicates counted once. */
size_t asn_table_count(const struct asn_table *table, uint8_t ip_version);

/* Whether any entry has a next hop, or a peer AS: decides which fields the template carries. */
bool asn_table_has_next_hops(const struct asn_table *table);
bool asn_table_has_peers(const struct asn_table *table);

/* Unix time at which the table was made, what it was made of ("" if that is not known), and how
 * many peers that source has (0: not known). */
int64_t asn_table_created_s(const struct asn_table *table);
const char *asn_table_source(const struct asn_table *table);
uint32_t asn_table_peer_count(const struct asn_table *table);

/* Size of the image. */
size_t asn_table_memory_bytes(const struct asn_table *table);

#endif
