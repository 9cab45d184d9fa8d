/* test_bmp_station.c - when a router that has just connected has reported its table to the end. */
#include "bmp_station.h"

#include "check.h"

#include <string.h>

#define PEER_HEADER_SIZE 42
#define MESSAGE_SIZE     256

/* Capability 1 of an OPEN: unicast of a family. */
#define IPV4 1, 4, 0, 1, 0, 1
#define IPV6 1, 4, 0, 2, 0, 1
/* Empty UPDATE, and one with nothing but an empty attribute 15 for IPv6 unicast. */
#define END_OF_IPV4 0, 0, 0, 0
#define END_OF_IPV6 0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1

struct station {
	struct bmp_state *state;
	struct bmp_router *router;
	struct writer writer;
	uint8_t flags; /* of the peer headers that follow */
	uint8_t message[MESSAGE_SIZE];
};

static struct station *begin(void)
{
	static const struct prefix address = { .ip_version = 4, .length = 32, .address = { 10 } };
	static struct station station;
	const struct bmp_state_options options = {
		.rules = { .least_peers = 1, .longest_ipv4 = 24, .longest_ipv6 = 48 },
		.stale_ms = 60000,
		.most_routes = 1000,
	};

	station.flags = 0;
	station.state = bmp_state_create(&options);
	CHECK(station.state != NULL);
	station.router = bmp_station_connect(station.state, &address, 0);
	CHECK(station.router != NULL);
	return &station;
}

static void write_header(struct station *station, enum bmp_type type, uint8_t peer_type,
			 uint8_t peer)
{
	uint8_t *header;

	station->writer = writer_of(station->message, sizeof(station->message));
	(void)writer_take(&station->writer, BMP_HEADER_SIZE - 1);
	writer_u8(&station->writer, (uint8_t)type);
	header = writer_take(&station->writer, PEER_HEADER_SIZE);
	memset(header, 0, PEER_HEADER_SIZE);
	header[0] = peer_type;
	header[1] = station->flags;
	header[25] = peer; /* the last byte of its address */
}

static void write_bgp(struct station *station, uint8_t type, const uint8_t *body, size_t size)
{
	memset(writer_take(&station->writer, 16), 0xff, 16);
	writer_u16(&station->writer, (uint16_t)(19 + size));
	writer_u8(&station->writer, type);
	writer_bytes(&station->writer, body, size);
}

static void write_open(struct station *station, const uint8_t *capabilities, uint8_t size)
{
	uint8_t body[64] = { 4, 0xfb, 0xf4, 0, 90, 10, 0, 0, 1, (uint8_t)(size + 2), 2, size };

	memcpy(body + 12, capabilities, size);
	write_bgp(station, BGP_OPEN, body, 12u + size);
}

static void send_message(struct station *station)
{
	struct error_text error;

	CHECK(!station->writer.failed);
	CHECK_EQ(bmp_station_message(station->state, station->router, station->message,
				     writer_size(&station->writer), 0, &error),
		 1);
	CHECK_TEXT(error.text, "");
	bmp_station_tick(station->state, 1);
}

#define SIZE(...)  sizeof((const uint8_t[]){ __VA_ARGS__ })
#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, SIZE(__VA_ARGS__)

static void peer_up(struct station *station, uint8_t type, uint8_t peer, const uint8_t *sent,
		    uint8_t sent_size, const uint8_t *received, uint8_t received_size)
{
	write_header(station, BMP_PEER_UP, type, peer);
	memset(writer_take(&station->writer, 20), 0, 20);
	write_open(station, sent, sent_size);
	write_open(station, received, received_size);
	send_message(station);
}

static void update(struct station *station, uint8_t type, uint8_t peer, const uint8_t *body,
		   size_t size)
{
	write_header(station, BMP_ROUTE_MONITORING, type, peer);
	write_bgp(station, BGP_UPDATE, body, size);
	send_message(station);
}

TEST(a_table_has_ended_when_each_family_of_both_sides_has)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4, IPV6), BYTES(IPV4, IPV6));
	CHECK(!bmp_station_is_settled(station->state));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(!bmp_station_is_settled(station->state));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV6));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

TEST(a_family_of_one_side_alone_is_not_waited_for)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4, IPV6), BYTES(IPV4));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

TEST(each_peer_is_waited_for)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4, IPV6), BYTES(IPV4, IPV6));
	peer_up(station, BMP_PEER_global, 2, BYTES(IPV6), BYTES(IPV6));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV6));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(!bmp_station_is_settled(station->state));
	update(station, BMP_PEER_global, 2, BYTES(END_OF_IPV6));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

TEST(what_a_router_says_of_its_own_table_is_waited_for)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_loc_rib, 0, BYTES(IPV4, IPV6), BYTES(IPV4));
	update(station, BMP_PEER_loc_rib, 0, BYTES(END_OF_IPV4));
	CHECK(!bmp_station_is_settled(station->state));
	update(station, BMP_PEER_loc_rib, 0, BYTES(END_OF_IPV6));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

TEST(a_table_without_an_end_has_ended_when_nothing_more_comes)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4, IPV6), BYTES(IPV4, IPV6));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	bmp_station_tick(station->state, BMP_QUIET_MS - 1);
	CHECK(!bmp_station_is_settled(station->state));
	bmp_station_tick(station->state, BMP_QUIET_MS);
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

#define ROUTE 0, 0, 0, 14, 0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 24, 8, 8, 8

/* Before and after the policy: each view has its own end. */
TEST(each_view_of_a_peer_is_waited_for)
{
	struct station *station = begin();

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4, IPV6), BYTES(IPV4, IPV6));
	station->flags = BMP_FLAG_POST_POLICY;
	update(station, BMP_PEER_global, 1, BYTES(ROUTE));
	station->flags = 0;
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV6));
	CHECK(!bmp_station_is_settled(station->state));
	station->flags = BMP_FLAG_POST_POLICY;
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(!bmp_station_is_settled(station->state));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV6));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

/* What the last session has reported is expected of the next one. */
TEST(a_view_whose_routes_are_stale_is_waited_for)
{
	struct station *station = begin();
	const struct prefix address = station->router->address;

	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4), BYTES(IPV4));
	station->flags = BMP_FLAG_POST_POLICY;
	update(station, BMP_PEER_global, 1, BYTES(ROUTE));
	bmp_station_disconnect(station->state, station->router, 1);
	CHECK(bmp_station_connect(station->state, &address, 1) == station->router);
	station->flags = 0;
	peer_up(station, BMP_PEER_global, 1, BYTES(IPV4), BYTES(IPV4));
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(!bmp_station_is_settled(station->state));
	station->flags = BMP_FLAG_POST_POLICY;
	update(station, BMP_PEER_global, 1, BYTES(END_OF_IPV4));
	CHECK(bmp_station_is_settled(station->state));
	bmp_state_destroy(station->state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_has_ended_when_each_family_of_both_sides_has),
		cmocka_unit_test(each_view_of_a_peer_is_waited_for),
		cmocka_unit_test(a_view_whose_routes_are_stale_is_waited_for),
		cmocka_unit_test(a_family_of_one_side_alone_is_not_waited_for),
		cmocka_unit_test(each_peer_is_waited_for),
		cmocka_unit_test(what_a_router_says_of_its_own_table_is_waited_for),
		cmocka_unit_test(a_table_without_an_end_has_ended_when_nothing_more_comes),
	};

	return RUN_TESTS(tests);
}
