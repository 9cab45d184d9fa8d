/* application_list.c - storage of the list: as much as the table can ever need, so that meeting an
 * application never fails. */
#include "application_list.h"

#include <errno.h>
#include <stdlib.h>

int application_list_init(struct application_list *list, const struct application_table *table)
{
	const size_t count = application_table_most(table) + 1;

	*list = (struct application_list){
		.table = table,
		.met = calloc(count, sizeof(*list->met)),
		.is_met = calloc(count, sizeof(*list->is_met)),
	};
	if (list->met && list->is_met)
		return 0;
	application_list_clear(list);
	return -ENOMEM;
}

void application_list_clear(struct application_list *list)
{
	free(list->met);
	free(list->is_met);
	*list = (struct application_list){ .table = NULL };
}
