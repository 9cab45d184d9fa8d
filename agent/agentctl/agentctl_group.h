/* agentctl_group.h - `show flows --by`: flows, packets and bytes summed per key.
 *
 * Place: rows of the agent -> here -> agentctl_sort.c or agentctl_table.c. */
#ifndef AGENTCTL_GROUP_H
#define AGENTCTL_GROUP_H

#include "agentctl_table.h"

#define AGENTCTL_GROUP_KEYS 8

struct agentctl_group; /* opaque: defined in agentctl_group.c */

/* Keys, separated by commas, under any name of flow_names.h: src, dst, src_as, dst_as, src_port,
 * dst_port, proto, in_if, out_if, dir, tos, vlan, v; and host, as, port, iface, for which a flow
 * counts under its source and under its destination (once if these are the same). Returns NULL with
 * 'error' filled. */
struct agentctl_group *agentctl_group_create(const char *keys, struct error_text *error);
/* Columns of the sums: the keys, then flows, packets, bytes; borrowed from the group. */
const struct agentctl_column *agentctl_group_columns(const struct agentctl_group *group);
/* The keys under their own names, for the agent; borrowed. */
const char *agentctl_group_keys(const struct agentctl_group *group);
/* Count a flow, or a sum of the agent's. Returns 0 or -ENOMEM. */
int agentctl_group_add(struct agentctl_group *group, const json_t *flow);
/* Hand over one row per key, in the order of keys. */
int agentctl_group_each(struct agentctl_group *group, int (*take)(void *context, const json_t *row),
			void *context);
void agentctl_group_destroy(struct agentctl_group *group);

/* Name of key number 'index', for completion; NULL past the last. */
const char *agentctl_group_key_name(size_t index);

#endif
