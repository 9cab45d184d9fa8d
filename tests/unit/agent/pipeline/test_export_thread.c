/* test_export_thread.c - the export thread between rings that the test fills and fake transports:
 * what arrives, when it waits, how it ends. */
#include "export_thread.h"

#include "check.h"
#include "export_complete.h"
#include "fake_transport.c"
#include "system_poll.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define START_MS     1700000000000
#define RING_ENTRIES 8192
#define INPUTS       2
#define OWN          0xc0000207
#define LOOPBACK     1 /* its number, on any Linux */

/* Stands in for that of the C library. */
static atomic_uint polls;

int ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout,
	  const sigset_t *signals)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };

	atomic_fetch_add(&polls, 1);
	return system_poll(descriptors, count, timeout ? &left : NULL, signals);
}

static struct export_thread thread;
static struct record_ring *rings[INPUTS];
static struct wake worker_wakes[INPUTS];
static struct own_exports *own_exports;
static struct interface_mtus mtus;
static atomic_uint datagrams; /* arrived */

static atomic_bool has_own_address; /* in one of them */

static void arrive(size_t number, const struct datagram *datagram)
{
	const uint32_t own = htonl(OWN);

	(void)number;
	if (memmem(datagram->bytes, datagram->size, &own, sizeof(own)))
		atomic_store(&has_own_address, true);
	atomic_fetch_add(&datagrams, 1);
}

static struct exporter *create_exporter(uint32_t rate)
{
	struct collector_config collector = {
		.name = "fake",
		.transport_type = &fake_transport_datagrams,
		.version = 9,
		.address = { .host = "fake", .port = 0 },
		.datagram_size = 1400,
		.datagrams_per_second = rate,
	};
	struct error_text error;

	CHECK_EQ(template_fields_parse("default+exporterIPv4Address", &collector.fields, &error),
		 0);
	return exporter_create(
		&(struct exporter_config){ .collectors = &collector, .collector_count = 1 },
		&error);
}

static struct interface_monitor *create_monitor(struct exporter *exporter,
						const struct interface_rules *rules, bool is_live)
{
	static const struct expiry_policy expiry;

	interface_mtus_init(&mtus, 65535);
	return interface_monitor_create(&(struct interface_monitor_config){ .exporter = exporter,
									    .mtus = &mtus,
									    .rules = rules,
									    .expiry = &expiry,
									    .is_live = is_live });
}

/* 'rate' in datagrams per second. */
static void init(uint32_t rate)
{
	static const struct interface_rules no_rules;
	struct export_thread_config config = { .input_count = INPUTS,
					       .record_size = sizeof(struct export_record) };

	fake_transport_reset();
	fake_transports[0].arrive = arrive;
	atomic_store(&datagrams, 0);
	atomic_store(&polls, 0);
	atomic_store(&has_own_address, false);
	own_exports = own_exports_create();
	config.own_exports = own_exports;
	config.exporter = create_exporter(rate);
	config.interfaces = create_monitor(config.exporter, &no_rules, false);
	config.finished_descriptor = eventfd(0, EFD_CLOEXEC);
	CHECK(own_exports && config.exporter && config.interfaces);
	CHECK_EQ(export_thread_init(&thread, &config), 0);
	for (size_t i = 0; i < INPUTS; i++) {
		rings[i] = record_ring_create(RING_ENTRIES, sizeof(struct ring_entry));
		CHECK(rings[i] != NULL);
		CHECK_EQ(wake_init(&worker_wakes[i]), 0);
		export_thread_connect(&thread, i, rings[i], &worker_wakes[i]);
	}
}

static void clear(void)
{
	export_thread_join(&thread);
	(void)close(thread.config.finished_descriptor);
	export_thread_clear(&thread);
	own_exports_destroy(own_exports);
	for (size_t i = 0; i < INPUTS; i++) {
		record_ring_destroy(rings[i]);
		wake_clear(&worker_wakes[i]);
	}
}

