/* capture_side.c - own addresses, and what they say of a packet.
 *
 * Place: capture_tap_pcap.c asks for each packet. No state but the addresses, which are read
 * again every some seconds, because they change while we run. */
#include "capture_side.h"

#include "bytes.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	MULTICAST_BIT = 0x01, /* of the first byte of a MAC address: IEEE 802 section 8.2 */
	IPV4_SOURCE = 12,     /* offset in the header: RFC 791 section 3.1 */
	IPV6_SOURCE = 8,      /* RFC 8200 section 3 */
};

static void map_ipv4(uint8_t ip[static 16], const uint8_t ipv4[static 4])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ip, prefix, sizeof(prefix));
	memcpy(ip + sizeof(prefix), ipv4, 4);
}

static int compare_ips(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void add_mac(struct capture_side_addresses *addresses, const struct ifaddrs *entry)
{
	struct sockaddr_ll link;

	memcpy(&link, entry->ifa_addr, sizeof(link));
	addresses->is_loopback = entry->ifa_flags & IFF_LOOPBACK;
	addresses->has_mac = link.sll_halen == sizeof(addresses->mac);
	if (addresses->has_mac)
		memcpy(addresses->mac, link.sll_addr, sizeof(addresses->mac));
}

static void add_ip(struct capture_side_addresses *addresses, const struct sockaddr *address)
{
	uint8_t *ip = addresses->ips[addresses->ip_count];

	if (address->sa_family == AF_INET) {
		struct sockaddr_in ipv4;
		uint8_t bytes[4];

		memcpy(&ipv4, address, sizeof(ipv4));
		memcpy(bytes, &ipv4.sin_addr, sizeof(bytes));
		map_ipv4(ip, bytes);
	} else {
		struct sockaddr_in6 ipv6;

		memcpy(&ipv6, address, sizeof(ipv6));
		memcpy(ip, &ipv6.sin6_addr, 16);
	}
	addresses->ip_count++;
}

int capture_side_read(struct capture_side_addresses *addresses, const char *name)
{
	struct capture_side_addresses fresh = { .ip_count = 0 };
	struct ifaddrs *entries, *entry;
	size_t count = 0;

	if (getifaddrs(&entries) < 0)
		return -errno;
	for (entry = entries; entry; entry = entry->ifa_next)
		count++;
	fresh.ips = calloc(count + 1, sizeof(*fresh.ips));
	if (!fresh.ips) {
		freeifaddrs(entries);
		return -ENOMEM;
	}
	for (entry = entries; entry; entry = entry->ifa_next) {
		if (!entry->ifa_addr)
			continue;
		if (entry->ifa_addr->sa_family == AF_PACKET && strcmp(entry->ifa_name, name) == 0)
			add_mac(&fresh, entry);
		if (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6)
			add_ip(&fresh, entry->ifa_addr);
	}
	freeifaddrs(entries);
	qsort(fresh.ips, fresh.ip_count, sizeof(*fresh.ips), compare_ips);
	capture_side_clear(addresses);
	*addresses = fresh;
	return 0;
}

void capture_side_clear(struct capture_side_addresses *addresses)
{
	free(addresses->ips);
	*addresses = (struct capture_side_addresses){ .ip_count = 0 };
}

static enum flow_side side_of_ethernet(const struct capture_side_addresses *addresses,
				       const uint8_t *bytes, size_t size)
{
	if (addresses->is_loopback)
		return SIDE_ingress; /* libpcap shows each packet once, as it comes in */
	if (!addresses->has_mac || size < ETH_HLEN)
		return SIDE_unknown;
	if (memcmp(bytes + ETH_ALEN, addresses->mac, ETH_ALEN) == 0)
		return SIDE_egress;
	if (memcmp(bytes, addresses->mac, ETH_ALEN) == 0 || bytes[0] & MULTICAST_BIT)
		return SIDE_ingress;
	return SIDE_unknown;
}

static enum flow_side side_of_ip(const struct capture_side_addresses *addresses,
				 const uint8_t *bytes, size_t size)
{
	struct reader reader = reader_of(bytes, size);
	uint8_t version = reader_u8(&reader) >> 4;
	const uint8_t *source;
	uint8_t ip[16];

	reader = reader_of(bytes, size);
	(void)reader_take(&reader, version == 4 ? IPV4_SOURCE : IPV6_SOURCE);
	source = reader_take(&reader, version == 4 ? 4 : 16);
	if (!source || (version != 4 && version != 6))
		return SIDE_unknown;
	if (version == 4)
		map_ipv4(ip, source);
	else
		memcpy(ip, source, sizeof(ip));
	if (bsearch(ip, addresses->ips, addresses->ip_count, sizeof(*addresses->ips), compare_ips))
		return SIDE_egress;
	return SIDE_ingress;
}

enum flow_side capture_side_of(const struct capture_side_addresses *addresses, uint8_t link,
			       const uint8_t *bytes, size_t size)
{
	switch (link) {
	case LINK_ETHERNET: return side_of_ethernet(addresses, bytes, size);
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6: return side_of_ip(addresses, bytes, size);
	default: return SIDE_unknown;
	}
}
