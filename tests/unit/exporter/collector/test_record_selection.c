/* test_record_selection.c - filter and sample of a collector: what is excluded is counted. */
#include "exporter.h"

#include "group_fixture.h"

TEST(a_filter_excludes_and_counts)
{
	struct collector_status status;
	struct collector_ledger ledger;

	create((struct member[]){ { .filter = "proto=tcp port=80,443" },
				  { .filter = "proto=tcp sport=1024-1033" } },
	       2);
	add(1000);
	pass(1100);
	CHECK_EQ(arrivals[0].records, 500);
	CHECK_EQ(arrivals[1].records, 5);
	status = status_of(1);
	CHECK_EQ(status.ledger.taken.records, 1000);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].records, 995);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].packets, 995);
	CHECK_EQ(status.ledger.excluded[EXCLUDED_FILTER].octets, 499500 - 0 - 2 - 4 - 6 - 8);
	CHECK_EQ(collector_ledger_lost(&status.ledger).records, 0);
	exporter_ledger(exporter, &ledger);
	CHECK_EQ(ledger.sent.records, 500);
	CHECK_EQ(collector_ledger_excluded(&ledger).records, 500);
	exporter_destroy(exporter);
}

TEST(samples_are_of_flows_and_the_same_everywhere)
{
	size_t sampled;

	create((struct member[]){ { .sampling = 4 }, { .sampling = 4 }, { .sampling = 1 } }, 3);
	add(4000);
	pass(1100);
	sampled = arrivals[0].records;
	CHECK(sampled > 900 && sampled < 1100);
	CHECK_BYTES(arrivals[0].copies, arrivals[1].copies, RECORDS);
	CHECK_EQ(status_of(0).ledger.excluded[EXCLUDED_SAMPLING].records, 4000 - sampled);
	CHECK_EQ(status_of(0).sampling, 4);
	CHECK_EQ(arrivals[2].records, 4000);
	CHECK_EQ(status_of(2).sampling, 1);
	exporter_destroy(exporter);
}

TEST(a_wrong_filter_is_named)
{
	static const struct member wrong[] = { { .filter = "proto=nothing" },
					       { .filter = "age>1s" },
					       { .filter = "proto=tcp idle=1s-2s" } };
	static const char *const texts[] = { "collector 0: filter: proto \"nothing\"",
					     "collector 0: filter: age and idle",
					     "collector 0: filter: age and idle" };

	for (size_t i = 0; i < 3; i++) {
		const struct collector_config collector = config_of(0, &wrong[i]);
		const struct exporter_config config = { .collectors = &collector,
							.collector_count = 1 };
		struct error_text error;

		CHECK(exporter_create(&config, &error) == NULL);
		CHECK(strncmp(error.text, texts[i], strlen(texts[i])) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_excludes_and_counts),
		cmocka_unit_test(samples_are_of_flows_and_the_same_everywhere),
		cmocka_unit_test(a_wrong_filter_is_named),
	};

	return RUN_TESTS(tests);
}
