/* asn_mrt.c - cuts an MRT dump into records, and records into routes.
 *
 * Place: flowagent-asn only, between asn_input.c and asn_routes.c. Nothing is copied but peers.
 *
 * Invariant: a record is used up to its last byte, or the dump is refused. What is wrong inside the
 * attributes of one route costs that route only, and is counted: real dumps have such routes. */
#include "asn_mrt.h"

#include "asn_pool.h"
#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6396 section 4 */
enum mrt_type {
	MRT_TABLE_DUMP = 12,
	MRT_TABLE_DUMP_V2 = 13,
	MRT_BGP4MP = 16,
	MRT_BGP4MP_ET = 17,
};

/* Section 4.3, and RFC 8050 section 4 */
enum table_dump_v2 {
	V2_PEER_INDEX_TABLE = 1,
	V2_RIB_IPV4_UNICAST = 2,
	V2_RIB_IPV6_UNICAST = 4,
	V2_RIB_IPV4_UNICAST_ADDPATH = 8,
	V2_RIB_IPV6_UNICAST_ADDPATH = 10,
};

#define BGP4MP_ENTRY 2
#define AFI_IPV4     1
#define AFI_IPV6     2
#define SAFI_UNICAST 1

#define PEER_IPV6 0x01 /* of a peer's type: section 4.3.1 */
#define PEER_AS4  0x02

/* One route in this many may be damaged. */
#define ROUTES_PER_DAMAGED 100
#define PEER_COUNT_MAX     65536u

/* Who a peer is, whatever its place in a peer table. No holes: all bytes count. */
struct peer {
	uint8_t address[16];
	uint8_t other_address[16]; /* of the collector, BGP4MP_ENTRY only */
	uint32_t as_number;
	uint32_t ip_version;
};

struct asn_mrt {
	const char *name;          /* borrowed */
	struct asn_routes *routes; /* borrowed */
	struct asn_pool peers;     /* of struct peer */
	uint32_t *listed;          /* owned; the present peer table: numbers in 'peers' */
	uint32_t listed_count;
	uint32_t time_s;
	uint64_t offset;  /* of the present record */
	uint64_t records; /* read */
	bool has_tables;  /* a record with routes was among them */
	struct error_text *error;
};

/* One record, without its header. */
struct record {
	uint16_t type, subtype;
	struct reader body;
};

static const char *const too_short = "a record is shorter than what it holds";

static int fail(struct asn_mrt *mrt, const char *what)
{
	error_text_set(mrt->error, "%.200s: byte %llu: %s", mrt->name,
		       (unsigned long long)mrt->offset, what);
	error_text_hint(mrt->error, "the dump is damaged or cut: fetch it again");
	return -EINVAL;
}

static int fail_memory(struct asn_mrt *mrt)
{
	error_text_set(mrt->error, "%.200s: byte %llu: out of memory", mrt->name,
		       (unsigned long long)mrt->offset);
	return -ENOMEM;
}

/* ---- peers ---- */

static int number_peer(struct asn_mrt *mrt, const struct peer *peer, uint32_t *number)
{
	if (asn_pool_number(&mrt->peers, peer, number) < 0)
		return fail_memory(mrt);
	if (*number >= PEER_COUNT_MAX)
		return fail(mrt, "more than 65,535 peers");
	return 0;
}

static int read_listed_peer(struct asn_mrt *mrt, struct reader *body, uint32_t *number)
{
	const uint8_t type = reader_u8(body);
	const size_t address_size = type & PEER_IPV6 ? 16 : 4;
	struct peer peer = { .ip_version = type & PEER_IPV6 ? 6 : 4 };
	const uint8_t *address;

	(void)reader_u32(body); /* BGP identifier */
	address = reader_take(body, address_size);
	peer.as_number = type & PEER_AS4 ? reader_u32(body) : reader_u16(body);
	if (!address || body->failed)
		return fail(mrt, "a peer table is shorter than what it lists");
	memcpy(peer.address, address, address_size);
	return number_peer(mrt, &peer, number);
}

static int read_peer_table(struct asn_mrt *mrt, struct reader *body)
{
	uint32_t count;

	(void)reader_u32(body); /* collector */
	(void)reader_take(body, reader_u16(body));
	count = reader_u16(body);
	if (body->failed)
		return fail(mrt, "a peer table is shorter than what it lists");
	if (!mrt->listed)
		mrt->listed = calloc(PEER_COUNT_MAX, sizeof(*mrt->listed));
	if (!mrt->listed)
		return fail_memory(mrt);
	for (uint32_t i = 0; i < count; i++) {
		const int result = read_listed_peer(mrt, body, &mrt->listed[i]);

		if (result < 0)
			return result;
	}
	mrt->listed_count = count;
	return reader_left(body) ? fail(mrt, "a peer table is longer than what it lists") : 0;
}

