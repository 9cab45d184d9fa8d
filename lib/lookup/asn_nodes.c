/* asn_nodes.c - makes the nodes of an AS table.
 *
 * Place: below asn_builder.c, once for each family. First prefixes become runs: where in the order
 * of addresses the longest match changes, and to which entry. Then each node takes the runs that
 * begin in its part of the addresses: a slot in which the match changes again below becomes a node
 * of its own, all others are leaves.
 *
 * Invariant: a run is never followed by one of the same entry, and the first one is at address 0.
 */
#include "asn_nodes.h"

#include "address.h"
#include "asn_image.h"
#include "bytes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* From this many leaves on a node is a bitmap: 12 KiB, one step; as list it has 6 bytes a leaf, and
 * eleven steps. */
#define BITMAP_LEAVES 1024
#define NODE_SIZE     (ASN_NODE_BITS / 8)

struct run {
	uint8_t start[16];
	uint32_t entry;
};

/* The leaf of a node's slots from this one on. */
struct pair {
	uint32_t slot;
	uint32_t leaf;
};

/* A prefix that contains the current one. */
struct outer {
	uint8_t last[16]; /* its last address */
	uint32_t entry;
};

/* A family while its nodes are made. */
struct family {
	struct asn_nodes *nodes;
	size_t address_size;
	bool has_array; /* its root is one */
};

void asn_nodes_init(struct asn_nodes *nodes)
{
	*nodes = (struct asn_nodes){
		.bits.element_size = sizeof(uint64_t),
		.bases.element_size = sizeof(uint32_t),
		.leaves.element_size = sizeof(uint32_t),
		.lists.element_size = sizeof(struct asn_list),
		.list_leaves.element_size = sizeof(uint32_t),
		.list_slots.element_size = sizeof(uint16_t),
		.root.element_size = sizeof(uint32_t),
		.runs.element_size = sizeof(struct run),
		.pairs.element_size = sizeof(struct pair),
	};
}

void asn_nodes_clear(struct asn_nodes *nodes)
{
	asn_vector_clear(&nodes->bits);
	asn_vector_clear(&nodes->bases);
	asn_vector_clear(&nodes->leaves);
	asn_vector_clear(&nodes->lists);
	asn_vector_clear(&nodes->list_leaves);
	asn_vector_clear(&nodes->list_slots);
	asn_vector_clear(&nodes->root);
	asn_vector_clear(&nodes->runs);
	asn_vector_clear(&nodes->pairs);
}

static int add_u32(struct asn_vector *vector, uint32_t value)
{
	uint32_t *added = asn_vector_add(vector);

	if (!added)
		return -ENOMEM;
	*added = value;
	return 0;
}

/* ---- prefixes to runs ---- */

/* What begins at an address: it replaces another that begins there. */
static int begin_run(struct family *family, const uint8_t *start, uint32_t entry)
{
	struct asn_vector *runs = &family->nodes->runs;
	struct run *last = runs->elements;
	struct run *run;

	if (runs->count && memcmp(last[runs->count - 1].start, start, family->address_size) == 0)
		runs->count--;
	if (runs->count && last[runs->count - 1].entry == entry)
		return 0;
	run = asn_vector_add(runs);
	if (!run)
		return -ENOMEM;
	*run = (struct run){ .entry = entry };
	memcpy(run->start, start, family->address_size);
	return 0;
}

/* After the last address of a prefix the one around it continues. */
static int end_prefix(struct family *family, const uint8_t *last, uint32_t around)
{
	uint8_t next[16] = { 0 };
	size_t i = family->address_size;

	memcpy(next, last, family->address_size);
	while (i > 0 && ++next[i - 1] == 0)
		i--;
	return i > 0 ? begin_run(family, next, around) : 0; /* else no address follows */
}

static struct outer outer_of(const struct asn_prefix *prefix, size_t address_size)
{
	struct outer outer = { .entry = prefix->entry };

	memcpy(outer.last, prefix->address, address_size);
	for (size_t i = 0; i < address_size; i++) {
		const size_t first = 8 * i; /* bit */

		if (first >= prefix->length)
			outer.last[i] = 0xff;
		else if (first + 8 > prefix->length)
			outer.last[i] |= (uint8_t)(0xff >> (prefix->length - first));
	}
	return outer;
}

/* Walk the prefixes with the chain of those that contain the current one. Two prefixes are nested
 * or disjoint, so each link of the chain is longer than the one before: at most one for each
 * length. */
static int make_runs(struct family *family, const struct asn_prefix *prefixes, size_t count)
{
	static const uint8_t zero[16];
	struct outer chain[130] = { { .entry = 0 } }; /* [0] contains all */
	size_t depth = 0;
	int result;

	memset(chain[0].last, 0xff, sizeof(chain[0].last));
	family->nodes->runs.count = 0;
	result = begin_run(family, zero, 0);
	for (size_t i = 0; result == 0 && i < count; i++) {
		while (result == 0 &&
		       memcmp(chain[depth].last, prefixes[i].address, family->address_size) < 0) {
			result = end_prefix(family, chain[depth].last, chain[depth - 1].entry);
			depth--;
		}
		if (result == 0)
			result = begin_run(family, prefixes[i].address, prefixes[i].entry);
		chain[++depth] = outer_of(&prefixes[i], family->address_size);
	}
	for (; result == 0 && depth > 0; depth--)
		result = end_prefix(family, chain[depth].last, chain[depth - 1].entry);
	return result;
}

/* ---- runs to nodes ---- */

static uint32_t slot_of(const struct run *run, size_t begin, size_t size)
{
	uint32_t slot = 0;

	for (size_t i = begin; i < begin + size; i++)
		slot = slot << 8 | run->start[i];
	return slot;
}

