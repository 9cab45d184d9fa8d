/* user_names.h - names of users by their numbers, as /etc/passwd has them.
 *
 * Place: none; asked by the export thread. The file alone: the C library would ask other services,
 * which may hang. */
#ifndef USER_NAMES_H
#define USER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define USER_NAME_SIZE 32    /* with a NUL: no longer name has room in a record */
#define USER_NAMES_MAX 65536 /* others are shown by their numbers */

struct user_names; /* opaque: defined in user_names.c */

/* 'path' is borrowed for life; it is read by the first look. NULL if memory is short. */
struct user_names *user_names_create(const char *path);
void user_names_destroy(struct user_names *names);

/* Read the file if it is another than at the last look. One that cannot be read has no names. */
void user_names_look(struct user_names *names);
/* The name of a user, the first that the file has, or else his number, with NUL up to the end. */
void user_names_find(const struct user_names *names, uint32_t user,
		     char name[static USER_NAME_SIZE]);
size_t user_names_count(const struct user_names *names);

#endif