/* ---- prefixes ---- */

/* Of 'bits' bits, in 'size' bytes. Returns false if that does not fit. */
static bool read_prefix(struct reader *body, uint8_t ip_version, size_t size, unsigned int bits,
			struct prefix *prefix)
{
	const uint8_t *address = reader_take(body, size);

	*prefix = (struct prefix){ .ip_version = ip_version, .length = (uint8_t)bits };
	if (!address || bits > (ip_version == 4 ? 32 : 128))
		return false;
	memcpy(prefix->address, address, size);
	(void)address_clear_host_bits(prefix->address, sizeof(prefix->address), bits);
	return true;
}

/* As many bytes as the bits need: RFC 4271 section 4.3. */
static bool read_short_prefix(struct reader *body, uint8_t ip_version, struct prefix *prefix)
{
	const unsigned int bits = reader_u8(body);

	if (bits > (ip_version == 4 ? 32 : 128))
		return false;
	return read_prefix(body, ip_version, (bits + 7) / 8, bits, prefix);
}

/* ---- records ---- */

static int add_route(struct asn_mrt *mrt, uint32_t peer, const uint8_t *attributes, size_t size,
		     unsigned int as_size)
{
	uint32_t origin = 0;
	const enum asn_origin status = asn_path_origin(attributes, size, as_size, &origin);

	return asn_routes_add(mrt->routes, peer, status, origin) < 0 ? fail_memory(mrt) : 0;
}

/* One route of TABLE_DUMP or BGP4MP_ENTRY, up to the end of the record. */
static int read_single_route(struct asn_mrt *mrt, struct reader *body, const struct peer *peer,
			     const struct prefix *prefix)
{
	const size_t size = reader_u16(body);
	const uint8_t *attributes = reader_take(body, size);
	uint32_t number;
	int result;

	if (!attributes)
		return fail(mrt, too_short);
	if (reader_left(body))
		return fail(mrt, "a record is longer than what it holds");
	result = number_peer(mrt, peer, &number);
	if (result < 0)
		return result;
	mrt->has_tables = true;
	result = asn_routes_begin(mrt->routes, prefix, mrt->offset);
	if (result < 0)
		return fail_memory(mrt);
	return result ? add_route(mrt, number, attributes, size, 2) : 0;
}

/* Section 4.2 */
static int read_table_dump(struct asn_mrt *mrt, const struct record *record)
{
	const uint8_t ip_version = record->subtype == AFI_IPV4 ? 4 : 6;
	const size_t address_size = ip_version == 4 ? 4 : 16;
	struct reader body = record->body;
	struct peer peer = { .ip_version = ip_version };
	struct prefix prefix;
	struct reader address;
	const uint8_t *peer_address;
	unsigned int bits;

	(void)reader_u32(&body); /* view, sequence */
	address = body;
	(void)reader_take(&body, address_size);
	bits = reader_u8(&body);
	(void)reader_u8(&body);  /* status */
	(void)reader_u32(&body); /* originated */
	peer_address = reader_take(&body, address_size);
	peer.as_number = reader_u16(&body);
	if (!peer_address || body.failed)
		return fail(mrt, too_short);
	if (!read_prefix(&address, ip_version, address_size, bits, &prefix))
		return fail(mrt, "a prefix has a mask longer than its address");
	memcpy(peer.address, peer_address, address_size);
	return read_single_route(mrt, &body, &peer, &prefix);
}

/* The draft before RFC 6396, which left it out; OpenBGPD: table-mp. Addresses of peer and collector
 * have one family, the prefix may have another. */
