/* asn_mmdb.c - walks the tree of a MaxMind database. See asn_mmdb.h.
 *
 * The tree is binary, a bit of the address for each level. In a tree for IPv6, IPv4 lies below
 * ::/96, and other places (2002::/16, ::ffff:0:0/96 and the like) lead to the same nodes: those are
 * passed over. A damaged tree may have circles, so the nodes visited are counted. */
#include "asn_mmdb.h"

#include "asn_input.h"

#include <errno.h>
#include <inttypes.h>
#include <maxminddb.h>
#include <string.h>

#define MARK        "\xab\xcd\xefMaxMind.com"
#define MARK_BEFORE ((size_t)128 << 10) /* it stands in this many bytes at the end */
#define IPV4_DEPTH  96                  /* of ::/96 */

struct walk {
	const char *path;
	const MMDB_s *database;
	struct asn_builder *builder;
	struct asn_mmdb_result *result;
	struct error_text *error;
	unsigned int depth_max; /* 32 or 128 */
	uint64_t visits_left;
	bool has_as;          /* a network with an AS number was found */
	struct prefix prefix; /* address of the present node */
};

static int fail_damaged(const struct walk *walk, const char *what)
{
	error_text_set(walk->error, "%.200s: damaged: %s", walk->path, what);
	error_text_hint(walk->error, "fetch it again");
	return -EINVAL;
}

bool asn_mmdb_is_it(const char *path)
{
	uint8_t end[MARK_BEFORE];
	const size_t size = asn_input_peek(path, ASN_INPUT_END, end, sizeof(end));

	return memmem(end, size, MARK, sizeof(MARK) - 1) != NULL;
}

/* A number, or text like "AS174". Returns 1, 0 if there is none, or -EINVAL: the data are damaged.
 */
static int value_as(MMDB_entry_s *entry, const char *key, uint32_t *as_number)
{
	const char *const path[] = { key, NULL };
	MMDB_entry_data_s data;
	char text[16];
	const int status = MMDB_aget_value(entry, &data, path);

	if (status != MMDB_SUCCESS)
		return status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ? 0 : -EINVAL;
	if (data.has_data && data.type == MMDB_DATA_TYPE_UINT32) {
		*as_number = data.uint32;
		return 1;
	}
	if (!data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
	    data.data_size >= sizeof(text))
		return 0;
	memcpy(text, data.utf8_string, data.data_size);
	text[data.data_size] = '\0';
	return as_number_parse(text, as_number) == 0;
}

/* Network of a node 'depth' bits below the root: that of IPv4 if it lies there. */
static struct prefix network_of(const struct walk *walk, unsigned int depth)
{
	static const uint8_t zeros[IPV4_DEPTH / 8];
	struct prefix prefix = walk->prefix;

	prefix.length = (uint8_t)depth;
	if (prefix.ip_version == 6 && depth >= IPV4_DEPTH &&
	    memcmp(prefix.address, zeros, sizeof(zeros)) == 0) {
		prefix =
			(struct prefix){ .ip_version = 4, .length = (uint8_t)(depth - IPV4_DEPTH) };
		memcpy(prefix.address, walk->prefix.address + sizeof(zeros), 4);
	}
	return prefix;
}

static int add_network(struct walk *walk, MMDB_entry_s *entry, unsigned int depth)
{
	const struct prefix prefix = network_of(walk, depth);
	struct asn_entry added = { .prefix_length = prefix.length };
	int found = value_as(entry, "autonomous_system_number", &added.as_number);

	if (found == 0)
		found = value_as(entry, "asn", &added.as_number);
	if (found < 0)
		return fail_damaged(walk, "the data of a network cannot be read");
	if (added.as_number == 0) {
		if (walk->result->without_as++ == 0)
			walk->result->first_without = prefix;
		return 0;
	}
	walk->has_as = true;
	if (asn_builder_add(walk->builder, prefix.ip_version, prefix.address, &added) == 0)
		return 0;
	error_text_set(walk->error, "%.200s: out of memory", walk->path);
	return -ENOMEM;
}

