/* flow_columns.c - lays columns out, updates them, and copies them into records.
 *
 * Place: inside the flow cache. What every packet passes is in flow_columns_layout.h. */
#include "flow_columns.h"

#include "flow_columns_layout.h"

#define CACHE_LINE 64

static const struct {
	size_t size;        /* of one flow */
	size_t offset;      /* in struct flow_record */
	size_t record_size; /* there */
} rows[FLOW_COLUMN_COUNT] = {
#define FLOW_COLUMN(name, type, update, note)                                      \
	[FLOW_COLUMN_##name] = { sizeof(type), offsetof(struct flow_record, name), \
				 sizeof(((struct flow_record *)NULL)->name) },
#define FLOW_TRACK(name, type) FLOW_COLUMN(name, type, , )
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
};

/* What is copied beyond the end of a short record would be written over the next one. */
#define FLOW_COLUMN(name, type, update, note)                                             \
	_Static_assert((offsetof(struct flow_record, name) >= FLOW_RECORD_BASE_SIZE) ==   \
			       !!(FLOW_COLUMNS_BEYOND_BASE &                              \
				  FLOW_COLUMN_BIT(FLOW_COLUMN_##name)),                   \
		       "FLOW_COLUMNS_BEYOND_BASE has the columns that only long records have");
#define FLOW_TRACK(name, type) FLOW_COLUMN(name, type, , )
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK

unsigned int flow_column_at(size_t offset)
{
	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (offset >= rows[i].offset && offset - rows[i].offset < rows[i].record_size)
			return FLOW_COLUMN_BIT(i);
	return 0;
}

unsigned int flow_columns_notes(unsigned int set)
{
	unsigned int notes = PACKET_NOTES_NONE;

#define FLOW_COLUMN(name, type, update, note)          \
	if (set & FLOW_COLUMN_BIT(FLOW_COLUMN_##name)) \
		notes |= PACKET_NOTE_BIT(note);
#define FLOW_TRACK(name, type) FLOW_COLUMN(name, type, , name)
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
	return notes;
}

/* Of one column: whole cache lines, so that any type may begin there. */
static uint64_t column_size(unsigned int column, uint64_t max_flows)
{
	const uint64_t numbers =
		max_flows * (CACHED_FLOW_IPV4_SIZE + CACHED_FLOW_IPV6_SIZE) / CACHED_FLOW_IPV4_SIZE;

	return ((numbers + 1) * rows[column].size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

uint64_t flow_columns_size(unsigned int set, uint64_t max_flows)
{
	uint64_t size = 0;

	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (set & FLOW_COLUMN_BIT(i))
			size += column_size(i, max_flows);
	return size;
}

/* How a column is updated, in the order in which columns are watched. What LAST has is one of the
 * notes that the record has seen, and a packet with the same note changes nothing anywhere; where
 * nothing is LAST the same is true of KNOWN, MINIMUM and MAXIMUM. What UNION has may be more than
 * any note: it is watched only where all columns are such. */
enum update { LAST, KNOWN, MINIMUM, MAXIMUM, UNION, UPDATE_COUNT };

/* How a value in a column changes. */
#define COLUMN_MINIMUM(old, new) ((new) < (old) ? (new) : (old))
#define COLUMN_MAXIMUM(old, new) ((new) > (old) ? (new) : (old))
#define COLUMN_LAST(old, new)    (new)
#define COLUMN_KNOWN(old, new)   ((new) ? (new) : (old))
#define COLUMN_UNION(old, new)   ((old) | (new))

/* Columns have the type of what they are updated from. */
#define FLOW_COLUMN(name, type, update, note)                                              \
	_Static_assert(sizeof(type) == sizeof(((struct packet_note *)NULL)->note) &&       \
			       sizeof(type) == sizeof(((struct flow_record *)NULL)->name), \
		       #name " has one type");
#include "flow_columns.def"
#undef FLOW_COLUMN

void flow_columns_init(struct flow_columns *columns, unsigned int set, size_t max_flows,
		       uint8_t *memory)
{
	*columns = (struct flow_columns){ .set = set, .notes = flow_columns_notes(set) };
#define FLOW_COLUMN(name, type, update, note)                         \
	if (set & FLOW_COLUMN_BIT(FLOW_COLUMN_##name)) {              \
		columns->name = (type *)(void *)memory;               \
		memory += column_size(FLOW_COLUMN_##name, max_flows); \
	}
#define FLOW_TRACK(name, type) FLOW_COLUMN(name, type, , )
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
	for (int watched = 0; watched < UPDATE_COUNT; watched++) {
#define FLOW_COLUMN(name, type, update, note)                \
	if ((update) == watched && !columns->watched_##note) \
		columns->watched_##note = columns->name;
#include "flow_columns.def"
#undef FLOW_COLUMN
	}
}

size_t flow_columns_used_size(const struct flow_cache *cache)
{
	const size_t numbers = cache->flows_used[0] +
			       cache->flows_used[1] * CACHED_FLOW_IPV6_SIZE / CACHED_FLOW_IPV4_SIZE;
	size_t size = 0;

	for (unsigned int i = 0; i < FLOW_COLUMN_COUNT; i++)
		if (cache->columns.set & FLOW_COLUMN_BIT(i))
			size += numbers * rows[i].size;
	return size;
}

/* A call away, so that the loop of packets keeps its registers: few packets change a column. */
__attribute__((noinline)) void flow_columns_add(struct flow_cache *cache,
						const struct cached_flow *flow,
						const struct packet_info *info,
						const struct packet_note *packet)
{
	const struct flow_columns *columns = &cache->columns;
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note) \
	if (columns->name)                    \
		columns->name[number] = COLUMN_##update(columns->name[number], packet->note);
#define FLOW_TRACK(name, type) \
	if (columns->name)     \
		name##_track_add(&columns->name[number], info, packet);
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
}

__attribute__((noinline)) void flow_columns_begin_tracks(struct flow_cache *cache,
							 const struct cached_flow *flow,
							 const struct packet_info *info,
							 const struct packet_note *packet,
							 bool is_new)
{
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note)
#define FLOW_TRACK(name, type)                                                \
	if (cache->columns.name) {                                            \
		name##_track_begin(&cache->columns.name[number], is_new);     \
		name##_track_add(&cache->columns.name[number], info, packet); \
	}
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
}
