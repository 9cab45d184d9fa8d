/* test_tcp_track.c - what the packets of a connection say of it: literal cases, and a sender whose
 * losses, retransmissions and detours are known. */
#include "tcp_track.h"

#include "bytes.h"
#include "check.h"
#include "tcp_flags.h"
#include "tcp_segment.h"

#include <stdlib.h>

#define MSS 1000

/* A packet under way. */
struct sent {
	uint32_t sequence, acknowledgement, payload, stamp, echo;
	uint8_t flags;
	int64_t time_us;
	uint16_t segments;                             /* 0: 1 */
	bool has_no_stamp, is_unstamped, is_forwarded; /* the last: unstamped, too */
};

static void pass(struct tcp_track *track, struct sent sent)
{
	uint8_t header[32] = { [12] = sent.has_no_stamp ? 0x50 : 0x80,
			       [13] = sent.flags,
			       [20] = 1, /* RFC 7323 appendix A: NOP, NOP, time stamps */
			       [21] = 1,
			       [22] = 8,
			       [23] = 10 };
	const uint32_t size = sent.has_no_stamp ? 20 : 32;
	const struct packet_info info = {
		.time_ms = sent.time_us / 1000,
		.packets_added = (uint16_t)(sent.segments ? sent.segments - 1 : 0),
	};
	const struct packet_note note = {
		.tcp = header,
		.tcp_captured = size,
		.tcp_octets = size + sent.payload,
		.microseconds = (uint16_t)(sent.is_forwarded   ? PACKET_UNSTAMPED_FORWARDED
					   : sent.is_unstamped ? PACKET_UNSTAMPED
							       : sent.time_us % 1000),
	};

	store_be32(header + 4, sent.sequence);
	store_be32(header + 8, sent.acknowledgement);
	store_be32(header + 24, sent.stamp);
	store_be32(header + 28, sent.echo);
	tcp_track_add(track, &info, &note);
}

static void check(const struct tcp_track *track, uint32_t retransmitted, uint32_t out_of_order)
{
	CHECK_EQ(track->quality.retransmitted, retransmitted);
	CHECK_EQ(track->quality.out_of_order, out_of_order);
	CHECK(track->quality.is_known);
}

/* Data number 'number' of a connection whose sequence numbers wrap within. */
static struct sent data(uint32_t number, uint32_t stamp)
{
	return (struct sent){ .sequence = 0xffffff00u + number * MSS,
			      .payload = MSS,
			      .flags = TCP_FLAG_ACK,
			      .stamp = stamp };
}

TEST(what_has_passed_already_is_retransmitted)
{
	struct tcp_track track = { .next = 0 };

	for (uint32_t i = 0; i < 4; i++)
		pass(&track, data(i, i));
	check(&track, 0, 0);
	pass(&track, data(1, 9));
	pass(&track, data(1, 10));
	check(&track, 2, 0);
	pass(&track, data(4, 11));
	check(&track, 2, 0);
}

TEST(what_fills_a_gap_was_lost_or_overtaken)
{
	struct tcp_track track = { .next = 0 };

	pass(&track, data(0, 1));
	pass(&track, data(2, 5));
	pass(&track, data(1, 5)); /* sent before it */
	check(&track, 0, 1);
	pass(&track, data(5, 6));
	pass(&track, data(3, 26)); /* sent a round trip later */
	pass(&track, data(4, 27));
	check(&track, 2, 1);
	pass(&track, data(4, 28)); /* the gap is no more */
	check(&track, 3, 1);
}

TEST(without_stamps_the_time_decides)
{
	struct tcp_track track = { .next = 0 };
	struct sent packets[] = { data(0, 0), data(3, 0), data(1, 0), data(2, 0) };

	for (size_t i = 0; i < 4; i++) {
		packets[i].has_no_stamp = true;
		packets[i].time_us = i == 3 ? 21000 : (int64_t)i * 1000;
		pass(&track, packets[i]);
	}
	check(&track, 1, 1);
}

