/* test_bmp_bgp.c - literal OPEN and UPDATE messages. */
#include "bmp_bgp.h"

#include "check.h"

#include <errno.h>

static const bool no_ids[BGP_FAMILY_COUNT] = { false, false };

#define BYTES(...) \
	reader_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define READ_OPEN(open, ...)          bgp_open_read(BYTES(__VA_ARGS__), open)
#define READ_UPDATE(ids, update, ...) bgp_update_read(BYTES(__VA_ARGS__), ids, update)

/* Version, AS 64500, hold time, identifier. */
#define OPEN_BEGIN 4, 0xfb, 0xf4, 0, 90, 10, 0, 0, 1

TEST(the_as_number_of_an_open)
{
	struct bgp_open open;

	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 0), 0);
	CHECK_EQ(open.as_number, 64500);
	/* parameter 2, capability 65 */
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 8, 2, 6, 65, 4, 0xfa, 0x56, 0xea, 0), 0);
	CHECK_EQ(open.as_number, 0xfa56ea00);
	CHECK(open.has_family[BGP_FAMILY_ipv4]);
	CHECK(!open.has_family[BGP_FAMILY_ipv6]);
	/* capability 1: IPv6 unicast */
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 8, 2, 6, 1, 4, 0, 2, 0, 1), 0);
	CHECK(!open.has_family[BGP_FAMILY_ipv4]);
	CHECK(open.has_family[BGP_FAMILY_ipv6]);
	/* RFC 9072: 255 and 255, then lengths of two bytes */
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 255, 255, 0, 9, 2, 0, 6, 65, 4, 0, 1, 0, 2), 0);
	CHECK_EQ(open.as_number, 0x10002);
}

TEST(add_path_of_an_open)
{
	struct bgp_open open;

	/* capability 69: IPv4 unicast both, IPv6 unicast send, IPv4 multicast both */
	CHECK_EQ(
		READ_OPEN(&open, OPEN_BEGIN, 16, 2, 14, 69, 12, 0, 1, 1, 3, 0, 2, 1, 2, 0, 1, 2, 3),
		0);
	CHECK_EQ(open.add_path[BGP_FAMILY_ipv4], 3);
	CHECK_EQ(open.add_path[BGP_FAMILY_ipv6], BGP_ADD_PATH_SEND);
}

TEST(an_open_that_is_cut)
{
	struct bgp_open open;

	CHECK_EQ(READ_OPEN(&open, 4, 0xfb), -EINVAL);
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 8, 2, 6, 65, 4, 0, 1, 0), -EINVAL);
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 4, 2, 2, 65, 4), -EINVAL);
	CHECK_EQ(READ_OPEN(&open, OPEN_BEGIN, 0, 9), -EINVAL);
}

TEST(routes_of_the_message_itself)
{
	struct bgp_update update;
	struct prefix prefix;
	uint32_t path_id;

	CHECK_EQ(READ_UPDATE(no_ids, &update,
			     /* withdrawn: 10.0.0.0/8 */
			     0, 2, 8, 10,
			     /* NEXT_HOP, LOCAL_PREF, AS_PATH */
			     0, 20, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 200, 0x40, 2, 4,
			     2, 1, 0xfb, 0xf4, 0,
			     /* 198.51.100.0/24, 0.0.0.0/0, 198.51.100.0/23 with a host bit */
			     24, 198, 51, 100, 0, 23, 198, 51, 101),
		 -EINVAL); /* the length of the attributes is wrong: a byte too many */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 2, 8, 10, 0, 21, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5,
			     4, 0, 0, 0, 200, 0x40, 2, 4, 2, 1, 0xfb, 0xf4, 24, 198, 51, 100, 0, 23,
			     198, 51, 101),
		 0);
	CHECK_EQ(update.local_preference, 200);
	CHECK_EQ(reader_left(&update.as_path), 4);
	CHECK_EQ(load_be32(update.next_hop), 0xc0000201);
	CHECK(bgp_routes_next(&update.withdrawn, &prefix, &path_id));
	CHECK_EQ(prefix.length, 8);
	CHECK(!bgp_routes_next(&update.withdrawn, &prefix, &path_id));
	CHECK(bgp_routes_next(&update.announced, &prefix, &path_id));
	CHECK_EQ(load_be32(prefix.address), 0xc6336400);
	CHECK(bgp_routes_next(&update.announced, &prefix, &path_id));
	CHECK_EQ(prefix.length, 0);
	CHECK(bgp_routes_next(&update.announced, &prefix, &path_id));
	CHECK_EQ(load_be32(prefix.address), 0xc6336400);
	CHECK_EQ(prefix.length, 23);
	CHECK(!bgp_routes_next(&update.announced, &prefix, &path_id));
	CHECK(!update.is_end_of_rib[BGP_FAMILY_ipv4]);
}

