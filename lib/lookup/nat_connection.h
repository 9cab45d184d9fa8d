/* nat_connection.h - a connection whose addresses or ports the kernel translates.
 *
 * Place: capture_conntrack -> nat_table.h, which finds it; nat_memory.h, where it is. Only types.
 */
#ifndef NAT_CONNECTION_H
#define NAT_CONNECTION_H

#include <stdint.h>

/* One side of one direction. */
struct nat_endpoint {
	uint8_t address[16]; /* the rest is 0 behind 4 bytes of IPv4 */
	uint16_t port;       /* host order; 0 where the protocol has none */
};

/* A connection as conntrack has it: what its first packet was, and what the answer is that comes
 * back to the translation. */
struct nat_connection {
	struct nat_endpoint source, destination;             /* of the original direction */
	struct nat_endpoint reply_source, reply_destination; /* of the reply */
	uint16_t type_code;       /* ICMP, ICMPv6: type * 256 + code of the original direction */
	uint16_t reply_type_code; /* likewise */
	uint32_t id;              /* of the kernel, the same from begin to end */
	uint8_t protocol;
	uint8_t ip_version;
};

#endif
