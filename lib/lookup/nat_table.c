/* nat_table.c - hash table of translated connections.
 *
 * Place: capture_conntrack -> here -> export thread.
 *
 * A packet of a connection has one of up to three pairs of endpoints, in either order: those before
 * the translation, those after it, and, where both source and destination are translated, those
 * between the two, as the hook forward sees them. Each connection is in the index under each of its
 * pairs, by a hash that does not depend on the order. The order in which a flow has them says which
 * direction it is of, and so what its packets become.
 *
 * Invariant: a connection is either free, or in the chains of all its pairs; one that has ended is
 * also in the list of those, the oldest first. */
#include "nat_table.h"

#include "ip_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

enum pair { PAIR_before, PAIR_after, PAIR_between, PAIR_COUNT };

struct entry {
	struct nat_connection connection;
	uint32_t next[PAIR_COUNT]; /* reference of the next in the chain, or NONE */
	uint32_t previous, later;  /* in the list of ended ones; 'later' also links free ones */
	int64_t ended_ms;
	uint8_t list; /* the last list that it was in */
	bool is_used, has_ended;
};

struct nat_table {
	struct hash_key key;
	struct entry *entries; /* owned */
	uint32_t *buckets;     /* owned; reference + 1 of the first, 0: none */
	uint32_t bucket_mask;
	uint32_t max, touched; /* entries from 'touched' on were never used */
	uint32_t free;         /* list, or NONE */
	uint32_t ended_first, ended_last;
	uint8_t list;
	struct nat_table_counts counts;
};

/* A pair in the order of the original direction. */
struct ends {
	const struct nat_endpoint *source, *destination;
};

static struct ends ends_of(const struct nat_connection *connection, enum pair pair)
{
	switch (pair) {
	case PAIR_before: return (struct ends){ &connection->source, &connection->destination };
	case PAIR_after:
		return (struct ends){ &connection->reply_destination, &connection->reply_source };
	default: return (struct ends){ &connection->source, &connection->reply_source };
	}
}

