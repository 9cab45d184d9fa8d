/* own_exports.c - the ends of the sockets that this agent sends by.
 *
 * Place: exporter -> export thread -> here -> workers. Invariant: the shared words are written by
 * the export thread alone, between an odd version and the next even one; a reader that sees the
 * same even version before and after has a list that was whole. Each word is written with release
 * and read with acquire, so no fence is needed: a reader that meets a new word sees at least the
 * odd version that came before it. */
#include "own_exports.h"

#include "defaults.h"
#include "export_remote.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_WORDS (sizeof(struct own_export) / sizeof(uint64_t))
_Static_assert(sizeof(struct own_export) == 40, "own_export has no padding and is whole words");

struct known_export {
	struct own_export item;
	int64_t until_ms; /* monotonic; INT64_MAX while it is in use */
};

struct own_exports {
	/* Shared. */
	_Atomic(uint64_t) version; /* odd while the words are being written */
	_Atomic(uint64_t) count;
	_Atomic(uint64_t) words[OWN_EXPORTS_MAX * ITEM_WORDS];

	/* Of the export thread: those in use first, then those given up, the latest first. */
	struct known_export known[OWN_EXPORTS_MAX];
	size_t known_count;
	size_t used_count;
};

struct own_exports *own_exports_create(void)
{
	struct own_exports *exports = calloc(1, sizeof(*exports));

	if (!exports)
		return NULL;
	atomic_init(&exports->version, 0);
	atomic_init(&exports->count, 0);
	for (size_t i = 0; i < OWN_EXPORTS_MAX * ITEM_WORDS; i++)
		atomic_init(&exports->words[i], 0);
	return exports;
}

void own_exports_destroy(struct own_exports *exports)
{
	free(exports);
}

/* Take address and port out of 'socket'. Returns the IP version, 0 if it has none. */
static uint8_t take_end(const struct sockaddr_storage *socket, uint8_t address[static 16],
			uint16_t *port)
{
	if (socket->ss_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)socket;

		*port = ntohs(ipv4->sin_port);
		memcpy(address, &ipv4->sin_addr, 4);
		return 4;
	}
	if (socket->ss_family == AF_INET6) {
		const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)socket;

		*port = ntohs(ipv6->sin6_port);
		memcpy(address, &ipv6->sin6_addr, 16);
		return 6;
	}
	return 0;
}

static struct own_export item_of(const struct export_remote *remote)
{
	struct own_export item = { .protocol = remote->ip_protocol };

	item.ip_version = take_end(&remote->address, item.remote, &item.remote_port);
	item.has_local = item.ip_version &&
			 take_end(&remote->local, item.local, &item.local_port) == item.ip_version;
	return item;
}

static bool is_same(const struct own_export *one, const struct own_export *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

/* Let workers have what is known now. */
static void publish(struct own_exports *exports)
{
	const uint64_t version = atomic_load_explicit(&exports->version, memory_order_relaxed);

	atomic_store_explicit(&exports->version, version + 1, memory_order_relaxed);
	for (size_t i = 0; i < exports->known_count; i++) {
		uint64_t words[ITEM_WORDS];

		memcpy(words, &exports->known[i].item, sizeof(words));
		for (size_t j = 0; j < ITEM_WORDS; j++)
			atomic_store_explicit(&exports->words[i * ITEM_WORDS + j], words[j],
					      memory_order_release);
	}
	atomic_store_explicit(&exports->count, exports->known_count, memory_order_release);
	atomic_store_explicit(&exports->version, version + 2, memory_order_release);
}

/* Whether those in use are the same as before, in the same order. */
static bool is_unchanged(const struct own_exports *exports, const struct own_export *items,
			 size_t count)
{
	if (count != exports->used_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_same(&items[i], &exports->known[i].item))
			return false;
	return true;
}

static bool is_among(const struct known_export *known, size_t count, const struct own_export *item)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&known[i].item, item))
			return true;
	return false;
}

