/* agentctl_sort.h - rows in another order, or only the first of them.
 *
 * Place: rows -> here -> agentctl_table.c.
 *
 * The agent sorts what it has room for (control_flows.h); this holds for any number of rows. */
#ifndef AGENTCTL_SORT_H
#define AGENTCTL_SORT_H

#include "agentctl_table.h"

struct agentctl_sort; /* opaque: defined in agentctl_sort.c */

/* 'order' is COLUMN, COLUMN:asc or COLUMN:desc; by itself numbers go from the largest, texts from
 * A. NULL keeps rows as they come. 'top' is how many to keep, 0: all; then memory is bounded by it.
 * Returns NULL with 'error' filled. */
struct agentctl_sort *agentctl_sort_create(const struct agentctl_column *columns, const char *order,
					   uint64_t top, struct error_text *error);
/* Keep a row as 'line', which is taken in any case (NULL counts as shortage of memory). Returns 0
 * or -ENOMEM. */
int agentctl_sort_add(struct agentctl_sort *sort, const json_t *row, char *line);
/* The same for a row as the agent writes it, of 'size' bytes, which is its line as well. */
int agentctl_sort_add_line(struct agentctl_sort *sort, const char *text, size_t size);
/* Hand all lines over in order, to be owned by 'take'; rows that compare equal as they came. Ends
 * early with what 'take' returns if that is not 0. */
int agentctl_sort_each(struct agentctl_sort *sort, int (*take)(void *context, char *line),
		       void *context);
/* The order in full: "bytes:desc". NULL if rows are kept as they come. */
const char *agentctl_sort_order(const struct agentctl_sort *sort);
/* The member of rows that they are sorted by; NULL likewise. */
const char *agentctl_sort_column(const struct agentctl_sort *sort);
void agentctl_sort_destroy(struct agentctl_sort *sort);

#endif
