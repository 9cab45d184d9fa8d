/* test_sequence_file.c - sequence numbers after an end in order, after SIGKILL at any moment,
 * beside another process, and with a file that is not what it should be. */
#include "sequence_file.h"

#include "check.h"
#include "fake_transport.c"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOURCE_ID 7

static char directory[] = "/tmp/test-sequence-XXXXXX";

static struct exporter *create(void)
{
	static const char *const names[] = { "192.0.2.1:2055", "192.0.2.2:2055" };
	struct collector_config collectors[2];
	const struct exporter_config config = { .collectors = collectors, .collector_count = 2 };
	struct error_text error;
	struct exporter *exporter;

	for (uint16_t i = 0; i < 2; i++)
		collectors[i] = (struct collector_config){
			.name = names[i],
			.transport_type = &fake_transport_datagrams,
			.version = 9,
			.address = { .host = "fake", .port = i },
			.datagram_size = 1400,
		};
	fake_transport_reset();
	exporter = exporter_create(&config, &error);
	CHECK(exporter != NULL);
	return exporter;
}

static void send_some(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = { .unix_ms = 1700000000000 + now_ms, .uptime_ms = now_ms };

	for (int i = 0; i < 100; i++) {
		const struct export_record record = {
			.flow = { .key = { .ip_version = 4 }, .packets = 1, .octets = 100 }
		};

		exporter_add(exporter, &record, &time);
	}
	exporter_finish(exporter, &time);
	(void)exporter_send(exporter, (int64_t)now_ms * 1000);
}

static uint32_t sequence_of(const struct exporter *exporter, size_t collector)
{
	struct collector_status status;

	exporter_collector_status(exporter, collector, &status);
	return status.sequence;
}

/* Number that the next run would begin with. */
static uint32_t kept(size_t collector)
{
	struct exporter *exporter = create();
	struct sequence_file *file = sequence_file_open(exporter, SOURCE_ID, false);
	uint32_t sequence;

	CHECK(file != NULL);
	sequence = sequence_of(exporter, collector);
	sequence_file_close(file);
	exporter_destroy(exporter);
	return sequence;
}

static void forget(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/sequence-%d", directory, SOURCE_ID);
	(void)unlink(path);
}

TEST(numbers_go_on_after_an_end_in_order)
{
	struct exporter *exporter = create();
	struct sequence_file *file = sequence_file_open(exporter, SOURCE_ID, false);
	uint32_t before;

	CHECK_EQ(sequence_of(exporter, 0), 0);
	send_some(exporter, 1000);
	before = sequence_of(exporter, 0);
	CHECK(before > 4);
	sequence_file_close(file);
	exporter_destroy(exporter);
	CHECK_EQ(kept(0), before);
	CHECK_EQ(kept(1), before);
	CHECK_EQ(kept(0), before); /* a run that sends nothing changes nothing */
	forget();
}

static void kill_here(size_t number, const struct datagram *datagram)
{
	(void)datagram;
	if (number == 1 && fake_transports[1].capacity < 9997)
		(void)raise(SIGKILL);
}

/* A child sends and is killed; returns what its next run begins with. */
static uint32_t kept_after_kill(bool is_within_a_batch)
{
	const pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		struct exporter *exporter = create();

		(void)sequence_file_open(exporter, SOURCE_ID, false);
		if (is_within_a_batch) {
			fake_transports[1].capacity = 10000;
			fake_transports[1].arrive = kill_here;
		}
		send_some(exporter, 1000);
		(void)raise(SIGKILL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return kept(1);
}

TEST(numbers_go_on_after_a_kill_with_a_gap_of_at_most_what_had_not_gone)
{
	uint32_t all;

	forget();
	all = kept_after_kill(false);
	CHECK(all > 4);
	forget();
	/* Killed at its fourth datagram: those after it in the batch are the gap. */
	CHECK_EQ(kept_after_kill(true), all);
	forget();
}

TEST(a_file_that_another_process_stores_in_is_left_alone)
{
	struct exporter *one = create();
	struct sequence_file *file = sequence_file_open(one, SOURCE_ID, false);
	struct exporter *two = create();

	CHECK(file != NULL);
	CHECK(sequence_file_open(two, SOURCE_ID, false) == NULL);
	exporter_destroy(two);
	sequence_file_close(file);
	exporter_destroy(one);
	forget();
}

TEST(a_file_that_is_no_such_file_begins_anew)
{
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/sequence-%d", directory, SOURCE_ID);
	file = fopen(path, "w");
	CHECK(file != NULL);
	(void)fputs("4711 192.0.2.1:2055\n", file);
	(void)fclose(file);
	CHECK_EQ(kept(0), 0);
	forget();
}

TEST(without_a_directory_nothing_is_kept)
{
	struct exporter *exporter = create();

	(void)unsetenv("STATE_DIRECTORY");
	CHECK(sequence_file_open(exporter, SOURCE_ID, false) == NULL);
	(void)setenv("STATE_DIRECTORY", "/nowhere", 1);
	CHECK(sequence_file_open(exporter, SOURCE_ID, false) == NULL);
	(void)setenv("STATE_DIRECTORY", directory, 1);
	exporter_destroy(exporter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_go_on_after_an_end_in_order),
		cmocka_unit_test(
			numbers_go_on_after_a_kill_with_a_gap_of_at_most_what_had_not_gone),
		cmocka_unit_test(a_file_that_another_process_stores_in_is_left_alone),
		cmocka_unit_test(a_file_that_is_no_such_file_begins_anew),
		cmocka_unit_test(without_a_directory_nothing_is_kept),
	};
	int failed;

	CHECK(mkdtemp(directory) != NULL);
	CHECK_EQ(setenv("STATE_DIRECTORY", directory, 1), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(directory);
	return failed;
}
