/* agentctl_stats_view.c - the view of one user: rows are subtracted, and kept in a file.
 *
 * Invariant: a file is only made in a directory of the caller's own, so that root follows nobody's
 * links. */
#include "agentctl_stats_view.h"

#include "fault_text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- subtracting ---- */

/* Numbers of sources and collectors that say what is, not what was counted; beside them everything
 * of "_cached" and "_waiting", and times. */
static const char *const states[] = {
	"receive_buffer_bytes",
	"receive_buffer_wanted",
	"rules",
	"version",
	"sequence",
	"priority",
	"sampling",
	"datagrams_queued",
	"datagrams_unconfirmed",
	"spool_bytes",
	"spool_size",
	"records_spooled",
};
/* Objects and lists that have no counters, or those of the whole ledger. */
static const char *const wholes[] = { "asn_table", "last_reload", "equalities" };

static bool is_in(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_state(const char *name)
{
	return strstr(name, "_cached") || strstr(name, "_waiting") || strstr(name, "_ms") ||
	       is_in(name, states, sizeof(states) / sizeof(states[0]));
}

static json_t *named(json_t *list, const char *name)
{
	size_t index;
	json_t *element;

	json_array_foreach(list, index, element)
	{
		const char *own = json_string_value(json_object_get(element, "name"));

		if (own && name && strcmp(own, name) == 0)
			return element;
	}
	return NULL;
}

static int subtract(json_t *row, json_t *before);

/* Of two members that both are there. Returns 0 or -ENOMEM. */
static int subtract_member(json_t *row, const char *name, json_t *now, json_t *before)
{
	size_t index;
	json_t *element;
	int result = 0;

	if (json_is_integer(now) && json_is_integer(before) && !is_state(name))
		return json_object_set_new(
			       row, name,
			       json_integer(json_integer_value(now) - json_integer_value(before)))
			       ? -ENOMEM
			       : 0;
	if (json_is_object(now))
		return subtract(now, before);
	json_array_foreach(now, index, element)
	{
		const char *own = json_string_value(json_object_get(element, "name"));

		if (!result)
			result = subtract(element, named(before, own));
	}
	return result;
}

/* 'row' is changed; 'before' NULL, or without a member, takes nothing away. */
static int subtract(json_t *row, json_t *before)
{
	const char *name;
	json_t *value;
	void *next;
	int result = 0;

	json_object_foreach_safe(row, next, name, value)
	{
		json_t *other = json_object_get(before, name);

		if (!result && other && !is_in(name, wholes, sizeof(wholes) / sizeof(wholes[0])))
			result = subtract_member(row, name, value, other);
	}
	return result;
}

json_t *agentctl_stats_since(json_t *row, json_t *before)
{
	json_t *since = json_deep_copy(row);

	if (since && subtract(since, before)) {
		json_decref(since);
		since = NULL;
	}
	return since;
}

/* ---- the file ---- */

/* Make the directories of a path that are not there. */
static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	(void)mkdir(path, 0700);
}

/* Open the directory of views. Returns a descriptor, or a negative errno with 'error' filled. */
static int open_directory(struct error_text *error)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	struct stat status;
	int descriptor;

	if (state && *state == '/') {
		(void)snprintf(path, sizeof(path), "%s/flowagent", state);
	} else if (home && *home == '/') {
		(void)snprintf(path, sizeof(path), "%s/.local/state/flowagent", home);
	} else {
		error_text_set(error, "--reset-view: neither $XDG_STATE_HOME nor $HOME says where "
				      "the view may be kept");
		return -ENOENT;
	}
	make_directories(path);
	descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (descriptor < 0) {
		error_text_set(error, "%s: %s", path, fault_text(errno));
		error_text_hint(error, "--reset-view keeps the view there");
		return -EIO;
	}
	if (fstat(descriptor, &status) || status.st_uid != geteuid()) {
		(void)close(descriptor);
		error_text_set(error, "%s belongs to another user", path);
		error_text_hint(error, "with sudo: sudo -H agentctl show stats --reset-view");
		return -EPERM;
	}
	return descriptor;
}

/* The name of a socket's view. */
static void name_of(const char *socket, char name[static NAME_MAX])
{
	char path[PATH_MAX];
	const char *const whole = realpath(socket, path) ? path : socket;

	(void)snprintf(name, NAME_MAX, "stats%s%.200s.json", *whole == '/' ? "" : "-", whole);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '-';
}

int agentctl_stats_view_load(const char *socket, int64_t started_ms, struct stats_view *view,
			     struct error_text *error)
{
	const int directory = open_directory(error);
	char name[NAME_MAX];
	json_t *kept = NULL;
	int file;

	*view = (struct stats_view){ .row = NULL };
	if (directory < 0)
		return directory;
	name_of(socket, name);
	file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file >= 0) {
		kept = json_loadfd(file, 0, NULL);
		(void)close(file);
	}
	(void)close(directory);
	/* One of an agent before, or one that cannot be read, is as none. */
	if (json_integer_value(json_object_get(kept, "started_unix_ms")) == started_ms) {
		view->row = json_incref(json_object_get(kept, "row"));
		view->taken_ms = json_integer_value(json_object_get(kept, "taken_unix_ms"));
	}
	json_decref(kept);
	return 0;
}

/* Write a whole file and put it in its place. Returns 0 or a negative errno. */
static int write_file(int directory, const char *name, const json_t *kept)
{
	const char *const new_name = "stats.new";
	const int file = openat(directory, new_name,
				O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result;

	if (file < 0)
		return -errno;
	errno = EIO;
	result = json_dumpfd(kept, file, JSON_COMPACT) ? -errno : 0;
	if (close(file) && !result)
		result = -errno;
	if (!result && renameat(directory, new_name, directory, name))
		result = -errno;
	return result;
}

int agentctl_stats_view_save(const char *socket, int64_t started_ms, const struct stats_view *view,
			     struct error_text *error)
{
	const int directory = open_directory(error);
	char name[NAME_MAX];
	json_t *kept;
	int result = -ENOMEM;

	if (directory < 0)
		return directory;
	name_of(socket, name);
	kept = json_pack("{s:I, s:I, s:O}", "started_unix_ms", (json_int_t)started_ms,
			 "taken_unix_ms", (json_int_t)view->taken_ms, "row", view->row);
	if (kept)
		result = write_file(directory, name, kept);
	if (result)
		error_text_set(error, "cannot keep the view in %s: %s", name, fault_text(-result));
	json_decref(kept);
	(void)close(directory);
	return result;
}
