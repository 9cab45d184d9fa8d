/* test_decode.c - what holds for any bytes, well formed or not. */
#include "packets.h"

#include "decode_packet.h"

/* Start of frames that lead the decoder astray when what follows is random. */
struct seed {
	uint8_t link;
	uint8_t size;
	uint8_t bytes[64];
};

#define SEED(link, ...)                                   \
	{                                                 \
		link, sizeof((uint8_t[]){ __VA_ARGS__ }), \
		{                                         \
			__VA_ARGS__                       \
		}                                         \
	}

static const struct seed seeds[] = {
	SEED(LINK_ETHERNET, ETHERNET(0x0800), IPv4_WITH(0x46, 60, 0x2000, 6)),
	SEED(LINK_ETHERNET, ETHERNET(0x86dd), IPv6(0, 0), 43, 0, 0xc2, 4),
	SEED(LINK_ETHERNET, ETHERNET(0x8100), VLAN(1, 0x88a8)),
	SEED(LINK_ETHERNET, ETHERNET(0x8847), MPLS(100, 0), MPLS(100, 1)),
	SEED(LINK_ETHERNET, ETHERNET(0x8864), 0x11, 0, 0, 7, 0, 30, 0),
	SEED(LINK_ETHERNET, ETHERNET(38), 0xaa, 0xaa, 3, 0, 0, 0),
	SEED(LINK_LINUX_SLL, 0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0),
	SEED(LINK_LINUX_SLL2, 8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0),
	SEED(LINK_NFLOG, 2, 0, 0, 40, 8, 0, 1, 0, 8, 0, 0, 0, 32, 0, 9, 0),
	SEED(LINK_NFLOG, 7, 0, 0, 40, 0, 8, 0, 1, 0x81, 0, 4, 0, 0, 32, 0, 9),
	SEED(LINK_PPP, 0xff, 3, 0),
	SEED(LINK_RAW, IPv6(40, 44), 60, 0, 0, 1),
};

/* xorshift: the same numbers on every machine. */
static uint32_t next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

/* What must hold whatever the bytes are. 'info' is undefined unless the packet is accounted. */
static void check_invariants(const struct packet_view *view, enum drop_reason reason,
			     const struct packet_info *info)
{
	static const uint8_t zeros[24] = { 0 };

	CHECK((int)reason >= DROP_NONE && reason < DROP_REASON_COUNT);
	CHECK(reason != DROP_OWN_EXPORT);
	if (reason != DROP_NONE)
		return;
	CHECK(info->key.ip_version == 4 || info->key.ip_version == 6);
	CHECK(info->octets >= (info->key.ip_version == 4 ? 20 : 40));
	CHECK(info->octets <= 40 + (uint64_t)UINT32_MAX);
	CHECK(info->fragment <= FRAGMENT_later);
	CHECK_EQ(info->key.mark, 0);
	CHECK_EQ(info->key.sampler, 0);
	CHECK_EQ(info->key.zero, 0);
	CHECK(info->key.vlan_id <= 4095);
	if (info->key.ip_version == 4)
		CHECK_BYTES(info->key.addresses + 8, zeros, 24);
	if (info->key.protocol != 6)
		CHECK_EQ(info->tcp_flags, 0);
	if (info->fragment == FRAGMENT_later)
		CHECK(info->key.source_port == 0 && info->key.destination_port == 0);
	if (info->fragment == FRAGMENT_none)
		CHECK(info->fragment_id == 0 && info->fragment_protocol == 0);
	CHECK_EQ(info->time_ms, view->time_ms);
}

/* The copies of the decoder that note a few things alone note the same. */
static void check_notes(const struct packet_view *view)
{
	struct packet_info info;
	struct packet_note all, ttl, macs, ports;
	enum drop_reason reason;

	memset(&all, 0x11, sizeof(all));
	memset(&ttl, 0x22, sizeof(ttl));
	memset(&macs, 0x33, sizeof(macs));
	memset(&ports, 0x44, sizeof(ports));
	reason = decode_packet_noted(view, &info, &all, NULL);
	CHECK_EQ(decode_packet_inline(view, &info, &ttl, NULL, PACKET_NOTES_TTL), reason);
	CHECK_EQ(decode_packet_inline(view, &info, &macs, NULL, PACKET_NOTES_MACS), reason);
	CHECK_EQ(decode_packet_inline(view, &info, &ports, NULL, PACKET_NOTES_PORTS), reason);
	if (reason != DROP_NONE)
		return;
	CHECK_EQ(ttl.ttl, all.ttl);
	CHECK_EQ(macs.source_mac, all.source_mac);
	CHECK_EQ(macs.destination_mac, all.destination_mac);
	CHECK_EQ(ports.physical_input, all.physical_input);
	CHECK_EQ(ports.physical_output, all.physical_output);
}

TEST(random_bytes_keep_the_invariants)
{
	uint32_t random = 20140811;
	unsigned int accounted = 0;

	for (int round = 0; round < 300000; round++) {
		const struct seed *seed =
			&seeds[next_random(&random) % (sizeof(seeds) / sizeof(seeds[0]))];
		struct packet_view view = {
			.link = seed->link,
			.side = SIDE_unknown,
			.original_bytes = next_random(&random) % 300,
			.time_ms = round,
		};
		uint8_t bytes[192];
		size_t size = next_random(&random) % sizeof(bytes);
		struct packet_info info;
		enum drop_reason reason;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = next_random(&random) % 4 ? (uint8_t)(next_random(&random) % 64)
							    : (uint8_t)next_random(&random);
		memcpy(bytes, seed->bytes, seed->size);
		if (next_random(&random) % 2)
			bytes[next_random(&random) % seed->size] = (uint8_t)next_random(&random);
		reason = decode_copy(view, bytes, size, &info);
		check_invariants(&view, reason, &info);
		view.bytes = bytes;
		view.captured_bytes = (uint32_t)size;
		view.link_header = round % 2 ? seeds[0].bytes : NULL;
		check_notes(&view);
		accounted += reason == DROP_NONE;
	}
	CHECK(accounted > 30000); /* the test reaches the inner layers */
}

TEST(every_link_type_takes_any_bytes)
{
	uint32_t random = 1;

	for (int round = 0; round < 100000; round++) {
		struct packet_view view = { .link = (uint8_t)(next_random(&random) % 16),
					    .ethertype = (uint16_t)next_random(&random) };
		uint8_t bytes[64];
		struct packet_info info;
		size_t size = next_random(&random) % sizeof(bytes);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)next_random(&random);
		check_invariants(&view, decode_copy(view, bytes, size, &info), &info);
	}
}

TEST(nothing_captured)
{
	for (uint8_t link = 0; link <= LINK_UNKNOWN; link++) {
		struct packet_view view = { .link = link, .ethertype = 0x0800 };
		struct packet_info info;
		enum drop_reason reason = decode_packet(&view, &info); /* bytes is NULL */

		if (link == LINK_UNKNOWN)
			CHECK_EQ(reason, DROP_LINK_UNKNOWN);
		else if (link == LINK_RAW || link == LINK_IPV4 || link == LINK_IPV6 ||
			 link == LINK_ETHERTYPE)
			CHECK_EQ(reason, DROP_IP_TRUNCATED);
		else
			CHECK_EQ(reason, DROP_LINK_TRUNCATED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes_keep_the_invariants),
		cmocka_unit_test(every_link_type_takes_any_bytes),
		cmocka_unit_test(nothing_captured),
	};

	return RUN_TESTS(tests);
}