#define NEXT_HOP6 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1

TEST(routes_in_attributes)
{
	static const bool ids[BGP_FAMILY_COUNT] = { false, true };
	struct bgp_update update;
	struct prefix prefix;
	uint32_t path_id;

	/* MP_REACH: IPv6 unicast, next hop, path 7, 2001:db8::/32 */
	CHECK_EQ(READ_UPDATE(ids, &update, 0, 0, 0, 33, 0x80, 14, 30, 0, 2, 1, 16, NEXT_HOP6, 0, 0,
			     0, 0, 7, 32, 0x20, 1, 0x0d, 0xb8),
		 0);
	CHECK_EQ(update.mp_next_hop[15], 1);
	CHECK(bgp_routes_next(&update.mp_announced, &prefix, &path_id));
	CHECK_EQ(path_id, 7);
	CHECK_EQ(prefix.ip_version, 6);
	/* the same without identifiers does not add up */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 33, 0x80, 14, 30, 0, 2, 1, 16, NEXT_HOP6, 0,
			     0, 0, 0, 200, 32, 0x20, 1, 0x0d, 0xb8),
		 -EINVAL);
	/* IPv4 with an IPv6 next hop (RFC 8950), which has no place in a table */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 26, 0x80, 14, 23, 0, 1, 1, 16, NEXT_HOP6, 0,
			     8, 10),
		 0);
	CHECK_EQ(update.mp_next_hop[0], 0);
	CHECK(bgp_routes_next(&update.mp_announced, &prefix, &path_id));
	CHECK_EQ(prefix.ip_version, 4);
	/* labelled (SAFI 4): left alone */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 9, 0x80, 15, 6, 0, 1, 4, 99, 99, 99), 0);
	CHECK(update.has_other_families);
	CHECK(!bgp_routes_next(&update.mp_withdrawn, &prefix, &path_id));
}

TEST(the_end_of_a_table)
{
	struct bgp_update update;

	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 0), 0);
	CHECK(update.is_end_of_rib[BGP_FAMILY_ipv4]);
	CHECK(!update.is_end_of_rib[BGP_FAMILY_ipv6]);
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1), 0);
	CHECK(!update.is_end_of_rib[BGP_FAMILY_ipv4]);
	CHECK(update.is_end_of_rib[BGP_FAMILY_ipv6]);
	/* of another family */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 0, 0, 6, 0x80, 15, 3, 0, 1, 128), 0);
	CHECK(!update.is_end_of_rib[BGP_FAMILY_ipv4]);
	/* withdrawals alone are none */
	CHECK_EQ(READ_UPDATE(no_ids, &update, 0, 2, 8, 10, 0, 0), 0);
	CHECK(!update.is_end_of_rib[BGP_FAMILY_ipv4]);
}

TEST(a_message_is_as_long_as_it_says)
{
	static const uint8_t bytes[] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
					 255, 255, 255, 255, 255, 0,   21,  2,   8,   9,   77 };
	struct reader reader = reader_of(bytes, sizeof(bytes)), body;

	CHECK_EQ(bgp_message_take(&reader, &body), BGP_UPDATE);
	CHECK_EQ(reader_left(&body), 2);
	CHECK_EQ(reader_left(&reader), 1);
	reader = reader_of(bytes, 20);
	CHECK_EQ(bgp_message_take(&reader, &body), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_as_number_of_an_open),
		cmocka_unit_test(add_path_of_an_open),
		cmocka_unit_test(an_open_that_is_cut),
		cmocka_unit_test(routes_of_the_message_itself),
		cmocka_unit_test(routes_in_attributes),
		cmocka_unit_test(the_end_of_a_table),
		cmocka_unit_test(a_message_is_as_long_as_it_says),
	};

	return RUN_TESTS(tests);
}
