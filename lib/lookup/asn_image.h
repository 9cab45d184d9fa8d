/* asn_image.h - the bytes of an AS table, as asn_builder.c writes and asn_table.c reads them.
 * Internal to both.
 *
 * Place: asn_builder.c writes it, asn_table.c looks addresses up in it.
 *
 * The image has no pointers and no offsets: sections follow the header in the order of enum
 * asn_section, each at the next multiple of 8, and their counts alone say where they are. So it can
 * lie in a file and be mapped anywhere. Numbers have the byte order of the machine that wrote it.
 *
 * A look-up goes down from the root of a family by nodes. A node divides the addresses below it
 * into slots, by 16 bits of the address (the root of IPv4: 24 if the table is large), and slots
 * that say the same in a row are one run with one leaf. There are three kinds of nodes.
 *
 * The root of IPv6 has a leaf for each slot, if the table is large.
 *
 * A bitmap has one bit for each slot, set where a run begins; 64 bits are a word. The leaf of a
 * slot is number ASN_bases[word] + (bits set in the word up to the slot) - 1.
 *
 * A list has the first slot of each run, ascending from 0; a slot is found by binary search.
 *
 * A leaf is the number of an entry, or a node with the next bits of the address. An entry is a
 * route (origin, peer AS, next hop) with a prefix length, and beside it the number of peers. Number
 * 0 of entries, routes and next hops is "none". */
#ifndef ASN_IMAGE_H
#define ASN_IMAGE_H

#include "hash.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ASN_IMAGE_MAGIC      "flowasn" /* with its NUL 8 bytes */
#define ASN_IMAGE_BYTE_ORDER 0x01020304u
#define ASN_IMAGE_SWAPPED    0x04030201u
#define ASN_IMAGE_VERSION    1
#define ASN_SOURCE_SIZE      64

#define ASN_LEAF_NODE   0x80000000u /* a node follows: its number is in the bits below */
#define ASN_LEAF_BITMAP 0x40000000u /* of bitmaps: the number of its first word; else of lists */
#define ASN_LEAF_NUMBER 0x3fffffffu
#define ASN_ROUTE_MAX   0xffffffu /* an entry has 24 bits for it */

/* From this many prefixes of a family on its root is large: 24 bits of IPv4, an array of IPv6. */
#define ASN_LARGE_PREFIXES 16384
#define ASN_NODE_BITS      16
#define ASN_ROOT_SLOTS     (1u << ASN_NODE_BITS) /* of IPv6 */

enum asn_section {
	ASN_bits,        /* uint64_t: slots of bitmaps */
	ASN_lists,       /* struct asn_list */
	ASN_root,        /* uint32_t: leaves of the root of IPv6; none: it is a bitmap */
	ASN_bases,       /* uint32_t for each of ASN_bits: its first leaf */
	ASN_leaves,      /* uint32_t: of bitmaps */
	ASN_list_leaves, /* uint32_t: of lists */
	ASN_entries,     /* uint32_t: route << 8 | prefix length */
	ASN_routes,      /* struct asn_route */
	ASN_next_hops,   /* 16 bytes each */
	ASN_list_slots,  /* uint16_t for each of ASN_list_leaves: the first slot of its run */
	ASN_peers,       /* uint16_t for each of ASN_entries: how many peers have it */
	ASN_names,       /* struct asn_name: ascending by AS number, each once */
	ASN_name_bytes,  /* texts of names, each with its NUL */
	ASN_SECTION_COUNT,
};

struct asn_name {
	uint32_t as_number;
	uint32_t text; /* its first byte in ASN_name_bytes */
};

struct asn_list {
	uint32_t first; /* in ASN_list_leaves and ASN_list_slots */
	uint32_t count; /* 1 to 65536 */
};

struct asn_route {
	uint32_t as_number;
	uint32_t peer_as_number;
	uint32_t next_hop; /* number in ASN_next_hops */
	uint32_t zero;
};

struct asn_image_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint64_t checksum; /* asn_image_checksum() */
	uint64_t size;     /* of the whole image */
	int64_t created_s; /* Unix time */
	uint32_t prefix_counts[2];
	uint32_t root_words[2]; /* first words of the roots of IPv4 and IPv6, if they are bitmaps */
	uint32_t root_bits;     /* of IPv4: 16 or 24 */
	uint32_t peer_count;    /* that the source has in all; 0: not known */
	uint32_t has_next_hops, has_peers;
	uint32_t zero;
	uint32_t counts[ASN_SECTION_COUNT];
	char source[ASN_SOURCE_SIZE]; /* what it was made of; ends in NUL */
};
static_assert(sizeof(struct asn_image_header) == 192, "the header has no holes");
static_assert(sizeof(struct asn_list) == 8 && sizeof(struct asn_route) == 16, "no holes");

/* Where the sections lie, from their counts. Returns the size of the whole image. */
static inline uint64_t asn_image_layout(const uint32_t counts[static ASN_SECTION_COUNT],
					uint64_t offsets[static ASN_SECTION_COUNT])
{
	static const uint8_t element_sizes[ASN_SECTION_COUNT] = {
		[ASN_bits] = 8,       [ASN_lists] = sizeof(struct asn_list),
		[ASN_root] = 4,       [ASN_bases] = 4,
		[ASN_leaves] = 4,     [ASN_list_leaves] = 4,
		[ASN_entries] = 4,    [ASN_routes] = sizeof(struct asn_route),
		[ASN_next_hops] = 16, [ASN_list_slots] = 2,
		[ASN_peers] = 2,      [ASN_names] = sizeof(struct asn_name),
		[ASN_name_bytes] = 1,
	};
	uint64_t end = sizeof(struct asn_image_header);

	for (int i = 0; i < ASN_SECTION_COUNT; i++) {
		offsets[i] = end;
		end += ((uint64_t)counts[i] * element_sizes[i] + 7) & ~(uint64_t)7;
	}
	return end;
}

/* Of everything after the checksum itself: SipHash-1-3 with a fixed key. It finds damage of any
 * kind but for one case in 2^64, needs no table, and takes 8 bytes at a time. It is no
 * proof against somebody who wants a wrong table to pass: look-ups are bounded for that. 'size' is
 * a multiple of 8. */
static inline uint64_t asn_image_checksum(const void *image, size_t size)
{
	const struct hash_key key = { 0x666c6f776173676eu, 0x7461626c65763031u };
	const size_t begin = offsetof(struct asn_image_header, checksum) + sizeof(uint64_t);

	return hash_words(key, (const uint8_t *)image + begin, size - begin);
}

#endif
