/* descriptor_store.c - the messages to the service manager, and the list of what it has.
 *
 * Invariant: each name is in the list once, as it is with the manager. FDPOLL=0 with every
 * descriptor: without it systemd closes a netlink socket at its first overflow. */
#include "descriptor_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define FLUSH_US   5000000u
#define PROBE_NAME "probe"

struct entry {
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int descriptor; /* passed to us and not taken yet; else -1 */
	dev_t device;   /* what it is, whatever number descriptors of it have */
	ino_t inode;
};

struct descriptor_store {
	struct entry *entries; /* owned; as many as 'limit' */
	size_t count;
	size_t limit;
	bool is_there;
};

static size_t limit_of(void)
{
	const char *text = getenv("FDSTORE");

	return text ? strtoul(text, NULL, 10) : DESCRIPTOR_STORE_MAX;
}

static struct entry *find(const struct descriptor_store *store, const char *name)
{
	for (size_t i = 0; i < store->count; i++)
		if (!strcmp(store->entries[i].name, name))
			return &store->entries[i];
	return NULL;
}

/* Returns NULL if there is no room, or the descriptor cannot be looked at. */
static struct entry *add(struct descriptor_store *store, const char *name, int descriptor)
{
	struct entry *entry = &store->entries[store->count];
	struct stat status;

	if (store->count >= store->limit || fstat(descriptor, &status))
		return NULL;
	*entry = (struct entry){
		.descriptor = -1,
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	store->count++;
	return entry;
}

/* What the manager has passed. A name that is there twice, or is no name of ours, is closed here
 * and forgotten there. */
static void take_over(struct descriptor_store *store)
{
	char **names = NULL;
	const int count = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < count; i++) {
		const int descriptor = SD_LISTEN_FDS_START + i;
		struct entry *entry = NULL;

		if (strlen(names[i]) < DESCRIPTOR_STORE_NAME_SIZE && !find(store, names[i]))
			entry = add(store, names[i], descriptor);
		if (entry)
			entry->descriptor = descriptor;
		else
			(void)close(descriptor);
		free(names[i]);
	}
	free(names);
}

const char *descriptor_store_name(const char *prefix, const char *text,
				  char name[static DESCRIPTOR_STORE_NAME_SIZE])
{
	(void)snprintf(name, DESCRIPTOR_STORE_NAME_SIZE, "%s%s", prefix, text);
	for (char *colon = strchr(name, ':'); colon; colon = strchr(colon, ':'))
		*colon = '-';
	return name;
}

struct descriptor_store *descriptor_store_open(void)
{
	struct descriptor_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->limit = limit_of();
	if (store->limit > DESCRIPTOR_STORE_MAX)
		store->limit = DESCRIPTOR_STORE_MAX;
	store->is_there = getenv("NOTIFY_SOCKET") != NULL && store->limit > 0;
	store->entries = calloc(store->limit + 1, sizeof(*store->entries));
	if (!store->entries) {
		free(store);
		return NULL;
	}
	take_over(store);
	return store;
}

void descriptor_store_close(struct descriptor_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->count; i++)
		if (store->entries[i].descriptor >= 0)
			(void)close(store->entries[i].descriptor);
	free(store->entries);
	free(store);
}

bool descriptor_store_is_there(const struct descriptor_store *store)
{
	return store && store->is_there;
}

int descriptor_store_take(struct descriptor_store *store, const char *name)
{
	struct entry *entry = store ? find(store, name) : NULL;
	int descriptor = -1;

	if (entry) {
		descriptor = entry->descriptor;
		entry->descriptor = -1;
	}
	return descriptor;
}

int descriptor_store_look(const struct descriptor_store *store, const char *name)
{
	const struct entry *entry = store ? find(store, name) : NULL;

	return entry ? entry->descriptor : -1;
}

static bool is_same(const struct entry *entry, int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && status.st_dev == entry->device &&
	       status.st_ino == entry->inode;
}

int descriptor_store_add(struct descriptor_store *store, const char *name, int descriptor)
{
	struct entry *entry = NULL;
	int result = 0;

	if (strlen(name) >= DESCRIPTOR_STORE_NAME_SIZE)
		result = -EINVAL;
	else if (find(store, name))
		result = -EEXIST;
	else if (!(entry = add(store, name, descriptor)))
		result = -ENOSPC;
	if (entry)
		entry->descriptor = descriptor;
	else
		(void)close(descriptor);
	return result;
}

int descriptor_store_put(struct descriptor_store *store, const char *name, int descriptor)
{
	char message[64 + DESCRIPTOR_STORE_NAME_SIZE];
	const struct entry *entry;
	int result;

	if (!descriptor_store_is_there(store))
		return -ENOTCONN;
	if (strlen(name) >= DESCRIPTOR_STORE_NAME_SIZE)
		return -EINVAL;
	entry = find(store, name);
	if (entry && is_same(entry, descriptor))
		return 0;
	result = descriptor_store_remove(store, name);
	if (result)
		return result;
	if (!add(store, name, descriptor))
		return -ENOSPC;
	(void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	result = sd_pid_notify_with_fds(0, 0, message, &descriptor, 1);
	if (result > 0)
		return 0;
	store->count--;
	return result < 0 ? result : -ENOTCONN;
}

int descriptor_store_remove(struct descriptor_store *store, const char *name)
{
	struct entry *entry = store ? find(store, name) : NULL;
	int result;

	if (!entry)
		return 0;
	result = sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	if (entry->descriptor >= 0)
		(void)close(entry->descriptor);
	entry->descriptor = -1;
	if (result < 0) /* 0: there is no manager any more */
		return result;
	*entry = store->entries[--store->count];
	return 0;
}

void descriptor_store_remove_untaken(struct descriptor_store *store)
{
	for (size_t i = store ? store->count : 0; i-- > 0;)
		if (store->entries[i].descriptor >= 0)
			(void)descriptor_store_remove(store, store->entries[i].name);
}

void descriptor_store_remove_all(struct descriptor_store *store)
{
	for (size_t i = store ? store->count : 0; i-- > 0;)
		(void)descriptor_store_remove(store, store->entries[i].name);
}

int descriptor_store_flush(struct descriptor_store *store)
{
	int result;

	if (!descriptor_store_is_there(store))
		return 0;
	result = sd_notify_barrier(0, FLUSH_US);
	return result < 0 ? result : 0;
}

/* The manager closes what it has no room for: then nobody has the reading end of a pipe. */
static bool is_kept(struct descriptor_store *store, int ends[static 2])
{
	struct pollfd writing = { .fd = ends[1] };
	bool is_open = false;
	int result = descriptor_store_put(store, PROBE_NAME, ends[0]);

	(void)close(ends[0]);
	if (!result)
		result = descriptor_store_flush(store);
	if (!result)
		is_open = poll(&writing, 1, 0) == 0;
	(void)descriptor_store_remove(store, PROBE_NAME);
	return is_open;
}

bool descriptor_store_has_room(struct descriptor_store *store)
{
	int ends[2];
	bool has_room;

	if (!descriptor_store_is_there(store) || store->count >= store->limit ||
	    pipe2(ends, O_CLOEXEC))
		return false;
	has_room = is_kept(store, ends);
	(void)close(ends[1]);
	return has_room;
}
