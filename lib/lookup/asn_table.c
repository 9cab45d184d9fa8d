/* asn_table.c - look-ups in the image of an AS table.
 *
 * Place: export thread, two addresses of each flow; control thread, for `show asn`. asn_builder.c
 * made the image, asn_image.h describes it.
 *
 * Invariant: no index that comes out of the image is used unchecked, so that a table that somebody
 * prepared does not lead outside. The counts that are checked against are a copy of ours, made when
 * the table was opened. The image must not change while it is in use: nothing keeps the compiler
 * from reading an index a second time after its check. */
#include "asn_table.h"

#include "asn_image.h"
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

struct asn_table {
	const uint64_t *bits;
	const uint32_t *bases, *leaves, *list_leaves, *entries, *root;
	const struct asn_list *lists;
	const struct asn_route *routes;
	const uint8_t *next_hops; /* 16 bytes each */
	const uint16_t *list_slots, *peers;
	const struct asn_name *names;
	const char *name_bytes;
	struct asn_image_header header; /* a copy: what indexes are checked against */
	void (*release)(void *image, size_t size);
	void *image; /* owned if 'release' is set */
};

/* ---- opening ---- */

static int fail(struct error_text *error, const char *name, const char *what)
{
	error_text_set(error, "%.150s: %s", name, what);
	return -1;
}

static int check_kind(const char *name, const void *image, size_t size,
		      const struct asn_image_header *header, struct error_text *error)
{
	if (size < sizeof(*header) || memcmp(image, ASN_IMAGE_MAGIC, sizeof(header->magic)) != 0)
		return fail(error, name, size ? "no AS table" : "empty; expected an AS table");
	if (header->byte_order == ASN_IMAGE_SWAPPED)
		return fail(error, name,
			    "AS table of a machine with the other byte order; make it on this one");
	if (header->byte_order != ASN_IMAGE_BYTE_ORDER)
		return fail(error, name, "damaged AS table: unknown byte order");
	if (header->version == ASN_IMAGE_VERSION)
		return 0;
	error_text_set(error, "%.150s: AS table of version %u; this program reads version %u", name,
		       header->version, ASN_IMAGE_VERSION);
	return -1;
}

/* A bitmap has 2^bits bits, in whole words, of which the first is 'word'. */
static bool has_bitmap(const struct asn_image_header *header, uint32_t word, uint32_t bits)
{
	const uint32_t words = 1u << (bits - 6);

	return header->counts[ASN_bits] >= words && word <= header->counts[ASN_bits] - words;
}

/* What the look-ups take for granted. */
static bool is_sound(const struct asn_image_header *header)
{
	return (header->root_bits == 16 || header->root_bits == 24) &&
	       has_bitmap(header, header->root_words[0], header->root_bits) &&
	       (header->counts[ASN_root] == ASN_ROOT_SLOTS ||
		(header->counts[ASN_root] == 0 &&
		 has_bitmap(header, header->root_words[1], ASN_NODE_BITS))) &&
	       header->counts[ASN_bases] == header->counts[ASN_bits] &&
	       header->counts[ASN_list_slots] == header->counts[ASN_list_leaves] &&
	       header->counts[ASN_peers] == header->counts[ASN_entries] &&
	       header->counts[ASN_entries] && header->counts[ASN_routes] &&
	       header->counts[ASN_next_hops] &&
	       memchr(header->source, '\0', sizeof(header->source));
}

static int check_image(const char *name, const void *image, size_t size,
		       const struct asn_image_header *header,
		       uint64_t offsets[static ASN_SECTION_COUNT], struct error_text *error)
{
	int result = check_kind(name, image, size, header, error);

	if (result < 0)
		return result;
	if (header->size > size) {
		error_text_set(error, "%.150s: cut AS table: has %zu bytes, its header says %llu",
			       name, size, (unsigned long long)header->size);
		return -1;
	}
	if (header->size != size || asn_image_layout(header->counts, offsets) != size)
		return fail(error, name, "damaged AS table: its size is not that of its parts");
	if (header->checksum != asn_image_checksum(image, size))
		return fail(error, name, "damaged AS table: its checksum is wrong");
	if (!is_sound(header))
		return fail(error, name, "damaged AS table: parts that do not fit together");
	return 0;
}

