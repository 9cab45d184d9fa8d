/* collector_group.h - collectors that share the records among themselves, and which of them gets
 * the next one.
 *
 * Place: exporter -> collector_group -> collector. A collector that gets every record is a group of
 * its own, so that each record goes to one member of each group. */
#ifndef COLLECTOR_GROUP_H
#define COLLECTOR_GROUP_H

#include "collector.h"
#include "hash.h"

struct collector_group {
	enum collector_mode mode;
	struct hash_key secret;     /* balance */
	struct collector **members; /* owned; the collectors are borrowed; those with the best
				       priority first */
	size_t count;
	size_t current; /* round-robin: whose turn it is; failover: who takes all */
};

/* Put collectors into groups by their roles. Groups stand in the order of their first members.
 * 'secret' is for the shares of balance. '*groups' is an array owned by the caller. Returns how
 * many, or -ENOMEM. */
int collector_groups_create(struct collector *const *collectors, size_t count,
			    struct hash_key secret, struct collector_group **groups);
void collector_groups_destroy(struct collector_group *groups, size_t count);

/* How many records can be taken, before asking again, without dropping what waits: by the member
 * that will get the next one, or by all that may. */
size_t collector_group_room(const struct collector_group *group);

/* The member that is to get this record. The next call may give another. */
struct collector *collector_group_choose(struct collector_group *group, const struct flow_key *key);

static inline struct collector *collector_group_next(struct collector_group *group,
						     const struct flow_key *key)
{
	if (__builtin_expect(group->mode == COLLECTOR_mirror, 1))
		return group->members[0];
	return collector_group_choose(group, key);
}

/* Look who is up, once after everything was sent: for failover another member may have to take
 * over. Returns whether it did; '*before' is then who had it. */
bool collector_group_update(struct collector_group *group, const struct collector **before);

/* Give what waits for members that are down to others, as far as these have room, after
 * collector_group_update(). Returns whether there was any. */
bool collector_group_hand_on(struct collector_group *group, const struct export_time *time);

bool collector_group_has(const struct collector_group *group, const struct collector *collector);
/* Whether records may go to a member at present. */
bool collector_group_uses(const struct collector_group *group, const struct collector *member);

/* Sum over the members. */
void collector_group_ledger(const struct collector_group *group, struct collector_ledger *ledger);

#endif