/* Keep-alives, probes of a closed window with and without a byte, bare ACKs, RST. */
TEST(nothing_else_counts)
{
	struct tcp_track track = { .next = 0 };
	const uint32_t next = data(1, 0).sequence;

	pass(&track, data(0, 1));
	pass(&track, (struct sent){ .sequence = next - 1, .flags = TCP_FLAG_ACK });
	pass(&track, (struct sent){ .sequence = next - 1, .flags = TCP_FLAG_ACK, .payload = 1 });
	pass(&track, (struct sent){ .sequence = next, .flags = TCP_FLAG_ACK });
	pass(&track, (struct sent){ .sequence = 7, .flags = TCP_FLAG_RST });
	pass(&track, data(1, 2));
	check(&track, 0, 0);
	pass(&track, (struct sent){ .sequence = next + MSS, .flags = TCP_FLAG_ACK | TCP_FLAG_FIN });
	pass(&track, (struct sent){ .sequence = next + MSS, .flags = TCP_FLAG_ACK | TCP_FLAG_FIN });
	check(&track, 1, 0);
}

TEST(superpackets_count_as_their_segments)
{
	struct tcp_track track = { .next = 0 };
	struct sent super = data(0, 1);

	super.payload = 10 * MSS;
	super.segments = 10;
	pass(&track, super);
	pass(&track, super);
	check(&track, 10, 0);
	super.sequence += 8 * MSS; /* two have passed, eight are new */
	pass(&track, super);
	check(&track, 12, 0);
}

TEST(another_connection_under_the_same_ports)
{
	struct tcp_track track = { .next = 0 };

	pass(&track, data(0, 1));
	pass(&track, (struct sent){ .sequence = 77, .flags = TCP_FLAG_SYN });
	pass(&track, (struct sent){ .sequence = 78, .flags = TCP_FLAG_ACK, .payload = 5 });
	check(&track, 0, 0);
	pass(&track, (struct sent){ .sequence = 0x80000000u, .flags = TCP_FLAG_ACK, .payload = 5 });
	pass(&track, (struct sent){ .sequence = 0x80000005u, .flags = TCP_FLAG_ACK, .payload = 5 });
	check(&track, 0, 0);
}

TEST(next_record_knows_the_order_and_no_more)
{
	struct tcp_track track = { .next = 0 };

	pass(&track, (struct sent){ .sequence = data(0, 0).sequence - 1, .flags = TCP_FLAG_SYN });
	pass(&track, data(0, 1));
	pass(&track, data(0, 2));
	tcp_track_begin(&track, false);
	CHECK(!track.quality.is_known);
	pass(&track, data(0, 3));
	check(&track, 1, 0);
	tcp_track_begin(&track, true);
	pass(&track, data(0, 3));
	check(&track, 0, 0);
}

/* ---- the handshake ---- */

static const struct sent syn = {
	.sequence = 100, .flags = TCP_FLAG_SYN, .stamp = 5000, .time_us = 1000000
};
static const struct sent syn_ack = { .sequence = 900,
				     .acknowledgement = 101,
				     .flags = TCP_FLAG_SYN | TCP_FLAG_ACK,
				     .stamp = 77,
				     .time_us = 1000250 };
static const struct sent last_ack = { .sequence = 101,
				      .acknowledgement = 901,
				      .flags = TCP_FLAG_ACK,
				      .stamp = 5020,
				      .time_us = 1020400 };

struct handshake {
	struct tcp_track opener, answerer;
};

static void check_times(const struct handshake *shake, uint32_t all, uint32_t client,
			uint32_t server)
{
	const struct tcp_quality *const both[2] = { &shake->opener.quality,
						    &shake->answerer.quality };

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(both[i]->handshake_us, all);
		CHECK_EQ(both[i]->client_us, client);
		CHECK_EQ(both[i]->server_us, server);
	}
}

TEST(round_trip_of_the_handshake)
{
	for (int order = 0; order < 2; order++) {
		struct handshake shake = { .opener.next = 0 };

		pass(&shake.opener, syn);
		pass(&shake.answerer, syn_ack);
		pass(&shake.opener, last_ack);
		if (order)
			tcp_track_pair(&shake.opener, &shake.answerer);
		else
			tcp_track_pair(&shake.answerer, &shake.opener);
		check_times(&shake, 20401, 20151, 251);
	}
}

