/* capture_file_list.c - lists the files of folders. */
#include "capture_file_list.h"

#include "fault_text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of what 'path' stands for: all zeros if that is not known. */
static struct stat status_of(const char *path)
{
	struct stat status;
	const int result = strcmp(path, "-") ? stat(path, &status) : fstat(STDIN_FILENO, &status);

	if (result)
		memset(&status, 0, sizeof(status));
	return status;
}

bool capture_file_list_is_folder(const char *path)
{
	return S_ISDIR(status_of(path).st_mode);
}

bool capture_file_list_is_pipe(const char *path)
{
	const mode_t mode = status_of(path).st_mode;

	return !strcmp(path, "-") || (mode && !S_ISREG(mode));
}

/* Takes the path, also on failure. */
static int add_entry(struct capture_file_list *list, char *path, bool is_named,
		     struct error_text *error)
{
	struct stat status;
	struct capture_file_entry *entries =
		path ? realloc(list->entries, (list->count + 1) * sizeof(*entries)) : NULL;

	if (!entries) {
		free(path);
		error_text_set(error, "no memory for the names of capture files");
		return -ENOMEM;
	}
	list->entries = entries;
	status = status_of(path);
	entries[list->count] = (struct capture_file_entry){
		.path = path,
		.is_named = is_named,
		.order = list->count,
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	list->count++;
	return 0;
}

static char *path_of(const char *folder, const char *name)
{
	const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
	char *path;

	return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

static int is_shown(const struct dirent *found)
{
	return found->d_name[0] != '.';
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

static int add_folder(struct capture_file_list *list, const char *folder, struct error_text *error)
{
	const size_t before = list->count;
	struct dirent **found;
	const int count = scandir(folder, &found, is_shown, by_name);
	int result = count < 0 ? -errno : 0;

	if (result) {
		error_text_set(error, "%s: cannot be opened: %s", folder, fault_text(-result));
		return result;
	}
	for (int i = 0; i < count; i++) {
		char *path = path_of(folder, found[i]->d_name);

		/* What has no status any more, or may not be seen, is named when it is opened. */
		if (!result && path && capture_file_list_is_pipe(path))
			free(path);
		else if (!result)
			result = add_entry(list, path, false, error);
		else
			free(path);
		free(found[i]);
	}
	free(found);
	if (!result && list->count == before) {
		error_text_set(error, "%s: no file in this folder; expected capture files", folder);
		result = -ENOENT;
	}
	return result;
}

int capture_file_list_add(struct capture_file_list *list, const char *path,
			  struct error_text *error)
{
	if (capture_file_list_is_folder(path))
		return add_folder(list, path, error);
	return add_entry(list, strdup(path), true, error);
}

static int by_inode(const void *left, const void *right)
{
	const struct capture_file_entry *one = left, *other = right;

	if (one->device != other->device)
		return one->device < other->device ? -1 : 1;
	if (one->inode != other->inode)
		return one->inode < other->inode ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static int by_order(const void *left, const void *right)
{
	const struct capture_file_entry *one = left, *other = right;

	return one->order < other->order ? -1 : 1;
}

static bool is_same(const struct capture_file_entry *one, const struct capture_file_entry *other)
{
	return one->inode && one->device == other->device && one->inode == other->inode;
}

void capture_file_list_unite(struct capture_file_list *list)
{
	struct capture_file_entry *entries = list->entries;
	size_t kept = 1;

	if (!list->count)
		return;
	qsort(entries, list->count, sizeof(*entries), by_inode);
	for (size_t i = 1; i < list->count; i++) {
		if (is_same(&entries[i], &entries[kept - 1]))
			free(entries[i].path);
		else
			entries[kept++] = entries[i];
	}
	list->count = kept;
	qsort(entries, kept, sizeof(*entries), by_order);
}

void capture_file_list_cut(struct capture_file_list *list, size_t count)
{
	while (list->count > count)
		free(list->entries[--list->count].path);
}

static int by_time(const void *left, const void *right)
{
	const struct capture_file_entry *one = left, *other = right;

	if (one->first_ms != other->first_ms)
		return one->first_ms < other->first_ms ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

void capture_file_list_sort(struct capture_file_list *list)
{
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries), by_time);
}

void capture_file_list_clear(struct capture_file_list *list)
{
	capture_file_list_cut(list, 0);
	free(list->entries);
	*list = (struct capture_file_list){ .count = 0 };
}
