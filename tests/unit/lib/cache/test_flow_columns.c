/* test_flow_columns.c - optional data of flows: what records and snapshots have of it, against a
 * plain model under seeded random packets. */
#include "flow_columns.h"

#include "check.h"
#include "flow_cache_move.h"
#include "flow_cache_layout.h"
#include "ip_protocol.h"
#include "kept_records.h"
#include "tcp_flags.h"

#include <stdlib.h>

#define UDP        17
#define TTL_BIT    (FLOW_COLUMN_BIT(FLOW_COLUMN_minimum_ttl))
#define BOTH_BITS  (TTL_BIT | FLOW_COLUMN_BIT(FLOW_COLUMN_maximum_ttl))
#define MODEL_SIZE 64

/* One of each copy of the loop of packets: a named set (packet_note.h), and whatever else. */
#define MACS_BITS FLOW_COLUMNS_OF_LINK
#define PORT_BIT  FLOW_COLUMN_BIT(FLOW_COLUMN_physical_input)

static struct flow_cache *new_cache(uint32_t max_flows, unsigned int columns, bool is_bidirectional)
{
	struct flow_cache_config config = {
		.max_flows = max_flows,
		.expiry = { .active_ms = 3000, .idle_ms = { 1000, 1000, 1000, 1000, 1000, 1000 } },
		.is_bidirectional = is_bidirectional,
		.has_ports = true,
		.columns = columns,
	};
	struct flow_cache *cache = flow_cache_create(&config);

	CHECK(cache != NULL);
	kept_records_reset();
	return cache;
}

/* A packet of flow 'number' (odd: IPv6), in either direction. */
static struct packet_info packet(uint32_t number, bool is_back, cache_ms now)
{
	struct packet_info info = { .octets = 100, .time_ms = now, .clock_ms = now };

	info.key.ip_version = number & 1 ? 6 : 4;
	info.key.protocol = UDP;
	info.key.source_port = (uint16_t)(is_back ? 53 : 1000 + number);
	info.key.destination_port = (uint16_t)(is_back ? 1000 + number : 53);
	return info;
}

static void add(struct flow_cache *cache, uint32_t number, bool is_back, cache_ms now, uint8_t ttl)
{
	struct packet_info info = packet(number, is_back, now);
	struct packet_note note = { .ttl = ttl };

	flow_cache_add_noted(cache, &info, &note, 1, &sink);
	CHECK(flow_cache_is_consistent(cache));
}

TEST(least_and_greatest_of_a_record)
{
	for (uint32_t number = 0; number < 2; number++) {
		struct flow_cache *cache = new_cache(4, BOTH_BITS, false);

		add(cache, number, false, 0, 64);
		add(cache, number, false, 10, 255);
		add(cache, number, false, 20, 3);
		CHECK_EQ(flow_cache_flush(cache, 30, 10, &sink), 1);
		CHECK_EQ(kept.records[0].minimum_ttl, 3);
		CHECK_EQ(kept.records[0].maximum_ttl, 255);
		flow_cache_destroy(cache);
	}
}

TEST(next_record_of_a_flow_begins_anew)
{
	struct flow_cache *cache = new_cache(4, BOTH_BITS, false);

	add(cache, 0, false, 0, 1);
	add(cache, 0, false, 5000, 200); /* closes the first */
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].maximum_ttl, 1);
	CHECK_EQ(flow_cache_flush(cache, 5001, 10, &sink), 1);
	CHECK_EQ(kept.records[1].minimum_ttl, 200);
	CHECK_EQ(kept.records[1].maximum_ttl, 200);
	flow_cache_destroy(cache);
}

TEST(evicted_flow_leaves_nothing_to_the_next_in_its_place)
{
	struct flow_cache *cache = new_cache(1, BOTH_BITS, false);

	add(cache, 0, false, 0, 1);
	add(cache, 2, false, 1, 100);
	CHECK_EQ(kept.count, 1);
	CHECK_EQ(kept.records[0].minimum_ttl, 1);
	CHECK_EQ(flow_cache_flush(cache, 2, 10, &sink), 1);
	CHECK_EQ(kept.records[1].minimum_ttl, 100);
	flow_cache_destroy(cache);
}

