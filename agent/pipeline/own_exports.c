/* own_exports.c - the addresses that this agent sends to. */
#include "own_exports.h"

#include "exporter.h"
#include "ip_protocol.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OWN_EXPORTS_MAX 64

struct own_export {
	uint8_t ip_version;
	uint8_t protocol;
	uint16_t port;
	uint8_t address[16];
};

struct own_export_list {
	struct own_export_list *older; /* owned */
	size_t count;
	struct own_export items[OWN_EXPORTS_MAX];
};

struct own_exports {
	_Atomic(struct own_export_list *) newest; /* owned */
};

struct own_exports *own_exports_create(void)
{
	struct own_exports *exports = calloc(1, sizeof(*exports));
	struct own_export_list *empty = calloc(1, sizeof(*empty));

	if (!exports || !empty) {
		free(exports);
		free(empty);
		return NULL;
	}
	atomic_init(&exports->newest, empty);
	return exports;
}

void own_exports_destroy(struct own_exports *exports)
{
	struct own_export_list *list;

	if (!exports)
		return;
	list = atomic_load(&exports->newest);
	while (list) {
		struct own_export_list *older = list->older;

		free(list);
		list = older;
	}
	free(exports);
}

static struct own_export item_of(const struct export_remote *remote)
{
	const struct sockaddr_storage *address = &remote->address;
	struct own_export item = { .protocol = remote->ip_protocol };

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;

		item.ip_version = 4;
		item.port = ntohs(ipv4->sin_port);
		memcpy(item.address, &ipv4->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *ipv6 =
			(const struct sockaddr_in6 *)(const void *)address;

		item.ip_version = 6;
		item.port = ntohs(ipv6->sin6_port);
		memcpy(item.address, &ipv6->sin6_addr, 16);
	}
	return item;
}

void own_exports_set(struct own_exports *exports, const struct export_remote *remotes, size_t count)
{
	struct own_export_list *newest = atomic_load(&exports->newest);
	struct own_export_list *list = calloc(1, sizeof(*list));

	if (!list)
		return;
	for (size_t i = 0; i < count && i < OWN_EXPORTS_MAX; i++)
		list->items[list->count++] = item_of(&remotes[i]);
	if (list->count == newest->count &&
	    memcmp(list->items, newest->items, list->count * sizeof(list->items[0])) == 0) {
		free(list);
		return;
	}
	list->older = newest;
	atomic_store(&exports->newest, list);
}

const struct own_export_list *own_exports_get(struct own_exports *exports)
{
	return atomic_load_explicit(&exports->newest, memory_order_acquire);
}

static bool is_end(const struct own_export *item, const struct flow_key *key,
		   const uint8_t *address, uint16_t port)
{
	return port == item->port && memcmp(address, item->address, flow_address_size(key)) == 0;
}

bool own_exports_match(const struct own_export_list *list, const struct flow_key *key)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct own_export *item = &list->items[i];

		if (key->protocol != item->protocol || key->ip_version != item->ip_version)
			continue;
		if (is_end(item, key, flow_destination_address(key), key->destination_port) ||
		    (item->protocol == PROTOCOL_TCP &&
		     is_end(item, key, flow_source_address(key), key->source_port)))
			return true;
	}
	return false;
}
