/* test_summary.c - the ledger as JSON. */
#include "check.h"
#include "summary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A snapshot whose equalities hold, of two sources and one collector. */
static struct pipeline_snapshot example(struct source_status sources[static 2],
					struct collector_status *collector)
{
	struct pipeline_snapshot snapshot = {
		.sources = sources, .source_count = 2, .collectors = collector, .collector_count = 1
	};

	sources[0] = (struct source_status){ .name = "nflog:40", .is_live = true };
	sources[0].ledger.packets_read = 170;
	sources[0].ledger.packets_lost_kernel = 7;
	sources[0].ledger.packets_ignored[DROP_NOT_IP] = 4;
	sources[0].ledger.packets_length_unknown = 5;
	sources[0].ledger.packets_super = 6;
	sources[0].ledger.fragments = (struct fragment_statistics){ 11, 12, 13, 14 };
	sources[0].ledger.cache.packets_cached = 16;
	sources[0].ledger.cache.packets_expired = 150;
	sources[0].ledger.cache.flows_created = 19;
	sources[0].ledger.cache.flows_cached = 2;
	sources[0].ledger.cache.records_expired[FLOW_END_idleTimeout] = 16;
	sources[0].ledger.cache.records_expired[FLOW_END_endOfFlowDetected] = 1;
	sources[1] = (struct source_status){ .name = "caf\xe9.pcap", .has_ended = true };
	for (int i = 0; i < 2; i++)
		worker_ledger_add(&snapshot.workers, &sources[i].ledger);
	snapshot.ring = (struct amount){ .records = 1, .packets = 5 };
	snapshot.exported.taken = (struct amount){ 16, 145, 8200 };
	snapshot.exported.excluded[EXCLUDED_FILTER] = (struct amount){ 7, 70, 700 };
	snapshot.exported.sent = (struct amount){ 6, 60, 6000 };
	snapshot.exported.waiting = (struct amount){ 1, 5, 500 };
	snapshot.exported.lost[LOSS_REFUSED] = (struct amount){ 2, 10, 1000 };
	snapshot.exported.datagrams_sent = 3;
	*collector = (struct collector_status){ .name = "192.0.2.10:2055",
						.transport = "udp",
						.version = 9,
						.is_up = true,
						.mode = COLLECTOR_failover,
						.group = "uplink",
						.priority = 2,
						.is_used = true,
						.last_error = ECONNREFUSED,
						.has_sequence = true,
						.sequence = 0xffffffff,
						.ledger = snapshot.exported };
	return snapshot;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("no number \"%s\"", key);
	return json_integer_value(value);
}

