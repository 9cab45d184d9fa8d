/* test_sampling.c - one in N, by each method; prefixes of rules. */
#include "bob_hash.h"
#include "packets.h"
#include "sampling.h"

static const struct sampling_secret secret = { .seed = { 1, 2, 3 }, .key = { .k0 = 1 } };

static struct sampling sampling_of(enum sampling_method method, uint32_t interval)
{
	const struct sampling_choice choice = { .method = (uint8_t)method, .interval = interval };
	struct sampling sampling;

	sampling_init(&sampling, &choice, &secret);
	return sampling;
}

/* Of n packets n / interval count, give or take five standard deviations: chance 6e-7. */
static void check_share(uint64_t taken, uint64_t n, uint32_t interval)
{
	const double expected = (double)n / interval;
	const double off = (double)taken - expected;

	CHECK(off * off <= 25 * expected * (1 - 1.0 / interval));
}

TEST(without_a_method_all_count)
{
	struct sampling sampling = sampling_of(SAMPLING_none, 0);
	struct packet_info info = { .key = { .ip_version = 4 } };
	const struct reader ip = reader_of(NULL, 0);

	CHECK_EQ(sampling.interval, 1);
	for (int i = 0; i < 100; i++)
		CHECK(sampling_takes_next(&sampling));
	CHECK(sampling_takes_packet(&sampling, &info, ip));
	CHECK(sampling_takes_flow(&sampling, &info.key));
}

TEST(each_nth_counts)
{
	struct sampling sampling = sampling_of(SAMPLING_deterministic, 7);

	for (int i = 1; i <= 700; i++)
		CHECK_EQ(sampling_takes_next(&sampling), i % 7 == 0);
	sampling = sampling_of(SAMPLING_deterministic, 1);
	for (int i = 0; i < 10; i++)
		CHECK(sampling_takes_next(&sampling));
}

TEST(chance_is_one_in_n)
{
	static const uint32_t intervals[] = { 1, 2, 3, 10, 100, 1000 };

	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++) {
		struct sampling sampling = sampling_of(SAMPLING_random, intervals[i]);
		uint64_t taken = 0;

		for (int n = 0; n < 1000000; n++)
			taken += sampling_takes_next(&sampling);
		check_share(taken, 1000000, intervals[i]);
	}
}

/* Chi-square over the position modulo 10 of what counts: 9 degrees of freedom, 27.9 is one in a
 * thousand, and the seed is fixed. A choice that follows a pattern of the packets would show. */
TEST(chance_has_no_rhythm)
{
	struct sampling sampling = sampling_of(SAMPLING_random, 10);
	double counts[10] = { 0 };
	double chi_square = 0;
	double taken = 0;

	for (int n = 0; n < 1000000; n++) {
		if (!sampling_takes_next(&sampling))
			continue;
		counts[n % 10]++;
		taken++;
	}
	for (size_t i = 0; i < 10; i++)
		chi_square += (counts[i] - taken / 10) * (counts[i] - taken / 10) / (taken / 10);
	CHECK(chi_square < 27.9);
}

/* The number of packets between two that count is geometric: mean N, variance N * (N - 1). */
TEST(gaps_are_those_of_independent_choices)
{
	struct sampling sampling = sampling_of(SAMPLING_random, 10);
	double square_sum = 0;
	double gaps = 0;
	int gap = 0;

	for (int n = 0; n < 1000000; n++) {
		gap++;
		if (!sampling_takes_next(&sampling))
			continue;
		square_sum += (gap - 10.0) * (gap - 10.0);
		gaps++;
		gap = 0;
	}
	CHECK(square_sum / gaps > 87 && square_sum / gaps < 93);
}

TEST(a_seed_repeats_itself_and_others_differ)
{
	struct sampling one = sampling_of(SAMPLING_random, 2);
	struct sampling same = sampling_of(SAMPLING_random, 2);
	const struct sampling_choice choice = { .method = SAMPLING_random, .interval = 2 };
	static const struct sampling_secret zeros;
	struct sampling other;
	int differences = 0;

	sampling_init(&other, &choice, &zeros);
	for (int i = 0; i < 1000; i++) {
		const bool takes = sampling_takes_next(&one);

		CHECK_EQ(sampling_takes_next(&same), takes);
		differences += sampling_takes_next(&other) != takes;
	}
	CHECK(differences > 400 && differences < 600);
}

