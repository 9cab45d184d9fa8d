/* test_capture_conntrack_parse.c - datagrams of ctnetlink, as the kernel sends them. */
#include "capture_conntrack_parse.h"

#include "bytes.h"
#include "check.h"
#include "ip_protocol.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#define BEGIN_MESSAGE ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW)
#define END_MESSAGE   ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE)

/* A datagram in the making. Headers are in host order. */
struct datagram {
	uint8_t bytes[512];
	size_t size;
};

static void put(struct datagram *datagram, const void *bytes, size_t size)
{
	memcpy(datagram->bytes + datagram->size, bytes, size);
	datagram->size += size;
}

static void set_size(struct datagram *datagram, size_t start)
{
	const uint16_t size = (uint16_t)(datagram->size - start);

	memcpy(datagram->bytes + start, &size, sizeof(size));
	while (datagram->size % 4)
		datagram->bytes[datagram->size++] = 0;
}

static size_t begin_attribute(struct datagram *datagram, uint16_t type)
{
	const size_t start = datagram->size;
	const uint16_t header[] = { 0, type };

	put(datagram, header, sizeof(header));
	return start;
}

static void put_attribute(struct datagram *datagram, uint16_t type, const void *bytes, size_t size)
{
	const size_t start = begin_attribute(datagram, type);

	put(datagram, bytes, size);
	set_size(datagram, start);
}

static void put_port(struct datagram *datagram, uint16_t type, uint16_t port)
{
	uint8_t bytes[2];

	store_be16(bytes, port);
	put_attribute(datagram, type, bytes, sizeof(bytes));
}

static void put_tuple(struct datagram *datagram, uint16_t type, uint8_t source, uint16_t port,
		      uint8_t destination, uint16_t other_port)
{
	const uint8_t from[] = { 10, 0, 0, source }, to[] = { 10, 0, 0, destination };
	const uint8_t protocol = PROTOCOL_UDP;
	const size_t tuple = begin_attribute(datagram, type | NLA_F_NESTED);
	size_t nested = begin_attribute(datagram, CTA_TUPLE_IP | NLA_F_NESTED);

	put_attribute(datagram, CTA_IP_V4_SRC, from, sizeof(from));
	put_attribute(datagram, CTA_IP_V4_DST, to, sizeof(to));
	set_size(datagram, nested);
	nested = begin_attribute(datagram, CTA_TUPLE_PROTO | NLA_F_NESTED);
	put_attribute(datagram, CTA_PROTO_NUM, &protocol, sizeof(protocol));
	put_port(datagram, CTA_PROTO_SRC_PORT, port);
	put_port(datagram, CTA_PROTO_DST_PORT, other_port);
	set_size(datagram, nested);
	set_size(datagram, tuple);
}

static void put_header(struct datagram *datagram, uint32_t size, uint16_t type, uint32_t sequence)
{
	const struct nlmsghdr header = { .nlmsg_len = size,
					 .nlmsg_type = type,
					 .nlmsg_seq = sequence };

	put(datagram, &header, sizeof(header));
}

/* 10.0.0.1:1000 calls 10.0.0.9:53 and goes out as 10.0.0.5:2000. */
static struct datagram masquerade(uint16_t type)
{
	const uint8_t family[4] = { 2 };
	const uint8_t id[4] = { 1, 2, 3, 4 };
	struct datagram datagram = { .size = 0 };
	uint32_t size;

	put_header(&datagram, 0, type, 0);
	put(&datagram, family, sizeof(family));
	put_tuple(&datagram, CTA_TUPLE_ORIG, 1, 1000, 9, 53);
	put_tuple(&datagram, CTA_TUPLE_REPLY, 9, 53, 5, 2000);
	put_attribute(&datagram, CTA_ID, id, sizeof(id));
	size = (uint32_t)datagram.size;
	memcpy(datagram.bytes, &size, sizeof(size));
	return datagram;
}

static bool is_known(const struct nat_table *table, struct nat_translation *translation)
{
	const struct flow_key key = {
		.source_port = 1000,
		.destination_port = 53,
		.protocol = PROTOCOL_UDP,
		.ip_version = 4,
		.addresses = { 10, 0, 0, 1, 10, 0, 0, 9 },
	};

	return nat_table_find(table, &key, translation);
}

