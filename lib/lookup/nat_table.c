/* nat_table.c - hash table of translated connections.
 *
 * Place: capture_conntrack -> here -> export thread.
 *
 * A packet of a connection has one of up to three pairs of endpoints, in either order: those before
 * the translation, those after it, and, where both source and destination are translated, those
 * between the two, as the hook forward sees them. Each connection is in the index under each of its
 * pairs, by a hash that does not depend on the order. The order in which a flow has them says which
 * direction it is of, and so what its packets become. Pings between two hosts differ by an id that
 * no flow has: the index has each connection once more under what the kernel tells it by.
 *
 * Nothing here takes long: chains are linked both ways, the newest first, and what concerns all
 * connections at once is done a part at a time.
 *
 * Invariant: a connection is either free, or in the chains of all its pairs and of its identity;
 * one that has ended is also in the list of those, the oldest first. */
#include "nat_table.h"

#include "ip_protocol.h"
#include "nat_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
/* Of pings between the same hosts many may have ended before one that has not. */
#define LOOKS_FOR_LIVE 16
/* For each bucket: those that are refused and counted are few, or the table is far too small. */
#define REFUSED_BITS 8

enum pair { PAIR_before, PAIR_after, PAIR_between, PAIR_COUNT };
/* Each pair has a chain, and what the kernel tells a connection by. */
enum { CHAIN_identity = PAIR_COUNT, CHAIN_COUNT = NAT_MEMORY_CHAINS };

/* RFC 792, 950, 4443, 4620: answers that conntrack follows. */
enum icmp_answer {
	ICMP_echo_reply = 0,
	ICMP_echo = 8,
	ICMP_timestamp = 13,
	ICMP_timestamp_reply,
	ICMP_information,
	ICMP_information_reply,
	ICMP_mask,
	ICMP_mask_reply,
	ICMPv6_echo = 128,
	ICMPv6_echo_reply,
	ICMPv6_node_information = 139,
	ICMPv6_node_information_reply,
};

struct nat_table {
	struct hash_key key;
	struct nat_memory *memory; /* owned, or borrowed for life */
	struct nat_memory *own;    /* the same, if it is owned */
	struct nat_entry *entries; /* in it */
	uint32_t *buckets;         /* owned; reference + 1 of the first, 0: none */
	uint8_t *refused[2]; /* owned; a bit for each that is counted: since this list, before */
	uint32_t bucket_mask;
	uint32_t max;
	uint32_t free; /* list, or NONE */
	uint32_t ended_first, ended_last;
	uint32_t sweep_next, sweep_left; /* entries that the last whole list is held against */
	int64_t swept_ms;                /* when it ended */
	uint8_t list, list_swept;
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

static bool is_icmp(uint8_t protocol)
{
	return protocol == PROTOCOL_ICMP || protocol == PROTOCOL_IPv6_ICMP;
}

/* Type and code of the question that an answer is to; those of anything else are its own. */
static uint16_t question_of(uint16_t type_code)
{
	const uint16_t code = type_code & 0xff;

	switch (type_code >> 8) {
	case ICMP_echo_reply: return (uint16_t)(ICMP_echo << 8 | code);
	case ICMP_timestamp_reply:
	case ICMP_information_reply:
	case ICMP_mask_reply:
	case ICMPv6_echo_reply:
	case ICMPv6_node_information_reply: return (uint16_t)(type_code - (1 << 8));
	default: return type_code;
	}
}

/* What is hashed. */
struct words {
	uint8_t addresses[2][16];
	uint16_t ports[2];
	uint8_t protocol, ip_version;
	uint16_t question; /* ICMP, ICMPv6: type and code */
	uint32_t id;       /* of an identity; else 0 */
	uint32_t chain;    /* CHAIN_identity, or 0 */
};

/* Those of a pair, the same for both directions. Of ICMP who asks comes first: 'type_code' says who
 * that is. */
static struct words words_of(struct ends ends, uint8_t protocol, uint8_t ip_version,
			     uint16_t type_code)
{
	const uint16_t question = is_icmp(protocol) ? question_of(type_code) : 0;
	const bool is_turned =
		is_icmp(protocol) ? question != type_code
				  : memcmp(ends.source, ends.destination, sizeof(*ends.source)) > 0;
	const struct nat_endpoint *first = is_turned ? ends.destination : ends.source;
	const struct nat_endpoint *second = is_turned ? ends.source : ends.destination;
	struct words words = {
		.ports = { first->port, second->port },
		.protocol = protocol,
		.ip_version = ip_version,
		.question = question,
	};

	_Static_assert(sizeof(words) == 48 && sizeof(*first) == 18, "no hidden padding");
	memcpy(words.addresses[0], first->address, sizeof(first->address));
	memcpy(words.addresses[1], second->address, sizeof(second->address));
	return words;
}

static uint64_t hash_of(const struct nat_table *table, const struct words *words)
{
	return hash_words(table->key, words, sizeof(*words));
}

static uint64_t identity_of(const struct nat_table *table, const struct nat_connection *connection)
{
	struct words words = words_of(ends_of(connection, PAIR_before), connection->protocol,
				      connection->ip_version, connection->type_code);

	words.id = connection->id;
	words.chain = CHAIN_identity;
	return hash_of(table, &words);
}

static uint32_t *bucket_of(const struct nat_table *table, const struct nat_entry *entry,
			   unsigned chain)
{
	const struct nat_connection *connection = &entry->connection;
	uint64_t hash;

	if (chain == CHAIN_identity) {
		hash = identity_of(table, connection);
	} else {
		const struct words words =
			words_of(ends_of(connection, (enum pair)chain), connection->protocol,
				 connection->ip_version, connection->type_code);

		hash = hash_of(table, &words);
	}
	return &table->buckets[(uint32_t)hash & table->bucket_mask];
}

/* A reference is number * CHAIN_COUNT + chain. */
static struct nat_entry *entry_of(const struct nat_table *table, uint32_t reference)
{
	return &table->entries[reference / CHAIN_COUNT];
}

static uint32_t number_of(const struct nat_table *table, const struct nat_entry *entry)
{
	return (uint32_t)(entry - table->entries);
}

static size_t refused_size(const struct nat_table *table)
{
	return ((size_t)table->bucket_mask + 1) * REFUSED_BITS / 8;
}

struct nat_table *nat_table_create_in(uint32_t max_connections, struct hash_key key, void *memory)
{
	struct nat_table *table = calloc(1, sizeof(*table));
	uint32_t buckets = 1;