/* Decode from a block of exactly the size, then ask. */
static bool takes(const struct sampling *sampling, enum link_type link, const uint8_t *bytes,
		  size_t size)
{
	uint8_t *copy = malloc(size);
	struct packet_view view = { .link = (uint8_t)link,
				    .captured_bytes = (uint32_t)size,
				    .bytes = copy };
	struct packet_info info;
	struct reader ip;
	bool result;

	memcpy(copy, bytes, size);
	CHECK_EQ(decode_packet_noted(&view, &info, NULL, &ip), DROP_NONE);
	result = sampling_takes_packet(sampling, &info, ip);
	free(copy);
	return result;
}

/* UDP in IPv4 with this identification, and a byte that changes on the way at this offset. */
static void make_packet(uint8_t packet[static 50], uint16_t identification, size_t changed)
{
	static const uint8_t plain[50] = { ETHERNET(0x0800), IPv4(36, 17), UDP, 'p', 'a', 'y' };

	memcpy(packet, plain, 50);
	packet[18] = (uint8_t)(identification >> 8);
	packet[19] = (uint8_t)identification;
	if (changed)
		packet[changed] ^= 0x5a;
}

TEST(what_changes_on_the_way_does_not_matter)
{
	static const size_t mutable[] = {
		0, 5, 15, 22, 24, 25, 40, 41
	}; /* MAC addresses, ToS, TTL,
	     checksums of IP and UDP */
	const struct sampling sampling = sampling_of(SAMPLING_hash, 4);
	struct sampling other_seed = sampling;
	const struct sampling_choice choice = { .method = SAMPLING_hash, .interval = 4 };
	static const struct sampling_secret zeros;
	uint64_t taken = 0;

	sampling_init(&other_seed, &choice, &zeros);
	for (uint32_t id = 0; id < 20000; id++) {
		uint8_t packet[50];
		bool expected;

		make_packet(packet, (uint16_t)id, 0);
		expected = takes(&sampling, LINK_ETHERNET, packet, sizeof(packet));
		taken += expected;
		/* Another agent: no link header, another seed. */
		CHECK_EQ(takes(&other_seed, LINK_RAW, packet + 14, sizeof(packet) - 14), expected);
		make_packet(packet, (uint16_t)id, mutable[id % 8]);
		CHECK_EQ(takes(&sampling, LINK_ETHERNET, packet, sizeof(packet)), expected);
	}
	check_share(taken, 20000, 4);
}

/* Packets that no agent without a secret chooses, and none with another secret. */
TEST(with_a_shared_secret_nobody_else_knows_what_is_chosen)
{
	const struct sampling_choice choice = { .method = SAMPLING_hash, .interval = 4 };
	const struct sampling open = sampling_of(SAMPLING_hash, 4);
	struct sampling_secret key = { .is_shared = true, .key = { .k0 = 5, .k1 = 6 } };
	struct sampling one;
	struct sampling same;
	struct sampling other;
	uint64_t taken = 0;
	uint64_t hidden = 0;

	sampling_init(&one, &choice, &key);
	memset(key.seed, 7, sizeof(key.seed));
	sampling_init(&same, &choice, &key);
	key.key.k1 = 7;
	sampling_init(&other, &choice, &key);
	for (uint32_t id = 0; id < 60000; id++) {
		uint8_t packet[50];
		bool expected;

		make_packet(packet, (uint16_t)id, 0);
		expected = takes(&one, LINK_ETHERNET, packet, sizeof(packet));
		CHECK_EQ(takes(&same, LINK_RAW, packet + 14, sizeof(packet) - 14), expected);
		if (takes(&open, LINK_ETHERNET, packet, sizeof(packet)) ||
		    takes(&other, LINK_ETHERNET, packet, sizeof(packet)))
			continue;
		hidden++;
		taken += expected;
	}
	check_share(taken, hidden, 4);
}

/* Ethernet fills short frames up, with anything, and some captures end with a checksum: neither is
 * of the packet, and other links have neither. */
