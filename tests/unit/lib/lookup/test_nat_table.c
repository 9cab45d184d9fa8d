/* test_nat_table.c - translated connections: every view of a packet finds them, in both directions.
 */
#include "nat_table.h"

#include "check.h"
#include "ip_protocol.h"
#include "nat_memory.h"

#include <stdlib.h>
#include <time.h>

/* Of CPU time. A table whose chains grow takes minutes. */
#define SECONDS_MAX 20

static const struct hash_key secret = { 1, 2 };

static struct nat_endpoint at(uint8_t host, uint16_t port)
{
	return (struct nat_endpoint){ .address = { 10, 0, 0, host }, .port = port };
}

/* 'a' calls 'b'; the reply goes from 'c' to 'd'. */
static struct nat_connection connect(struct nat_endpoint a, struct nat_endpoint b,
				     struct nat_endpoint c, struct nat_endpoint d, uint32_t id)
{
	return (struct nat_connection){
		.source = a,
		.destination = b,
		.reply_source = c,
		.reply_destination = d,
		.id = id,
		.protocol = PROTOCOL_UDP,
		.ip_version = 4,
	};
}

static struct flow_key flow(struct nat_endpoint source, struct nat_endpoint destination)
{
	struct flow_key key = {
		.source_port = source.port,
		.destination_port = destination.port,
		.protocol = PROTOCOL_UDP,
		.ip_version = 4,
	};

	memcpy(key.addresses, source.address, 4);
	memcpy(key.addresses + 4, destination.address, 4);
	return key;
}

/* Whether a flow of these ends becomes one of those. */
static void check_flow(const struct nat_table *table, struct nat_endpoint source,
		       struct nat_endpoint destination, struct nat_endpoint post_source,
		       struct nat_endpoint post_destination)
{
	const struct flow_key key = flow(source, destination);
	struct nat_translation translation;

	CHECK(nat_table_find(table, &key, &translation));
	CHECK_BYTES(translation.source, post_source.address, 16);
	CHECK_BYTES(translation.destination, post_destination.address, 16);
	CHECK_EQ(translation.source_port, post_source.port);
	CHECK_EQ(translation.destination_port, post_destination.port);
}

static void check_unknown(const struct nat_table *table, const struct flow_key *key)
{
	static const struct nat_translation none;
	struct nat_translation translation;

	memset(&translation, 0xff, sizeof(translation));
	CHECK(!nat_table_find(table, key, &translation));
	CHECK_BYTES(&translation, &none, sizeof(none));
}

TEST(each_view_of_a_connection_finds_it)
{
	/* Masquerade (source), DNAT (destination), and both. */
	const struct nat_endpoint client = at(1, 1000), server = at(9, 80), public = at(5, 2000),
				  inner = at(7, 8080);
	const struct nat_connection cases[] = {
		connect(client, server, server, public, 1),
		connect(client, server, inner, client, 2),
		connect(client, server, inner, public, 3),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct nat_connection *one = &cases[i];
		struct nat_table *table = nat_table_create(10, secret);
		const struct nat_endpoint to = one->reply_source, from = one->reply_destination;

		CHECK(table != NULL);
		nat_table_add(table, one);
		CHECK_EQ(nat_table_counts(table).connections, 1);
		/* There: before, between, after. */
		check_flow(table, client, server, from, to);
		check_flow(table, client, to, from, to);
		check_flow(table, from, to, from, to);
		/* Back. */
		check_flow(table, to, from, server, client);
		check_flow(table, to, client, server, client);
		check_flow(table, server, client, server, client);
		nat_table_destroy(table);
	}
}

TEST(other_flows_are_not_known)
{
	struct nat_table *table = nat_table_create(10, secret);
	const struct nat_connection one =
		connect(at(1, 1000), at(9, 80), at(9, 80), at(5, 2000), 1);
	struct flow_key key = flow(at(1, 1000), at(9, 80));

	nat_table_add(table, &one);
	key.protocol = PROTOCOL_TCP;
	check_unknown(table, &key);
	key = flow(at(1, 1001), at(9, 80));
	check_unknown(table, &key);
	key = flow(at(1, 1000), at(9, 80));
	key.ip_version = 6;
	check_unknown(table, &key);
	nat_table_destroy(table);
}

