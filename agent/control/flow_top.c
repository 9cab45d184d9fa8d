/* flow_top.c - a heap whose root is the flow that would leave first.
 *
 * Place: control_flows -> here. Invariant: no flow is after (in the order asked for) the root;
 * when the heap is full, a flow that comes before the root takes its place. */
#include "flow_top.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 64

struct kept_flow {
	struct flow_value value;
	uint64_t number; /* of all that were added: decides between equal values */
	struct flow_view view;
};

struct flow_top {
	struct flow_order order;
	const struct flow_key_choice *choice; /* borrowed */
	size_t limit;
	uint64_t added;
	struct kept_flow *flows; /* owned */
	size_t count;
	size_t capacity;
};

struct flow_top *flow_top_create(const struct flow_order *order, size_t limit,
				 const struct flow_key_choice *choice)
{
	struct flow_top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->order = *order;
	top->choice = choice;
	top->limit = limit;
	return top;
}

/* Whether 'one' comes before 'other': below 0, or above. */
static int compare(const void *one_pointer, const void *other_pointer, void *context)
{
	const struct flow_top *top = context;
	const struct kept_flow *one = one_pointer;
	const struct kept_flow *other = other_pointer;
	const int result = flow_value_compare(&one->value, &other->value);

	if (result)
		return top->order.is_descending ? -result : result;
	return (one->number > other->number) - (one->number < other->number);
}

static void swap(struct flow_top *top, size_t one, size_t other)
{
	const struct kept_flow kept = top->flows[one];

	top->flows[one] = top->flows[other];
	top->flows[other] = kept;
}

static void sift_up(struct flow_top *top, size_t at)
{
	while (at > 0) {
		const size_t parent = (at - 1) / 2;

		if (compare(&top->flows[at], &top->flows[parent], top) <= 0)
			return;
		swap(top, at, parent);
		at = parent;
	}
}

static void sift_down(struct flow_top *top)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= top->count)
			return;
		if (child + 1 < top->count &&
		    compare(&top->flows[child + 1], &top->flows[child], top) > 0)
			child++;
		if (compare(&top->flows[child], &top->flows[at], top) <= 0)
			return;
		swap(top, at, child);
		at = child;
	}
}

/* Make room for one more. Returns 0 or -ENOMEM. */
static int reserve(struct flow_top *top)
{
	size_t capacity = top->capacity ? 2 * top->capacity : CAPACITY_FIRST;
	struct kept_flow *grown;

	if (top->count < top->capacity)
		return 0;
	if (capacity > top->limit)
		capacity = top->limit;
	grown = reallocarray(top->flows, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	top->flows = grown;
	top->capacity = capacity;
	return 0;
}

int flow_top_add(struct flow_top *top, const struct flow_view *view)
{
	struct kept_flow kept = { .number = top->added++, .view = *view };

	flow_member_value(view, top->choice, top->order.member, &kept.value);
	if (top->count == top->limit) {
		if (compare(&kept, &top->flows[0], top) < 0) {
			top->flows[0] = kept;
			sift_down(top);
		}
		return 0;
	}
	if (reserve(top))
		return -ENOMEM;
	top->flows[top->count++] = kept;
	sift_up(top, top->count - 1);
	return 0;
}

size_t flow_top_sort(struct flow_top *top)
{
	if (top->count > 1)
		qsort_r(top->flows, top->count, sizeof(*top->flows), compare, top);
	return top->count;
}

const struct flow_view *flow_top_at(const struct flow_top *top, size_t index)
{
	return &top->flows[index].view;
}

void flow_top_destroy(struct flow_top *top)
{
	if (!top)
		return;
	free(top->flows);
	free(top);
}