TEST(packets_without_notes_begin_with_nothing)
{
	struct flow_cache *cache = new_cache(1, BOTH_BITS, false);
	struct packet_info info = packet(2, false, 1);

	add(cache, 0, false, 0, 77);
	flow_cache_add(cache, &info, 1, &sink);
	CHECK_EQ(flow_cache_flush(cache, 2, 10, &sink), 1);
	CHECK_EQ(kept.records[1].minimum_ttl, 0);
	CHECK_EQ(kept.records[1].maximum_ttl, 0);
	flow_cache_destroy(cache);
}

TEST(only_the_column_that_was_asked_for_is_filled)
{
	struct flow_cache *cache = new_cache(4, TTL_BIT, false);

	add(cache, 0, false, 0, 7);
	CHECK_EQ(flow_cache_flush(cache, 1, 10, &sink), 1);
	CHECK_EQ(kept.records[0].minimum_ttl, 7);
	CHECK_EQ(kept.records[0].maximum_ttl, 0);
	flow_cache_destroy(cache);
}

/* A packet of one direction with a user; 0: it does not say. */
static void add_user(struct flow_cache *cache, bool is_back, cache_ms now, uint32_t user)
{
	struct packet_info info = packet(0, is_back, now);
	struct packet_note note = { .user = user };

	flow_cache_add_noted(cache, &info, &note, 1, &sink);
	CHECK(flow_cache_is_consistent(cache));
}

/* What the kernel sends for a socket, a SYN-ACK or the last ACK, has no user. */
TEST(user_that_was_known_stays)
{
	struct flow_cache *cache = new_cache(4, FLOW_COLUMN_BIT(FLOW_COLUMN_user), false);

	add_user(cache, false, 0, 0);
	add_user(cache, false, 10, 1001);
	add_user(cache, false, 20, 0);
	CHECK_EQ(flow_cache_flush(cache, 30, 10, &sink), 1);
	CHECK_EQ(kept.records[0].user, 1001);
	flow_cache_destroy(cache);
}

/* Whichever leaves first: what comes in has the user of what goes out. */
TEST(directions_know_their_user_from_each_other)
{
	for (int is_biflow = 0; is_biflow < 2; is_biflow++) {
		for (int first = 0; first < 2; first++) {
			struct flow_cache *cache =
				new_cache(4, FLOW_COLUMN_BIT(FLOW_COLUMN_user), is_biflow);

			add_user(cache, first, 0, first ? 1 : 0);
			add_user(cache, !first, 10, first ? 0 : 1);
			CHECK_EQ(flow_cache_expire(cache, 2500, 10, &sink), 2);
			CHECK_EQ(kept.records[0].user, 1);
			CHECK_EQ(kept.records[1].user, 1);
			flow_cache_destroy(cache);
		}
	}
}

/* A packet of the handshake, or with 10 bytes after it. */
static void add_tcp(struct flow_cache *cache, bool is_back, cache_ms now, uint8_t flags,
		    uint32_t sequence, uint32_t payload)
{
	uint8_t header[20] = { [12] = 0x50, [13] = flags };
	struct packet_info info = packet(0, is_back, now);
	struct packet_note note = {
		.tcp = header,
		.tcp_captured = sizeof(header),
		.tcp_octets = (uint32_t)sizeof(header) + payload,
		.microseconds = 500,
	};

	info.key.protocol = PROTOCOL_TCP;
	store_be32(header + 4, sequence);
	store_be32(header + 8, is_back ? 101 : 901);
	flow_cache_add_noted(cache, &info, &note, 1, &sink);
	CHECK(flow_cache_is_consistent(cache));
}

static void shake_hands(struct flow_cache *cache)
{
	add_tcp(cache, false, 0, TCP_FLAG_SYN, 100, 0);
	add_tcp(cache, true, 1, TCP_FLAG_SYN | TCP_FLAG_ACK, 900, 0);
	add_tcp(cache, false, 21, TCP_FLAG_ACK, 101, 0);
}

static void check_round_trip(const struct tcp_quality *tcp)
{
	CHECK_EQ(tcp->handshake_us, 21001);
	CHECK_EQ(tcp->client_us, 20001);
	CHECK_EQ(tcp->server_us, 1001);
}

/* Whichever leaves first; the copies of a snapshot, too. */
TEST(directions_know_their_round_trip_from_each_other)
{
	for (int is_biflow = 0; is_biflow < 2; is_biflow++) {
		for (int first = 0; first < 2; first++) {
			struct flow_cache *cache = new_cache(4, FLOW_COLUMNS_OF_TCP, is_biflow);
			struct flow_record copies[4];
			uint64_t cursor = 0;

			shake_hands(cache);
			add_tcp(cache, !first, 30, TCP_FLAG_ACK, first ? 101 : 901, 10);
			CHECK_EQ(flow_cache_snapshot(cache, &cursor, copies, 4), 2);
			for (int i = 0; i < 2; i++)
				check_round_trip(&copies[i].tcp);
			CHECK_EQ(flow_cache_expire(cache, 2500, 10, &sink), 2);
			for (int i = 0; i < 2; i++)
				check_round_trip(&kept.records[i].tcp);
			flow_cache_destroy(cache);
		}
	}
}

