/* test_agentctl_stats_view.c - what is subtracted from a row of show-stats, and what is not. */
#include "check.h"

#include "agentctl_stats_view.h"


static void check_since(const char *row, const char *before, const char *expected)
{
	json_t *now = json_loads(row, 0, NULL);
	json_t *then = before ? json_loads(before, 0, NULL) : NULL;
	json_t *wanted = json_loads(expected, 0, NULL);
	json_t *since = agentctl_stats_since(now, then);

	assert_non_null(wanted);
	CHECK(json_equal(since, wanted));
	json_decref(now);
	json_decref(then);
	json_decref(wanted);
	json_decref(since);
}

TEST(counters_are_what_came_since)
{
	check_since(
		"{\"packets_read\":12,\"fragments\":{\"first\":5},\"packets_ignored\":{\"a\":3}}",
		"{\"packets_read\":10,\"fragments\":{\"first\":5},\"packets_ignored\":{\"a\":1}}",
		"{\"packets_read\":2,\"fragments\":{\"first\":0},\"packets_ignored\":{\"a\":2}}");
}

TEST(without_a_view_before_all_is_new)
{
	check_since("{\"packets_read\":12,\"up\":true}", NULL, "{\"packets_read\":12,\"up\":true}");
}

TEST(what_is_no_counter_is_as_it_is_now)
{
	check_since("{\"flows_cached\":7,\"records_waiting\":2,\"last_sent_age_ms\":9,"
		    "\"asn_table\":{\"bytes\":5},\"equalities\":[{\"name\":\"x\",\"left\":4}]}",
		    "{\"flows_cached\":9,\"records_waiting\":1,\"last_sent_age_ms\":5,"
		    "\"asn_table\":{\"bytes\":4},\"equalities\":[{\"name\":\"x\",\"left\":3}]}",
		    "{\"flows_cached\":7,\"records_waiting\":2,\"last_sent_age_ms\":9,"
		    "\"asn_table\":{\"bytes\":5},\"equalities\":[{\"name\":\"x\",\"left\":4}]}");
}

TEST(sources_and_collectors_are_known_by_their_names)
{
	check_since(
		"{\"sources\":[{\"name\":\"new\",\"messages\":3},{\"name\":\"one\",\"messages\":8,"
		"\"receive_buffer_bytes\":100}]}",
		"{\"sources\":[{\"name\":\"one\",\"messages\":5,\"receive_buffer_bytes\":100},"
		"{\"name\":\"gone\",\"messages\":2}]}",
		"{\"sources\":[{\"name\":\"new\",\"messages\":3},{\"name\":\"one\",\"messages\":3,"
		"\"receive_buffer_bytes\":100}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_what_came_since),
		cmocka_unit_test(without_a_view_before_all_is_new),
		cmocka_unit_test(what_is_no_counter_is_as_it_is_now),
		cmocka_unit_test(sources_and_collectors_are_known_by_their_names),
	};

	return RUN_TESTS(tests);
}