TEST(what_is_after_the_packet_does_not_matter)
{
	const struct sampling sampling = sampling_of(SAMPLING_hash, 2);

	for (uint16_t id = 0; id < 200; id++) {
		static const uint8_t ipv6[] = { IPv6_UDP };
		uint8_t frame[64];
		bool expected;

		memset(frame, id, sizeof(frame));
		make_packet(frame, id, 0);
		expected = takes(&sampling, LINK_RAW, frame + 14, 36);
		CHECK_EQ(takes(&sampling, LINK_ETHERNET, frame, 60), expected);
		CHECK_EQ(takes(&sampling, LINK_ETHERNET, frame, 64), expected);

		memcpy(frame, ipv6, sizeof(ipv6));
		memset(frame + sizeof(ipv6), id, sizeof(frame) - sizeof(ipv6));
		CHECK_EQ(takes(&sampling, LINK_IPV6, frame, sizeof(frame)),
			 takes(&sampling, LINK_IPV6, ipv6, sizeof(ipv6)));
	}
}

/* The captured bytes end within the options: their header is still not hashed, whose TTL and
 * checksum differ from hop to hop. */
TEST(options_that_are_cut_off_hide_what_changes_too)
{
	const struct sampling sampling = sampling_of(SAMPLING_hash, 2);

	for (uint16_t id = 0; id < 200; id++) {
		uint8_t packet[24] = { IPv4(60, 17), 1, 1, 1, 1 };
		bool expected;

		packet[0] = 0x4f;
		packet[5] = (uint8_t)id;
		expected = takes(&sampling, LINK_IPV4, packet, sizeof(packet));
		packet[8] ^= 0x5a;
		packet[10] ^= 0x5a;
		CHECK_EQ(takes(&sampling, LINK_IPV4, packet, sizeof(packet)), expected);
	}
}

/* Bytes at the offset of another link header that look like the packet's own header: version 4 and
 * its addresses. The decoder knows better. */
TEST(what_looks_like_a_header_is_none)
{
	const struct sampling sampling = sampling_of(SAMPLING_hash, 2);

	for (uint16_t id = 0; id < 200; id++) {
		uint8_t frame[14 + 60] = { ETHERNET(0x0800), IPv4(60, 17), UDP };
		uint8_t *ip = frame + 14;
		bool expected;

		ip[5] = (uint8_t)id;
		ip[14] = 0x45;
		memcpy(ip + 26, ip + 12, 8);
		expected = takes(&sampling, LINK_ETHERNET, frame, sizeof(frame));
		CHECK_EQ(takes(&sampling, LINK_RAW, ip, 60), expected);
	}
}

TEST(what_stays_the_same_on_the_way_matters)
{
	static const size_t fixed[] = { 26, 33, 34, 37, 38, 42, 44 }; /* addresses, ports, length,
									 payload */
	const struct sampling sampling = sampling_of(SAMPLING_hash, 2);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		int differences = 0;

		for (uint16_t id = 0; id < 200; id++) {
			uint8_t packet[50];
			bool expected;

			make_packet(packet, id, 0);
			expected = takes(&sampling, LINK_ETHERNET, packet, sizeof(packet));
			make_packet(packet, id, fixed[i]);
			differences += takes(&sampling, LINK_ETHERNET, packet, 50) != expected;
		}
		CHECK(differences > 50);
	}
}

TEST(ipv6_and_packets_cut_off_have_a_hash_too)
{
	static const uint8_t ipv6[] = { IPv6_UDP };
	static const uint8_t short_ipv4[] = { IPv4(28, 17) };
	static const uint8_t tagged[] = { ETHERNET(0x8100), VLAN(5, 0x86dd), IPv6_UDP };
	const struct sampling one = sampling_of(SAMPLING_hash, 1);
	const struct sampling two = sampling_of(SAMPLING_hash, 2);

	CHECK(takes(&one, LINK_IPV6, ipv6, sizeof(ipv6)));
	CHECK(takes(&one, LINK_IPV4, short_ipv4, sizeof(short_ipv4)));
	CHECK_EQ(takes(&two, LINK_IPV6, ipv6, sizeof(ipv6)),
		 takes(&two, LINK_ETHERNET, tagged, sizeof(tagged)));
}

TEST(a_flow_is_chosen_as_a_whole)
{
	const struct sampling sampling = sampling_of(SAMPLING_flows, 8);
	uint64_t taken = 0;

	for (uint32_t i = 0; i < 80000; i++) {
		struct flow_key key = { .ip_version = i % 2 ? 4 : 6,
					.protocol = 6,
					.source_port = (uint16_t)(i >> 1),
					.destination_port = 443 };
		const bool expected = sampling_takes_flow(&sampling, &key);

		CHECK_EQ(sampling_takes_flow(&sampling, &key), expected);
		taken += expected;
	}
	check_share(taken, 80000, 8);
}

