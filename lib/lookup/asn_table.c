/* asn_table.c - longest-prefix match over a sorted array whose elements know their parents.
 *
 * Built once by asn_file.c, read by the exporter for two addresses of each flow.
 *
 * Prefixes of a family are sorted by first address, shorter ones first, and each knows the index of
 * its parent: the longest other prefix that contains it. Two prefixes are disjoint or nested, so if
 * 'i' is the last prefix whose first address is not above the address looked for, every prefix that
 * contains the address is 'i' or one of its ancestors; the first of them that does is the longest.
 * Hence a binary search and then at most 32 (128) steps upwards, in practice one or two.
 *
 * 12 bytes per IPv4 prefix and 24 per IPv6 prefix, beside the entries. Those are shared: a full
 * table has a million prefixes but far fewer pairs of origin and mask. */
#include "asn_table.h"

#include "address.h"
#include "hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_PARENT UINT32_MAX

/* A prefix while the table is being filled. */
struct unsorted_prefix {
	uint8_t address[16];
	uint32_t order; /* of adding: the last of equal prefixes wins */
	uint32_t entry; /* index in asn_table.entries */
	uint8_t length;
};

struct asn_family {
	size_t address_size;              /* 4 or 16 */
	struct unsorted_prefix *unsorted; /* owned; NULL once frozen */
	size_t unsorted_count, unsorted_capacity;

	/* Frozen: parallel arrays, owned, sorted. */
	uint8_t *addresses; /* count * address_size bytes */
	uint32_t *parents;  /* index of a lower element, or NO_PARENT */
	uint32_t *entries;  /* index in asn_table.entries */
	size_t count;
};

struct asn_table {
	struct asn_family ipv4, ipv6;
	struct asn_entry
		*entries; /* owned, no two are equal; [0] is what is found without a match */
	size_t entry_count, entry_capacity;
	uint32_t
		*slots; /* owned; hash table of indexes in 'entries', 0 is free; NULL once frozen */
	size_t slot_count; /* power of two, at least twice entry_count */
	bool is_frozen, has_next_hops, has_peers;
};

struct asn_table *asn_table_create(void)
{
	struct asn_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->ipv4.address_size = 4;
	table->ipv6.address_size = 16;
	table->entry_count = 1;
	table->entry_capacity = 64;
	table->slot_count = 128;
	table->entries = calloc(table->entry_capacity, sizeof(*table->entries));
	table->slots = calloc(table->slot_count, sizeof(*table->slots));
	if (!table->entries || !table->slots) {
		asn_table_destroy(table);
		return NULL;
	}
	return table;
}

static void family_clear(struct asn_family *family)
{
	free(family->unsorted);
	free(family->addresses);
	free(family->parents);
	free(family->entries);
}

void asn_table_destroy(struct asn_table *table)
{
	if (!table)
		return;
	family_clear(&table->ipv4);
	family_clear(&table->ipv6);
	free(table->entries);
	free(table->slots);
	free(table);
}

/* The array, moved to twice the room when it is full; NULL if memory is short, then the old one
 * stays. */
static void *with_room(void *array, size_t count, size_t *capacity, size_t element_size)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown;

	if (count >= NO_PARENT) /* indexes have 32 bits */
		return NULL;
	if (count < *capacity)
		return array;
	grown = reallocarray(array, wanted, element_size);
	if (grown)
		*capacity = wanted;
	return grown;
}

/* The key is fixed: the file is the operator's own. */
static size_t entry_slot(const struct asn_entry *entry, size_t slot_count)
{
	const struct hash_key key = { 0, 0 };
	uint32_t words[8] = { entry->as_number, entry->peer_as_number, entry->prefix_length,
			      entry->has_next_hop };

	memcpy(words + 4, entry->next_hop, sizeof(entry->next_hop));
	return (size_t)hash_words(key, words, sizeof(words)) & (slot_count - 1);
}

static bool entry_equal(const struct asn_entry *one, const struct asn_entry *other)
{
	return one->as_number == other->as_number && one->peer_as_number == other->peer_as_number &&
	       one->prefix_length == other->prefix_length &&
	       one->has_next_hop == other->has_next_hop &&
	       memcmp(one->next_hop, other->next_hop, sizeof(one->next_hop)) == 0;
}

