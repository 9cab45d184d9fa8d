/* fragment_table.c - ports of first fragments, for the later ones.
 *
 * Place: between decode and flow cache; owned by one worker. A hash table with chained entries from
 * one array; links are indexes into it. All entries in use also hang in a list by age, so that the
 * one that has expired is found at once, and in the list of their source (fragment_sources.h),
 * which says what goes first when the table is full. Invariant: an entry in use is in one chain
 * and in both lists; the list by age is sorted by first_ms, because the clock never steps back and
 * new entries go to its end.
 *
 * The hash is keyed, so that nobody outside can make a long chain. Memory is touched as entries are
 * used: an expired one is used again before a fresh one is taken, and links are numbers + 1, so
 * that zeroed memory is an empty table. */
#include "fragment_table.h"

#include "fragment_sources.h"
#include "hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NO_ENTRY        UINT32_MAX
#define CAPACITY_MAX    (1u << 24)
#define BUCKETS_PER_ONE 2 /* buckets for each entry: chains stay short when full */

/* What names a datagram: RFC 791 section 3.2, RFC 8200 section 4.5. */
struct datagram_key {
	uint8_t addresses[32]; /* as in flow_key; unused bytes are 0 */
	uint32_t fragment_id;
	uint8_t fragment_protocol;
	uint8_t ip_version;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct datagram_key) == 40, "datagram_key has no hidden padding");

struct entry {
	struct datagram_key key;
	cache_ms first_ms; /* when its first fragment came */
	uint32_t bucket;
	uint32_t next;  /* in the chain: its number + 1, 0 at the end */
	uint32_t older; /* in the list by age */
	uint32_t newer;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t protocol;
};

struct fragment_table {
	struct hash_key hash_key;
	uint32_t lifetime_ms;
	struct entry *entries; /* owned */
	uint32_t *buckets;     /* owned: number + 1 of the first entry of each chain, 0: none */
	uint32_t capacity;     /* entries; a power of two */
	uint32_t used;         /* entries taken so far; they are never given back */
	uint32_t bucket_mask;
	uint32_t oldest;
	uint32_t newest;
	struct fragment_sources sources;
	struct fragment_statistics statistics;
};

struct fragment_table *fragment_table_create(uint32_t capacity, uint32_t lifetime_ms,
					     const uint8_t hash_key[static 16])
{
	struct fragment_table *table = calloc(1, sizeof(*table));
	uint32_t rounded = 1;
	size_t bucket_count;

	if (!table)
		return NULL;
	while (rounded < capacity && rounded < CAPACITY_MAX)
		rounded *= 2;
	bucket_count = (size_t)rounded * BUCKETS_PER_ONE;
	table->lifetime_ms = lifetime_ms;
	table->entries = calloc(rounded, sizeof(*table->entries));
	table->buckets = calloc(bucket_count, sizeof(*table->buckets));
	if (fragment_sources_init(&table->sources, rounded) || !table->entries || !table->buckets) {
		fragment_table_destroy(table);
		errno = ENOMEM;
		return NULL;
	}
	table->hash_key = hash_key_of(hash_key);
	table->capacity = rounded;
	table->bucket_mask = (uint32_t)(bucket_count - 1);
	table->oldest = NO_ENTRY;
	table->newest = NO_ENTRY;
	return table;
}

void fragment_table_destroy(struct fragment_table *table)
{
	if (!table)
		return;
	free(table->entries);
	free(table->buckets);
	fragment_sources_clear(&table->sources);
	free(table);
}

static struct datagram_key key_of(const struct packet_info *info)
{
	struct datagram_key key = {
		.fragment_id = info->fragment_id,
		.fragment_protocol = info->fragment_protocol,
		.ip_version = info->key.ip_version,
	};

	memcpy(key.addresses, info->key.addresses, 2 * flow_address_size(&info->key));
	return key;
}

static uint32_t find(const struct fragment_table *table, uint32_t bucket,
		     const struct datagram_key *key)
{
	uint32_t next = table->buckets[bucket];

	while (next && memcmp(&table->entries[next - 1].key, key, sizeof(*key)) != 0)
		next = table->entries[next - 1].next;
	return next ? next - 1 : NO_ENTRY;
}

