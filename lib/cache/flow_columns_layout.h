/* flow_columns_layout.h - where the columns of a cache are. Internal to flow_cache*.c.
 *
 * A flow's place in each column is its number: those of IPv4 first, max_flows of them, then those
 * of IPv6. */
#ifndef FLOW_COLUMNS_LAYOUT_H
#define FLOW_COLUMNS_LAYOUT_H

#include "flow_cache_layout.h"

/* Bytes that the columns of a set take for 'max_flows' flows of each IP version. */
size_t flow_columns_size(unsigned int set, size_t max_flows);
/* Lay them out in 'memory', which is zeroed and as large as that. */
void flow_columns_init(struct flow_columns *columns, unsigned int set, size_t max_flows,
		       uint8_t *memory);
/* Bytes that one flow takes in them. */
size_t flow_columns_flow_size(const struct flow_columns *columns);
/* Copy what the columns have of a flow into its record. */
void flow_columns_fill(const struct flow_cache *cache, const struct cached_flow *flow,
		       struct flow_record *record);

static inline size_t flow_number(const struct flow_cache *cache, const struct cached_flow *flow)
{
	const size_t offset = (size_t)((const uint8_t *)flow - cache->flows);

	if (flow_part(&flow->key) == 0)
		return offset / CACHED_FLOW_IPV4_SIZE;
	return cache->max_flows +
	       (offset - (size_t)cache->flows_first[1] * FLOW_UNIT) / CACHED_FLOW_IPV6_SIZE;
}

/* How a value in a column changes; 'is_first': it is of an earlier record, or of none. */
#define COLUMN_MINIMUM(is_first, old, new) ((is_first) || (new) < (old) ? (new) : (old))
#define COLUMN_MAXIMUM(is_first, old, new) ((is_first) || (new) > (old) ? (new) : (old))
#define COLUMN_LAST(is_first, old, new)    (new)
#define COLUMN_UNION(is_first, old, new)   ((is_first) ? (new) : (old) | (new))

/* Account what a packet brings to the flow that it has come to. */
static inline void flow_columns_add(struct flow_cache *cache, const struct cached_flow *flow,
				    bool is_first, const struct packet_note *packet)
{
	const struct flow_columns *columns = &cache->columns;
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note) \
	if (columns->name)                    \
		columns->name[number] =       \
			COLUMN_##update(is_first, columns->name[number], packet->note);
#include "flow_columns.def"
#undef FLOW_COLUMN
}

#endif