/* Put up to 'count' records into a ring, as far as there is room; one entry stays free. */
static uint32_t put(size_t input, uint32_t count)
{
	const uint32_t room = record_ring_room(rings[input]) - 1;

	count = count < room ? count : room;
	for (uint32_t i = 0; i < count; i++) {
		struct ring_entry *entry = record_ring_push(rings[input]);

		entry->kind = RING_RECORD;
		entry->record.flow = (struct flow_record){
			.key = { .source_port = (uint16_t)i, .protocol = 17, .ip_version = 4 },
			.packets = 1,
			.octets = 100,
			.first_ms = START_MS,
			.last_ms = START_MS,
			.expired_ms = START_MS,
		};
	}
	if (record_ring_publish(rings[input]))
		wake_offer(&thread.wake);
	return count;
}

static void put_end(size_t input)
{
	record_ring_push(rings[input])->kind = RING_END;
	(void)record_ring_publish(rings[input]);
	wake_offer(&thread.wake);
}

static void wait_until_finished(void)
{
	uint64_t count;

	CHECK_EQ(read(thread.config.finished_descriptor, &count, sizeof(count)), sizeof(count));
}

static void read_status(void *owner, void *argument)
{
	CHECK(owner == &thread);
	exporter_collector_status(thread.config.exporter, 0, argument);
}

static void accept_all(void *owner, void *argument)
{
	(void)owner;
	(void)argument;
	fake_transports[0].accept = SIZE_MAX;
}

static struct collector_ledger ledger(void)
{
	struct collector_status status;

	CHECK_EQ(thread_call_run(&thread.call, read_status, &status, 60000), 0);
	return status.ledger;
}

TEST(records_of_all_rings_are_sent_before_it_has_finished)
{
	init(0);
	CHECK_EQ(export_thread_start(&thread), 0);
	CHECK_EQ(put(0, 1000), 1000);
	CHECK_EQ(put(1, 2000), 2000);
	put_end(0);
	put_end(1);
	wait_until_finished();
	CHECK_EQ(ledger().sent.records, 3000);
	CHECK_EQ(ledger().sent.octets, 300000);
	CHECK_EQ(thread.inputs[0].taken.records, 1000);
	CHECK_EQ(thread.inputs[1].taken.records, 2000);
	clear();
}

TEST(nothing_has_finished_while_one_ring_is_open)
{
	struct pollfd finished = { .events = POLLIN };

	init(0);
	finished.fd = thread.config.finished_descriptor;
	CHECK_EQ(export_thread_start(&thread), 0);
	(void)put(0, 10);
	put_end(0);
	while (ledger().taken.records < 10)
		pause_ms(1);
	CHECK_EQ(poll(&finished, 1, 0), 0);
	put_end(1);
	wait_until_finished();
	CHECK_EQ(ledger().sent.records, 10);
	clear();
}

/* What waits when it starts is taken in its first turn. */
TEST(the_first_records_have_the_address_that_they_are_sent_from)
{
	init(0);
	fake_transports[0].own = OWN;
	(void)put(0, 10);
	put_end(0);
	put_end(1);
	CHECK_EQ(export_thread_start(&thread), 0);
	wait_until_finished();
	CHECK_EQ(ledger().sent.records, 10);
	CHECK(atomic_load(&has_own_address));
	clear();
}

/* A collector that takes nothing: its queue fills, then the rings; all that is put is somewhere.
 * Who asks is answered, and what is offered wakes nobody. */