static bool is_expired(const struct fragment_table *table, uint32_t i, cache_ms now)
{
	return now - table->entries[i].first_ms > table->lifetime_ms;
}

/* Whose entry it is: an IPv4 address, or an IPv6 /64, which one host can have as a whole. */
static uint32_t source_hash(const struct fragment_table *table, const struct datagram_key *key)
{
	uint8_t source[8] = { 0 };

	memcpy(source, key->addresses, key->ip_version == 4 ? 4 : sizeof(source));
	return (uint32_t)hash_words(table->hash_key, source, sizeof(source));
}

/* Take an entry out of its chain and out of the lists. */
static void unlink_entry(struct fragment_table *table, uint32_t i)
{
	struct entry *entry = &table->entries[i];
	uint32_t *link = &table->buckets[entry->bucket];

	while (*link != i + 1)
		link = &table->entries[*link - 1].next;
	*link = entry->next;
	fragment_sources_remove(&table->sources, i);

	if (entry->older == NO_ENTRY)
		table->oldest = entry->newer;
	else
		table->entries[entry->older].newer = entry->newer;
	if (entry->newer == NO_ENTRY)
		table->newest = entry->older;
	else
		table->entries[entry->newer].older = entry->older;
}

/* Put an entry into the chain of its bucket and, as the newest, into the lists. */
static void link_entry(struct fragment_table *table, uint32_t i)
{
	struct entry *entry = &table->entries[i];

	entry->next = table->buckets[entry->bucket];
	table->buckets[entry->bucket] = i + 1;
	fragment_sources_add(&table->sources, i, source_hash(table, &entry->key));

	entry->older = table->newest;
	entry->newer = NO_ENTRY;
	if (entry->older == NO_ENTRY)
		table->oldest = i;
	else
		table->entries[entry->older].newer = i;
	table->newest = i;
}

/* Returns an entry that is in no chain: the oldest if it has expired, else a fresh one, else the
 * oldest of the source that has most. */
static uint32_t take_entry(struct fragment_table *table, cache_ms now)
{
	uint32_t taken = table->oldest;

	if (taken == NO_ENTRY || !is_expired(table, taken, now)) {
		if (table->used < table->capacity)
			return table->used++;
		taken = fragment_sources_victim(&table->sources);
		table->statistics.replaced++;
	}
	unlink_entry(table, taken);
	return taken;
}

/* The newest first fragment wins: a sender uses an identification again after it has wrapped. */
static void remember(struct fragment_table *table, const struct datagram_key *key, uint32_t bucket,
		     const struct packet_info *info)
{
	uint32_t i = find(table, bucket, key);
	struct entry *entry;

	if (i == NO_ENTRY)
		i = take_entry(table, info->clock_ms);
	else
		unlink_entry(table, i);
	entry = &table->entries[i];
	entry->key = *key;
	entry->first_ms = info->clock_ms;
	entry->bucket = bucket;
	entry->source_port = info->key.source_port;
	entry->destination_port = info->key.destination_port;
	entry->protocol = info->key.protocol;
	link_entry(table, i);
	table->statistics.first++;
}

static void give_ports(struct fragment_table *table, const struct datagram_key *key,
		       uint32_t bucket, struct packet_info *info)
{
	uint32_t i = find(table, bucket, key);
	const struct entry *entry;

	if (i == NO_ENTRY || is_expired(table, i, info->clock_ms)) {
		table->statistics.unmatched++;
		return;
	}
	entry = &table->entries[i];
	info->key.source_port = entry->source_port;
	info->key.destination_port = entry->destination_port;
	info->key.protocol = entry->protocol;
	table->statistics.matched++;
}

void fragment_table_resolve(struct fragment_table *table, struct packet_info *info)
{
	struct datagram_key key = key_of(info);
	uint32_t bucket =
		(uint32_t)hash_words(table->hash_key, &key, sizeof(key)) & table->bucket_mask;

	if (info->fragment == FRAGMENT_first)
		remember(table, &key, bucket, info);
	else
		give_ports(table, &key, bucket, info);
}

const struct fragment_statistics *fragment_table_statistics(const struct fragment_table *table)
{
	return &table->statistics;
}
