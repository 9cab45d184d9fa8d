/* interface_mtus.c - MTUs by if_nameindex() and SIOCGIFMTU. */
#include "interface_mtus.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void interface_mtus_init(struct interface_mtus *mtus, uint32_t fallback)
{
	memset(mtus, 0, sizeof(*mtus));
	mtus->fallback = fallback;
	atomic_init(&mtus->least, fallback);
	atomic_init(&mtus->count, 0);
	for (size_t i = 0; i < INTERFACE_MTUS_MAX; i++)
		atomic_init(&mtus->entries[i], 0);
}

void interface_mtus_set(struct interface_mtus *mtus, const struct interface_mtu *list, size_t count)
{
	uint32_t least = mtus->fallback;

	if (count > INTERFACE_MTUS_MAX)
		count = INTERFACE_MTUS_MAX;
	for (size_t i = 0; i < count; i++) {
		if (list[i].mtu < least)
			least = list[i].mtu;
		atomic_store_explicit(&mtus->entries[i],
				      (uint64_t)list[i].index << 32 | list[i].mtu,
				      memory_order_relaxed);
	}
	atomic_store_explicit(&mtus->least, least, memory_order_relaxed);
	atomic_store_explicit(&mtus->count, count, memory_order_release);
}

int interface_mtus_read(struct interface_mtus *mtus)
{
	struct interface_mtu list[INTERFACE_MTUS_MAX];
	size_t count = 0;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *names = descriptor < 0 ? NULL : if_nameindex();
	int result = names ? 0 : -errno;

	for (size_t i = 0; names && names[i].if_index && count < INTERFACE_MTUS_MAX; i++) {
		struct ifreq request = { .ifr_mtu = 0 };

		strncpy(request.ifr_name, names[i].if_name, sizeof(request.ifr_name) - 1);
		/* One that has gone meanwhile is left out. */
		if (ioctl(descriptor, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0)
			list[count++] = (struct interface_mtu){ names[i].if_index,
								(uint32_t)request.ifr_mtu };
	}
	if (result == 0)
		interface_mtus_set(mtus, list, count);
	if_freenameindex(names);
	if (descriptor >= 0)
		(void)close(descriptor);
	return result;
}

uint32_t interface_mtus_find(struct interface_mtus *mtus, uint32_t index)
{
	size_t count = atomic_load_explicit(&mtus->count, memory_order_acquire);

	for (size_t i = 0; index && i < count; i++) {
		uint64_t entry = atomic_load_explicit(&mtus->entries[i], memory_order_relaxed);

		if (entry >> 32 == index)
			return (uint32_t)entry;
	}
	return mtus->fallback;
}