	if (!table)
		return NULL;
	if (max_connections > NAT_MEMORY_MAX)
		max_connections = NAT_MEMORY_MAX;
	while (buckets < max_connections && buckets < 1u << 30)
		buckets *= 2;
	*table = (struct nat_table){
		.key = key,
		.memory = memory,
		.max = max_connections,
		.bucket_mask = 2 * buckets - 1,
		.free = NONE,
		.ended_first = NONE,
		.ended_last = NONE,
	};
	if (!memory) /* one more has room for what is before them */
		table->memory = table->own =
			calloc((size_t)max_connections + 1, sizeof(*table->entries));
	table->buckets = calloc((size_t)2 * buckets, sizeof(*table->buckets));
	for (size_t i = 0; i < 2; i++)
		table->refused[i] = calloc(refused_size(table), 1);
	if (table->memory && table->buckets && table->refused[0] && table->refused[1]) {
		table->entries = table->memory->entries;
		return table;
	}
	nat_table_destroy(table);
	errno = ENOMEM;
	return NULL;
}

void nat_table_destroy(struct nat_table *table)
{
	if (!table)
		return;
	free(table->own);
	free(table->buckets);
	free(table->refused[0]);
	free(table->refused[1]);
	free(table);
}

/* ---- the list of those that have ended ---- */

static void list_append(struct nat_table *table, struct nat_entry *entry)
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

static void list_remove(struct nat_table *table, const struct nat_entry *entry)
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

static void end_entry(struct nat_table *table, struct nat_entry *entry, int64_t now_ms)
{
	if (entry->has_ended)
		return;
	entry->ended_ms = now_ms;
	nat_memory_commit();
	entry->has_ended = true;
	list_append(table, entry);
}

/* ---- chains ---- */

static void link_chain(struct nat_table *table, struct nat_entry *entry, unsigned chain)
{
	uint32_t *first = bucket_of(table, entry, chain);
	const uint32_t own = number_of(table, entry) * CHAIN_COUNT + chain;
	const uint32_t next = *first ? *first - 1 : NONE;

	entry->next[chain] = next;
	entry->before[chain] = NONE;
	if (next != NONE)
		entry_of(table, next)->before[next % CHAIN_COUNT] = own;
	*first = own + 1;
}

static void unlink_chain(struct nat_table *table, const struct nat_entry *entry, unsigned chain)
{
	const uint32_t next = entry->next[chain];
	const uint32_t before = entry->before[chain];

	if (before != NONE)
		entry_of(table, before)->next[before % CHAIN_COUNT] = next;
	else
		*bucket_of(table, entry, chain) = next == NONE ? 0 : next + 1;
	if (next != NONE)
		entry_of(table, next)->before[next % CHAIN_COUNT] = before;
}

static void link_entry(struct nat_table *table, struct nat_entry *entry)
{
	const unsigned count = (unsigned)pair_count(&entry->connection);

	for (unsigned pair = 0; pair < count; pair++)
		link_chain(table, entry, pair);
	link_chain(table, entry, CHAIN_identity);
}

static void unlink_entry(struct nat_table *table, const struct nat_entry *entry)
{
	const unsigned count = (unsigned)pair_count(&entry->connection);

	for (unsigned pair = 0; pair < count; pair++)
		unlink_chain(table, entry, pair);
	unlink_chain(table, entry, CHAIN_identity);
}

static void free_entry(struct nat_table *table, struct nat_entry *entry)
{
	unlink_entry(table, entry);
	if (entry->has_ended)
		list_remove(table, entry);
	entry->is_used = false;
	nat_memory_commit();
	entry->later = table->free;
	table->free = number_of(table, entry);
	table->counts.connections--;
}

/* NULL: all are in use, and none has ended. */
static struct nat_entry *take_free(struct nat_table *table)
{
	struct nat_entry *entry;