/* A log group stamps what comes in. */
TEST(round_trip_where_only_one_side_is_stamped)
{
	struct handshake shake = { .opener.next = 0 };
	struct sent one = syn_ack, first = syn, last = last_ack;

	one.is_unstamped = true;
	one.time_us += 90000;
	pass(&shake.opener, first);
	pass(&shake.answerer, one);
	pass(&shake.opener, last);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 20401, 20401, 0);

	shake = (struct handshake){ .opener.next = 0 };
	first.is_unstamped = last.is_unstamped = true;
	first.time_us += 30000; /* read late, at once with the other */
	last.time_us += 10000;
	pass(&shake.opener, first);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 20001, 0, 20001);

	shake = (struct handshake){ .opener.next = 0 };
	last.stamp += 5000000; /* a clock that is not of milliseconds */
	pass(&shake.opener, first);
	pass(&shake.opener, last);
	check_times(&shake, 0, 0, 0);
}

/* A router's log group stamps what comes in, and not what it forwards. */
TEST(round_trip_of_forwarded_packets)
{
	struct handshake shake = { .opener.next = 0 };
	struct sent one = syn_ack, first = syn, last = last_ack;

	one.is_forwarded = first.is_forwarded = last.is_forwarded = true;
	one.time_us += 90000;
	pass(&shake.opener, syn);
	pass(&shake.answerer, one);
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 20401, 0, 0);

	for (int i = 0; i < 3; i++) { /* either of the opener's, or both */
		shake = (struct handshake){ .opener.next = 0 };
		pass(&shake.opener, i == 1 ? syn : first);
		pass(&shake.answerer, syn_ack);
		pass(&shake.opener, i == 2 ? last_ack : last);
		tcp_track_pair(&shake.opener, &shake.answerer);
		check_times(&shake, 0, 0, 0);
	}
}

TEST(the_next_connection_has_times_of_its_own)
{
	struct handshake shake = { .opener.next = 0 };
	struct sent next = syn;

	pass(&shake.opener, syn);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	next.sequence += 5000;
	pass(&shake.opener, next);
	pass(&shake.opener, next); /* sent twice */
	next = syn_ack;
	next.sequence += 5000;
	pass(&shake.answerer, next);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);
}

/* ---- time stamps ---- */

/* Of a connection that was there before: the client has sent at 0, 100, 200 ... ms, and each is
 * acknowledged 20 ms later; the server sends 50 ms later, and that is acknowledged after 3. Every
 * fourth time both acknowledge 20 ms later than that. */
static void talk(struct handshake *shake, uint32_t rounds, bool has_answers, bool is_unstamped)
{
	for (uint32_t i = 0; i < rounds; i++) {
		const int64_t begin_us = 5000000 + i * INT64_C(100000);
		const int64_t late_us = i % 4 == 3 ? 20000 : 0;
		struct sent packets[4] = {
			{ .sequence = 1000 + 100 * i,
			  .payload = 100,
			  .stamp = 7000 + i,
			  .echo = 8000 + i },
			{ .sequence = 1, .stamp = 9000000, .echo = 7000 + i },
			{ .sequence = 5000 + 100 * i,
			  .payload = 100,
			  .stamp = 8001 + i,
			  .echo = 7000 + i },
			{ .sequence = 1, .stamp = 9000001, .echo = 8001 + i },
		};
		const int64_t times_us[4] = { 0, 20000 + late_us, 50000, 53000 + late_us };

		for (size_t j = 0; j < 4; j++) {
			if (j >= 2 && !has_answers)
				break;
			packets[j].flags = TCP_FLAG_ACK;
			packets[j].time_us = begin_us + times_us[j];
			packets[j].is_unstamped = is_unstamped && j % 2 == 0;
			pass(j == 0 || j == 3 ? &shake->opener : &shake->answerer, packets[j]);
		}
	}
}