struct asn_table *asn_table_open(const char *name, const void *image, size_t size,
				 void (*release)(void *image, size_t size),
				 struct error_text *error)
{
	const uint8_t *const bytes = image;
	uint64_t at[ASN_SECTION_COUNT];
	struct asn_image_header header = { .size = 0 };
	struct asn_table *table;

	if (size >= sizeof(header))
		memcpy(&header, image, sizeof(header));
	if (check_image(name, image, size, &header, at, error) < 0)
		return NULL;
	table = malloc(sizeof(*table));
	if (!table) {
		error_text_set(error, "%.150s: out of memory for the table", name);
		return NULL;
	}
	*table = (struct asn_table){
		.bits = (const void *)(bytes + at[ASN_bits]),
		.bases = (const void *)(bytes + at[ASN_bases]),
		.leaves = (const void *)(bytes + at[ASN_leaves]),
		.list_leaves = (const void *)(bytes + at[ASN_list_leaves]),
		.entries = (const void *)(bytes + at[ASN_entries]),
		.root = (const void *)(bytes + at[ASN_root]),
		.lists = (const void *)(bytes + at[ASN_lists]),
		.routes = (const void *)(bytes + at[ASN_routes]),
		.next_hops = bytes + at[ASN_next_hops],
		.list_slots = (const void *)(bytes + at[ASN_list_slots]),
		.peers = (const void *)(bytes + at[ASN_peers]),
		.names = (const void *)(bytes + at[ASN_names]),
		.name_bytes = (const void *)(bytes + at[ASN_name_bytes]),
		.header = header,
		.release = release,
		.image = (void *)(uintptr_t)image,
	};
	return table;
}

void asn_table_destroy(struct asn_table *table)
{
	if (!table)
		return;
	if (table->release)
		table->release(table->image, table->header.size);
	free(table);
}

/* ---- looking up ---- */

/* Bits set in a word, by shifts: a call of the compiler's library costs five times as much, and not
 * every machine has the instruction. */
static inline uint32_t count_bits(uint64_t word)
{
	word -= (word >> 1) & 0x5555555555555555u;
	word = (word & 0x3333333333333333u) + ((word >> 2) & 0x3333333333333333u);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (uint32_t)((word * 0x0101010101010101u) >> 56);
}

/* The leaf of a slot. 'word' + slot / 64 is inside: checked by the caller. */
static inline uint32_t find_in_bitmap(const struct asn_table *table, uint32_t word, uint32_t slot)
{
	const uint32_t at = word + (slot >> 6);
	const uint32_t leaf =
		table->bases[at] + count_bits(table->bits[at] << (63 - (slot & 63))) - 1;

	return leaf < table->header.counts[ASN_leaves] ? table->leaves[leaf] : 0;
}

static inline uint32_t find_in_list(const struct asn_table *table, uint32_t number, uint32_t slot)
{
	const uint32_t all = table->header.counts[ASN_list_leaves];
	const uint16_t *slots;
	struct asn_list list;

	if (number >= table->header.counts[ASN_lists])
		return 0;
	list = table->lists[number];
	if (list.first >= all || list.count > all - list.first)
		return 0;
	slots = table->list_slots + list.first;
	while (list.count > 1) {
		const uint32_t half = list.count / 2;

		slots += slots[half] <= slot ? half : 0;
		list.count -= half;
	}
	return table->list_leaves[slots - table->list_slots];
}