TEST(a_connection_that_is_not_translated_takes_no_place)
{
	struct nat_table *table = nat_table_create(1, secret);
	const struct nat_connection one = connect(at(1, 1), at(2, 2), at(2, 2), at(1, 1), 1);
	const struct flow_key key = flow(at(1, 1), at(2, 2));

	nat_table_add(table, &one);
	CHECK_EQ(nat_table_counts(table).connections, 0);
	check_unknown(table, &key);
	nat_table_destroy(table);
}

TEST(icmp_is_known_by_type_and_code)
{
	struct nat_table *table = nat_table_create(10, secret);
	struct nat_connection ping = connect(at(1, 0), at(9, 0), at(9, 0), at(5, 0), 1);
	struct flow_key key = flow(at(1, 0), at(9, 0));
	struct nat_translation translation;

	ping.protocol = key.protocol = PROTOCOL_ICMP;
	ping.type_code = 8 << 8;
	nat_table_add(table, &ping);
	key.destination_port = 8 << 8;
	CHECK(nat_table_find(table, &key, &translation));
	CHECK_EQ(translation.source[3], 5);
	key.destination_port = 3 << 8; /* an error of another packet */
	check_unknown(table, &key);
	key = flow(at(9, 0), at(5, 0));
	key.protocol = PROTOCOL_ICMP;
	CHECK(nat_table_find(table, &key, &translation));
	CHECK_EQ(translation.destination[3], 1);
	nat_table_destroy(table);
}

TEST(what_has_ended_is_remembered_until_it_is_forgotten)
{
	struct nat_table *table = nat_table_create(10, secret);
	const struct nat_connection one = connect(at(1, 1), at(9, 80), at(9, 80), at(5, 2), 1);
	const struct nat_connection again = connect(at(1, 1), at(9, 80), at(9, 80), at(5, 3), 2);
	const struct flow_key key = flow(at(1, 1), at(9, 80));

	nat_table_add(table, &one);
	nat_table_end(table, &one, 100);
	nat_table_end(table, &one, 200); /* twice is once */
	check_flow(table, at(1, 1), at(9, 80), at(5, 2), at(9, 80));
	/* The same call gets another port: the one that is there counts, whichever came first. */
	nat_table_add(table, &again);
	check_flow(table, at(1, 1), at(9, 80), at(5, 3), at(9, 80));
	nat_table_forget(table, 99);
	CHECK_EQ(nat_table_counts(table).connections, 2);
	nat_table_forget(table, 100);
	CHECK_EQ(nat_table_counts(table).connections, 1);
	check_flow(table, at(1, 1), at(9, 80), at(5, 3), at(9, 80));
	nat_table_add(table, &one);
	nat_table_end(table, &again, 300);
	check_flow(table, at(1, 1), at(9, 80), at(5, 2), at(9, 80));
	nat_table_end(table, &one, 301);
	nat_table_forget(table, 301);
	CHECK_EQ(nat_table_counts(table).connections, 0);
	check_unknown(table, &key);
	nat_table_destroy(table);
}

TEST(a_list_ends_what_it_does_not_have)
{
	struct nat_table *table = nat_table_create(10, secret);
	const struct nat_connection stays = connect(at(1, 1), at(9, 80), at(9, 80), at(5, 1), 1);
	const struct nat_connection gone = connect(at(2, 1), at(9, 80), at(9, 80), at(5, 2), 2);
	const struct nat_connection new = connect(at(3, 1), at(9, 80), at(9, 80), at(5, 3), 3);

	nat_table_add(table, &stays);
	nat_table_add(table, &gone);
	nat_table_list_begin(table);
	nat_table_add(table, &new);
	nat_table_end(table, &stays, 5); /* and is there all the same: it is in the list */
	nat_table_add(table, &stays);
	nat_table_list_end(table, 10);
	nat_table_forget(table, 10);
	CHECK_EQ(nat_table_counts(table).connections, 2);
	check_flow(table, at(1, 1), at(9, 80), at(5, 1), at(9, 80));
	check_flow(table, at(3, 1), at(9, 80), at(5, 3), at(9, 80));
	nat_table_destroy(table);
}

