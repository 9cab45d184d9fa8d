/* test_asn_mrt.c - literal MRT records, whole, cut at each byte, and wrong. */
#include "asn_mrt.h"

#include "bytes.h"
#include "check.h"

#include <stdio.h>

static const struct asn_rules everything = { .least_peers = 1,
					     .longest_ipv4 = 32,
					     .longest_ipv6 = 128,
					     .has_bogons = true,
					     .has_default_route = true };

/* A dump is put together record by record. */
struct dump {
	uint8_t bytes[4096];
	struct writer writer;
};

static void begin(struct dump *dump)
{
	dump->writer = writer_of(dump->bytes, sizeof(dump->bytes));
}

static void add_record(struct dump *dump, uint16_t type, uint16_t subtype, const void *body,
		       size_t size)
{
	writer_u32(&dump->writer, 1700000000);
	writer_u16(&dump->writer, type);
	writer_u16(&dump->writer, subtype);
	writer_u32(&dump->writer, (uint32_t)size);
	writer_bytes(&dump->writer, body, size);
	CHECK(!dump->writer.failed);
}

#define RECORD(dump, type, subtype, ...)                             \
	do {                                                         \
		static const uint8_t body[] = { __VA_ARGS__ };       \
		add_record(dump, type, subtype, body, sizeof(body)); \
	} while (0)

/* AS_PATH of one AS below 256, in 4 bytes and in 2. */
#define PATH4(as) 0, 9, 0x40, 2, 6, 2, 1, 0, 0, 0, as
#define PATH2(as) 0, 7, 0x40, 2, 4, 2, 1, 0, as

/* Collector, name "x", three peers: IPv4 with AS 1, IPv6 with AS 2 in 4 bytes, IPv4 with AS 3. */
#define PEERS                                                                                     \
	9, 9, 9, 9, 0, 1, 'x', 0, 3, 0, 1, 1, 1, 1, 192, 0, 2, 1, 0, 1, 3, 2, 2, 2, 2, 0x20, 1,   \
		0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 3, 3, 3, 3, 192, 0, \
		2, 3, 0, 3

/* What came of a dump. */
struct outcome {
	int status;
	struct error_text error;
	char text[1024]; /* "PREFIX ORIGIN PEERS;" of each */
	uint64_t skipped[ASN_SKIP_COUNT];
	uint32_t peers;
};

static int note_entry(void *context, const struct prefix *prefix, const struct asn_entry *entry)
{
	struct outcome *outcome = context;
	char address[ADDRESS_TEXT_SIZE];
	const size_t length = strlen(outcome->text);

	(void)snprintf(outcome->text + length, sizeof(outcome->text) - length, "%s/%u %u %u;",
		       address_format(prefix->ip_version, prefix->address, address),
		       (unsigned int)prefix->length, entry->as_number, (unsigned int)entry->peers);
	return 0;
}

static struct outcome read_bytes(const uint8_t *bytes, size_t size, const struct asn_rules *rules)
{
	struct outcome outcome = { .status = 0 };
	struct asn_builder *builder = asn_builder_create();
	struct asn_routes *routes = asn_routes_create(rules);
	struct asn_mrt *mrt = asn_mrt_create("dump", routes);
	uint8_t *block = malloc(size ? size : 1); /* of exactly this size */
	size_t used;

	CHECK(builder && routes && mrt && block);
	memcpy(block, bytes, size);
	outcome.status = asn_mrt_read(mrt, block, size, &used, &outcome.error);
	if (outcome.status == 0)
		outcome.status = asn_mrt_end(mrt, size - used, &outcome.error);
	if (outcome.status == 0)
		CHECK_EQ(asn_routes_finish(routes, builder), 0);
	CHECK_EQ(asn_builder_each(builder, note_entry, &outcome), 0);
	for (enum asn_skip skip = 0; skip < ASN_SKIP_COUNT; skip++)
		outcome.skipped[skip] = asn_routes_skipped(routes, skip)->count;
	outcome.peers = asn_mrt_peers(mrt);
	free(block);
	asn_mrt_destroy(mrt);
	asn_routes_destroy(routes);
	asn_builder_destroy(builder);
	return outcome;
}

