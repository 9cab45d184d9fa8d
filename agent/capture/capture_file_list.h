/* capture_file_list.h - which files the operator means: names of files, and of folders.
 *
 * Place: source_config -> here -> capture_file_merge.c. */
#ifndef CAPTURE_FILE_LIST_H
#define CAPTURE_FILE_LIST_H

#include "clock.h"
#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct capture_file_entry {
	char *path;    /* owned */
	bool is_named; /* by the operator; else found in a folder */
	size_t order;  /* in which they were named */
	dev_t device;  /* with the next: which file it is; 0, 0: not known */
	ino_t inode;
	unix_ms first_ms; /* of its first packet; the list's user fills it in */
};

/* Start with zeros. */
struct capture_file_list {
	struct capture_file_entry *entries; /* owned */
	size_t count;
};

bool capture_file_list_is_folder(const char *path);
/* Standard input, or what is no regular file: it can be read only once. */
bool capture_file_list_is_pipe(const char *path);

/* Add a file, or the files of a folder in order of their names: its regular files and links to
 * such, without names that begin with a dot. Returns 0, or a negative errno with 'error' filled: a
 * folder that cannot be read, or has none. */
int capture_file_list_add(struct capture_file_list *list, const char *path,
			  struct error_text *error);
/* Keep each file once, however often it was named, by whatever links. */
void capture_file_list_unite(struct capture_file_list *list);
/* Keep the first 'count'. */
void capture_file_list_cut(struct capture_file_list *list, size_t count);
/* By the time of the first packet; equal ones as they were named. */
void capture_file_list_sort(struct capture_file_list *list);
void capture_file_list_clear(struct capture_file_list *list);

#endif