TEST(a_full_table_gives_up_what_ended_first)
{
	enum { MAX = 3 };
	struct nat_table *table = nat_table_create(MAX, secret);
	struct nat_connection connections[MAX + 2];

	for (uint8_t i = 0; i < MAX + 2; i++)
		connections[i] = connect(at(i, 1), at(99, 80), at(99, 80), at(88, i), i);
	for (size_t i = 0; i < MAX + 1; i++)
		nat_table_add(table, &connections[i]);
	CHECK_EQ(nat_table_counts(table).connections, MAX);
	CHECK_EQ(nat_table_counts(table).refused, 1);
	nat_table_end(table, &connections[1], 5);
	nat_table_end(table, &connections[0], 6);
	nat_table_add(table, &connections[MAX + 1]);
	CHECK_EQ(nat_table_counts(table).refused, 1);
	check_flow(table, at(0, 1), at(99, 80), at(88, 0), at(99, 80));
	check_unknown(table, &(struct flow_key){ .ip_version = 4 });
	check_flow(table, at(MAX + 1, 1), at(99, 80), at(88, MAX + 1), at(99, 80));
	nat_table_destroy(table);
}

/* Against a plain list, with few endpoints, so that chains, views and ends meet. */
TEST(any_order_of_begins_and_ends)
{
	enum { CONNECTIONS = 40, STEPS = 20000 };
	struct nat_table *table = nat_table_create(CONNECTIONS, secret);
	struct nat_connection all[CONNECTIONS];
	bool is_there[CONNECTIONS] = { false };
	uint32_t random = 1;

	for (uint32_t i = 0; i < CONNECTIONS; i++)
		all[i] = connect(at(1, (uint16_t)i), at(2, 80), at((uint8_t)(2 + i % 2), 80),
				 at(4, (uint16_t)(i + 1)), i);
	for (int64_t now = 1; now < STEPS; now++) {
		uint32_t i;

		random = random * 1664525 + 1013904223;
		i = (random >> 16) % CONNECTIONS;
		is_there[i] = random >> 31;
		if (is_there[i])
			nat_table_add(table, &all[i]);
		else
			nat_table_end(table, &all[i], now);
		nat_table_forget(table, now);
		if (is_there[i]) {
			check_flow(table, all[i].source, all[i].destination,
				   all[i].reply_destination, all[i].reply_source);
		} else {
			const struct flow_key key = flow(all[i].source, all[i].destination);

			check_unknown(table, &key);
		}
	}
	nat_table_destroy(table);
}

/* What one table knows, for another one. */
struct copy {
	struct nat_table *table;
	unsigned int count;
	int64_t last_ms;
};

static void copy(void *context, const struct nat_connection *connection, int64_t ended_ms)
{
	struct copy *to = context;

	CHECK(ended_ms >= to->last_ms);
	to->last_ms = ended_ms;
	to->count++;
	nat_table_remember(to->table, connection, ended_ms < 100 ? ended_ms : 100);
}

TEST(another_table_remembers_what_it_does_not_have)
{
	const struct nat_endpoint server = at(9, 80), public = at(5, 2000);
	struct nat_table *before = nat_table_create(8, secret);
	struct nat_table *after = nat_table_create(3, secret);
	struct copy to = { .table = after };
	struct nat_connection connections[5];

	for (uint8_t i = 0; i < 5; i++) {
		connections[i] = connect(at(1, 1000 + i), server, server, at(5, 2000 + i), 1u + i);
		nat_table_add(before, &connections[i]);
	}
	nat_table_end(before, &connections[2], 50);
	nat_table_end(before, &connections[0], 60);
	nat_table_add(after, &connections[1]); /* it is still there */
	nat_table_visit(before, copy, &to);
	CHECK_EQ(to.count, 5);
	CHECK_EQ(nat_table_counts(after).connections, 3); /* there is no room for more */
	CHECK_EQ(nat_table_counts(after).refused, 0);
	check_flow(after, at(1, 1000), server, public, server);
	nat_table_forget(after, 59);
	CHECK_EQ(nat_table_counts(after).connections, 2);
	nat_table_forget(after, 1000);
	CHECK_EQ(nat_table_counts(after).connections, 1);
	check_flow(after, at(1, 1001), server, at(5, 2001), server);
	nat_table_destroy(before);
	nat_table_destroy(after);
}