static inline uint32_t find_ipv4(const struct asn_table *table, const uint8_t *address)
{
	const uint32_t bits = load_be32(address);
	const uint32_t below = 32 - table->header.root_bits;
	uint32_t leaf = find_in_bitmap(table, table->header.root_words[0], bits >> below);

	if (leaf & ASN_LEAF_NODE)
		leaf = find_in_list(table, leaf & ASN_LEAF_NUMBER, bits & ((1u << below) - 1));
	return leaf;
}

static inline uint32_t find_ipv6(const struct asn_table *table, const uint8_t *address)
{
	const uint8_t *const end = address + 16;
	const uint32_t first = load_be16(address);
	uint32_t leaf = table->header.counts[ASN_root]
				? table->root[first]
				: find_in_bitmap(table, table->header.root_words[1], first);

	for (address += 2; leaf & ASN_LEAF_NODE && address < end; address += 2) {
		const uint32_t number = leaf & ASN_LEAF_NUMBER;

		if (!(leaf & ASN_LEAF_BITMAP))
			leaf = find_in_list(table, number, load_be16(address));
		else if (has_bitmap(&table->header, number, ASN_NODE_BITS))
			leaf = find_in_bitmap(table, number, load_be16(address));
		else
			return 0;
	}
	return leaf;
}

void asn_table_find(const struct asn_table *table, uint8_t ip_version, const uint8_t *address,
		    struct asn_entry *entry)
{
	const uint32_t leaf =
		ip_version == 4 ? find_ipv4(table, address) : find_ipv6(table, address);
	const struct asn_route *route;
	uint32_t number, next_hop;

	memset(entry, 0, sizeof(*entry));
	if (leaf == 0 || leaf >= table->header.counts[ASN_entries])
		return;
	number = table->entries[leaf];
	if (number >> 8 >= table->header.counts[ASN_routes])
		return;
	route = &table->routes[number >> 8];
	next_hop = route->next_hop;
	entry->as_number = route->as_number;
	entry->peer_as_number = route->peer_as_number;
	entry->prefix_length = (uint8_t)number;
	entry->peers = table->peers[leaf];
	if (next_hop == 0 || next_hop >= table->header.counts[ASN_next_hops])
		return;
	entry->has_next_hop = true;
	memcpy(entry->next_hop, table->next_hops + (size_t)next_hop * 16, sizeof(entry->next_hop));
}

bool asn_table_name(const struct asn_table *table, uint32_t as_number,
		    char name[static ASN_NAME_SIZE])
{
	const uint32_t size = table->header.counts[ASN_name_bytes];
	const struct asn_name *names = table->names;
	uint32_t count = table->header.counts[ASN_names];
	uint32_t text;

	name[0] = '\0';
	if (count == 0)
		return false;
	while (count > 1) {
		const uint32_t half = count / 2;

		names += names[half].as_number <= as_number ? half : 0;
		count -= half;
	}
	text = names->text;
	if (names->as_number != as_number || text >= size)
		return false;
	for (uint32_t i = 0; i < ASN_NAME_SIZE - 1 && i < size - text; i++) {
		name[i] = table->name_bytes[text + i];
		name[i + 1] = '\0';
		if (!name[i])
			break;
	}
	return true;
}

size_t asn_table_name_count(const struct asn_table *table)
{
	return table->header.counts[ASN_names];
}

/* ---- what it is ---- */

size_t asn_table_count(const struct asn_table *table, uint8_t ip_version)
{
	return table->header.prefix_counts[ip_version == 6];
}

bool asn_table_has_next_hops(const struct asn_table *table)
{
	return table->header.has_next_hops;
}

bool asn_table_has_peers(const struct asn_table *table)
{
	return table->header.has_peers;
}

int64_t asn_table_created_s(const struct asn_table *table)
{
	return table->header.created_s;
}

const char *asn_table_source(const struct asn_table *table)
{
	return table->header.source;
}

uint32_t asn_table_peer_count(const struct asn_table *table)
{
	return table->header.peer_count;
}

size_t asn_table_memory_bytes(const struct asn_table *table)
{
	return table->header.size;
}