TEST(every_counter_of_the_tables_is_there)
{
	struct source_status sources[2];
	struct collector_status collector;
	struct pipeline_snapshot snapshot = example(sources, &collector);
	json_t *summary = summary_json(&snapshot);
	const json_t *source = json_array_get(json_object_get(summary, "sources"), 0);
	const json_t *to = json_array_get(json_object_get(summary, "collectors"), 0);
	const json_t *fragments = json_object_get(summary, "fragments");

#define WORKER_COUNTER(name, member, text)                                     \
	CHECK_EQ(number(source, #name), (json_int_t)sources[0].ledger.member); \
	CHECK_EQ(number(summary, #name), (json_int_t)snapshot.workers.member);
#define WORKER_SUM(name, function, text) \
	CHECK_EQ(number(source, #name), (json_int_t)function(&sources[0].ledger));
#define FRAGMENT_COUNTER(name, member, text) \
	CHECK_EQ(number(fragments, #name), (json_int_t)snapshot.workers.fragments.member);
#define COLLECTOR_COUNTER(name, member, text) \
	CHECK_EQ(number(to, #name), (json_int_t)collector.ledger.member);
#define COLLECTOR_AMOUNT(name, value, text) \
	(void)number(to, "records_" #name); \
	(void)number(to, "packets_" #name); \
	(void)number(to, "bytes_" #name);
#include "counters.def"
#define CAPTURE_COUNTER(name, text) (void)number(source, #name);
#include "capture_counters.def"
#undef CAPTURE_COUNTER
	json_decref(summary);
}

TEST(keys_of_the_design_are_there)
{
	struct source_status sources[2];
	struct collector_status collector;
	struct pipeline_snapshot snapshot = example(sources, &collector);
	json_t *summary = summary_json(&snapshot);
	const json_t *ignored = json_object_get(summary, "packets_ignored");
	const json_t *expired = json_object_get(summary, "records_expired");

	CHECK_EQ(number(summary, "packets_read"), 170);
	CHECK_EQ(number(summary, "packets_lost_kernel"), 7);
	CHECK_EQ(json_object_size(ignored), DROP_REASON_COUNT - 1);
	CHECK_EQ(number(ignored, "not_ip"), 4);
	CHECK_EQ(number(ignored, "own_export"), 0);
	CHECK_EQ(number(summary, "packets_exported"), 60);
	CHECK_EQ(number(summary, "bytes_exported"), 6000);
	CHECK_EQ(number(summary, "packets_cached"), 16);
	CHECK_EQ(number(summary, "packets_lost"), 10);
	CHECK_EQ(number(summary, "flows_created"), 19);
	CHECK_EQ(number(summary, "flows_cached"), 2);
	CHECK_EQ(json_object_size(expired), FLOW_END_COUNT - 1);
	CHECK_EQ(number(expired, "inactive"), 16);
	CHECK_EQ(number(expired, "end_of_flow"), 1);
	CHECK_EQ(number(summary, "records_sent"), 6);
	CHECK_EQ(number(summary, "records_lost"), 2);
	CHECK_EQ(number(summary, "datagrams_sent"), 3);
	CHECK_EQ(number(summary, "packets_length_unknown"), 5);
	CHECK_EQ(number(summary, "packets_super"), 6);
	CHECK_EQ(number(summary, "packets_split"), 0);
	CHECK_EQ(number(summary, "bytes_split"), 0);
	CHECK_EQ(number(summary, "records_excluded"), 7);
	CHECK_EQ(number(summary, "packets_excluded"), 70);
	CHECK_EQ(number(summary, "bytes_excluded"), 700);
	CHECK_EQ(number(json_object_get(summary, "records_excluded_by_reason"), "filter"), 7);
	CHECK_EQ(number(json_object_get(summary, "records_excluded_by_reason"), "sampling"), 0);
	CHECK_EQ(number(json_object_get(summary, "fragments"), "first"), 11);
	CHECK_EQ(number(json_object_get(summary, "fragments"), "matched"), 12);
	CHECK_EQ(number(json_object_get(summary, "fragments"), "unmatched"), 13);
	CHECK_EQ(number(json_object_get(summary, "fragments"), "replaced"), 14);
	json_decref(summary);
}

TEST(equalities_can_be_checked_from_the_summary)
{
	struct source_status sources[2];
	struct collector_status collector;
	struct pipeline_snapshot snapshot = example(sources, &collector);
	json_t *summary = summary_json(&snapshot);

	CHECK_EQ(number(summary, "packets_read"),
		 number(summary, "packets_exported") + number(summary, "packets_waiting") +
			 number(summary, "packets_cached") + number(summary, "packets_lost") +
			 number(summary, "packets_ignored_total") +
			 number(summary, "packets_excluded"));
	CHECK_EQ(number(summary, "flows_created"),
		 number(summary, "records_expired_total") + number(summary, "flows_cached"));
	CHECK_EQ(number(summary, "records_expired_total"),
		 number(summary, "records_sent") + number(summary, "records_waiting") +
			 number(summary, "records_lost") + number(summary, "records_excluded"));
	CHECK_EQ(number(json_object_get(summary, "records_lost_by_reason"), "refused"), 2);
	json_decref(summary);
}

TEST(sources_and_collectors_are_listed)
{
	struct source_status sources[2];
	struct collector_status collector;
	struct pipeline_snapshot snapshot = example(sources, &collector);
	json_t *summary = summary_json(&snapshot);
	const json_t *source = json_array_get(json_object_get(summary, "sources"), 0);
	const json_t *other = json_array_get(json_object_get(summary, "sources"), 1);
	const json_t *row = json_array_get(json_object_get(summary, "collectors"), 0);

	CHECK_EQ(json_array_size(json_object_get(summary, "sources")), 2);
	CHECK_TEXT(json_string_value(json_object_get(source, "name")), "nflog:40");
	CHECK_TEXT(json_string_value(json_object_get(source, "state")), "running");
	CHECK_TEXT(json_string_value(json_object_get(other, "name")), "caf?.pcap");
	CHECK_TEXT(json_string_value(json_object_get(other, "state")), "ended");
	CHECK_EQ(number(row, "records_taken"), 16);
	CHECK_EQ(number(row, "records_excluded"), 7);
	CHECK_TEXT(json_string_value(json_object_get(row, "mode")), "failover");
	CHECK_TEXT(json_string_value(json_object_get(row, "group")), "uplink");
	CHECK_EQ(number(row, "priority"), 2);
	CHECK(json_is_true(json_object_get(row, "active")));
	CHECK_EQ(number(row, "records_sent"), 6);
	CHECK_EQ(number(row, "records_waiting"), 1);
	CHECK_EQ(number(row, "records_lost"), 2);
	CHECK_EQ(number(json_object_get(row, "records_lost_by_reason"), "refused"), 2);
	CHECK_EQ(number(row, "sequence"), 0xffffffff);
	CHECK_TEXT(json_string_value(json_object_get(row, "last_error")), "Connection refused");
	json_decref(summary);
}

TEST(a_source_that_failed_says_so)
{
	struct source_status source = { .name = "eth0", .has_ended = true, .failure = "gone" };
	json_t *row = summary_source_json(&source);

	CHECK_TEXT(json_string_value(json_object_get(row, "state")), "failed");
	CHECK_TEXT(json_string_value(json_object_get(row, "failure")), "gone");
	json_decref(row);

	source = (struct source_status){ .name = "ppp0", .is_away = true, .failure = "not there" };
	row = summary_source_json(&source);
	CHECK_TEXT(json_string_value(json_object_get(row, "state")), "waiting");
	CHECK_TEXT(json_string_value(json_object_get(row, "failure")), "not there");
	json_decref(row);
}

TEST(nothing_at_all_has_the_same_shape)
{
	struct pipeline_snapshot snapshot = { .source_count = 0 };
	struct source_status sources[2];
	struct collector_status collector;
	struct pipeline_snapshot other = example(sources, &collector);
	json_t *empty = summary_json(&snapshot);
	json_t *full = summary_json(&other);
	const char *key;
	json_t *value;

	CHECK_EQ(json_object_size(empty), json_object_size(full));
	json_object_foreach(full, key, value)
	{
		CHECK_EQ(json_typeof(json_object_get(empty, key)), json_typeof(value));
	}
	json_decref(empty);
	json_decref(full);
}

TEST(summary_is_one_line_of_a_file)
{
	struct pipeline_snapshot snapshot = { .source_count = 0 };
	struct error_text error;
	char path[] = "/tmp/test_summary.XXXXXX";
	int descriptor = mkstemp(path);
	char line[8192];
	FILE *file;
	json_t *summary;

	assert_true(descriptor >= 0);
	(void)close(descriptor);
	file = summary_open(path, NULL, &error);
	assert_non_null(file);
	CHECK_EQ(summary_write(file, path, &snapshot, &error), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	summary = json_loads(line, 0, NULL);
	CHECK_EQ(number(summary, "packets_read"), 0);
	CHECK(line[strlen(line) - 1] == '\n');
	CHECK(fgets(line, sizeof(line), file) == NULL);
	json_decref(summary);
	(void)fclose(file);
	(void)unlink(path);
}

TEST(summary_that_cannot_be_written_is_an_error)
{
	struct pipeline_snapshot snapshot = { .source_count = 0 };
	struct error_text error;
	FILE *full;

	CHECK(summary_open("/nonexistent/summary", NULL, &error) == NULL);
	assert_non_null(strstr(error.text, "/nonexistent/summary"));
	full = summary_open("/dev/full", NULL, &error);
	assert_non_null(full);
	CHECK_EQ(summary_write(full, "/dev/full", &snapshot, &error), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_counter_of_the_tables_is_there),
		cmocka_unit_test(keys_of_the_design_are_there),
		cmocka_unit_test(equalities_can_be_checked_from_the_summary),
		cmocka_unit_test(sources_and_collectors_are_listed),
		cmocka_unit_test(a_source_that_failed_says_so),
		cmocka_unit_test(nothing_at_all_has_the_same_shape),
		cmocka_unit_test(summary_is_one_line_of_a_file),
		cmocka_unit_test(summary_that_cannot_be_written_is_an_error),
	};

	return RUN_TESTS(tests);
}