/* As a process leaves it that is killed: the table is not there any more. */
TEST(connections_are_found_in_memory_of_another_process)
{
	enum { MAX = 8 };
	const struct nat_endpoint server = at(9, 80);
	const size_t size = (size_t)nat_memory_size(MAX);
	struct nat_memory *memory = calloc(1, size);
	struct nat_table *before = nat_table_create_in(MAX, secret, memory);
	struct nat_table *after = nat_table_create(MAX, secret);
	struct copy to = { .table = after };
	struct nat_connection connections[5];

	for (uint8_t i = 0; i < 5; i++) {
		connections[i] = connect(at(1, 1000 + i), server, server, at(5, 2000 + i), 1u + i);
		nat_table_add(before, &connections[i]);
	}
	nat_table_end(before, &connections[0], 10);
	nat_table_forget(before, 10);
	nat_table_end(before, &connections[3], 50);
	nat_table_end(before, &connections[1], 60);
	nat_table_add(after, &connections[2]); /* it is still there */
	nat_table_destroy(before);
	memory->entries[4].is_used = false; /* killed before it was whole */
	CHECK_EQ(nat_memory_visit(memory, size, copy, &to), 0);
	free(memory);
	CHECK_EQ(to.count, 3);
	CHECK_EQ(nat_table_counts(after).connections, 3);
	check_flow(after, at(1, 1003), server, at(5, 2003), server);
	nat_table_forget(after, 50);
	CHECK_EQ(nat_table_counts(after).connections, 2);
	check_flow(after, at(1, 1001), server, at(5, 2001), server);
	nat_table_forget(after, 100);
	CHECK_EQ(nat_table_counts(after).connections, 1);
	check_flow(after, at(1, 1002), server, at(5, 2002), server);
	nat_table_destroy(after);
}

/* A number in it that is too high is that of no entry. */
TEST(memory_is_read_as_far_as_it_goes)
{
	const size_t size = (size_t)nat_memory_size(1);
	struct nat_memory *memory = calloc(1, size);
	struct copy to = { .table = NULL };

	memory->touched = UINT32_MAX;
	CHECK_EQ(nat_memory_visit(memory, size, copy, &to), 0);
	CHECK_EQ(to.count, 0);
	free(memory);
}

static struct nat_connection ping(uint32_t id)
{
	struct nat_connection ping = connect(at(1, 0), at(9, 0), at(9, 0), at(5, 0), id);

	ping.protocol = PROTOCOL_ICMP;
	ping.type_code = 8 << 8;
	return ping;
}

static void check_time(clock_t began)
{
	CHECK((clock() - began) / CLOCKS_PER_SEC < SECONDS_MAX);
}

/* Whether the flows of pings, of their answers, and of others are looked up. */
static void find_pings(const struct nat_table *table)
{
	struct nat_translation translation;
	struct flow_key question = flow(at(1, 0), at(9, 0));
	struct flow_key answer = flow(at(9, 0), at(5, 0));
	struct flow_key other = flow(at(9, 0), at(1, 0));

	question.protocol = answer.protocol = other.protocol = PROTOCOL_ICMP;
	question.destination_port = other.destination_port = 8 << 8;
	CHECK(nat_table_find(table, &question, &translation));
	CHECK_EQ(translation.source[3], 5);
	CHECK(nat_table_find(table, &answer, &translation));
	CHECK_EQ(translation.destination[3], 1);
	check_unknown(table, &other); /* asked by the other end */
	other.destination_port = 3 << 8;
	check_unknown(table, &other);
}

TEST(many_pings_between_two_hosts_take_no_longer_than_others)
{
	enum { PINGS = 60000 };
	struct nat_table *table = nat_table_create(PINGS, secret);
	const clock_t began = clock();

	for (uint32_t id = 0; id < PINGS; id++) {
		const struct nat_connection one = ping(id);

		nat_table_add(table, &one);
		find_pings(table);
		if (id % 4096 == 0)
			check_time(began);
	}
	for (uint32_t id = 0; id < PINGS; id++) {
		const struct nat_connection one = ping(id);

		nat_table_end(table, &one, id);
		find_pings(table);
		if (id % 4096 == 0)
			check_time(began);
	}
	CHECK_EQ(nat_table_counts(table).connections, PINGS);
	for (int64_t before = 0; before < PINGS; before += NAT_TABLE_AT_ONCE)
		nat_table_forget(table, before);
	nat_table_forget(table, PINGS);
	CHECK_EQ(nat_table_counts(table).connections, 0);
	check_time(began);
	nat_table_destroy(table);
}

