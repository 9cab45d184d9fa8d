/* ip_protocol.h - IANA "Assigned Internet Protocol Numbers": those that flowagent treats in a way
 * of their own, and the names that operators use.
 *
 * Place: numbers for lib/decode and lib/cache, names for filters and rows. */
#ifndef IP_PROTOCOL_H
#define IP_PROTOCOL_H

#include <stdint.h>

enum ip_protocol {
	PROTOCOL_HOPOPT = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_DCCP = 33,
	PROTOCOL_IPv6_Route = 43,
	PROTOCOL_IPv6_Frag = 44,
	PROTOCOL_AH = 51,
	PROTOCOL_IPv6_ICMP = 58,
	PROTOCOL_IPv6_NoNxt = 59,
	PROTOCOL_IPv6_Opts = 60,
	PROTOCOL_SCTP = 132,
	PROTOCOL_Mobility = 135,
	PROTOCOL_UDPLite = 136,
	PROTOCOL_HIP = 139,
	PROTOCOL_Shim6 = 140,
};

/* The name of a protocol, in lower case; NULL if it has none here. Static. */
const char *ip_protocol_name(uint8_t protocol);
/* The number of a name, of which there may be several ("icmp6", "icmpv6"), in any case; -1 if it is
 * none. */
int ip_protocol_find(const char *name);

#endif