/* The next agent does not have what the handshake's times were worked out from. */
TEST(flows_that_move_know_their_round_trip)
{
	struct flow_cache *cache = new_cache(4, FLOW_COLUMNS_OF_TCP, false);
	struct flow_cache *next = new_cache(4, FLOW_COLUMNS_OF_TCP, false);
	struct moved_flow flows[2];
	uint64_t cursor = 0;

	shake_hands(cache);
	CHECK_EQ(flow_cache_move_out(cache, &cursor, flows, 2), 2);
	for (int i = 0; i < 2; i++) {
		check_round_trip(&flows[i].record.tcp);
		flow_cache_move_in(next, &flows[i], 21, &sink);
	}
	CHECK_EQ(flow_cache_flush(next, 2500, 10, &sink), 2);
	for (int i = 0; i < 2; i++)
		check_round_trip(&kept.records[i].tcp);
	flow_cache_destroy(cache);
	flow_cache_destroy(next);
}

/* The record that the handshake is not in does not know it; the order of packets goes on, within a
 * flow that stays. */
TEST(next_record_of_a_connection)
{
	struct flow_cache *cache = new_cache(4, FLOW_COLUMNS_OF_TCP, false);

	shake_hands(cache);
	add_tcp(cache, false, 30, TCP_FLAG_ACK, 101, 10);
	add_tcp(cache, false, 3100, TCP_FLAG_ACK, 101, 10); /* its active timeout is over */
	CHECK_EQ(kept.count, 1);
	check_round_trip(&kept.records[0].tcp);
	CHECK_EQ(kept.records[0].tcp.retransmitted, 0);
	CHECK_EQ(flow_cache_flush(cache, 3200, 10, &sink), 2);
	check_round_trip(&kept.records[1].tcp); /* of the other direction */
	CHECK_EQ(kept.records[2].tcp.handshake_us, 0);
	CHECK_EQ(kept.records[2].tcp.retransmitted, 1);
	flow_cache_destroy(cache);
}

/* Without a header, of UDP or without notes, nothing is known. */
TEST(what_is_no_tcp_is_not_known)
{
	struct flow_cache *cache = new_cache(4, FLOW_COLUMNS_OF_TCP, false);

	add(cache, 0, false, 0, 7);
	CHECK_EQ(flow_cache_flush(cache, 1, 10, &sink), 1);
	CHECK(!kept.records[0].tcp.is_known);
	flow_cache_destroy(cache);
}

/* A bridge that does not know yet where an address is sends to all its ports. */
TEST(last_ports_of_a_record_count)
{
	const unsigned int ports = FLOW_COLUMN_BIT(FLOW_COLUMN_physical_input) |
				   FLOW_COLUMN_BIT(FLOW_COLUMN_physical_output);
	const struct packet_note notes[] = {
		{ .physical_input = 70000, .physical_output = 4 },
		{ .physical_input = 70000, .physical_output = 5 },
		{ .physical_input = 70000, .physical_output = 4 },
	};

	for (uint32_t number = 0; number < 4; number++) {
		struct flow_cache *cache =
			new_cache(4, number % 2 ? ports : BOTH_BITS | ports, false);
		const struct packet_info infos[] = { packet(number, false, 0),
						     packet(number, false, 0),
						     packet(number, false, 0) };

		flow_cache_add_noted(cache, infos, notes, 1, &sink);
		flow_cache_add_noted(cache, infos, notes, 2, &sink);
		CHECK_EQ(flow_cache_flush(cache, 30, 10, &sink), 1);
		CHECK_EQ(kept.records[0].physical_input, 70000);
		CHECK_EQ(kept.records[0].physical_output, 5);
		/* One batch, in which the flow begins and its ports change and change back. */
		flow_cache_add_noted(cache, infos, notes, 3, &sink);
		CHECK_EQ(flow_cache_flush(cache, 40, 10, &sink), 1);
		CHECK_EQ(kept.records[1].physical_output, 4);
		flow_cache_destroy(cache);
	}
}

