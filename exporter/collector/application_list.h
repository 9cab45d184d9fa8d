/* application_list.h - the applications that records had so far, in the order in which they came:
 * those whose names options data announce.
 *
 * Place: exporter -> collector. A table may have thousands, of which a server has some;
 * pmacct 1.7.7 remembers 256. */
#ifndef APPLICATION_LIST_H
#define APPLICATION_LIST_H

#include "application_table.h"

#include <stdbool.h>

/* Zero-initialized it is empty, and without a table. */
struct application_list {
	const struct application_table *table; /* borrowed */
	const struct application **met;        /* owned */
	bool *is_met;                          /* owned; by number in the table */
	size_t count;
};

/* Records point into this table. Returns 0 or -ENOMEM. */
int application_list_init(struct application_list *list, const struct application_table *table);
void application_list_clear(struct application_list *list);

/* A record has this application, or NULL. */
static inline void application_list_meet(struct application_list *list,
					 const struct application *application)
{
	size_t number;

	if (!application)
		return;
	number = application_table_index(list->table, application);
	if (list->is_met[number])
		return;
	list->is_met[number] = true;
	list->met[list->count++] = application;
}

#endif