static int grow_slots(struct asn_table *table)
{
	size_t slot_count = table->slot_count * 2;
	uint32_t *slots;

	if (table->entry_count < table->slot_count / 2)
		return 0;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 1; i < table->entry_count; i++) {
		size_t slot = entry_slot(&table->entries[i], slot_count);

		while (slots[slot])
			slot = (slot + 1) & (slot_count - 1);
		slots[slot] = (uint32_t)i;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = slot_count;
	return 0;
}

/* Find the index of an equal entry, adding it if there is none. Returns 0 or -ENOMEM. */
static int share_entry(struct asn_table *table, const struct asn_entry *entry, uint32_t *index)
{
	int result = grow_slots(table);
	struct asn_entry *entries;
	size_t slot;

	if (result < 0)
		return result;
	slot = entry_slot(entry, table->slot_count);
	while (table->slots[slot]) {
		if (entry_equal(&table->entries[table->slots[slot]], entry)) {
			*index = table->slots[slot];
			return 0;
		}
		slot = (slot + 1) & (table->slot_count - 1);
	}
	entries = with_room(table->entries, table->entry_count, &table->entry_capacity,
			    sizeof(*table->entries));
	if (!entries)
		return -ENOMEM;
	table->entries = entries;
	*index = (uint32_t)table->entry_count++;
	table->entries[*index] = *entry;
	table->slots[slot] = *index;
	return 0;
}

static struct asn_family *family_of(struct asn_table *table, uint8_t ip_version)
{
	if (ip_version == 4)
		return &table->ipv4;
	return ip_version == 6 ? &table->ipv6 : NULL;
}

int asn_table_add(struct asn_table *table, uint8_t ip_version, const uint8_t *address,
		  const struct asn_entry *entry)
{
	struct asn_family *family = family_of(table, ip_version);
	struct unsorted_prefix prefix = { .length = entry->prefix_length };
	struct asn_entry copy = { .as_number = entry->as_number,
				  .peer_as_number = entry->peer_as_number,
				  .prefix_length = entry->prefix_length,
				  .has_next_hop = entry->has_next_hop };
	struct unsorted_prefix *unsorted;
	int result;

	if (!family || table->is_frozen || prefix.length > 8 * family->address_size)
		return -EINVAL;
	memcpy(prefix.address, address, family->address_size);
	if (address_clear_host_bits(prefix.address, family->address_size, prefix.length))
		return -EINVAL;
	if (entry->has_next_hop)
		memcpy(copy.next_hop, entry->next_hop, family->address_size);

	unsorted = with_room(family->unsorted, family->unsorted_count, &family->unsorted_capacity,
			     sizeof(*family->unsorted));
	if (!unsorted)
		return -ENOMEM;
	family->unsorted = unsorted;
	result = share_entry(table, &copy, &prefix.entry);
	if (result < 0)
		return result;
	prefix.order = (uint32_t)family->unsorted_count;
	family->unsorted[family->unsorted_count++] = prefix;
	return 0;
}

static int compare_prefixes(const void *one, const void *other)
{
	const struct unsorted_prefix *a = one;
	const struct unsorted_prefix *b = other;
	int order = memcmp(a->address, b->address, sizeof(a->address));

	if (order != 0)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool is_same_prefix(const struct unsorted_prefix *one, const struct unsorted_prefix *other)
{
	return one->length == other->length &&
	       memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

/* Keep the last of each run of equal prefixes. */
static size_t remove_duplicates(struct unsorted_prefix *prefixes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && is_same_prefix(&prefixes[i], &prefixes[i + 1]))
			continue;
		prefixes[kept++] = prefixes[i];
	}
	return kept;
}

/* Walk the sorted prefixes with the chain of those that contain the current one. Each link of the
 * chain is longer than the one before: it has at most one for each length, 0 to 128. */
