/* export_owner.c - looks up the names of owners. */
#include "export_owner.h"

#include <errno.h>
#include <string.h>

#define LOOK_MS 1000

_Static_assert(sizeof(((struct export_record *)0)->user_name) == USER_NAME_SIZE,
	       "a name has room in a record");

int export_owner_open(struct export_owner *owner, unsigned int columns)
{
	*owner = (struct export_owner){ .names = NULL };
	if (!(columns & EXPORT_RECORD_USER_NAME))
		return 0;
	owner->names = user_names_create("/etc/passwd");
	if (!owner->names)
		return -ENOMEM;
	user_names_look(owner->names);
	return 0;
}

void export_owner_close(struct export_owner *owner)
{
	user_names_destroy(owner->names);
	*owner = (struct export_owner){ .names = NULL };
}

void export_owner_look(struct export_owner *owner, int64_t now_ms)
{
	if (now_ms - owner->looked_ms < LOOK_MS)
		return;
	owner->looked_ms = now_ms;
	user_names_look(owner->names);
}

void export_owner_find(const struct export_owner *owner, struct export_record *record)
{
	if (record->flow.user)
		user_names_find(owner->names, record->flow.user - 1, record->user_name);
	else
		memset(record->user_name, 0, sizeof(record->user_name));
}