static struct outcome read_dump(const struct dump *dump)
{
	return read_bytes(dump->bytes, writer_size(&dump->writer), &everything);
}

static void check_taken(const struct dump *dump, const char *expected)
{
	const struct outcome outcome = read_dump(dump);

	if (outcome.status < 0)
		fail_msg("%s", outcome.error.text);
	CHECK_TEXT(outcome.text, expected);
}

static void check_refused(const struct dump *dump, const char *expected)
{
	const struct outcome outcome = read_dump(dump);

	CHECK(outcome.status < 0);
	CHECK_TEXT(outcome.error.text, expected);
}

TEST(table_dump_v2)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 24, 192, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, PATH4(7), 0, 1, 0,
	       0, 0, 0, PATH4(8), 0, 2, 0, 0, 0, 0, PATH4(8));
	RECORD(&dump, 13, 4, 0, 0, 0, 1, 33, 0x20, 1, 0xd, 0xb8, 0xff, 0, 1, 0, 1, 0, 0, 0, 0,
	       PATH4(9));
	/* the host bits of 33 are cleared */
	check_taken(&dump, "192.0.2.0/24 8 3;2001:db8:8000::/33 9 1;");
	CHECK_EQ(read_dump(&dump).peers, 3);
}

/* A peer with several paths votes once, by its first; and the plain record of the same prefix adds
 * nothing to that. */
TEST(path_identifiers)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 8, 0, 0, 0, 0, 24, 192, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	       PATH4(7), 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, PATH4(8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
	       PATH4(8));
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 24, 192, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(8));
	RECORD(&dump, 13, 10, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, PATH4(6));
	check_taken(&dump, "192.0.2.0/24 7 1;::/0 6 1;");
}

/* A peer is who it is, not its place in a table. */
TEST(a_second_peer_table)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 9, 0, 1, 0, 2, 0, 0, 0, 0, PATH4(7));
	/* the third peer alone */
	RECORD(&dump, 13, 1, 9, 9, 9, 9, 0, 0, 0, 1, 0, 3, 3, 3, 3, 192, 0, 2, 3, 0, 3);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 9, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(8));
	check_taken(&dump, "9.0.0.0/8 7 1;");
	CHECK_EQ(read_dump(&dump).peers, 3);
}

TEST(table_dump)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 24, 1, 0, 0, 0, 0, 192, 0, 2, 1, 0, 1,
	       PATH2(7));
	RECORD(&dump, 12, 2, 0, 0, 0, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32,
	       1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2,
	       PATH2(9));
	/* not adjacent to the first line of its prefix */
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 24, 1, 0, 0, 0, 0, 192, 0, 2, 2, 0, 2,
	       PATH2(8));
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 24, 1, 0, 0, 0, 0, 192, 0, 2, 3, 0, 2,
	       PATH2(8));
	check_taken(&dump, "192.0.2.0/24 8 3;2001:db8::/32 9 1;");
}

/* AS numbers, interface, family, addresses, view, status, time, family, next hop, prefix. */
TEST(bgp4mp_entry)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 16, 2, 0, 1, 0, 2, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0, 0, 1, 1, 1,
	       1, 1, 0, 1, 1, 4, 192, 0, 2, 1, 20, 10, 1, 0xff, PATH2(7));
	/* with microseconds; an IPv6 prefix of an IPv4 peer */
	RECORD(&dump, 17, 2, 0, 0, 0, 5, 0, 1, 0, 3, 0, 0, 0, 1, 192, 0, 2, 3, 192, 0, 2, 2, 0, 0,
	       0, 1, 1, 1, 1, 1, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	       1, 32, 0x20, 1, 0xd, 0xb8, PATH2(9));
	/* VPN routes are others */
	RECORD(&dump, 16, 2, 0, 1, 0, 2, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0, 0, 1, 1, 1,
	       1, 1, 0, 1, 128, 4);
	check_taken(&dump, "10.1.240.0/20 7 1;2001:db8::/32 9 1;");
	CHECK_EQ(read_dump(&dump).skipped[ASN_SKIP_other_records], 1);
	CHECK_EQ(read_dump(&dump).peers, 2);
}

