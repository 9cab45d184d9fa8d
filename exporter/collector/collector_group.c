/* collector_group.c - who of a group gets a record.
 *
 * A member is passed over only while it is known to be down. What waits in the queue of one that
 * went down, where the network also returns to what it reports as not delivered, is handed on: but
 * for that, a record is in one queue only, so none arrives twice. Who is next changes only by what
 * was sent and reported, never with the room that a queue has: so a file gives each collector the
 * same records at any speed. */
#include "collector_group.h"

#include "collector_hand_on.h"
#include "connection_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The group of a collector: one that is there, or a new one after the others. */
static struct collector_group *group_for(struct collector_group *groups, size_t *group_count,
					 const struct collector_role *role, size_t most)
{
	struct collector_group *group = groups;

	for (; group < groups + *group_count; group++)
		if (group->mode == role->mode && role->mode != COLLECTOR_mirror &&
		    strcmp(collector_role(group->members[0])->group, role->group) == 0)
			return group;
	group->members = calloc(most, sizeof(struct collector *));
	if (!group->members)
		return NULL;
	group->mode = role->mode;
	(*group_count)++;
	return group;
}

/* After all members whose priority is as good: without any, in the order of writing. */
static void insert(struct collector_group *group, struct collector *collector)
{
	const uint32_t priority = collector_role(collector)->priority;
	size_t place = group->count++;

	for (; place && collector_role(group->members[place - 1])->priority > priority; place--)
		group->members[place] = group->members[place - 1];
	group->members[place] = collector;
}

int collector_groups_create(struct collector *const *collectors, size_t count,
			    struct hash_key secret, struct collector_group **groups)
{
	struct collector_group *all = calloc(count + 1, sizeof(*all));
	size_t group_count = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct collector_group *group =
			group_for(all, &group_count, collector_role(collectors[i]), count);

		if (!group) {
			collector_groups_destroy(all, group_count);
			return -ENOMEM;
		}
		group->secret = secret;
		insert(group, collectors[i]);
	}
	*groups = all;
	return (int)group_count;
}

void collector_groups_destroy(struct collector_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(groups[i].members);
	free(groups);
}

/* The first member from 'first' on, and round again, that is not down; if all are, 'first'. */
static size_t next_up(const struct collector_group *group, size_t first)
{
	for (size_t i = 0; i < group->count; i++) {
		const size_t number = (first + i) % group->count;

		if (!collector_is_down(group->members[number]))
			return number;
	}
	return first;
}

/* The room of the member that has least, of those that are not down or of all. */
static size_t least_room(const struct collector_group *group, bool are_down_counted)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < group->count; i++) {
		const struct collector *member = group->members[i];
		const size_t room = collector_room(member);

		if (room < least && (are_down_counted || !collector_is_down(member)))
			least = room;
	}
	return least;
}

/* In turns: as many records as each of them takes; or one, if the next has room. */
static size_t round_robin_room(const struct collector_group *group)
{
	const size_t next = collector_room(group->members[next_up(group, group->current)]);
	const size_t least = least_room(group, false);

	return least && least != SIZE_MAX ? least : next != 0;
}

size_t collector_group_room(const struct collector_group *group)
{
	switch (group->mode) {
	case COLLECTOR_round_robin: return round_robin_room(group);
	case COLLECTOR_failover: return collector_room(group->members[group->current]);
	default: return least_room(group, true);
	}
}

struct collector *collector_group_choose(struct collector_group *group, const struct flow_key *key)
{
	size_t number = group->current;

	switch (group->mode) {
	case COLLECTOR_balance:
		number = connection_hash_share(connection_hash(group->secret, key),
					       (uint32_t)group->count);
		break;
	case COLLECTOR_round_robin:
		number = next_up(group, number);
		group->current = (number + 1) % group->count;
		break;
	default: break;
	}
	return group->members[number];
}

bool collector_group_update(struct collector_group *group, const struct collector **before)
{
	const size_t now = group->mode == COLLECTOR_failover ? next_up(group, 0) : group->current;

	if (now == group->current)
		return false;
	*before = group->members[group->current];
	group->current = now;
	return true;
}

/* Whether some member is not down, and all of these have room for what 'from' would hand on. */
static bool can_take(const struct collector_group *group, const struct collector *from,
		     const struct journal_range *range)
{
	bool is_any_up = false;

	for (size_t i = 0; i < group->count; i++) {
		const struct collector *member = group->members[i];

		if (collector_is_down(member))
			continue;
		if (!collector_hand_on_fits(from, range, member))
			return false;
		is_any_up = true;
	}
	return is_any_up;
}

/* Whether some member that is not down has not even room for it when nothing waits there. */
static bool is_too_much(const struct collector_group *group, const struct collector *from,
			const struct journal_range *range)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct collector *member = group->members[i];

		if (!collector_is_down(member) && !collector_hand_on_ever_fits(from, range, member))
			return true;
	}
	return false;
}

/* Find the oldest datagram that can be handed on now. One that never can waits for its own
 * collector, which sends it or loses it, and holds back no other. */
static bool find_one(const struct collector_group *group, struct collector *from,
		     struct journal_range *range)
{
	while (collector_hand_on_find(from, range)) {
		if (can_take(group, from, range))
			return true;
		if (!is_too_much(group, from, range))
			return false;
		collector_hand_on_leave(from, range);
	}
	return false;
}

static bool hand_on_one(struct collector_group *group, struct collector *from,
			const struct export_time *time)
{
	struct journal_range range;

	if (!find_one(group, from, &range))
		return false;
	collector_hand_on_take(from, &range);
	while (range.from < range.to) {
		const struct flow_key *key = collector_hand_on_key(from, range.from);

		range.from = collector_hand_on_give(from, range.from,
						    collector_group_choose(group, key), time);
	}
	return true;
}

bool collector_group_hand_on(struct collector_group *group, const struct export_time *time)
{
	bool has_handed_on = false;

	if (group->mode == COLLECTOR_mirror)
		return false;
	for (size_t i = 0; i < group->count; i++)
		while (collector_is_down(group->members[i]) &&
		       hand_on_one(group, group->members[i], time))
			has_handed_on = true;
	for (size_t i = 0; has_handed_on && i < group->count; i++)
		if (!collector_is_down(group->members[i]))
			collector_hand_on_end(group->members[i]);
	return has_handed_on;
}

bool collector_group_has(const struct collector_group *group, const struct collector *collector)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->members[i] == collector)
			return true;
	return false;
}

bool collector_group_uses(const struct collector_group *group, const struct collector *member)
{
	switch (group->mode) {
	case COLLECTOR_round_robin: return !collector_is_down(member);
	case COLLECTOR_failover: return group->members[group->current] == member;
	default: return true;
	}
}

void collector_group_ledger(const struct collector_group *group, struct collector_ledger *ledger)
{
	*ledger = (struct collector_ledger){ 0 };
	for (size_t i = 0; i < group->count; i++)
		collector_ledger_add(ledger, collector_ledger(group->members[i]));
}
