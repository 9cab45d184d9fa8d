/* test_pipeline_state.c - what a source leaves in the state: flows of the cache and records of the
 * ring, with every optional column. */
#include "pipeline_state.h"

#include "handover_flow.h"
#include "pipeline_parts.h"

#include "check.h"

#include <unistd.h>

#define COLUMNS ((1u << FLOW_COLUMN_COUNT) - 1)

/* Each column has a number of its own. */
static struct flow_record record_of(uint8_t host)
{
	struct flow_record record = {
		.key = { .ip_version = 4, .protocol = 17, .addresses = { 192, 0, 2, host } },
		.packets = host,
		.octets = 100,
		.first_ms = 1000,
		.last_ms = 2000,
		.end_reason = FLOW_END_idleTimeout,
	};
	uint8_t number = host;

#define FLOW_COLUMN(name, type, update, note) record.name = ++number;
#include "flow_columns.def"
#undef FLOW_COLUMN
	return record;
}

static void push(struct record_ring *ring, uint8_t host, unsigned int columns)
{
	const struct flow_record record = record_of(host);
	struct ring_entry *entry = record_ring_push(ring);

	entry->kind = RING_RECORD;
	memcpy(&entry->record.flow, &record,
	       columns & FLOW_COLUMNS_BEYOND_BASE ? sizeof(record) : FLOW_RECORD_BASE_SIZE);
}

/* The state of a source with one flow in its cache, and one in its ring; for the caller to clear.
 */
static struct handover_state leave(unsigned int columns)
{
	const struct flow_sink nowhere = { .place = NULL };
	const struct moved_flow cached = { .record = record_of(1), .created_ms = 1, .seen_ms = 1 };
	struct flow_cache *cache = flow_cache_create(
		&(struct flow_cache_config){ .max_flows = 8, .columns = columns });
	struct record_ring *ring =
		record_ring_create(8, RING_ENTRY_SIZE(export_record_size(columns)));
	struct error_text error;
	struct pipeline pipeline = { .source_id = 77, .samplers = samplers_create() };
	struct pipeline_state_source source = { .name = "a", .cache = cache, .ring = ring };
	struct handover_state state;
	int descriptor;

	pipeline.export.config.exporter = exporter_create(
		&(struct exporter_config){ .source_id = 77, .choice = { .has_biflows = false } },
		&error);
	assert_non_null(pipeline.export.config.exporter);
	flow_cache_move_in(cache, &cached, 10, &nowhere);
	push(ring, 2, columns);
	source.ring_end = record_ring_pushed(ring);
	source.ledger.packets_read = 3;
	flow_cache_statistics(cache, &source.ledger.cache);
	source.ledger.cache.records_expired[FLOW_END_idleTimeout] = 1;
	source.ledger.cache.packets_expired = 2;
	source.ledger.cache.octets_expired = 100;
	descriptor = pipeline_state_write(&pipeline, "shape", "layout", &source, 1);
	CHECK(descriptor >= 0);
	CHECK_EQ(handover_state_map(&state, descriptor), 0);
	(void)close(descriptor);
	exporter_destroy(pipeline.export.config.exporter);
	samplers_destroy(pipeline.samplers);
	record_ring_destroy(ring);
	flow_cache_destroy(cache);
	return state;
}

static void check_columns(const struct flow_record *record, unsigned int columns)
{
	const struct flow_record expected = record_of((uint8_t)record->packets);

#define FLOW_COLUMN(name, type, update, note) \
	CHECK_EQ(record->name, columns &FLOW_COLUMN_BIT(FLOW_COLUMN_##name) ? expected.name : 0);
#include "flow_columns.def"
#undef FLOW_COLUMN
}

static void check_flows(unsigned int columns, unsigned int in_ring)
{
	struct handover_state state = leave(columns);
	unsigned int seen = 0;
	struct moved_flow flow;
	struct reader body;
	uint32_t size;

	CHECK(handover_state_find(state.bytes, state.size, HANDOVER_flows, "a", &body));
	size = handover_flow_begin(&body);
	while (handover_flow_read(&body, size, &flow)) {
		seen |= 1u << flow.record.packets;
		check_columns(&flow.record, flow.record.packets == 1 ? columns : in_ring);
	}
	CHECK(!body.failed);
	CHECK_EQ(seen, 1u << 1 | 1u << 2);
	handover_state_clear(&state);
}

TEST(every_optional_column_is_left)
{
	check_flows(COLUMNS, COLUMNS);
}

/* Records of such a ring end before those; what is before that is always there. */
TEST(a_ring_without_the_last_columns_leaves_none)
{
	check_flows(COLUMNS & ~FLOW_COLUMNS_BEYOND_BASE, COLUMNS & ~FLOW_COLUMNS_BEYOND_BASE);
	check_flows(0, COLUMNS & ~FLOW_COLUMNS_BEYOND_BASE);
}

TEST(the_source_id_is_left)
{
	struct handover_state left = leave(0);
	struct reader body;

	CHECK(handover_state_find(left.bytes, left.size, HANDOVER_source_id, "", &body));
	CHECK_EQ(reader_u32(&body), 77);
	CHECK_EQ(reader_left(&body), 0);
	handover_state_clear(&left);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_optional_column_is_left),
		cmocka_unit_test(a_ring_without_the_last_columns_leaves_none),
		cmocka_unit_test(the_source_id_is_left),
	};

	return RUN_TESTS(tests);
}
