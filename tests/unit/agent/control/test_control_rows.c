/* test_control_rows.c - every question has its rows; templates, equalities of the ledger. */
#include "control_fixture.h"

TEST(every_question_has_its_rows)
{
	struct fixture fixture;
	struct source_status sources[2] = { { .name = "nflog:40", .last_packet_ms = -1 },
					    { .name = "nflog:41", .last_packet_ms = 5 } };
	struct collector_status collectors[1] = {
		{ .name = "192.0.2.1:2055", .transport = "udp", .version = 9, .last_sent_ms = -1 }
	};
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.pipeline.snapshot = (struct pipeline_snapshot){ .sources = sources,
								.source_count = 2,
								.collectors = collectors,
								.collector_count = 1 };
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-sources\"}\n");
	row = read_json(&fixture, client);
	CHECK(json_is_null(json_object_get(row, "last_packet_unix_ms")));
	json_decref(row);
	row = read_json(&fixture, client);
	CHECK(json_is_integer(json_object_get(row, "last_packet_unix_ms")));
	json_decref(row);
	expect_end(&fixture, client, 2);

	ask(client, "{\"v\":1,\"cmd\":\"show-collectors\"}\n");
	json_decref(read_json(&fixture, client));
	expect_end(&fixture, client, 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-status\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_array_size(json_object_get(row, "sources")), 2);
	CHECK_EQ(json_array_size(json_object_get(row, "collectors")), 1);
	CHECK_EQ(json_integer_value(json_object_get(json_object_get(row, "cache"), "capacity")),
		 65536);
	CHECK_EQ(json_array_size(json_object_get(row, "units")), 0);
	json_decref(row);
	expect_end(&fixture, client, 1);

	/* Units that nobody answers for are not the same as none. */
	fixture.pipeline.columns = FLOW_COLUMN_BIT(FLOW_COLUMN_cgroup);
	fixture.pipeline.units_fault = -ETIMEDOUT;
	ask(client, "{\"v\":1,\"cmd\":\"show-status\"}\n");
	row = read_json(&fixture, client);
	CHECK(json_is_null(json_object_get(row, "units")));
	json_decref(row);
	expect_end(&fixture, client, 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-drops\"}\n");
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		row = read_json(&fixture, client);
		CHECK_TEXT(json_string_value(json_object_get(row, "reason")),
			   drop_reason_name((enum drop_reason)i));
		CHECK(json_is_null(json_object_get(row, "example")));
		json_decref(row);
	}
	expect_end(&fixture, client, DROP_REASON_COUNT - 1);

	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "version")), 9);
	CHECK_EQ(json_integer_value(json_object_get(row, "position")), 1);
	json_decref(row);
	(void)close(client);
	stop_server(&fixture);
}

/* Two collectors with the same set of fields have one pair of templates, another set its own. */
TEST(templates_are_those_of_the_sets_of_fields_in_use)
{
	const struct template_fields counters = { .base = TEMPLATE_BASE_none,
						  .added = 1 }; /* the first row */
	char one[] = "one", two[] = "two", three[] = "three";
	struct config_collector collectors[] = {
		{ .name = one, .version = 9 },
		{ .name = two, .version = 9, .field_set = counters },
		{ .name = three, .version = 9, .field_set = counters },
	};
	struct fixture fixture;
	/* Wide and compact, with flowDirection and without; for IPv4 and IPv6. */
	const size_t of_default = 2 * (21 + 19 + 20 + 18);
	size_t rows = 0;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.config.collectors = collectors;
	fixture.config.collector_count = 3;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	while ((row = read_json(&fixture, client)) && json_object_get(row, "field")) {
		const json_int_t template = json_integer_value(json_object_get(row, "template"));

		CHECK_EQ(template >= TEMPLATE_ID_FIELDS, rows >= of_default);
		CHECK_TEXT(json_string_value(json_object_get(row, "collectors")),
			   rows < of_default ? "one" : "two, three");
		json_decref(row);
		rows++;
	}
	CHECK_EQ(rows, of_default + 2);
	json_decref(row);
	(void)close(client);
	stop_server(&fixture);
}