static void link_parents(const struct unsorted_prefix *prefixes, size_t count, uint32_t *parents)
{
	uint32_t chain[129];
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		while (depth > 0) {
			const struct unsorted_prefix *outer = &prefixes[chain[depth - 1]];

			if (outer->length < prefixes[i].length &&
			    address_bits_equal(outer->address, prefixes[i].address, outer->length))
				break;
			depth--;
		}
		parents[i] = depth > 0 ? chain[depth - 1] : NO_PARENT;
		chain[depth++] = (uint32_t)i;
	}
}

static int family_freeze(struct asn_family *family)
{
	size_t count;

	if (family->unsorted_count == 0)
		return 0;
	qsort(family->unsorted, family->unsorted_count, sizeof(*family->unsorted),
	      compare_prefixes);
	count = remove_duplicates(family->unsorted, family->unsorted_count);

	family->addresses = reallocarray(NULL, count, family->address_size);
	family->parents = reallocarray(NULL, count, sizeof(*family->parents));
	family->entries = reallocarray(NULL, count, sizeof(*family->entries));
	if (!family->addresses || !family->parents || !family->entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		memcpy(family->addresses + i * family->address_size, family->unsorted[i].address,
		       family->address_size);
		family->entries[i] = family->unsorted[i].entry;
	}
	link_parents(family->unsorted, count, family->parents);
	family->count = count;
	free(family->unsorted);
	family->unsorted = NULL;
	return 0;
}

/* Look at the entries in use only: one that a later duplicate replaced does not count. */
static void note_fields(struct asn_table *table, const struct asn_family *family)
{
	for (size_t i = 0; i < family->count; i++) {
		const struct asn_entry *entry = &table->entries[family->entries[i]];

		table->has_next_hops |= entry->has_next_hop;
		table->has_peers |= entry->peer_as_number != 0;
	}
}

int asn_table_freeze(struct asn_table *table)
{
	struct asn_entry *trimmed;

	if (table->is_frozen)
		return 0;
	table->is_frozen = true;
	free(table->slots);
	table->slots = NULL;
	if (family_freeze(&table->ipv4) < 0 || family_freeze(&table->ipv6) < 0)
		return -ENOMEM;
	note_fields(table, &table->ipv4);
	note_fields(table, &table->ipv6);
	trimmed = reallocarray(table->entries, table->entry_count, sizeof(*table->entries));
	if (trimmed) {
		table->entries = trimmed;
		table->entry_capacity = table->entry_count;
	}
	return 0;
}

/* Count of the prefixes whose first address is not above 'address'. */
static size_t count_not_above(const struct asn_family *family, const uint8_t *address)
{
	size_t low = 0;
	size_t high = family->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const uint8_t *first = family->addresses + middle * family->address_size;

		if (memcmp(first, address, family->address_size) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct asn_entry *asn_table_find(const struct asn_table *table, uint8_t ip_version,
				       const uint8_t *address)
{
	const struct asn_family *family = ip_version == 4 ? &table->ipv4 : &table->ipv6;
	size_t position = count_not_above(family, address);
	uint32_t i = position > 0 ? (uint32_t)(position - 1) : NO_PARENT;

	while (i != NO_PARENT) {
		const struct asn_entry *entry = &table->entries[family->entries[i]];

		if (address_bits_equal(family->addresses + i * family->address_size, address,
				       entry->prefix_length))
			return entry;
		i = family->parents[i];
	}
	return &table->entries[0];
}

size_t asn_table_count(const struct asn_table *table, uint8_t ip_version)
{
	return ip_version == 4 ? table->ipv4.count : table->ipv6.count;
}

bool asn_table_has_next_hops(const struct asn_table *table)
{
	return table->has_next_hops;
}

bool asn_table_has_peers(const struct asn_table *table)
{
	return table->has_peers;
}

static size_t family_memory_bytes(const struct asn_family *family)
{
	return family->count *
	       (family->address_size + sizeof(*family->parents) + sizeof(*family->entries));
}

size_t asn_table_memory_bytes(const struct asn_table *table)
{
	return sizeof(*table) + table->entry_capacity * sizeof(*table->entries) +
	       family_memory_bytes(&table->ipv4) + family_memory_bytes(&table->ipv6);
}