TEST(a_collector_without_room_leaves_records_in_the_rings)
{
	uint32_t in_rings = 0;
	struct collector_ledger before;

	init(1);
	fake_transports[0].accept = 0;
	CHECK_EQ(export_thread_start(&thread), 0);
	do {
		in_rings = put(0, 1000);
		before = ledger();
	} while (in_rings);
	CHECK(before.taken.records >= 1000);
	CHECK_EQ(before.sent.records, 0);
	CHECK_EQ(before.waiting.records, before.taken.records);
	CHECK_EQ(collector_ledger_lost(&before).records, 0);
	CHECK_EQ(record_ring_room(rings[0]), 1);
	CHECK_EQ(thread_call_run(&thread.call, accept_all, NULL, 60000), 0);
	atomic_store(&thread.abandon_requested, true);
	wake_signal(&thread.wake);
	put_end(0);
	put_end(1);
	wait_until_finished();
	before = ledger();
	CHECK_EQ(before.waiting.records, 0);
	CHECK_EQ(before.sent.records + collector_ledger_lost(&before).records,
		 before.taken.records);
	clear();
}

/* Paced: it sleeps once for each burst that leaves, not for each datagram nor for what is offered,
 * and seldom wakes the worker. */
TEST(a_paced_collector_wakes_it_once_a_burst)
{
	const uint32_t all = 30000;
	uint32_t put_in = 0, offers = 0;
	struct pollfd woken = { .events = POLLIN };

	init(1000);
	woken.fd = worker_wakes[0].descriptor;
	CHECK_EQ(export_thread_start(&thread), 0);
	while (put_in < all) {
		put_in += put(0, all - put_in);
		wake_prepare(&worker_wakes[0], true);
		while (record_ring_room(rings[0]) < 100) {
			wake_offer(&thread.wake); /* with which it can do nothing */
			if (poll(&woken, 1, 1) == 1)
				break;
		}
		offers += woken.revents != 0;
		wake_finish(&worker_wakes[0], woken.revents != 0);
	}
	put_end(0);
	put_end(1);
	wait_until_finished();
	CHECK_EQ(ledger().sent.records, all);
	print_message("%u datagrams, %u sleeps, %u offers\n", atomic_load(&datagrams),
		      atomic_load(&polls), offers);
	CHECK(atomic_load(&datagrams) > 500);
	CHECK(atomic_load(&polls) < atomic_load(&datagrams) / 2);
	CHECK(offers < atomic_load(&datagrams) / 8);
	clear();
}

/* What is in a ring may be taken once more, by the next process. */
TEST(a_record_that_is_completed_twice_has_its_numbers_once)
{
	struct interface_rules rules = { .count = 0 };
	struct export_record record = {
		.flow.key = { .input_interface = LOOPBACK, .ip_version = 4 },
		.flow.physical_output = LOOPBACK,
		.flow.octets = 100,
	};
	const struct export_record before = record;
	struct export_record numbered;
	struct error_text error;

	init(0);
	CHECK_EQ(interface_rules_parse(&rules, "lo=70000", &error), 0);
	interface_monitor_destroy(thread.config.interfaces);
	thread.config.interfaces = create_monitor(thread.config.exporter, &rules, true);
	CHECK(thread.config.interfaces && export_complete_is_needed(&thread));
	for (int time = 0; time < 2; time++) {
		CHECK(export_complete(&thread, &record, &numbered) == &numbered);
		CHECK_EQ(numbered.flow.key.input_interface, 70000);
		CHECK_EQ(numbered.flow.key.output_interface, 0);
		CHECK_EQ(numbered.flow.physical_output, 70000);
		CHECK_EQ(numbered.flow.octets, 100);
		CHECK_BYTES(&record.flow, &before.flow, sizeof(record.flow));
	}
	interface_rules_clear(&rules);
	clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_is_completed_twice_has_its_numbers_once),
		cmocka_unit_test(records_of_all_rings_are_sent_before_it_has_finished),
		cmocka_unit_test(nothing_has_finished_while_one_ring_is_open),
		cmocka_unit_test(the_first_records_have_the_address_that_they_are_sent_from),
		cmocka_unit_test(a_collector_without_room_leaves_records_in_the_rings),
		cmocka_unit_test(a_paced_collector_wakes_it_once_a_burst),
	};

	return RUN_TESTS(tests);
}
