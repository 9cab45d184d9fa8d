/* flow_columns_layout.h - where the columns of a cache are. Internal to flow_cache*.c.
 *
 * Place: inside the loops of flow_cache.c.
 *
 * A flow's place in each column is its number: its name without what lies within a flow of IPv4.
 * Those of IPv4 come first, without a gap; those of IPv6, which are a quarter longer, after them
 * with a gap after each fourth. So a number costs no look at the IP version.
 *
 * What nearly every packet costs is one comparison: that its note is what a column of its flow
 * already has (watched_...), so that no column changes. That is asked for all packets of a batch
 * before it begins, of the flows that the index names then: while it names them, where what is
 * noted is one of the named sets (packet_note.h), else by flow_columns_differ(). Only if
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
/* Account what a packet brings to the record that it has come to. */
void flow_columns_add(struct flow_cache *cache, const struct cached_flow *flow,
		      const struct packet_info *info, const struct packet_note *packet);
/* A record begins with this packet, 'is_new' as in tcp_track_begin(); for flow_columns_begin(). */
void flow_columns_begin_tracks(struct flow_cache *cache, const struct cached_flow *flow,
			       const struct packet_info *info, const struct packet_note *packet,
			       bool is_new);

static inline size_t flow_number(const struct flow_cache *cache, const struct cached_flow *flow)
{
	return (size_t)((const uint8_t *)flow - cache->flows) / CACHED_FLOW_IPV4_SIZE;
}

/* The same number, from the flow's name. */
static inline size_t flow_number_of_place(flow_place place)
{
	return place / (CACHED_FLOW_IPV4_SIZE / FLOW_UNIT);
}

/* In what follows 'noted' is a constant: what the columns are updated from (columns.notes), or
 * more. One that is a named set, and not PACKET_NOTES_ALL, is exactly that. */

/* Copy what the columns have of a flow into its record; 0 where they have nothing, and beyond
 * FLOW_RECORD_BASE_SIZE nothing. */
static inline __attribute__((always_inline)) void flow_columns_fill(const struct flow_cache *cache,
								    const struct cached_flow *flow,
								    struct flow_record *record,
								    const unsigned int noted)
{
	const struct flow_columns *columns = &cache->columns;
	const size_t number = noted ? flow_number(cache, flow) : 0;

#define FLOW_COLUMN(name, type, update, note)                                \
	if ((noted & PACKET_NOTE_BIT(note)) && columns->name)                \
		record->name = columns->name[number];                        \
	else if (offsetof(struct flow_record, name) < FLOW_RECORD_BASE_SIZE) \
		record->name = 0;
#define FLOW_TRACK(name, type)                                \
	if ((noted & PACKET_NOTE_BIT(name)) && columns->name) \
		record->name = columns->name[number].quality;
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
}

/* A record begins with this packet. */
static inline __attribute__((always_inline)) void
flow_columns_begin(struct flow_cache *cache, const struct cached_flow *flow,
		   const struct packet_info *info, const struct packet_note *packet, bool is_new,
		   const unsigned int noted)
{
	const struct flow_columns *columns = &cache->columns;
	const size_t number = flow_number(cache, flow);

#define FLOW_COLUMN(name, type, update, note)                 \
	if ((noted & PACKET_NOTE_BIT(note)) && columns->name) \
		columns->name[number] = packet->note;
#include "flow_columns.def"
#undef FLOW_COLUMN
	if ((noted & PACKET_NOTE_BIT(tcp)) && columns->tcp)
		flow_columns_begin_tracks(cache, flow, info, packet, is_new);
}

/* Whether flow_columns_add() would do anything for a packet of the flow at 'place'. Only for a
 * named set: there is a column of each of its members. */
static inline __attribute__((always_inline)) bool
flow_columns_differs(const struct flow_cache *cache, flow_place place,
		     const struct packet_note *packet, const unsigned int noted)
{
	const size_t number = flow_number_of_place(place);
	bool differs = false;

#define PACKET_NOTE(member, type)            \
	if (noted & PACKET_NOTE_BIT(member)) \
		differs |= cache->columns.watched_##member[number] != packet->member;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
	return differs;
}

/* Whether it would for one of the packets of a batch, whatever columns there are. A flow may be
 * NULL: it is not asked. One loop for each member of a note that has a column: so each is short. */
static inline bool flow_columns_differ(const struct flow_cache *cache,
				       struct cached_flow *const *flows,
				       const struct packet_note *packets, size_t count)
{
	if (cache->columns.tcp) /* no two packets are alike */
		return true;
#define PACKET_NOTE(member, type)                                                          \
	const type *const member = cache->columns.watched_##member;                        \
	for (size_t i = 0; member && i < count; i++)                                       \
		if (flows[i] && member[flow_number(cache, flows[i])] != packets[i].member) \
			return true;
	PACKET_NOTES(PACKET_NOTE)
#undef PACKET_NOTE
	return false;
}

#endif