static bool is_equal(const struct nat_endpoint *one, const struct nat_endpoint *other)
{
	return one->port == other->port &&
	       memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

static bool is_same_pair(struct ends one, struct ends other)
{
	return is_equal(one.source, other.source) && is_equal(one.destination, other.destination);
}

/* How many pairs a connection has, which come first: 1 if nothing is translated. */
static int pair_count(const struct nat_connection *connection)
{
	const struct ends before = ends_of(connection, PAIR_before);
	const struct ends after = ends_of(connection, PAIR_after);
	const struct ends between = ends_of(connection, PAIR_between);

	if (is_same_pair(before, after))
		return 1;
	return is_same_pair(between, before) || is_same_pair(between, after) ? 2 : 3;
}

static uint32_t bucket_of(const struct nat_table *table, struct ends ends, uint8_t protocol,
			  uint8_t ip_version)
{
	struct {
		uint8_t addresses[2][16];
		uint16_t ports[2];
		uint8_t protocol, ip_version;
		uint8_t zero[2];
	} words;
	const bool is_turned = memcmp(ends.source, ends.destination, sizeof(*ends.source)) > 0;
	const struct nat_endpoint *first = is_turned ? ends.destination : ends.source;
	const struct nat_endpoint *second = is_turned ? ends.source : ends.destination;

	_Static_assert(sizeof(words) == 40 && sizeof(*first) == 18, "no hidden padding");
	/* cppcheck-suppress uninitvar ; filled here */
	memcpy(words.addresses[0], first->address, sizeof(first->address));
	memcpy(words.addresses[1], second->address, sizeof(second->address));
	words.ports[0] = first->port;
	words.ports[1] = second->port;
	words.protocol = protocol;
	words.ip_version = ip_version;
	memset(words.zero, 0, sizeof(words.zero));
	return (uint32_t)hash_words(table->key, &words, sizeof(words)) & table->bucket_mask;
}

static uint32_t bucket_of_entry(const struct nat_table *table, const struct entry *entry, int pair)
{
	return bucket_of(table, ends_of(&entry->connection, (enum pair)pair),
			 entry->connection.protocol, entry->connection.ip_version);
}

/* A reference is number * PAIR_COUNT + pair. */
static struct entry *entry_of(const struct nat_table *table, uint32_t reference)
{
	return &table->entries[reference / PAIR_COUNT];
}

static uint32_t number_of(const struct nat_table *table, const struct entry *entry)
{
	return (uint32_t)(entry - table->entries);
}

struct nat_table *nat_table_create(uint32_t max_connections, struct hash_key key)
{
	struct nat_table *table = calloc(1, sizeof(*table));
	uint32_t buckets = 1;

	if (!table)
		return NULL;
	if (max_connections > UINT32_MAX / (2 * PAIR_COUNT))
		max_connections = UINT32_MAX / (2 * PAIR_COUNT);
	while (buckets < max_connections && buckets < 1u << 30)
		buckets *= 2;
	*table = (struct nat_table){
		.key = key,
		.max = max_connections,
		.bucket_mask = 2 * buckets - 1,
		.free = NONE,
		.ended_first = NONE,
		.ended_last = NONE,
	};
	table->entries = calloc(max_connections, sizeof(*table->entries));
	table->buckets = calloc((size_t)2 * buckets, sizeof(*table->buckets));
	if (table->entries && table->buckets)
		return table;
	nat_table_destroy(table);
	errno = ENOMEM;
	return NULL;
}

void nat_table_destroy(struct nat_table *table)
{
	if (!table)
		return;
	free(table->entries);
	free(table->buckets);
	free(table);
}

/* ---- the list of those that have ended ---- */

static void list_append(struct nat_table *table, struct entry *entry)
{
	const uint32_t number = number_of(table, entry);

	entry->previous = table->ended_last;
	entry->later = NONE;
	if (entry->previous == NONE)
		table->ended_first = number;
	else
		table->entries[entry->previous].later = number;
	table->ended_last = number;
}

static void list_remove(struct nat_table *table, const struct entry *entry)
{
	if (entry->previous == NONE)
		table->ended_first = entry->later;
	else
		table->entries[entry->previous].later = entry->later;
	if (entry->later == NONE)
		table->ended_last = entry->previous;
	else
		table->entries[entry->later].previous = entry->previous;
}

static void end_entry(struct nat_table *table, struct entry *entry, int64_t now_ms)
{
	if (entry->has_ended)
		return;
	entry->has_ended = true;
	entry->ended_ms = now_ms;
	list_append(table, entry);
}

/* ---- chains ---- */

static void link_entry(struct nat_table *table, struct entry *entry)
{
	const int count = pair_count(&entry->connection);

	for (int pair = 0; pair < count; pair++) {
		uint32_t *first = &table->buckets[bucket_of_entry(table, entry, pair)];

		entry->next[pair] = *first ? *first - 1 : NONE;
		*first = number_of(table, entry) * PAIR_COUNT + (uint32_t)pair + 1;
	}
}

static void unlink_entry(struct nat_table *table, struct entry *entry)
{
	const int count = pair_count(&entry->connection);

	for (int pair = 0; pair < count; pair++) {
		const uint32_t own = number_of(table, entry) * PAIR_COUNT + (uint32_t)pair;
		uint32_t *first = &table->buckets[bucket_of_entry(table, entry, pair)];
		uint32_t reference = *first - 1;

		if (reference == own) {
			*first = entry->next[pair] == NONE ? 0 : entry->next[pair] + 1;
			continue;
		}
		for (uint32_t *next; reference != own; reference = *next) {
			next = &entry_of(table, reference)->next[reference % PAIR_COUNT];
			if (*next == own) {
				*next = entry->next[pair];
				break;
			}
		}
	}
}

static void free_entry(struct nat_table *table, struct entry *entry)
{
	unlink_entry(table, entry);
	if (entry->has_ended)
		list_remove(table, entry);
	entry->is_used = false;
	entry->later = table->free;
	table->free = number_of(table, entry);
	table->counts.connections--;
}

/* NULL: all are in use, and none has ended. */
static struct entry *take_free(struct nat_table *table)
{
	struct entry *entry;

	if (table->free == NONE && table->touched < table->max)
		return &table->entries[table->touched++];
	if (table->free == NONE && table->ended_first != NONE)
		free_entry(table, &table->entries[table->ended_first]);
	if (table->free == NONE)
		return NULL;
	entry = &table->entries[table->free];
	table->free = entry->later;
	return entry;
}

static struct entry *find_connection(const struct nat_table *table,
				     const struct nat_connection *connection)
{
	const struct ends before = ends_of(connection, PAIR_before);
	const uint32_t first = table->buckets[bucket_of(table, before, connection->protocol,
							connection->ip_version)];

	for (uint32_t reference = first - 1; reference != NONE;) {
		struct entry *entry = entry_of(table, reference);
		const uint32_t pair = reference % PAIR_COUNT;

		if (pair == PAIR_before && entry->connection.id == connection->id &&
		    entry->connection.protocol == connection->protocol &&
		    is_same_pair(ends_of(&entry->connection, PAIR_before), before))
			return entry;
		reference = entry->next[pair];
	}
	return NULL;
}

void nat_table_add(struct nat_table *table, const struct nat_connection *connection)
{
	struct entry *entry;

	if (pair_count(connection) == 1)
		return;
	entry = find_connection(table, connection);
	if (entry) {
		if (entry->has_ended)
			list_remove(table, entry);
		entry->has_ended = false;
		entry->list = table->list;
		return;
	}
	entry = take_free(table);
	if (!entry) {
		table->counts.refused++;
		return;
	}
	*entry = (struct entry){
		.connection = *connection,
		.list = table->list,
		.is_used = true,
	};
	link_entry(table, entry);
	table->counts.connections++;
}

void nat_table_end(struct nat_table *table, const struct nat_connection *connection, int64_t now_ms)
{
	struct entry *entry = find_connection(table, connection);

	if (entry)
		end_entry(table, entry, now_ms);
}

void nat_table_list_begin(struct nat_table *table)
{
	table->list++;
}

void nat_table_list_end(struct nat_table *table, int64_t now_ms)
{
	for (uint32_t i = 0; i < table->touched; i++)
		if (table->entries[i].is_used && table->entries[i].list != table->list)
			end_entry(table, &table->entries[i], now_ms);
}

void nat_table_remember(struct nat_table *table, const struct nat_connection *connection,
			int64_t ended_ms)
{
	const bool has_room = table->free != NONE || table->touched < table->max;

	if (!has_room || find_connection(table, connection))
		return;
	nat_table_add(table, connection);
	nat_table_end(table, connection, ended_ms);
}

void nat_table_visit(const struct nat_table *table,
		     void (*visit)(void *context, const struct nat_connection *connection,
				   int64_t ended_ms),
		     void *context)
{
	uint32_t number = table->ended_first;

	for (; number != NONE; number = table->entries[number].later)
		visit(context, &table->entries[number].connection, table->entries[number].ended_ms);
	for (number = 0; number < table->touched; number++)
		if (table->entries[number].is_used && !table->entries[number].has_ended)
			visit(context, &table->entries[number].connection, INT64_MAX);
}

void nat_table_forget(struct nat_table *table, int64_t before_ms)
{
	while (table->ended_first != NONE &&
	       table->entries[table->ended_first].ended_ms <= before_ms)
		free_entry(table, &table->entries[table->ended_first]);
}

/* ---- looking up ---- */

static struct nat_endpoint endpoint_of(const uint8_t *address, size_t size, uint16_t port)
{
	struct nat_endpoint endpoint = { .port = port };

	memcpy(endpoint.address, address, size);
	return endpoint;
}

static void translate(struct nat_translation *translation, const struct nat_endpoint *source,
		      const struct nat_endpoint *destination)
{
	memcpy(translation->source, source->address, sizeof(translation->source));
	memcpy(translation->destination, destination->address, sizeof(translation->destination));
	translation->source_port = source->port;
	translation->destination_port = destination->port;
}

/* Whether a flow is of a connection, which has it under 'pair'. */
static bool match(const struct nat_connection *connection, enum pair pair,
		  const struct flow_key *key, struct ends flow, bool is_icmp,
		  struct nat_translation *translation)
{
	const struct ends ends = ends_of(connection, pair);
	const struct ends turned = { ends.destination, ends.source };

	if (connection->protocol != key->protocol || connection->ip_version != key->ip_version)
		return false;
	if (is_same_pair(flow, ends) &&
	    (!is_icmp || key->destination_port == connection->type_code)) {
		translate(translation, &connection->reply_destination, &connection->reply_source);
		return true;
	}
	if (is_same_pair(flow, turned) &&
	    (!is_icmp || key->destination_port == connection->reply_type_code)) {
		translate(translation, &connection->destination, &connection->source);
		return true;
	}
	return false;
}

bool nat_table_find(const struct nat_table *table, const struct flow_key *key,
		    struct nat_translation *translation)
{
	const size_t size = flow_address_size(key);
	const bool is_icmp = key->protocol == PROTOCOL_ICMP || key->protocol == PROTOCOL_IPv6_ICMP;
	const struct nat_endpoint source =
		endpoint_of(flow_source_address(key), size, is_icmp ? 0 : key->source_port);
	const struct nat_endpoint destination = endpoint_of(flow_destination_address(key), size,
							    is_icmp ? 0 : key->destination_port);
	const struct ends flow = { &source, &destination };
	bool is_found = false;
	uint32_t reference;

	memset(translation, 0, sizeof(*translation));
	reference = table->buckets[bucket_of(table, flow, key->protocol, key->ip_version)] - 1;
	/* One that is there counts more than one that has ended. */
	while (reference != NONE) {
		const struct entry *entry = entry_of(table, reference);
		const uint32_t pair = reference % PAIR_COUNT;

		if ((!is_found || !entry->has_ended) &&
		    match(&entry->connection, (enum pair)pair, key, flow, is_icmp, translation)) {
			is_found = true;
			if (!entry->has_ended)
				break;
		}
		reference = entry->next[pair];
	}
	return is_found;
}

struct nat_table_counts nat_table_counts(const struct nat_table *table)
{
	return table->counts;
}