TEST(a_connection_begins_and_ends)
{
	struct nat_table *table = nat_table_create(4, (struct hash_key){ 1, 2 });
	struct datagram datagram = masquerade(BEGIN_MESSAGE);
	struct nat_translation translation;

	CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 0, 0),
		 CAPTURE_CONNTRACK_ok);
	CHECK(is_known(table, &translation));
	CHECK_EQ(translation.source[3], 5);
	CHECK_EQ(translation.source_port, 2000);
	CHECK_EQ(translation.destination[3], 9);
	CHECK_EQ(translation.destination_port, 53);
	datagram = masquerade(END_MESSAGE);
	CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 0, 7),
		 CAPTURE_CONNTRACK_ok);
	nat_table_forget(table, 6);
	CHECK(is_known(table, &translation));
	nat_table_forget(table, 7);
	CHECK(!is_known(table, &translation));
	nat_table_destroy(table);
}

TEST(cut_anywhere_it_is_malformed_and_nothing_is_taken)
{
	struct nat_table *table = nat_table_create(4, (struct hash_key){ 1, 2 });
	const struct datagram datagram = masquerade(BEGIN_MESSAGE);

	for (size_t size = 1; size < datagram.size; size++) {
		uint8_t *copy = malloc(size);

		CHECK(copy != NULL);
		memcpy(copy, datagram.bytes, size);
		CHECK_EQ(capture_conntrack_parse(table, copy, size, 0, 0),
			 CAPTURE_CONNTRACK_malformed);
		free(copy);
	}
	CHECK_EQ(nat_table_counts(table).connections, 0);
	nat_table_destroy(table);
}

TEST(an_attribute_beyond_the_one_that_holds_it_is_malformed)
{
	struct nat_table *table = nat_table_create(4, (struct hash_key){ 1, 2 });
	const size_t addresses = NLMSG_HDRLEN + 4 + 4; /* CTA_TUPLE_IP of the first tuple */

	for (uint16_t size = 0; size < 4; size++) {
		struct datagram datagram = masquerade(BEGIN_MESSAGE);

		memcpy(datagram.bytes + addresses, &size, sizeof(size));
		CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 0, 0),
			 CAPTURE_CONNTRACK_malformed);
	}
	for (uint16_t size = 200; size > 100; size -= 9) {
		struct datagram datagram = masquerade(BEGIN_MESSAGE);

		memcpy(datagram.bytes + addresses, &size, sizeof(size));
		CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 0, 0),
			 CAPTURE_CONNTRACK_malformed);
	}
	nat_table_destroy(table);
}

TEST(the_end_of_a_list_is_that_of_its_own_request)
{
	struct nat_table *table = nat_table_create(4, (struct hash_key){ 1, 2 });
	const int32_t statuses[] = { 0, -16 };

	for (size_t i = 0; i < 2; i++) {
		struct datagram datagram = { .size = 0 };
		const enum capture_conntrack_result expected =
			i ? CAPTURE_CONNTRACK_list_failed : CAPTURE_CONNTRACK_list_ended;

		put_header(&datagram, NLMSG_HDRLEN + 4, i ? NLMSG_ERROR : NLMSG_DONE, 8);
		put(&datagram, &statuses[i], sizeof(statuses[i]));
		CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 8, 0),
			 expected);
		CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 9, 0),
			 CAPTURE_CONNTRACK_ok);
		CHECK_EQ(capture_conntrack_parse(table, datagram.bytes, datagram.size, 0, 0),
			 CAPTURE_CONNTRACK_ok);
	}
	nat_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_begins_and_ends),
		cmocka_unit_test(cut_anywhere_it_is_malformed_and_nothing_is_taken),
		cmocka_unit_test(an_attribute_beyond_the_one_that_holds_it_is_malformed),
		cmocka_unit_test(the_end_of_a_list_is_that_of_its_own_request),
	};

	return RUN_TESTS(tests);
}
