/* capture_side.h - on which side of this host a captured packet was: sent to it or by it.
 *
 * Place: part of capture_tap_pcap.c. libpcap does not report it for ordinary interfaces, so it is
 * found out from the interface's own addresses. */
#ifndef CAPTURE_SIDE_H
#define CAPTURE_SIDE_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>

/* Addresses that make a packet ours. Clear with capture_side_clear(). */
struct capture_side_addresses {
	uint8_t mac[6]; /* of the interface */
	bool has_mac;
	bool is_loopback;
	uint8_t (*ips)[16]; /* of the host, IPv4 as ::ffff:a.b.c.d; sorted; owned */
	size_t ip_count;
};

/* Read the addresses of interface 'name' and of the host as they are now. Returns 0, or a negative
 * errno with 'addresses' as before. */
int capture_side_read(struct capture_side_addresses *addresses, const char *name);
void capture_side_clear(struct capture_side_addresses *addresses);

/* The side of a packet.
 *
 * link   enum link_type. Ethernet shows it by the MAC address of the interface, raw IP by the
 * host's addresses. Linux cooked packets carry their direction, which decode knows: SIDE_unknown.
 * Returns SIDE_unknown where the addresses say nothing: traffic of others, as on a bridge port. */
enum flow_side capture_side_of(const struct capture_side_addresses *addresses, uint8_t link,
			       const uint8_t *bytes, size_t size);

#endif
