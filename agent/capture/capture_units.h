/* capture_units.h - the control groups of this machine: from the number that the kernel gives one
 * to the unit or container that it is of.
 *
 * Place: file system of cgroup v2 -> here -> owner_lookup.c. The number of a control group is that
 * of its directory, so one walk through the tree knows all. A name is kept when the group is gone:
 * records of it come later. Bounded. */
#ifndef CAPTURE_UNITS_H
#define CAPTURE_UNITS_H

#include "unit_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_UNITS_MAX 1024 /* names, since the start: others are not known */
/* When there were more, those that are gone are forgotten. */
#define CAPTURE_UNITS_GROUPS_MAX 16384

struct capture_units; /* opaque: defined in capture_units.c */

/* Where the tree is, on a host with cgroup v2 alone and on one that has both; NULL: there is none.
 * Static storage. */
const char *capture_units_root(void);

/* 'root' is borrowed for life. NULL if memory is short. */
struct capture_units *capture_units_create(const char *root);
void capture_units_destroy(struct capture_units *units);

/* Begin a walk through the tree, which keeps what is new. One that is under way continues. Returns
 * 0 or a negative errno: the tree cannot be read. */
int capture_units_walk_begin(struct capture_units *units);
/* Visit 'groups_max' groups more, some microseconds for each. Returns whether there are more. What
 * was known before the walk stays known until its end. */
bool capture_units_walk(struct capture_units *units, size_t groups_max);

/* Number of a control group's unit, from 1 on; 0 if it is not known. 'is_new': no walk has seen the
 * group. */
uint32_t capture_units_find(const struct capture_units *units, uint64_t cgroup, bool *is_new);
/* Its name; "" of 0. */
const char *capture_units_name(const struct capture_units *units, uint32_t unit);

struct capture_units_counts {
	size_t groups, units;
	/* Groups whose unit had no room for its name, or that had none themselves. */
	uint64_t refused;
};
struct capture_units_counts capture_units_counts(const struct capture_units *units);

#endif