/* Another way into IPv4. */
static bool is_alias(const struct walk *walk, uint64_t node, unsigned int depth)
{
	const MMDB_ipv4_start_node_s *ipv4 = &walk->database->ipv4_start_node;

	return walk->prefix.ip_version == 6 && ipv4->netmask == IPV4_DEPTH &&
	       node == ipv4->node_value &&
	       !(depth == IPV4_DEPTH && network_of(walk, depth).ip_version == 4);
}

static int walk_node(struct walk *walk, uint64_t number, unsigned int depth);

static int walk_record(struct walk *walk, uint8_t type, uint64_t value, MMDB_entry_s *entry,
		       unsigned int depth)
{
	switch (type) {
	case MMDB_RECORD_TYPE_EMPTY: return 0;
	case MMDB_RECORD_TYPE_DATA: return add_network(walk, entry, depth);
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		return is_alias(walk, value, depth) ? 0 : walk_node(walk, value, depth);
	default: return fail_damaged(walk, "a record of its tree leads nowhere");
	}
}

/* Calls itself once for each bit of an address at most. */
static int walk_node(struct walk *walk, uint64_t number, unsigned int depth)
{
	uint8_t *byte = &walk->prefix.address[depth / 8];
	const uint8_t bit = (uint8_t)(0x80 >> depth % 8);
	MMDB_search_node_s node;
	int result;

	if (depth >= walk->depth_max || walk->visits_left-- == 0)
		return fail_damaged(walk, "its tree is deeper than an address, or has circles");
	if (MMDB_read_node(walk->database, (uint32_t)number, &node) != MMDB_SUCCESS)
		return fail_damaged(walk, "a node of its tree cannot be read");
	result = walk_record(walk, node.left_record_type, node.left_record, &node.left_record_entry,
			     depth + 1);
	if (result < 0)
		return result;
	*byte |= bit;
	result = walk_record(walk, node.right_record_type, node.right_record,
			     &node.right_record_entry, depth + 1);
	*byte &= (uint8_t)~bit;
	return result;
}

/* The tree and the data of a damaged database may well lead somewhere, but not to AS numbers. */
static int fail_without_as(const struct walk *walk)
{
	char address[ADDRESS_TEXT_SIZE];
	const struct prefix *first = &walk->result->first_without;

	if (walk->result->without_as)
		error_text_set(walk->error,
			       "%.200s: damaged, or no ASN database: none of its %" PRIu64
			       " networks has an AS number, the first is %s/%u",
			       walk->path, walk->result->without_as,
			       address_format(first->ip_version, first->address, address),
			       (unsigned int)first->length);
	else
		error_text_set(walk->error, "%.200s: damaged: it has no networks", walk->path);
	error_text_hint(walk->error, "expected GeoLite2-ASN, or what IPinfo and DB-IP call ASN");
	return -EINVAL;
}

int asn_mmdb_read(const char *path, struct asn_builder *builder, struct asn_mmdb_result *result,
		  struct error_text *error)
{
	struct walk walk = { .path = path, .builder = builder, .result = result, .error = error };
	MMDB_s database;
	int status = MMDB_open(path, MMDB_MODE_MMAP, &database);

	*result = (struct asn_mmdb_result){ .without_as = 0 };
	if (status != MMDB_SUCCESS) {
		error_text_set(error, "%.200s: no database that can be read: %s", path,
			       MMDB_strerror(status));
		return -EINVAL;
	}
	walk.database = &database;
	walk.prefix.ip_version = database.metadata.ip_version == 4 ? 4 : 6;
	walk.depth_max = walk.prefix.ip_version == 4 ? 32 : 128;
	/* Each node has one place in a good tree, when aliases are left aside. */
	walk.visits_left = database.metadata.node_count;
	result->time_s = (int64_t)database.metadata.build_epoch;
	status = database.metadata.node_count ? walk_node(&walk, 0, 0) : 0;
	MMDB_close(&database);
	return status == 0 && !walk.has_as ? fail_without_as(&walk) : status;
}