/* Values of an implementation of its own, in Python, of the published algorithm. */
TEST(both_directions_of_a_connection_are_in_one_sample)
{
	const struct sampling sampling = sampling_of(SAMPLING_flows, 2);
	unsigned int taken = 0;

	for (uint16_t port = 1; port <= 1000; port++) {
		const struct flow_key there = { .source_port = port,
						.destination_port = 53,
						.protocol = 17,
						.input_interface = 2,
						.ip_version = 4,
						.addresses = { 192, 0, 2, 1, 198, 51, 100, 2 } };
		const struct flow_key back = { .source_port = 53,
					       .destination_port = port,
					       .protocol = 17,
					       .output_interface = 2,
					       .side = 1,
					       .ip_version = 4,
					       .addresses = { 198, 51, 100, 2, 192, 0, 2, 1 } };

		taken += sampling_takes_flow(&sampling, &there);
		CHECK_EQ(sampling_takes_flow(&sampling, &there),
			 sampling_takes_flow(&sampling, &back));
	}
	CHECK(taken > 420 && taken < 580);
}

TEST(bob_hash_is_the_published_one)
{
	static const uint8_t text[] = "Four score and seven years ago";

	CHECK_EQ(bob_hash(text, 0, 0), 0xbd49d10d);
	CHECK_EQ(bob_hash(text, 5, 0), 0xe412b220);
	CHECK_EQ(bob_hash(text, 12, 0), 0xcc6600d8);
	CHECK_EQ(bob_hash(text, 23, 1), 0x88c11f8e);
	CHECK_EQ(bob_hash(text, 30, 0), 0x50f2424b);
}

static uint32_t prefix(const char *text)
{
	const size_t size = strlen(text);
	uint8_t *copy = malloc(size ? size : 1); /* without the NUL */
	uint32_t interval;

	memcpy(copy, text, size);
	interval = sampling_prefix_interval(copy, size);
	free(copy);
	return interval;
}

TEST(a_prefix_tells_the_rate)
{
	CHECK_EQ(prefix("s=10"), 10);
	CHECK_EQ(prefix("s=1"), 1);
	CHECK_EQ(prefix("web s=100"), 100);
	CHECK_EQ(prefix("s=100 web"), 100);
	CHECK_EQ(prefix("web,s=100:"), 100);
	CHECK_EQ(prefix("[uplink s=7] "), 7);
	CHECK_EQ(prefix("s=4294967295"), 4294967295);
	CHECK_EQ(prefix("s=x s=5"), 5);
	CHECK_EQ(sampling_prefix_interval((const uint8_t *)"s=1\0s=20", 9), 1);
	CHECK_EQ(sampling_prefix_interval((const uint8_t *)"\0s=20", 6), 0);
}

TEST(other_words_are_no_rate)
{
	static const char *const texts[] = {
		"",     "s",     "s=",      "s= 10",        "s=0",    "us=10",
		"s=1x", "s=1.5", "s=-3",    "s=4294967296", "S=10",   "s=99999999999999999999999",
		"ss=5", "x-s=5", "s=10=11", "s=10-11",      "s=\t10", "s=10s=20",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_EQ(prefix(texts[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_method_all_count),
		cmocka_unit_test(each_nth_counts),
		cmocka_unit_test(chance_is_one_in_n),
		cmocka_unit_test(chance_has_no_rhythm),
		cmocka_unit_test(gaps_are_those_of_independent_choices),
		cmocka_unit_test(a_seed_repeats_itself_and_others_differ),
		cmocka_unit_test(what_changes_on_the_way_does_not_matter),
		cmocka_unit_test(with_a_shared_secret_nobody_else_knows_what_is_chosen),
		cmocka_unit_test(what_is_after_the_packet_does_not_matter),
		cmocka_unit_test(options_that_are_cut_off_hide_what_changes_too),
		cmocka_unit_test(what_looks_like_a_header_is_none),
		cmocka_unit_test(what_stays_the_same_on_the_way_matters),
		cmocka_unit_test(ipv6_and_packets_cut_off_have_a_hash_too),
		cmocka_unit_test(a_flow_is_chosen_as_a_whole),
		cmocka_unit_test(both_directions_of_a_connection_are_in_one_sample),
		cmocka_unit_test(bob_hash_is_the_published_one),
		cmocka_unit_test(a_prefix_tells_the_rate),
		cmocka_unit_test(other_words_are_no_rate),
	};

	return RUN_TESTS(tests);
}