static int read_bgp4mp_entry(struct asn_mrt *mrt, const struct record *record)
{
	struct reader body = record->body;
	struct peer peer = { .as_number = reader_u32(&body) }; /* both AS numbers, 2 bytes each */
	struct prefix prefix;
	const uint8_t *address, *other_address;
	size_t address_size;
	uint16_t family;

	(void)reader_u16(&body); /* interface */
	family = reader_u16(&body);
	if (family != AFI_IPV4 && family != AFI_IPV6)
		return fail(mrt, "a peer's address is neither IPv4 nor IPv6");
	peer.ip_version = family == AFI_IPV4 ? 4 : 6;
	address_size = family == AFI_IPV4 ? 4 : 16;
	address = reader_take(&body, address_size);
	other_address = reader_take(&body, address_size);
	(void)reader_take(&body, 8); /* view, status, time */
	family = reader_u16(&body);
	if (reader_u8(&body) != SAFI_UNICAST || (family != AFI_IPV4 && family != AFI_IPV6)) {
		asn_routes_skip(mrt->routes, ASN_SKIP_other_records, mrt->offset, false);
		return body.failed ? fail(mrt, too_short) : 0;
	}
	(void)reader_take(&body, reader_u8(&body)); /* next hop */
	if (!read_short_prefix(&body, family == AFI_IPV4 ? 4 : 6, &prefix) || body.failed)
		return fail(mrt, body.failed ? too_short : "a prefix has a bad mask");
	memcpy(peer.address, address, address_size);
	memcpy(peer.other_address, other_address, address_size);
	return read_single_route(mrt, &body, &peer, &prefix);
}

/* One entry of section 4.3.4. */
static int read_rib_entry(struct asn_mrt *mrt, struct reader *body, bool has_path_id,
			  bool is_wanted)
{
	const uint16_t peer = reader_u16(body);
	const uint8_t *attributes;
	size_t size;

	(void)reader_take(body, has_path_id ? 8 : 4); /* originated, path identifier */
	size = reader_u16(body);
	attributes = reader_take(body, size);
	if (!attributes)
		return fail(mrt, too_short);
	if (!is_wanted)
		return 0;
	if (peer < mrt->listed_count)
		return add_route(mrt, mrt->listed[peer], attributes, size, 4);
	asn_routes_skip(mrt->routes, ASN_SKIP_unlisted_peer, mrt->offset, true);
	return 0;
}

/* Section 4.3.2, RFC 8050 section 4.1 */
static int read_rib(struct asn_mrt *mrt, const struct record *record)
{
	const bool is_ipv6 = record->subtype == V2_RIB_IPV6_UNICAST ||
			     record->subtype == V2_RIB_IPV6_UNICAST_ADDPATH;
	const bool has_path_id = record->subtype >= V2_RIB_IPV4_UNICAST_ADDPATH;
	struct reader body = record->body;
	struct prefix prefix;
	unsigned int count;
	int is_wanted;

	(void)reader_u32(&body); /* sequence */
	if (!read_short_prefix(&body, is_ipv6 ? 6 : 4, &prefix))
		return fail(mrt, body.failed ? too_short : "a prefix has a bad mask");
	count = reader_u16(&body);
	if (body.failed)
		return fail(mrt, too_short);
	mrt->has_tables = true;
	is_wanted = asn_routes_begin(mrt->routes, &prefix, mrt->offset);
	if (is_wanted < 0)
		return fail_memory(mrt);
	for (unsigned int i = 0; i < count; i++) {
		const int result = read_rib_entry(mrt, &body, has_path_id, is_wanted);

		if (result < 0)
			return result;
	}
	return reader_left(&body) ? fail(mrt, "a record is longer than what it holds") : 0;
}

static int read_table_dump_v2(struct asn_mrt *mrt, struct record *record)
{
	switch (record->subtype) {
	case V2_PEER_INDEX_TABLE: return read_peer_table(mrt, &record->body);
	case V2_RIB_IPV4_UNICAST:
	case V2_RIB_IPV6_UNICAST:
	case V2_RIB_IPV4_UNICAST_ADDPATH:
	case V2_RIB_IPV6_UNICAST_ADDPATH: return read_rib(mrt, record);
	default: asn_routes_skip(mrt->routes, ASN_SKIP_other_records, mrt->offset, false); return 0;
	}
}

static int read_record(struct asn_mrt *mrt, struct record *record)
{
	if (record->type == MRT_TABLE_DUMP_V2)
		return read_table_dump_v2(mrt, record);
	if (record->type == MRT_TABLE_DUMP &&
	    (record->subtype == AFI_IPV4 || record->subtype == AFI_IPV6))
		return read_table_dump(mrt, record);
	if (record->type == MRT_BGP4MP_ET)
		(void)reader_u32(&record->body); /* microseconds */
	if ((record->type == MRT_BGP4MP || record->type == MRT_BGP4MP_ET) &&
	    record->subtype == BGP4MP_ENTRY)
		return read_bgp4mp_entry(mrt, record);
	asn_routes_skip(mrt->routes, ASN_SKIP_other_records, mrt->offset, false);
	return 0;
}

/* ---- the dump ---- */