/* Put the ends in use in front of those given up, as far as there is room. */
static void replace(struct own_exports *exports, const struct own_export *items, size_t count,
		    int64_t now_ms)
{
	struct known_export before[OWN_EXPORTS_MAX];
	const size_t before_count = exports->known_count;
	const size_t used_before = exports->used_count;
	size_t filled = 0;

	memcpy(before, exports->known, before_count * sizeof(before[0]));
	for (; filled < count; filled++)
		exports->known[filled] = (struct known_export){ items[filled], INT64_MAX };
	exports->used_count = count;
	for (size_t i = 0; i < before_count && filled < OWN_EXPORTS_MAX; i++) {
		if (i < used_before)
			before[i].until_ms = now_ms + OWN_EXPORTS_KEEP_MS;
		if (before[i].until_ms > now_ms &&
		    !is_among(exports->known, count, &before[i].item))
			exports->known[filled++] = before[i];
	}
	exports->known_count = filled;
	publish(exports);
}

void own_exports_set(struct own_exports *exports, const struct export_remote *remotes, size_t count,
		     int64_t now_ms)
{
	struct own_export items[OWN_EXPORTS_MAX];

	if (count > OWN_EXPORTS_MAX)
		count = OWN_EXPORTS_MAX;
	for (size_t i = 0; i < count; i++)
		items[i] = item_of(&remotes[i]);
	/* The one given up first is the last. */
	if (!is_unchanged(exports, items, count) ||
	    (exports->known_count > exports->used_count &&
	     exports->known[exports->known_count - 1].until_ms <= now_ms))
		replace(exports, items, count, now_ms);
}

static void copy(const struct own_exports *exports, struct own_export_list *list)
{
	list->count = (size_t)atomic_load_explicit(&exports->count, memory_order_acquire);
	list->ports = 0;
	for (size_t i = 0; i < list->count; i++) {
		uint64_t words[ITEM_WORDS];

		for (size_t j = 0; j < ITEM_WORDS; j++)
			words[j] = atomic_load_explicit(&exports->words[i * ITEM_WORDS + j],
							memory_order_acquire);
		/* cppcheck-suppress uninitvar ; filled by the loop above */
		memcpy(&list->items[i], words, sizeof(words));
		list->ports |= UINT64_C(1) << list->items[i].remote_port % 64;
	}
}

void own_exports_read(const struct own_exports *exports, struct own_export_list *list)
{
	const uint64_t version = atomic_load_explicit(&exports->version, memory_order_acquire);
	struct own_export_list fresh;

	if (__builtin_expect(version == list->version || version % 2, 1))
		return;
	fresh.version = version;
	copy(exports, &fresh);
	/* Else it is torn, because the export thread has begun anew: the next call tries again. */
	if (atomic_load_explicit(&exports->version, memory_order_relaxed) == version)
		*list = fresh;
}

/* Whether 'address' and 'port' are the collector's end of 'item'. */
static bool is_remote(const struct own_export *item, const struct flow_key *key,
		      const uint8_t *address, uint16_t port)
{
	return port == item->remote_port &&
	       memcmp(address, item->remote, flow_address_size(key)) == 0;
}

static bool is_local(const struct own_export *item, const struct flow_key *key,
		     const uint8_t *address, uint16_t port)
{
	return item->has_local && port == item->local_port &&
	       memcmp(address, item->local, flow_address_size(key)) == 0;
}

__attribute__((noinline)) bool own_exports_find(const struct own_export_list *list,
						const struct flow_key *key, uint32_t mark)
{
	const uint8_t *source = flow_source_address(key);
	const uint8_t *destination = flow_destination_address(key);

	for (size_t i = 0; i < list->count; i++) {
		const struct own_export *item = &list->items[i];

		if (key->protocol != item->protocol || key->ip_version != item->ip_version)
			continue;
		if (is_remote(item, key, destination, key->destination_port) &&
		    (mark == DEFAULT_MARK || is_local(item, key, source, key->source_port)))
			return true;
		if (is_remote(item, key, source, key->source_port) &&
		    is_local(item, key, destination, key->destination_port))
			return true;
	}
	return false;
}