TEST(round_trip_by_time_stamps)
{
	for (uint32_t rounds = 4; rounds < 3000; rounds *= 5) {
		struct handshake shake = { .opener.next = 0 };

		talk(&shake, rounds, true, false);
		tcp_track_pair(&shake.opener, &shake.answerer);
		tcp_track_pair_stamps(&shake.opener, &shake.answerer);
		check_times(&shake, 23001, 3001, 20001);
		/* Again, as for each look at a flow that goes on. */
		tcp_track_pair_stamps(&shake.opener, &shake.answerer);
		check_times(&shake, 23001, 3001, 20001);
	}
}

TEST(one_part_by_time_stamps)
{
	struct handshake shake = { .opener.next = 0 };

	talk(&shake, 40, false, false);
	tcp_track_pair_stamps(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 20001);

	/* When those that leave have passed is not known. */
	shake = (struct handshake){ .opener.next = 0 };
	talk(&shake, 40, false, true);
	tcp_track_pair_stamps(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);
}

TEST(a_handshake_comes_before_time_stamps)
{
	struct handshake shake = { .opener.next = 0 };

	pass(&shake.opener, syn);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last_ack);
	talk(&shake, 40, true, false);
	tcp_track_pair(&shake.opener, &shake.answerer);
	tcp_track_pair_stamps(&shake.answerer, &shake.opener);
	check_times(&shake, 20401, 20151, 251);

	/* The next record has none, and who has opened the connection is a guess. */
	tcp_track_begin(&shake.opener, false);
	tcp_track_begin(&shake.answerer, false);
	tcp_track_pair_stamps(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);
	talk(&shake, 40, true, false);
	tcp_track_pair_stamps(&shake.answerer, &shake.opener);
	check_times(&shake, 23001, 20001, 3001);
}

/* A SYN that was sent twice says who has opened it. */
TEST(time_stamps_after_a_handshake_that_nobody_knows)
{
	struct handshake shake = { .opener.next = 0 };

	pass(&shake.opener, syn);
	pass(&shake.opener, syn);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last_ack);
	talk(&shake, 40, true, false);
	tcp_track_pair(&shake.opener, &shake.answerer);
	tcp_track_pair_stamps(&shake.answerer, &shake.opener);
	check_times(&shake, 23001, 3001, 20001);
}

TEST(round_trip_that_nobody_knows)
{
	struct handshake shake = { .opener.next = 0 };
	struct sent late = last_ack;

	pass(&shake.opener, syn);
	pass(&shake.opener, syn); /* which one was answered? */
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);
	check(&shake.opener, 1, 0);

	shake = (struct handshake){ .opener.next = 0 };
	pass(&shake.opener, syn);
	pass(&shake.answerer, syn_ack);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);

	shake = (struct handshake){ .opener.next = 0 };
	late.payload = 10; /* the ACK was lost */
	pass(&shake.opener, syn);
	pass(&shake.answerer, syn_ack);
	pass(&shake.opener, late);
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	check_times(&shake, 0, 0, 0);

	shake = (struct handshake){ .opener.next = 0 };
	pass(&shake.opener, syn);
	pass(&shake.answerer, (struct sent){ .sequence = 5, .flags = syn_ack.flags });
	pass(&shake.opener, last_ack);
	tcp_track_pair(&shake.opener, &shake.answerer);
	CHECK_EQ(shake.opener.quality.handshake_us, 20401); /* without the other side */
	CHECK_EQ(shake.answerer.quality.handshake_us, 0);   /* of another connection */
}

/* ---- a sender ---- */

/* Packets are sent one each millisecond; some are lost before they pass here, and sent again 20 to
 * 40 ms later; some pass here, are lost later, and sent again; some are overtaken by the next one.
 */
TEST(all_that_a_known_network_does)
{
	enum { PACKETS = 20000, SLOTS = 64 };
	static struct sent again[PACKETS + SLOTS];

	srand(20261130);
	for (int chance = 20; chance <= 500; chance *= 5) {
		struct tcp_track track = { .next = 0 };
		uint32_t retransmitted = 0, out_of_order = 0;
		struct sent held = { .payload = 0 };

		memset(again, 0, sizeof(again));
		for (uint32_t i = 0; i < PACKETS; i++) {
			const int fate = i > 2 ? rand() % chance : chance;
			const uint32_t later = i + 20 + (uint32_t)rand() % 20;

			if (again[i].payload) {
				again[i].stamp = i;
				pass(&track, again[i]);
				retransmitted++;
			}
			if (fate < 2 && !again[later].payload && !held.payload) {
				again[later] = data(i, 0);
				if (fate == 0)
					continue;
			}
			if (fate == 2 && !held.payload) {
				held = data(i, i);
				continue;
			}
			pass(&track, data(i, i));
			if (held.payload) {
				pass(&track, held);
				held.payload = 0;
				out_of_order++;
			}
		}
		check(&track, retransmitted, out_of_order);
		CHECK(retransmitted > 10 && out_of_order > 10);
	}
}