/* A gateway takes over for another one within a batch, and once more before its end. */
TEST(last_addresses_of_a_record_count)
{
	const unsigned int sets[] = { MACS_BITS, MACS_BITS | BOTH_BITS };
	const struct packet_note notes[] = {
		{ .source_mac = 1, .destination_mac = 9 },
		{ .source_mac = 2, .destination_mac = 9 },
		{ .source_mac = 1, .destination_mac = 9 },
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct flow_cache *cache = new_cache(4, sets[i], false);
		const struct packet_info infos[] = { packet(0, false, 0), packet(0, false, 0),
						     packet(0, false, 0) };

		flow_cache_add_noted(cache, infos, notes, 1, &sink);
		flow_cache_add_noted(cache, infos, notes, 2, &sink);
		flow_cache_add_noted(cache, infos, notes, 3, &sink);
		flow_cache_add_noted(cache, infos, notes, 2, &sink);
		CHECK_EQ(flow_cache_flush(cache, 30, 10, &sink), 1);
		CHECK_EQ(kept.records[0].source_mac, 2);
		CHECK_EQ(kept.records[0].destination_mac, 9);
		flow_cache_destroy(cache);
	}
}

TEST(one_packet_of_a_batch_that_differs_is_seen)
{
	const unsigned int sets[] = { BOTH_BITS, BOTH_BITS | PORT_BIT };
	struct packet_info infos[FLOW_CACHE_BATCH];
	struct packet_note notes[FLOW_CACHE_BATCH];

	for (size_t at = 0; at < FLOW_CACHE_BATCH; at++) {
		struct flow_cache *cache = new_cache(4, sets[at % 2], false);

		for (uint32_t i = 0; i < FLOW_CACHE_BATCH; i++) {
			infos[i] = packet(i % 4, false, 0);
			notes[i] = (struct packet_note){ .ttl = 64 };
		}
		flow_cache_add_noted(cache, infos, notes, FLOW_CACHE_BATCH, &sink);
		notes[at].ttl = 5;
		flow_cache_add_noted(cache, infos, notes, FLOW_CACHE_BATCH, &sink);
		CHECK_EQ(flow_cache_flush(cache, 1, 10, &sink), 4);
		for (size_t i = 0; i < 4; i++) {
			CHECK_EQ(kept.records[i].minimum_ttl, i == at % 4 ? 5 : 64);
			CHECK_EQ(kept.records[i].maximum_ttl, 64);
		}
		flow_cache_destroy(cache);
	}
}

TEST(superpacket_that_begins_a_record_is_its_first)
{
	struct flow_cache *cache = new_cache(4, BOTH_BITS, false);
	struct packet_info info = packet(0, false, 0);
	struct packet_note note = { .ttl = 9 };

	add(cache, 2, false, 0, 1);
	info.packets_added = 20;
	flow_cache_add_noted(cache, &info, &note, 1, &sink);
	CHECK_EQ(flow_cache_flush(cache, 1, 10, &sink), 2);
	CHECK_EQ(kept.records[1].packets, 21);
	CHECK_EQ(kept.records[1].minimum_ttl, 9);
	flow_cache_destroy(cache);
}

TEST(columns_cost_their_own_bytes_and_nothing_without)
{
	struct flow_cache_statistics with, without;
	struct flow_cache *cache = new_cache(100, BOTH_BITS, false);
	struct flow_cache *plain = new_cache(100, 0, false);

	for (uint32_t number = 0; number < 10; number++) {
		add(cache, number, false, 0, 64);
		add(plain, number, false, 0, 64);
	}
	flow_cache_statistics(cache, &with);
	flow_cache_statistics(plain, &without);
	/* A byte each for five flows of IPv4, a quarter more for five of IPv6. */
	CHECK_EQ(with.memory_bytes, without.memory_bytes + 2 * (5 + 5 * 5 / 4));
	flow_cache_destroy(cache);
	flow_cache_destroy(plain);
}

/* What records must have: the packets of each flow since its last record. */
struct model {
	uint64_t packets;
	uint8_t minimum, maximum;
};

static struct model *model_of(struct model *models, const struct flow_key *key)
{
	const bool is_back = key->source_port == 53;
	const uint32_t number = (is_back ? key->destination_port : key->source_port) - 1000u;

	return &models[2 * number + is_back];
}