/* A ping that is there counts more than those that came, and ended, after it. */
TEST(a_ping_that_goes_on_is_found_behind_those_that_have_ended)
{
	struct nat_table *table = nat_table_create(100, secret);
	struct nat_connection lasting = ping(1);
	struct flow_key key = flow(at(1, 0), at(9, 0));
	struct nat_translation translation;

	key.protocol = PROTOCOL_ICMP;
	key.destination_port = 8 << 8;
	lasting.reply_destination = at(6, 0);
	nat_table_add(table, &lasting);
	for (uint32_t id = 2; id < 10; id++) {
		const struct nat_connection one = ping(id);

		nat_table_add(table, &one);
		nat_table_end(table, &one, id);
	}
	CHECK(nat_table_find(table, &key, &translation));
	CHECK_EQ(translation.source[3], 6);
	nat_table_destroy(table);
}

/* All connections at once are dealt with a part at a time. */
TEST(the_end_of_a_long_list_takes_several_turns)
{
	enum { TURNS = 3, CONNECTIONS = TURNS * NAT_TABLE_AT_ONCE };
	struct nat_table *table = nat_table_create(CONNECTIONS, secret);
	const struct nat_connection late = ping(CONNECTIONS);

	for (uint32_t id = 0; id < CONNECTIONS; id++) {
		const struct nat_connection one = ping(id);

		nat_table_add(table, &one);
	}
	nat_table_list_begin(table);
	nat_table_list_end(table, 10);
	for (int turn = 0; turn < TURNS; turn++) {
		CHECK_EQ(nat_table_counts(table).connections,
			 CONNECTIONS - turn * NAT_TABLE_AT_ONCE);
		/* Another list begins meanwhile, and has none of them yet. */
		nat_table_list_begin(table);
		nat_table_forget(table, 10);
	}
	nat_table_add(table, &late);
	nat_table_forget(table, 10);
	CHECK_EQ(nat_table_counts(table).connections, 1);
	nat_table_destroy(table);
}

TEST(what_is_refused_counts_once_however_often_it_is_listed)
{
	struct nat_table *table = nat_table_create(1, secret);
	const struct nat_connection kept = ping(1), first = ping(2), second = ping(3);

	nat_table_add(table, &kept);
	for (int list = 0; list < 5; list++) {
		nat_table_list_begin(table);
		nat_table_add(table, &kept);
		nat_table_add(table, &first);
		nat_table_add(table, &first);
		if (list > 2)
			nat_table_add(table, &second);
		nat_table_list_end(table, list);
		CHECK_EQ(nat_table_counts(table).refused, list > 2 ? 2 : 1);
	}
	nat_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_view_of_a_connection_finds_it),
		cmocka_unit_test(other_flows_are_not_known),
		cmocka_unit_test(a_connection_that_is_not_translated_takes_no_place),
		cmocka_unit_test(icmp_is_known_by_type_and_code),
		cmocka_unit_test(what_has_ended_is_remembered_until_it_is_forgotten),
		cmocka_unit_test(a_list_ends_what_it_does_not_have),
		cmocka_unit_test(a_full_table_gives_up_what_ended_first),
		cmocka_unit_test(any_order_of_begins_and_ends),
		cmocka_unit_test(another_table_remembers_what_it_does_not_have),
		cmocka_unit_test(connections_are_found_in_memory_of_another_process),
		cmocka_unit_test(memory_is_read_as_far_as_it_goes),
		cmocka_unit_test(many_pings_between_two_hosts_take_no_longer_than_others),
		cmocka_unit_test(a_ping_that_goes_on_is_found_behind_those_that_have_ended),
		cmocka_unit_test(the_end_of_a_long_list_takes_several_turns),
		cmocka_unit_test(what_is_refused_counts_once_however_often_it_is_listed),
	};

	return RUN_TESTS(tests);
}