TEST(other_records_are_counted)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 16, 4, 1, 2, 3); /* an update */
	RECORD(&dump, 13, 6, 1, 2, 3); /* RIB_GENERIC */
	RECORD(&dump, 13, 3, 0);       /* multicast */
	check_refused(&dump, "dump: no routing table in 3 MRT records");
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 24, 1, 0, 0, 0, 0, 192, 0, 2, 1, 0, 1,
	       PATH2(7));
	CHECK_EQ(read_dump(&dump).skipped[ASN_SKIP_other_records], 3);
}

/* Wherever a dump is cut it is refused, but between records. */
TEST(every_cut)
{
	struct dump dump;
	size_t ends[3];

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	ends[0] = writer_size(&dump.writer);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 24, 192, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	ends[1] = writer_size(&dump.writer);
	RECORD(&dump, 13, 4, 0, 0, 0, 1, 16, 0x20, 1, 0, 1, 0, 1, 0, 0, 0, 0, PATH4(9));
	ends[2] = writer_size(&dump.writer);
	for (size_t size = 0; size <= ends[2]; size++) {
		const struct outcome outcome = read_bytes(dump.bytes, size, &everything);

		if (size == ends[1] || size == ends[2]) {
			CHECK_EQ(outcome.status, 0);
			continue;
		}
		CHECK(outcome.status < 0);
		CHECK_TEXT(outcome.text, "");
		if (size > ends[1])
			CHECK(strncmp(outcome.error.text, "dump: byte 107: cut: ", 21) == 0);
	}
	CHECK_EQ(ends[1], 107);
}

/* Whatever a record holds, shortened with its length, it is refused. */
TEST(every_short_record)
{
	static const uint8_t rib[] = {
		0, 0, 0, 0, 24, 192, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7)
	};
	static const uint8_t peers[] = { PEERS };
	static const uint8_t entry[] = { 0,   1, 0, 2, 0,   0, 0, 1, 192, 0,  2,       1,
					 192, 0, 2, 2, 0,   0, 0, 1, 1,   1,  1,       1,
					 0,   1, 1, 4, 192, 0, 2, 1, 8,   10, PATH2(7) };
	static const uint8_t old[] = { 0, 0, 0, 1,   192, 0, 2, 0, 24, 1,       0,
				       0, 0, 0, 192, 0,   2, 1, 0, 1,  PATH2(7) };
	struct dump dump;

	for (size_t size = 0; size < sizeof(rib); size++) {
		begin(&dump);
		RECORD(&dump, 13, 1, PEERS);
		add_record(&dump, 13, 2, rib, size);
		CHECK(read_dump(&dump).status < 0);
	}
	for (size_t size = 0; size < sizeof(peers); size++) {
		begin(&dump);
		add_record(&dump, 13, 1, peers, size);
		CHECK(read_dump(&dump).status < 0);
	}
	for (size_t size = 0; size < sizeof(entry); size++) {
		begin(&dump);
		add_record(&dump, 16, 2, entry, size);
		CHECK(read_dump(&dump).status < 0);
	}
	for (size_t size = 0; size < sizeof(old); size++) {
		begin(&dump);
		add_record(&dump, 12, 1, old, size);
		CHECK(read_dump(&dump).status < 0);
	}
}