/* Types that MRT has: section 4 and appendix B, and those for OSPF and IS-IS. Any other number is
 * no header of a record: what was before it had a wrong length, or the file is something else.
 * Appendix B.1.1 has type 0, NULL, which nobody writes: a hole in a file would be such records. */
static bool is_type(uint16_t type)
{
	return (type >= 1 && type <= 13) || type == MRT_BGP4MP || type == MRT_BGP4MP_ET ||
	       type == 32 || type == 33 || type == 48 || type == 49;
}

bool asn_mrt_is_it(const uint8_t *bytes, size_t size)
{
	return size >= ASN_MRT_HEADER_SIZE && is_type(load_be16(bytes + 4)) && bytes[6] == 0 &&
	       load_be32(bytes + 8) < ASN_MRT_RECORD_MAX;
}

struct asn_mrt *asn_mrt_create(const char *name, struct asn_routes *routes)
{
	struct asn_mrt *mrt = calloc(1, sizeof(*mrt));

	if (!mrt)
		return NULL;
	mrt->name = name;
	mrt->routes = routes;
	mrt->peers.elements.element_size = sizeof(struct peer);
	return mrt;
}

void asn_mrt_destroy(struct asn_mrt *mrt)
{
	if (!mrt)
		return;
	asn_pool_clear(&mrt->peers);
	free(mrt->listed);
	free(mrt);
}

int asn_mrt_read(struct asn_mrt *mrt, const uint8_t *bytes, size_t size, size_t *used,
		 struct error_text *error)
{
	struct reader reader = reader_of(bytes, size);
	int result = 0;

	mrt->error = error;
	*used = 0;
	while (result == 0 && reader_left(&reader) >= ASN_MRT_HEADER_SIZE) {
		const uint32_t time_s = reader_u32(&reader);
		struct record record = { .type = reader_u16(&reader) };
		size_t body_size;

		record.subtype = reader_u16(&reader);
		body_size = reader_u32(&reader);
		if (!is_type(record.type))
			return fail(mrt, "no header of an MRT record");
		if (body_size > ASN_MRT_RECORD_MAX - ASN_MRT_HEADER_SIZE)
			return fail(mrt, "a record of more than 16 MiB");
		record.body = reader_window(&reader, body_size);
		if (reader.failed)
			return 0;
		result = read_record(mrt, &record);
		if (time_s > mrt->time_s)
			mrt->time_s = time_s;
		mrt->records++;
		mrt->offset += ASN_MRT_HEADER_SIZE + body_size;
		*used += ASN_MRT_HEADER_SIZE + body_size;
	}
	return result;
}

int asn_mrt_end(const struct asn_mrt *mrt, size_t left, struct error_text *error)
{
	const struct asn_skipped *damaged = asn_routes_skipped(mrt->routes, ASN_SKIP_damaged);
	const struct asn_skipped *unlisted =
		asn_routes_skipped(mrt->routes, ASN_SKIP_unlisted_peer);
	const uint64_t wrong = damaged->count + unlisted->count;
	const uint64_t count = asn_routes_count(mrt->routes);

	if (left) {
		error_text_set(error, "%.200s: byte %llu: cut: a record is there up to byte %llu",
			       mrt->name, (unsigned long long)mrt->offset,
			       (unsigned long long)(mrt->offset + left));
		error_text_hint(error, "fetch it again");
		return -EINVAL;
	}
	if (!mrt->has_tables) {
		error_text_set(error, "%.200s: no routing table in %llu MRT records", mrt->name,
			       (unsigned long long)mrt->records);
		error_text_hint(error, "what is wanted is a dump of a table (bview, rib), not "
				       "of updates");
		return -EINVAL;
	}
	if (wrong > count / ROUTES_PER_DAMAGED) {
		error_text_set(error, "%.200s: byte %llu: %s, in all %llu of %llu routes",
			       mrt->name,
			       (unsigned long long)(damaged->count ? damaged : unlisted)->offset,
			       damaged->count ? "damaged attributes" : "a peer that is not listed",
			       (unsigned long long)wrong, (unsigned long long)count);
		error_text_hint(error, "a dump is taken without them if they are at most one in %d",
				ROUTES_PER_DAMAGED);
		return -EINVAL;
	}
	return 0;
}

uint32_t asn_mrt_peers(const struct asn_mrt *mrt)
{
	return mrt->peers.elements.count ? (uint32_t)(mrt->peers.elements.count - 1) : 0;
}

uint32_t asn_mrt_time_s(const struct asn_mrt *mrt)
{
	return mrt->time_s;
}
