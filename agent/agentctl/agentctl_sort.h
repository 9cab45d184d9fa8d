/* agentctl_sort.h - rows in another order, or only the first of them. */
#ifndef AGENTCTL_SORT_H
#define AGENTCTL_SORT_H

#include "agentctl_table.h"

struct agentctl_sort; /* opaque: defined in agentctl_sort.c */

/* 'order' is COLUMN, COLUMN:asc or COLUMN:desc; by itself numbers go from the largest, texts from
 * A. NULL keeps rows as they come. 'top' is how many to keep, 0: all; then memory is bounded by it.
 * Returns NULL with 'error' filled. */
struct agentctl_sort *agentctl_sort_create(const struct agentctl_column *columns, const char *order,
					   uint64_t top, struct error_text *error);
/* Keep a copy of a row. Returns 0 or -ENOMEM. */
int agentctl_sort_add(struct agentctl_sort *sort, const json_t *row);
/* Hand all rows over in order; rows that compare equal as they came. Ends early with what 'take'
 * returns if that is not 0. */
int agentctl_sort_each(struct agentctl_sort *sort, int (*take)(void *context, const json_t *row),
		       void *context);
void agentctl_sort_destroy(struct agentctl_sort *sort);

#endif
