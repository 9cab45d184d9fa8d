/* flow_columns_layout.h - where the columns of a cache are. Internal to flow_cache*.c.
 *
 * A flow's place in each column is its number: its name without what lies within a flow of IPv4.
 * Those of IPv4 come first, without a gap; those of IPv6, which are a quarter longer, after them
 * with a gap after each fourth. So a number costs no look at the IP version.
 *
 * What nearly every packet costs is one comparison: that its note is what a column of its flow
 * already has (watched_...), so that no column changes. flow_cache_add_noted() asks that for all
 * packets of a batch at once, of the flows that the index names before the batch begins. Only if
 * one differs, and for flows that are found later, are columns looked at packet by packet. That is
 * exact: packets of one key are named one flow; if none differs they all have the same note, so
 * that a record which begins within the batch has it as well. */
#ifndef FLOW_COLUMNS_LAYOUT_H
#define FLOW_COLUMNS_LAYOUT_H

#include "flow_cache_layout.h"

/* Bytes that the columns of a set take for 'max_flows' flows of each IP version. */
uint64_t flow_columns_size(unsigned int set, uint64_t max_flows);
/* Lay them out in 'memory', which is zeroed and as large as that. */
void flow_columns_init(struct flow_columns *columns, unsigned int set, size_t max_flows,
		       uint8_t *memory);
/* Bytes that all flows that were ever used take in them. */
size_t flow_columns_used_size(const struct flow_cache *cache);
/* Copy what the columns have of a flow into its record. */
void flow_columns_fill(const struct flow_cache *cache, const struct cached_flow *flow,
		       struct flow_record *record);
/* A record begins with this packet. */
void flow_columns_begin(struct flow_cache *cache, const struct cached_flow *flow,
			const struct packet_note *packet);
/* Account what a packet brings to the record that it has come to. */
void flow_columns_add(struct flow_cache *cache, const struct cached_flow *flow,
		      const struct packet_note *packet);

static inline size_t flow_number(const struct flow_cache *cache, const struct cached_flow *flow)
{
	return flow_place_of(cache, flow) / (CACHED_FLOW_IPV4_SIZE / FLOW_UNIT);
}

/* Whether flow_columns_add() would do anything. 'columns' is a copy, which stays in registers. */
static inline bool flow_columns_differ(const struct flow_columns *columns,
				       const struct flow_cache *cache,
				       const struct cached_flow *flow,
				       const struct packet_note *packet)
{
	const size_t number = flow_number(cache, flow);
	bool differ = false;

#define PACKET_NOTE(member, type)      \
	if (columns->watched_##member) \
		differ |= columns->watched_##member[number] != packet->member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
	return differ;
}

#endif