/* A row for each field of the templates of IPFIX, after one that says that NetFlow v5 has none. */
TEST(templates_are_those_of_the_versions_in_use)
{
	char name[] = "name";
	struct config_collector collectors[] = { { .name = name, .version = 10 },
						 { .name = name, .version = 5 } };
	struct fixture fixture;
	bool has_icmpv6_field = false;
	size_t rows = 1;
	json_t *row;
	int client;

	start_server(&fixture, 0);
	fixture.config.collectors = collectors;
	fixture.config.collector_count = 2;
	client = connect_to(&fixture);
	ask(client, "{\"v\":1,\"cmd\":\"show-templates\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "version")), 5);
	CHECK(json_is_null(json_object_get(row, "template")));
	CHECK_TEXT(json_string_value(json_object_get(row, "field")), "none");
	json_decref(row);
	while ((row = read_json(&fixture, client)) && json_object_get(row, "field")) {
		CHECK_EQ(json_integer_value(json_object_get(row, "version")), 10);
		has_icmpv6_field |= json_integer_value(json_object_get(row, "element")) == 139;
		json_decref(row);
		rows++;
	}
	CHECK_EQ(rows, 1 + 2 * (21 + 19 + 20 + 18));
	CHECK(has_icmpv6_field);
	json_decref(row);

	ask(client, "{\"v\":1,\"cmd\":\"send-template\"}\n");
	row = read_json(&fixture, client);
	CHECK_EQ(json_integer_value(json_object_get(row, "collectors")), 1);
	json_decref(row);
	(void)close(client);
	fixture.config.collectors = NULL;
	stop_server(&fixture);
}

/* Ask for the ledger; count its equalities, and those that hold. */
static void count_equalities(struct fixture *fixture, size_t *count, size_t *holding)
{
	int client = connect_to(fixture);
	json_t *row;
	const json_t *equalities;

	ask(client, "{\"v\":1,\"cmd\":\"show-stats\"}\n");
	row = read_json(fixture, client);
	equalities = json_object_get(row, "equalities");
	*count = json_array_size(equalities);
	*holding = 0;
	for (size_t i = 0; i < *count; i++)
		*holding += json_is_true(json_object_get(json_array_get(equalities, i), "holds"));
	json_decref(row);
	(void)close(client);
}

TEST(ledger_says_whether_it_adds_up)
{
	struct fixture fixture;
	struct source_status source = { .name = "nflog:40" };
	size_t count;
	size_t holding;

	start_server(&fixture, 0);
	source.ledger.packets_read = 10;
	source.ledger.cache.packets_cached = 4;
	source.ledger.cache.flows_created = 3;
	source.ledger.cache.flows_cached = 1;
	source.ledger.cache.records_expired[FLOW_END_activeTimeout] = 2;
	fixture.pipeline.snapshot = (struct pipeline_snapshot){
		.sources = &source,
		.source_count = 1,
		.workers = source.ledger,
		.ring = { .records = 1, .packets = 1 },
		.exported = { .lost[LOSS_NO_COLLECTOR] = { .records = 1, .packets = 5 } },
	};
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(count, 3);
	CHECK_EQ(holding, 3);
	fixture.pipeline.snapshot.exported.lost[LOSS_NO_COLLECTOR].records = 2;
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(holding, 2);
	fixture.pipeline.snapshot.workers.packets_read = 11;
	count_equalities(&fixture, &count, &holding);
	CHECK_EQ(holding, 1); /* flows_created alone */
	stop_server(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_has_its_rows),
		cmocka_unit_test(templates_are_those_of_the_sets_of_fields_in_use),
		cmocka_unit_test(templates_are_those_of_the_versions_in_use),
		cmocka_unit_test(ledger_says_whether_it_adds_up),
	};

	return RUN_TESTS(tests);
}