/* Whether a run begins where a slot does: all that follows is 0. */
static bool begins_slot(const struct run *run, size_t end, size_t address_size)
{
	for (size_t i = end; i < address_size; i++)
		if (run->start[i])
			return false;
	return true;
}

/* As begin_run(), for slots of the node whose first pair is number 'first'. */
static int begin_slot(struct asn_vector *pairs, size_t first, uint32_t slot, uint32_t leaf)
{
	struct pair *all = pairs->elements;
	struct pair *pair;

	if (pairs->count > first && all[pairs->count - 1].slot == slot)
		pairs->count--;
	if (pairs->count > first && all[pairs->count - 1].leaf == leaf)
		return 0;
	pair = asn_vector_add(pairs);
	if (!pair)
		return -ENOMEM;
	*pair = (struct pair){ .slot = slot, .leaf = leaf };
	return 0;
}

static int write_list(struct asn_nodes *nodes, const struct pair *pairs, size_t count,
		      uint32_t *leaf)
{
	struct asn_list *list = asn_vector_add(&nodes->lists);

	if (!list)
		return -ENOMEM;
	*list = (struct asn_list){ (uint32_t)nodes->list_leaves.count, (uint32_t)count };
	*leaf = ASN_LEAF_NODE | (uint32_t)(nodes->lists.count - 1);
	for (size_t i = 0; i < count; i++) {
		uint16_t *slot = asn_vector_add(&nodes->list_slots);

		if (!slot || add_u32(&nodes->list_leaves, pairs[i].leaf) < 0)
			return -ENOMEM;
		*slot = (uint16_t)pairs[i].slot;
	}
	return 0;
}

static int write_bitmap(struct asn_nodes *nodes, const struct pair *pairs, size_t count,
			size_t slots, uint32_t *leaf)
{
	size_t written = 0;

	*leaf = ASN_LEAF_NODE | ASN_LEAF_BITMAP | (uint32_t)nodes->bits.count;
	for (size_t first = 0; first < slots; first += 64) {
		uint64_t *bits = asn_vector_add(&nodes->bits);

		if (!bits || add_u32(&nodes->bases, (uint32_t)nodes->leaves.count) < 0)
			return -ENOMEM;
		*bits = 0;
		for (; written < count && pairs[written].slot < first + 64; written++) {
			*bits |= (uint64_t)1 << (pairs[written].slot - first);
			if (add_u32(&nodes->leaves, pairs[written].leaf) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* A leaf for each slot: one step without counting bits, for what every look-up of IPv6 passes. */
static int write_array(struct asn_nodes *nodes, const struct pair *pairs, size_t count,
		       size_t slots)
{
	size_t next = 0;

	for (size_t slot = 0; slot < slots; slot++) {
		while (next < count && pairs[next].slot <= slot)
			next++;
		if (add_u32(&nodes->root, pairs[next - 1].leaf) <
		    0) /* the first one is of slot 0 */
			return -ENOMEM;
	}
	return 0;
}

/* Runs 'first' up to 'end' begin in the part of the addresses that this node has: those that agree
 * in their first 'begin' bytes. 'entry' is what holds there before the first of them. The root is a
 * bitmap or an array. '*leaf' becomes what refers to the node. At most 8 deep: the address ends. */
static int make_node(struct family *family, size_t first, size_t end, size_t begin, size_t size,
		     uint32_t entry, uint32_t *leaf)
{
	struct asn_nodes *nodes = family->nodes;
	const struct run *runs = nodes->runs.elements;
	const size_t first_pair = nodes->pairs.count;
	const uint32_t slots = 1u << (8 * size);
	const struct pair *pairs;
	size_t count;
	int result = begin_slot(&nodes->pairs, first_pair, 0, entry);

	for (size_t next; result == 0 && first < end; first = next) {
		const uint32_t slot = slot_of(&runs[first], begin, size);
		uint32_t below = runs[first].entry;

		next = first + 1;
		while (next < end && slot_of(&runs[next], begin, size) == slot)
			next++;
		if (next - first > 1 ||
		    !begins_slot(&runs[first], begin + size, family->address_size)) {
			const size_t left = family->address_size - begin - size;

			result = make_node(family, first, next, begin + size,
					   left < NODE_SIZE ? left : NODE_SIZE, entry, &below);
		}
		if (result == 0)
			result = begin_slot(&nodes->pairs, first_pair, slot, below);
		entry = runs[next - 1].entry;
		if (result == 0 && below & ASN_LEAF_NODE && slot + 1 < slots)
			result = begin_slot(&nodes->pairs, first_pair, slot + 1, entry);
	}
	if (result < 0)
		return result;
	count = nodes->pairs.count - first_pair;
	pairs = (const struct pair *)nodes->pairs.elements + first_pair;
	if (begin == 0 && family->has_array)
		result = write_array(nodes, pairs, count, slots);
	else if (begin == 0 ||
		 (size == NODE_SIZE && count >= BITMAP_LEAVES && family->address_size == 16))
		result = write_bitmap(nodes, pairs, count, slots, leaf);
	else
		result = write_list(nodes, pairs, count, leaf);
	nodes->pairs.count = first_pair;
	return result;
}

int asn_nodes_add(struct asn_nodes *nodes, const struct asn_prefix *prefixes, size_t count,
		  size_t address_size, size_t root_size, uint32_t *root_word)
{
	struct family family = { nodes, address_size,
				 address_size == 16 && count >= ASN_LARGE_PREFIXES };
	uint32_t root = 0; /* the array has its own section */
	int result = make_runs(&family, prefixes, count);

	if (result == 0)
		result = make_node(&family, 0, nodes->runs.count, 0, root_size, 0, &root);
	*root_word = root & ASN_LEAF_NUMBER;
	return result;
}