static void check_records(struct model *models, size_t first)
{
	for (size_t i = first; i < kept.count; i++) {
		const struct flow_record *record = &kept.records[i];
		struct model *model = model_of(models, &record->key);

		CHECK_EQ(record->packets, model->packets);
		CHECK_EQ(record->minimum_ttl, model->minimum);
		CHECK_EQ(record->maximum_ttl, model->maximum);
		*model = (struct model){ 0 };
	}
	kept.count = first;
}

static void check_snapshot(const struct flow_cache *cache, struct model *models)
{
	struct flow_record records[MODEL_SIZE];
	uint64_t cursor = 0;
	size_t count = flow_cache_snapshot(cache, &cursor, records, MODEL_SIZE);

	for (size_t i = 0; i < count; i++) {
		const struct model *model = model_of(models, &records[i].key);

		CHECK_EQ(records[i].packets, model->packets);
		CHECK_EQ(records[i].minimum_ttl, model->minimum);
		CHECK_EQ(records[i].maximum_ttl, model->maximum);
	}
}

static void run_model(unsigned int columns, bool is_bidirectional)
{
	struct model models[MODEL_SIZE] = { { 0 } };
	struct flow_cache *cache = new_cache(20, columns, is_bidirectional);
	cache_ms now = 0;

	srand(7);
	for (int i = 0; i < 20000; i++) {
		const uint32_t number = (uint32_t)rand() % (MODEL_SIZE / 2);
		const bool is_back = rand() & 1;
		const uint8_t ttl = (uint8_t)rand();
		struct packet_info info = packet(number, is_back, now);
		struct model *model;

		now += rand() % 200;
		add(cache, number, is_back, now, ttl);
		check_records(models, 0);
		model = model_of(models, &info.key);
		if (model->packets == 0 || ttl < model->minimum)
			model->minimum = ttl;
		if (model->packets == 0 || ttl > model->maximum)
			model->maximum = ttl;
		model->packets++;
		(void)flow_cache_expire(cache, now, 100, &sink);
		check_records(models, 0);
		if (i % 100 == 0)
			check_snapshot(cache, models);
	}
	while (flow_cache_flush(cache, now, 10, &sink))
		check_records(models, 0);
	flow_cache_destroy(cache);
}

TEST(records_agree_with_a_model)
{
	run_model(BOTH_BITS, false);
	run_model(BOTH_BITS | PORT_BIT, false);
}

TEST(records_of_biflows_agree_with_a_model)
{
	run_model(BOTH_BITS, true);
	run_model(BOTH_BITS | PORT_BIT, true);
}

TEST(note_of_a_header)
{
	const uint8_t ipv4[20] = { [0] = 0x46, [8] = 63 };
	const uint8_t ipv6[40] = { [0] = 0x60, [7] = 255 };

	struct packet_note note;

	packet_note_ipv4(&note, ipv4);
	CHECK_EQ(note.ttl, 63);
	packet_note_ipv6(&note, ipv6);
	CHECK_EQ(note.ttl, 255);
	CHECK_EQ(flow_column_at(offsetof(struct flow_record, minimum_ttl)), TTL_BIT);
	CHECK_EQ(flow_column_at(offsetof(struct flow_record, packets)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_and_greatest_of_a_record),
		cmocka_unit_test(next_record_of_a_flow_begins_anew),
		cmocka_unit_test(evicted_flow_leaves_nothing_to_the_next_in_its_place),
		cmocka_unit_test(packets_without_notes_begin_with_nothing),
		cmocka_unit_test(only_the_column_that_was_asked_for_is_filled),
		cmocka_unit_test(last_ports_of_a_record_count),
		cmocka_unit_test(user_that_was_known_stays),
		cmocka_unit_test(directions_know_their_user_from_each_other),
		cmocka_unit_test(directions_know_their_round_trip_from_each_other),
		cmocka_unit_test(flows_that_move_know_their_round_trip),
		cmocka_unit_test(next_record_of_a_connection),
		cmocka_unit_test(what_is_no_tcp_is_not_known),
		cmocka_unit_test(last_addresses_of_a_record_count),
		cmocka_unit_test(one_packet_of_a_batch_that_differs_is_seen),
		cmocka_unit_test(superpacket_that_begins_a_record_is_its_first),
		cmocka_unit_test(columns_cost_their_own_bytes_and_nothing_without),
		cmocka_unit_test(records_agree_with_a_model),
		cmocka_unit_test(records_of_biflows_agree_with_a_model),
		cmocka_unit_test(note_of_a_header),
	};

	return RUN_TESTS(tests);
}