TEST(wrong_records_are_named_with_their_place)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 99, 1, 0);
	check_refused(&dump, "dump: byte 68: no header of an MRT record");

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	for (int i = 0; i < 5; i++)
		writer_u32(&dump.writer, 0); /* a hole in the file */
	check_refused(&dump, "dump: byte 68: no header of an MRT record");

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 33, 192, 0, 2, 1, 0, 0, 0);
	check_refused(&dump, "dump: byte 68: a prefix has a bad mask");

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS, 0);
	check_refused(&dump, "dump: byte 0: a peer table is longer than what it lists");

	begin(&dump);
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 33, 1, 0, 0, 0, 0, 192, 0, 2, 1, 0, 1,
	       PATH2(7));
	check_refused(&dump, "dump: byte 0: a prefix has a mask longer than its address");

	begin(&dump);
	RECORD(&dump, 12, 1, 0, 0, 0, 1, 192, 0, 2, 0, 24, 1, 0, 0, 0, 0, 192, 0, 2, 1, 0, 1,
	       PATH2(7), 0);
	check_refused(&dump, "dump: byte 0: a record is longer than what it holds");

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	writer_unsigned(&dump.writer, 0, 4);
	writer_u16(&dump.writer, 13);
	writer_u16(&dump.writer, 2);
	writer_u32(&dump.writer, 16u << 20);
	check_refused(&dump, "dump: byte 68: a record of more than 16 MiB");
}

TEST(routes_of_unlisted_peers_and_damaged_routes)
{
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 24, 192, 0, 2, 0, 1, 0, 3, 0, 0, 0, 0, PATH4(7));
	check_refused(&dump, "dump: byte 68: a peer that is not listed, in all 1 of 1 routes");

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	/* the attribute is longer than the attributes: one of 101 routes */
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 24, 192, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0x40, 2, 6);
	check_refused(&dump, "dump: byte 68: damaged attributes, in all 1 of 1 routes");
	for (int i = 0; i < 99; i++)
		RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 9, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	check_taken(&dump, "9.0.0.0/8 7 1;");
	CHECK_EQ(read_dump(&dump).skipped[ASN_SKIP_damaged], 1);
}

TEST(what_the_rules_skip)
{
	const struct asn_rules rules = { .least_peers = 2, .longest_ipv4 = 24, .longest_ipv6 = 48 };
	struct outcome outcome;
	struct dump dump;

	begin(&dump);
	RECORD(&dump, 13, 1, PEERS);
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 9, 0, 2, 0, 0, 0, 0, 0, 0, PATH4(7), 0, 1, 0, 0, 0, 0,
	       PATH4(7));
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 8, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 16, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 25, 9, 9, 9, 0, 0, 1, 0, 0, 0, 0, 0, 0, PATH4(7));
	RECORD(&dump, 13, 4, 0, 0, 0, 0, 49, 0x26, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
	       PATH4(7));
	/* a private AS, 64512, has most votes and does not win */
	RECORD(&dump, 13, 2, 0, 0, 0, 0, 8, 7, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0x40, 2, 6, 2, 1, 0, 0,
	       0xfc, 0, 0, 1, 0, 0, 0, 0, 0, 9, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0, 0, 2, 0, 0, 0, 0,
	       PATH4(5));
	outcome = read_bytes(dump.bytes, writer_size(&dump.writer), &rules);
	CHECK_EQ(outcome.status, 0);
	CHECK_TEXT(outcome.text, "7.0.0.0/8 5 3;9.0.0.0/8 7 2;");
	CHECK_EQ(outcome.skipped[ASN_SKIP_default_route], 1);
	CHECK_EQ(outcome.skipped[ASN_SKIP_bogon_prefix], 1);
	CHECK_EQ(outcome.skipped[ASN_SKIP_longer_ipv4], 1);
	CHECK_EQ(outcome.skipped[ASN_SKIP_longer_ipv6], 1);
	CHECK_EQ(outcome.skipped[ASN_SKIP_bogon_as], 2);
	CHECK_EQ(outcome.skipped[ASN_SKIP_few_peers], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_dump_v2),
		cmocka_unit_test(path_identifiers),
		cmocka_unit_test(a_second_peer_table),
		cmocka_unit_test(table_dump),
		cmocka_unit_test(bgp4mp_entry),
		cmocka_unit_test(other_records_are_counted),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(every_short_record),
		cmocka_unit_test(wrong_records_are_named_with_their_place),
		cmocka_unit_test(routes_of_unlisted_peers_and_damaged_routes),
		cmocka_unit_test(what_the_rules_skip),
	};

	return RUN_TESTS(tests);
}
