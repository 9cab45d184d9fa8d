/* flow_top.h - the first N flows in the order of one member, however many are added.
 *
 * Place: flow_view -> here -> row. Memory is bounded by N; adding costs O(log N). */
#ifndef FLOW_TOP_H
#define FLOW_TOP_H

#include "flow_members.h"

#define FLOW_TOP_MAX 16384 /* about 3 MB */

/* What comes first. */
struct flow_order {
	enum flow_member member;
	bool is_descending;
};

struct flow_top; /* opaque: defined in flow_top.c */

/* 'limit' is 1 to FLOW_TOP_MAX; 'choice' is borrowed. NULL if memory is short. */
struct flow_top *flow_top_create(const struct flow_order *order, size_t limit,
				 const struct flow_key_choice *choice);
/* Keep a flow if it is among the first. Of flows with the same value the earlier ones come first.
 * Returns 0 or -ENOMEM. */
int flow_top_add(struct flow_top *top, const struct flow_view *view);
/* Nothing is added any more: put what was kept in order. Returns how many there are. */
size_t flow_top_sort(struct flow_top *top);
/* Borrowed; 'index' counts from 0 in the order, after flow_top_sort(). */
const struct flow_view *flow_top_at(const struct flow_top *top, size_t index);
void flow_top_destroy(struct flow_top *top);

#endif
