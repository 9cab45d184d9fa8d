/* flow.h - the datum of the project: what a flow is, and the record that leaves the cache.
 *
 * Place: decode -> flow_key -> flow cache -> flow_record -> exporter. Integers are in host order,
 * addresses are byte arrays as on the wire. */
#ifndef FLOW_H
#define FLOW_H

#include "clock.h"

#include <stddef.h>
#include <stdint.h>

/* Flow Key (RFC 7011 section 2). Unused members are 0. Fixed part first, addresses last, so that an
 * IPv4 key is a prefix: hash and comparison look at flow_key_size() bytes and never at padding. */
struct flow_key {
	uint16_t source_port;      /* 0 where the protocol has none */
	uint16_t destination_port; /* ICMP, ICMPv6: type * 256 + code */
	uint8_t protocol;          /* protocolIdentifier */
	uint8_t tos;               /* ipClassOfService: ToS byte or traffic class */
	uint16_t vlan_id;          /* outermost tag, 0 without one */
	uint32_t input_interface;  /* ingressInterface, 0 if none */
	uint32_t output_interface; /* egressInterface, 0 if none */
	uint32_t mark;             /* netfilter mark if the key asks for it */
	uint8_t side;              /* enum flow_side */
	uint8_t ip_version;        /* 4 or 6 */
	uint8_t sampler;           /* samplers.h: how its packets were chosen, 0: all of them */
	uint8_t zero;
	uint8_t addresses[32]; /* source then destination: 4 + 4 bytes (IPv4) or 16 + 16 (IPv6) */
};

#define FLOW_KEY_FIXED_SIZE offsetof(struct flow_key, addresses)
_Static_assert(FLOW_KEY_FIXED_SIZE == 24 && sizeof(struct flow_key) == 56,
	       "flow_key has no hidden padding");

/* Bytes of an address of this key: 4 or 16. */
static inline size_t flow_address_size(const struct flow_key *key)
{
	return key->ip_version == 4 ? 4 : 16;
}

static inline const uint8_t *flow_source_address(const struct flow_key *key)
{
	return key->addresses;
}

static inline const uint8_t *flow_destination_address(const struct flow_key *key)
{
	return key->addresses + flow_address_size(key);
}

/* Bytes of the key that count: 32 (IPv4) or 56 (IPv6); a multiple of 8. */
static inline size_t flow_key_size(const struct flow_key *key)
{
	return FLOW_KEY_FIXED_SIZE + 2 * flow_address_size(key);
}

/* flowEndReason (136), RFC 5102 section 5.11.3 and the IANA registry; but for the last, whose
 * records no collector gets. */
enum flow_end_reason {
	FLOW_END_none = 0,
	FLOW_END_idleTimeout = 1,
	FLOW_END_activeTimeout = 2,
	FLOW_END_endOfFlowDetected = 3,
	FLOW_END_forcedEnd = 4,
	FLOW_END_lackOfResources = 5,
	FLOW_END_dropped, /* somebody had it forgotten */
	FLOW_END_COUNT
};

/* The name that summary and control protocol use for a reason, such as "inactive"; static
 * storage. */
const char *flow_end_reason_name(enum flow_end_reason reason);

/* Whether a record leaves together with that of the other direction (RFC 5103: a biflow). */
enum flow_pairing {
	FLOW_alone = 0,
	FLOW_forward, /* the next record is its reverse */
	FLOW_reverse, /* of the record before */
};

/* biflowDirection (239), RFC 5103 section 6.3: why the forward direction is that. */
enum biflow_direction {
	BIFLOW_arbitrary = 0,
	BIFLOW_initiator = 1, /* its source has opened the connection, or has asked */
};

/* How good a TCP connection is, as far as the packets of one direction say (tcp_track.h). Times are
 * in microseconds and more by 1; 0: not known. */
struct tcp_quality {
	uint32_t
		handshake_us; /* round-trip time: from the SYN to the ACK that ends the handshake */
	uint32_t client_us;   /* what of it lies between here and who opened the connection */
	uint32_t server_us;   /* what lies between here and who answered */
	uint32_t retransmitted; /* packets; if is_known */
	uint32_t out_of_order;  /* likewise */
	uint8_t is_known;       /* bool; a byte, for any may be found in memory that was kept */
};

/* A flow that has left the cache, or a copy of one still in it (then end_reason is FLOW_END_none).
 */
struct flow_record {
	struct flow_key key;
	uint64_t packets;         /* packetDeltaCount */
	uint64_t octets;          /* octetDeltaCount: layer-3 lengths */
	unix_ms first_ms;         /* lowest packet time stamp */
	unix_ms last_ms;          /* highest packet time stamp */
	cache_ms expired_ms;      /* when it left, on the cache's clock */
	uint8_t tcp_flags;        /* tcpControlBits, OR of all packets */
	uint8_t end_reason;       /* enum flow_end_reason */
	uint8_t pairing;          /* enum flow_pairing */
	uint8_t biflow_direction; /* enum biflow_direction; of the forward direction */
	/* What optional columns of the cache know (flow_columns.def); 0 without them. */
	uint8_t minimum_ttl, maximum_ttl; /* minimumTTL, maximumTTL */
	uint32_t physical_input;          /* ingressPhysicalInterface */
	uint32_t physical_output;         /* egressPhysicalInterface */
	/* Likewise; without their columns they are not written, and rings have no place for them.
	 * Link addresses are numbers of 48 bits, with what packet_note.h adds. */
	uint64_t source_mac, destination_mac;
	/* Whose the socket at this host's end is, as in packet_owner. */
	uint64_t cgroup;
	uint32_t user;
	struct tcp_quality tcp;
};

/* Records lie in rings by the thousand: this much of each, unless somebody asks for more. */
#define FLOW_RECORD_BASE_SIZE offsetof(struct flow_record, source_mac)
_Static_assert(FLOW_RECORD_BASE_SIZE == 112, "flow_record has not grown");

#endif
