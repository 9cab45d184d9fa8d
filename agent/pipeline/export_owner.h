/* export_owner.h - whose flow a record is of, for records whose fields say so.
 *
 * Place: flow_record.user -> here -> export thread, which owns it. There only if somebody asks. */
#ifndef EXPORT_OWNER_H
#define EXPORT_OWNER_H

#include "export_record.h"
#include "user_names.h"

#include <stdbool.h>

/* All 0: nobody wants it. */
struct export_owner {
	struct user_names *names; /* owned; NULL: records have no place for them */
	int64_t looked_ms;        /* CLOCK_MONOTONIC */
};

/* Before the export thread starts. 'columns' are those of its records. Returns 0 or -ENOMEM. */
int export_owner_open(struct export_owner *owner, unsigned int columns);
void export_owner_close(struct export_owner *owner);

static inline bool export_owner_is_wanted(const struct export_owner *owner)
{
	return owner->names;
}

/* Look whether what is known is still so: before records are taken. */
void export_owner_look(struct export_owner *owner, int64_t now_ms);
/* Set what a record has of its owner; nothing where that is not known. */
void export_owner_find(const struct export_owner *owner, struct export_record *record);

#endif