/* ---- headers ---- */

TEST(headers_that_make_no_sense)
{
	uint8_t bytes[60] = { [12] = 0x40 };
	struct tcp_segment segment;

	CHECK(!tcp_segment_parse(bytes, 60, 60, &segment)); /* shorter than it is */
	bytes[12] = 0xf0;
	CHECK(!tcp_segment_parse(bytes, 59, 59, &segment)); /* longer than the packet */
	CHECK(tcp_segment_parse(bytes, 20, 60, &segment));
	CHECK_EQ(segment.payload, 0);
	CHECK(!segment.has_stamp); /* cut off */
	bytes[20] = 2;             /* an option of no length */
	CHECK(tcp_segment_parse(bytes, 60, 61, &segment));
	CHECK_EQ(segment.payload, 1);
	CHECK(!segment.has_stamp);
}

/* As a SYN of Linux has it: MSS, SACK permitted, time stamps, window scale. */
TEST(stamp_after_other_options)
{
	static const uint8_t bytes[40] = { [12] = 0xa0, [13] = TCP_FLAG_SYN,
					   [20] = 2,    4,
					   5,           0xb4,
					   4,           2,
					   8,           10,
					   1,           2,
					   3,           4,
					   0,           0,
					   0,           0,
					   1,           3,
					   3,           7 };
	struct tcp_segment segment;

	for (size_t captured = 20; captured <= 40; captured++) {
		CHECK(tcp_segment_parse(bytes, captured, 40, &segment));
		CHECK_EQ(segment.has_stamp, captured >= 36);
	}
	CHECK_EQ(segment.stamp, 0x01020304);
	CHECK_EQ(tcp_segment_length(&segment), 1);
}

/* As nearly every other packet has it. */
TEST(stamp_that_comes_first)
{
	static const uint8_t bytes[32] = { [12] = 0x80, [20] = 1, 1, 8, 10, 1, 2, 3, 4 };
	struct tcp_segment segment;

	for (size_t captured = 20; captured <= 32; captured++) {
		CHECK(tcp_segment_parse(bytes, captured, 40, &segment));
		CHECK_EQ(segment.has_stamp, captured == 32);
		CHECK_EQ(segment.stamp, captured == 32 ? 0x01020304 : 0);
		CHECK_EQ(segment.payload, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_passed_already_is_retransmitted),
		cmocka_unit_test(what_fills_a_gap_was_lost_or_overtaken),
		cmocka_unit_test(without_stamps_the_time_decides),
		cmocka_unit_test(nothing_else_counts),
		cmocka_unit_test(superpackets_count_as_their_segments),
		cmocka_unit_test(another_connection_under_the_same_ports),
		cmocka_unit_test(next_record_knows_the_order_and_no_more),
		cmocka_unit_test(round_trip_of_the_handshake),
		cmocka_unit_test(round_trip_where_only_one_side_is_stamped),
		cmocka_unit_test(round_trip_of_forwarded_packets),
		cmocka_unit_test(the_next_connection_has_times_of_its_own),
		cmocka_unit_test(round_trip_that_nobody_knows),
		cmocka_unit_test(round_trip_by_time_stamps),
		cmocka_unit_test(one_part_by_time_stamps),
		cmocka_unit_test(a_handshake_comes_before_time_stamps),
		cmocka_unit_test(time_stamps_after_a_handshake_that_nobody_knows),
		cmocka_unit_test(all_that_a_known_network_does),
		cmocka_unit_test(headers_that_make_no_sense),
		cmocka_unit_test(stamp_after_other_options),
		cmocka_unit_test(stamp_that_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
