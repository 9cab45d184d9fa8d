/* export_owner.h - whose flow a record is of: its user, the user's name, and the unit as its
 * application.
 *
 * Place: owner_lookup -> here -> export thread, which owns it. There only if flows have that
 * column. */
#ifndef EXPORT_OWNER_H
#define EXPORT_OWNER_H

#include "export_record.h"

#include <stdbool.h>

/* What the records of a unit had since the start; [0] came in or has no side, [1] went out. */
struct owner_sum {
	char unit[APPLICATION_NAME_SIZE]; /* "": those whose unit is not known */
	uint64_t records;
	uint64_t packets[2], octets[2];
};

struct export_owner; /* opaque: defined in export_owner.c */

/* Before the export thread starts.
 *
 * columns  those of its records: FLOW_COLUMNS_OF_OWNER, EXPORT_RECORD_USER_NAME.
 * asks     the kernel is asked about sockets: live, and of flows whose key has the side.
 * Returns NULL if memory is short. */
struct export_owner *export_owner_create(unsigned int columns, bool asks);
void export_owner_destroy(struct export_owner *owner);

/* Units are applications of this table from now on, which has room for their names; borrowed. NULL:
 * they are not. */
void export_owner_set_applications(struct export_owner *owner, struct application_table *table);
/* Before records are taken: the time, CLOCK_MONOTONIC. */
void export_owner_look(struct export_owner *owner, int64_t now_ms);
/* When it has to look again, in microseconds; -1: not by time. */
int64_t export_owner_next_us(const struct export_owner *owner);
/* The sums of all units that had records; owned by the caller, for free(). Returns how many there
 * are; 0 with NULL: units are not asked for, or there were none, or memory is short. */
size_t export_owner_sums(const struct export_owner *owner, struct owner_sum **sums);
/* Set what a record, whose interfaces have the kernel's numbers, has of its owner. The application
 * stays where the unit is not known. */
void export_owner_find(struct export_owner *owner, struct export_record *record);

#endif
