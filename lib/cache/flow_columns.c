/* flow_columns.c - lays columns out, and copies them into records. */
#include "flow_columns.h"

#include "flow_columns_layout.h"

#define CACHE_LINE 64

static const struct {
	size_t size;   /* of one flow */
	size_t offset; /* in struct flow_record */
} rows[FLOW_COLUMN_COUNT] = {
#define FLOW_COLUMN(name, type, update, note) \
	[FLOW_COLUMN_##name] = { sizeof(type), offsetof(struct flow_record, name) },
#include "flow_columns.def"
#undef FLOW_COLUMN
};

unsigned int flow_column_at(size_t offset)
{
	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (rows[i].offset == offset)
			return FLOW_COLUMN_BIT(i);
	return 0;
}

/* Of one column: whole cache lines, so that any type may begin there. */
static size_t column_size(unsigned int column, size_t max_flows)
{
	return (2 * max_flows * rows[column].size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

size_t flow_columns_size(unsigned int set, size_t max_flows)
{
	size_t size = 0;

	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (set & FLOW_COLUMN_BIT(i))
			size += column_size(i, max_flows);
	return size;
}

void flow_columns_init(struct flow_columns *columns, unsigned int set, size_t max_flows,
		       uint8_t *memory)
{
	*columns = (struct flow_columns){ .set = set };
#define FLOW_COLUMN(name, type, update, note)                         \
	if (set & FLOW_COLUMN_BIT(FLOW_COLUMN_##name)) {              \
		columns->name = (type *)(void *)memory;               \
		memory += column_size(FLOW_COLUMN_##name, max_flows); \
	}
#include "flow_columns.def"
#undef FLOW_COLUMN
}

size_t flow_columns_flow_size(const struct flow_columns *columns)
{
	size_t size = 0;

	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (columns->set & FLOW_COLUMN_BIT(i))
			size += rows[i].size;
	return size;
}

void flow_columns_fill(const struct flow_cache *cache, const struct cached_flow *flow,
		       struct flow_record *record)
{
	const struct flow_columns *columns = &cache->columns;
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note) \
	if (columns->name)                    \
		record->name = columns->name[number];
#include "flow_columns.def"
#undef FLOW_COLUMN
}
