/* test_worker.c - a worker between a fake source and a ring that the test empties: what it gives,
 * when it waits, how it ends. */
#include "worker.h"

#include "check.h"
#include "fake_source.c"
#include "fake_worker.h"
#include "system_poll.h"
#include "worker_account.h"
#include "worker_kept.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATIENCE_MS 60000

/* Stands in for that of the C library. */
static atomic_uint polls;

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
	struct timespec timeout = { .tv_sec = timeout_ms / 1000,
				    .tv_nsec = timeout_ms % 1000 * 1000000L };

	atomic_fetch_add(&polls, 1);
	return system_poll(descriptors, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

static struct fake_surroundings around;
static struct worker worker;

/* What came out of the ring. */
static struct {
	uint64_t records, packets, marks;
	int64_t late_ms; /* longest time from a record's last packet to when it left */
	bool has_ended;
} taken;

static void start(const struct capture_type *type, uint32_t max_flows)
{
	struct error_text error;

	memset(&taken, 0, sizeof(taken));
	atomic_store(&polls, 0);
	fake_surroundings_init(&around);
	CHECK_EQ(fake_worker_init(&worker, type, max_flows, &around, &error), 0);
	CHECK_EQ(worker_start(&worker, &error), 0);
}

static void end(void)
{
	worker_join(&worker);
	worker_clear(&worker);
	CHECK(!fake_source.is_open);
	fake_surroundings_clear(&around);
}

static void reset(uint64_t packets)
{
	memset(&fake_source, 0, sizeof(fake_source));
	fake_source.packets = packets;
}

/* Up to 'count' entries, as far as there are any. */
static void take(uint32_t count)
{
	uint32_t waiting = record_ring_waiting(worker.ring);

	for (; waiting && count; waiting--, count--) {
		const struct ring_entry *entry = record_ring_peek(worker.ring);

		taken.records += entry->kind == RING_RECORD;
		taken.packets += entry->kind == RING_RECORD ? entry->record.flow.packets : 0;
		if (entry->kind == RING_RECORD &&
		    entry->record.flow.expired_ms - entry->record.flow.last_ms > taken.late_ms)
			taken.late_ms = entry->record.flow.expired_ms - entry->record.flow.last_ms;
		taken.marks += entry->kind == RING_MARK;
		taken.has_ended |= entry->kind == RING_END;
		record_ring_pop(worker.ring);
	}
	record_ring_release(worker.ring);
}

static void take_all(void)
{
	for (int i = 0; !taken.has_ended; i++) {
		CHECK(i < PATIENCE_MS);
		take(UINT32_MAX);
		wake_offer(&worker.wake);
		pause_ms(1);
	}
}

static void no_change(void *owner, void *argument)
{
	*(bool *)argument = owner == &worker;
}

static bool is_answered(void)
{
	bool is_answered = false;

	CHECK_EQ(thread_call_run(&worker.call, no_change, &is_answered, 60000), 0);
	return is_answered;
}

TEST(a_file_gives_all_records_a_mark_and_the_end)
{
	reset(20000);
	start(&fake_source_file, 1000);
	take_all();
	CHECK_EQ(taken.records, 20000);
	CHECK_EQ(taken.packets, 20000);
	CHECK(taken.marks >= 1);
	CHECK_EQ(record_ring_waiting(worker.ring), 0);
	CHECK(is_answered());
	CHECK_EQ(worker.failure.text[0], 0);
	end();
}

TEST(a_file_that_fails_ends_with_what_it_gave)
{
	reset(100);
	fake_source.failure = -EIO;
	start(&fake_source_file, 1000);
	take_all();
	CHECK_EQ(taken.packets, 100);
	CHECK_TEXT(worker.failure.text, "fake: failed");
	end();
}

/* Whatever is between two packets of a file: a flow leaves when its timeout of 15 s is over. */
TEST(in_a_gap_of_a_file_flows_leave_when_they_are_due)
{
	static const int64_t gaps_ms[] = { 1000, 15999, 16000, 3600000,
					   10 * 365 * INT64_C(86400000) };

	for (size_t i = 0; i < sizeof(gaps_ms) / sizeof(gaps_ms[0]); i++) {
		reset(50);
		fake_source.apart_ms = gaps_ms[i];
		start(&fake_source_file, 1000);
		take_all();
		CHECK_EQ(taken.records, 50);
		CHECK(taken.late_ms >= 15000);
		CHECK(taken.late_ms < 16000);
		end();
	}
}

/* The ring fills in a gap: what waited for room has the same time as the rest. */
TEST(a_full_ring_does_not_move_what_is_due_in_a_gap)
{
	reset(30000);
	fake_source.per_ms = 29999;
	fake_source.gap_ms = 3600000;
	start(&fake_source_file, 40000);
	take_all();
	CHECK_EQ(taken.records, 30000);
	CHECK(taken.late_ms >= 15000);
	CHECK(taken.late_ms < 16000);
	end();
}

TEST(a_live_source_that_stops_gives_what_it_had_taken)
{
	reset(100);
	fake_source.late = 50;
	start(&fake_source_live, 1000);
	while (atomic_load(&fake_source.given) < 100)
		pause_ms(1);
	CHECK(is_answered());
	CHECK_EQ(taken.records, 0);
	atomic_store(&worker.stop_requested, true);
	wake_signal(&worker.wake);
	take_all();
	CHECK_EQ(taken.packets, 150);
	end();
}

TEST(a_source_that_does_not_open_leaves_nothing_behind)
{
	struct error_text error;

	reset(0);
	fake_source.open_error = -EACCES;
	fake_surroundings_init(&around);
	CHECK_EQ(fake_worker_init(&worker, &fake_source_file, 1000, &around, &error), -EACCES);
	CHECK_TEXT(error.text, "fake: does not open");
	fake_surroundings_clear(&around);
}

/* Wait until it can do no more, and sleeps. */
static void wait_for_full_ring(void)
{
	for (int i = 0;
	     atomic_load(&worker.wake.state) == 0 || record_ring_is_half_free(worker.ring); i++) {
		CHECK(i < PATIENCE_MS);
		pause_ms(1);
	}
}

/* A worker whose ring is full sleeps until half of it is offered, however often it is asked, and
 * whatever the clock says; a call is answered meanwhile. */
static void check_sleep(const struct capture_type *type)
{
	reset(30000);
	start(type, 1000);
	wait_for_full_ring();
	CHECK(atomic_load(&fake_source.given) < 30000);
	CHECK(!record_ring_is_half_free(worker.ring));
	/* It looks at the clock for nothing but the mark, once a second. */
	atomic_store(&polls, 0);
	pause_ms(300);
	CHECK(atomic_load(&polls) <= 1);
	CHECK(is_answered());
	atomic_store(&polls, 0);
	for (int i = 0; i < 20; i++)
		take(30); /* a datagram's worth: not offered */
	CHECK(!record_ring_is_half_free(worker.ring));
	take(5000);
	CHECK(record_ring_is_half_free(worker.ring));
	wake_offer(&worker.wake);
	wait_for_full_ring();
	CHECK(atomic_load(&polls) <= 3);
	atomic_store(&worker.stop_requested, true);
	wake_signal(&worker.wake);
	take_all();
	CHECK_EQ(taken.packets, atomic_load(&fake_source.given));
	end();
}

TEST(a_file_sleeps_while_the_ring_is_full)
{
	check_sleep(&fake_source_file);
}

TEST(a_live_source_sleeps_while_the_ring_is_full)
{
	check_sleep(&fake_source_live);
}

/* What it does is bounded by what it is given room for: a poll() for each half of a ring. */
TEST(records_that_leave_in_small_pieces_wake_seldom)
{
	reset(60000);
	start(&fake_source_file, 1000);
	while (!taken.has_ended) {
		const uint64_t before = taken.records;

		take(30);
		if (record_ring_is_half_free(worker.ring))
			wake_offer(&worker.wake);
		if (taken.records == before)
			pause_ms(1);
	}
	CHECK_EQ(taken.records, 60000);
	CHECK(atomic_load(&polls) <= 60000 / 4096 + 5);
	end();
}

/* Until the control thread has it kept, a kill loses what is in it. */
TEST(a_source_that_goes_is_reported_at_once)
{
	const int news = eventfd(0, EFD_CLOEXEC);
	struct pollfd descriptor = { .fd = news, .events = POLLIN };
	struct error_text error;
	uint64_t count = 0;

	CHECK(news >= 0);
	reset(10);
	memset(&taken, 0, sizeof(taken));
	fake_surroundings_init(&around);
	CHECK_EQ(fake_worker_init(&worker, &fake_source_live, 1000, &around, &error), 0);
	worker.source_news = &news;
	fake_source.failure = -EIO;
	fake_source.open_error = -ENODEV; /* when it is opened again */
	CHECK_EQ(worker_start(&worker, &error), 0);
	CHECK_EQ(poll(&descriptor, 1, PATIENCE_MS), 1);
	CHECK_EQ(read(news, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 1);
	atomic_store(&worker.stop_requested, true);
	wake_signal(&worker.wake);
	take_all();
	CHECK_EQ(taken.packets, 10);
	CHECK_EQ(poll(&descriptor, 1, 0), 0);
	end();
	(void)close(news);
}

static bool is_told; /* that its position is not noted any more */

static void note(struct capture *capture, bool is_noted, void *memory)
{
	(void)capture;
	is_told = !is_noted && !memory;
}

/* A source may leave to position() what it would do in read(). */
TEST(a_worker_that_notes_no_more_tells_its_source)
{
	static const struct capture_type type = { .can_resume = true, .use_memory = note };
	int memory;
	struct worker noting = {
		.type = &type,
		.kept = (struct worker_kept *)(void *)&memory,
		.source = { .type = &type,
			    .capture = (struct capture *)(void *)&memory,
			    .is_noted = true },
	};

	worker_kept_stop(&noting);
	CHECK(is_told);
	CHECK(!noting.source.is_noted);
	CHECK(!noting.kept);
}

/* A packet socket is asked by a system call, and the device by two files. */
TEST(notes_ask_a_source_ten_times_a_second_for_its_losses)
{
	struct worker_ledger first, ledger;
	struct error_text error;

	reset(0);
	fake_surroundings_init(&around);
	CHECK_EQ(fake_worker_init(&worker, &fake_source_live, 1000, &around, &error), 0);
	worker.clock_ms = 5000;
	fake_source.lost = 7;
	worker_account_note(&worker, 0, &first);
	CHECK_EQ(first.packets_lost_kernel, 7);
	fake_source.lost = 9;
	for (worker.clock_ms = 5001; worker.clock_ms < 5100; worker.clock_ms++) {
		worker_account_note(&worker, 7, &ledger);
		CHECK_EQ(ledger.packets_lost_kernel, 7);
	}
	CHECK_EQ(fake_source.asked, 1);
	worker_account_ledger(&worker, &ledger);
	CHECK_EQ(ledger.packets_lost_kernel, 9);
	worker_account_note(&worker, 7, &ledger);
	CHECK_EQ(ledger.packets_lost_kernel, 9);
	CHECK_EQ(fake_source.asked, 3);
	worker_clear(&worker);
	fake_surroundings_clear(&around);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_gives_all_records_a_mark_and_the_end),
		cmocka_unit_test(a_file_that_fails_ends_with_what_it_gave),
		cmocka_unit_test(in_a_gap_of_a_file_flows_leave_when_they_are_due),
		cmocka_unit_test(a_full_ring_does_not_move_what_is_due_in_a_gap),
		cmocka_unit_test(a_live_source_that_stops_gives_what_it_had_taken),
		cmocka_unit_test(a_source_that_does_not_open_leaves_nothing_behind),
		cmocka_unit_test(a_file_sleeps_while_the_ring_is_full),
		cmocka_unit_test(a_live_source_sleeps_while_the_ring_is_full),
		cmocka_unit_test(records_that_leave_in_small_pieces_wake_seldom),
		cmocka_unit_test(a_source_that_goes_is_reported_at_once),
		cmocka_unit_test(a_worker_that_notes_no_more_tells_its_source),
		cmocka_unit_test(notes_ask_a_source_ten_times_a_second_for_its_losses),
	};

	return RUN_TESTS(tests);
}