	if (table->free == NONE && table->memory->touched < table->max)
		return &table->entries[table->memory->touched++];
	if (table->free == NONE && table->ended_first != NONE)
		free_entry(table, &table->entries[table->ended_first]);
	if (table->free == NONE)
		return NULL;
	entry = &table->entries[table->free];
	table->free = entry->later;
	return entry;
}

static struct nat_entry *find_connection(const struct nat_table *table,
					 const struct nat_connection *connection, uint64_t identity)
{
	const struct ends before = ends_of(connection, PAIR_before);
	uint32_t reference = table->buckets[(uint32_t)identity & table->bucket_mask] - 1;

	while (reference != NONE) {
		struct nat_entry *entry = entry_of(table, reference);
		const uint32_t chain = reference % CHAIN_COUNT;

		if (chain == CHAIN_identity && entry->connection.id == connection->id &&
		    entry->connection.protocol == connection->protocol &&
		    is_same_pair(ends_of(&entry->connection, PAIR_before), before))
			return entry;
		reference = entry->next[chain];
	}
	return NULL;
}

/* Each list has it again. */
static void count_refused(struct nat_table *table, uint64_t identity)
{
	const size_t bit = (identity >> 32) % (refused_size(table) * 8);
	const uint8_t mask = (uint8_t)(1u << bit % 8);

	if (!((table->refused[0][bit / 8] | table->refused[1][bit / 8]) & mask))
		table->counts.refused++;
	table->refused[0][bit / 8] |= mask;
}

void nat_table_add(struct nat_table *table, const struct nat_connection *connection)
{
	struct nat_entry *entry;
	uint64_t identity;

	if (pair_count(connection) == 1)
		return;
	identity = identity_of(table, connection);
	entry = find_connection(table, connection, identity);
	if (entry) {
		if (entry->has_ended) {
			list_remove(table, entry);
			unlink_entry(table, entry);
			link_entry(table, entry);
		}
		entry->has_ended = false;
		entry->list = table->list;
		return;
	}
	entry = take_free(table);
	if (!entry) {
		count_refused(table, identity);
		return;
	}
	*entry = (struct nat_entry){
		.connection = *connection,
		.list = table->list,
	};
	nat_memory_commit();
	entry->is_used = true;
	link_entry(table, entry);
	table->counts.connections++;
}

void nat_table_end(struct nat_table *table, const struct nat_connection *connection, int64_t now_ms)
{
	struct nat_entry *entry =
		find_connection(table, connection, identity_of(table, connection));

	if (entry)
		end_entry(table, entry, now_ms);
}

void nat_table_list_begin(struct nat_table *table)
{
	uint8_t *before = table->refused[1];

	table->list++;
	table->refused[1] = table->refused[0];
	table->refused[0] = before;
	memset(before, 0, refused_size(table));
}

/* Hold some entries against the list that ended last: what is in no list since has ended. */
static void sweep(struct nat_table *table)
{
	const uint8_t newest = (uint8_t)(table->list - table->list_swept);

	for (int i = 0; i < NAT_TABLE_AT_ONCE && table->sweep_left; i++, table->sweep_left--) {
		struct nat_entry *entry;

		if (table->sweep_next >= table->memory->touched)
			table->sweep_next = 0;
		entry = &table->entries[table->sweep_next++];
		if (entry->is_used && (uint8_t)(table->list - entry->list) > newest)
			end_entry(table, entry, table->swept_ms);
	}
}

void nat_table_list_end(struct nat_table *table, int64_t now_ms)
{
	table->list_swept = table->list;
	table->sweep_left = table->memory->touched;
	table->swept_ms = now_ms;
	sweep(table);
}

void nat_table_remember(struct nat_table *table, const struct nat_connection *connection,
			int64_t ended_ms)
{
	const bool has_room = table->free != NONE || table->memory->touched < table->max;

	if (!has_room || find_connection(table, connection, identity_of(table, connection)))
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
	for (number = 0; number < table->memory->touched; number++)
		if (table->entries[number].is_used && !table->entries[number].has_ended)
			visit(context, &table->entries[number].connection, INT64_MAX);
}

void nat_table_forget(struct nat_table *table, int64_t before_ms)
{
	sweep(table);
	for (int i = 0; i < NAT_TABLE_AT_ONCE && table->ended_first != NONE &&
			table->entries[table->ended_first].ended_ms <= before_ms;
	     i++)
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
		  const struct flow_key *key, struct ends flow, struct nat_translation *translation)
{
	const bool has_type = is_icmp(key->protocol);
	const struct ends ends = ends_of(connection, pair);
	const struct ends turned = { ends.destination, ends.source };

	if (connection->protocol != key->protocol || connection->ip_version != key->ip_version)
		return false;
	if (is_same_pair(flow, ends) &&
	    (!has_type || key->destination_port == connection->type_code)) {
		translate(translation, &connection->reply_destination, &connection->reply_source);
		return true;
	}
	if (is_same_pair(flow, turned) &&
	    (!has_type || key->destination_port == connection->reply_type_code)) {
		translate(translation, &connection->destination, &connection->source);
		return true;
	}
	return false;
}

/* Returns whether the flow is of a connection. */
static bool find_translation(const struct nat_table *table, const struct flow_key *key,
			     struct nat_translation *translation)
{
	const size_t size = flow_address_size(key);
	const bool has_ports = !is_icmp(key->protocol);
	const struct nat_endpoint source =
		endpoint_of(flow_source_address(key), size, has_ports ? key->source_port : 0);
	const struct nat_endpoint destination = endpoint_of(flow_destination_address(key), size,
							    has_ports ? key->destination_port : 0);
	const struct ends flow = { &source, &destination };
	const struct words words =
		words_of(flow, key->protocol, key->ip_version, key->destination_port);
	int looks_left = LOOKS_FOR_LIVE;
	bool is_found = false;
	uint32_t reference;

	reference = table->buckets[(uint32_t)hash_of(table, &words) & table->bucket_mask] - 1;
	/* One that is there counts more than one that has ended. */
	while (reference != NONE && looks_left) {
		const struct nat_entry *entry = entry_of(table, reference);
		const uint32_t chain = reference % CHAIN_COUNT;

		if (chain != CHAIN_identity && (!is_found || !entry->has_ended) &&
		    match(&entry->connection, (enum pair)chain, key, flow, translation)) {
			is_found = true;
			if (!entry->has_ended)
				break;
		}
		looks_left -= is_found;
		reference = entry->next[chain];
	}
	return is_found;
}

/* Nearly all hosts translate nothing: they pay for no hash. */
bool nat_table_find(const struct nat_table *table, const struct flow_key *key,
		    struct nat_translation *translation)
{
	memset(translation, 0, sizeof(*translation));
	return table->counts.connections && find_translation(table, key, translation);
}

struct nat_table_counts nat_table_counts(const struct nat_table *table)
{
	return table->counts;
}
