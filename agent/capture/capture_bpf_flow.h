/* capture_bpf_flow.h - which flow an ordinary packet belongs to, as kernel and agent both find it.
 *
 * Place: part of capture_bpf_program.c, and of capture_bpf_offload.c, which knows by it under which
 * key the program will look for a packet that has come up. Compiled for both sides.
 *
 * Ordinary is what can be counted without the decoder, and comes to the same: TCP, UDP, GRE and ESP
 * right after an IP header without options, no fragments. What begins or ends a connection is not;
 * neither is what the decoder has a word to say about, such as a length that cannot be. */
#ifndef CAPTURE_BPF_FLOW_H
#define CAPTURE_BPF_FLOW_H

#include "capture_bpf_record.h"

#include <linux/types.h>

/* Keys of the tables. Host order, but for addresses and ports. The owner, the last two members, is
 * part of the key only with CAPTURE_BPF_TAKES_OWNER: else keys end before it. */
struct capture_bpf_key4 {
	__u32 addresses[2];
	__u32 ports;
	__u16 vlan_id;
	__u8 is_egress, protocol;
	__u8 tos, ttl; /* ttl: 0 without CAPTURE_BPF_TAKES_TTL */
	__u16 zero;
	__u32 user;
	__u64 cgroup;
};

struct capture_bpf_key6 {
	__u32 addresses[8];
	__u32 ports;
	__u16 vlan_id;
	__u8 is_egress, protocol;
	__u8 tos, ttl;
	__u16 zero;
	__u32 user;
	__u64 cgroup;
};

#define CAPTURE_BPF_KEY4_BYTES 20 /* without an owner */
#define CAPTURE_BPF_KEY6_BYTES 44
_Static_assert(__builtin_offsetof(struct capture_bpf_key4, user) == CAPTURE_BPF_KEY4_BYTES &&
		       __builtin_offsetof(struct capture_bpf_key6, user) == CAPTURE_BPF_KEY6_BYTES,
	       "the owner comes last");

/* What of an ordinary packet is in no header: of 'length' bytes with the link header. */
struct capture_bpf_frame {
	__u32 length;
	__u16 segment_bytes;
	__u16 vlan_tag;
	__u8 is_egress;
	__u8 takes;      /* bits of capture_bpf_record.h */
	__u8 link_bytes; /* of the link header: 14, or 0 where there is none */
};

/* What it adds to its flow. */
struct capture_bpf_sums {
	__u32 packets, octets;
	__u32 segment_octets; /* of them, those that segments have added */
	__u8 tcp_flags;
};

/* Numbers of protocols, and TCP flags FIN, SYN and RST: an own place, as kernel and agent have
 * other headers for them. */
#define CAPTURE_BPF_TCP          6
#define CAPTURE_BPF_UDP          17
#define CAPTURE_BPF_GRE          47
#define CAPTURE_BPF_ESP          50
#define CAPTURE_BPF_TCP_SPECIAL  0x07
#define CAPTURE_BPF_TCP_OFFSET   12
#define CAPTURE_BPF_TCP_FLAGS    13
#define CAPTURE_BPF_IPV4_BYTES   20
#define CAPTURE_BPF_IPV6_BYTES   40
#define CAPTURE_BPF_TCP_BYTES    20
#define CAPTURE_BPF_UDP_BYTES    8
#define CAPTURE_BPF_VLAN_ID_MASK 0x0fff

#define CAPTURE_BPF_INLINE static inline __attribute__((always_inline))

CAPTURE_BPF_INLINE __u16 capture_bpf_be16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

CAPTURE_BPF_INLINE __u32 capture_bpf_word(const __u8 *bytes)
{
	__u32 word;

	__builtin_memcpy(&word, bytes, sizeof(word));
	return word;
}

/* As many packets as the wire has of a superpacket of TCP: superpacket.c has the same for all. */
CAPTURE_BPF_INLINE int capture_bpf_segments(const struct capture_bpf_frame *frame, __u32 headers,
					    struct capture_bpf_sums *sums)
{
	const __u32 payload = sums->octets - headers;

	if (payload)
		sums->packets = (payload + frame->segment_bytes - 1) / frame->segment_bytes;
	sums->segment_octets = (sums->packets - 1) * headers;
	sums->octets += sums->segment_octets;
	return 1;
}

/* What follows an IP header of 'network' bytes, and begins at 'bytes'. sums->octets is set. */
CAPTURE_BPF_INLINE int capture_bpf_transport(const __u8 *bytes, const __u8 *end, __u32 network,
					     __u8 protocol, const struct capture_bpf_frame *frame,
					     __u32 *ports, struct capture_bpf_sums *sums)
{
	__u32 offset;

	sums->packets = 1;
	if (sums->octets < network || sums->octets > frame->length - frame->link_bytes)
		return 0;
	switch (protocol) {
	case CAPTURE_BPF_TCP:
		if (bytes + CAPTURE_BPF_TCP_BYTES > end ||
		    sums->octets < network + CAPTURE_BPF_TCP_BYTES)
			return 0;
		*ports = capture_bpf_word(bytes);
		sums->tcp_flags = bytes[CAPTURE_BPF_TCP_FLAGS];
		offset = (__u32)(bytes[CAPTURE_BPF_TCP_OFFSET] >> 4) * 4;
		if (sums->tcp_flags & CAPTURE_BPF_TCP_SPECIAL || offset < CAPTURE_BPF_TCP_BYTES ||
		    sums->octets < network + offset)
			return 0;
		return frame->segment_bytes ? capture_bpf_segments(frame, network + offset, sums)
					    : 1;
	case CAPTURE_BPF_UDP:
		if (bytes + CAPTURE_BPF_UDP_BYTES > end ||
		    sums->octets < network + CAPTURE_BPF_UDP_BYTES)
			return 0;
		*ports = capture_bpf_word(bytes);
		return !frame->segment_bytes;
	case CAPTURE_BPF_GRE:
	case CAPTURE_BPF_ESP: return !frame->segment_bytes;
	default: return 0;
	}
}

/* 4 or 6 if the frame says that an IP header follows, else 0. */
CAPTURE_BPF_INLINE int capture_bpf_version(const __u8 *bytes, const __u8 *end,
					   const struct capture_bpf_frame *frame)
{
	if (bytes + frame->link_bytes + CAPTURE_BPF_IPV4_BYTES > end)
		return 0;
	if (!frame->link_bytes)
		return bytes[0] >> 4;
	switch (capture_bpf_be16(bytes + 12)) {
	case 0x0800: return 4;
	case 0x86dd: return 6;
	default: return 0;
	}
}

/* Of an ordinary packet of IPv4 whose bytes there are from 'bytes' to 'end': fill key and sums,
 * which are all 0. Returns whether it is one. The owner is the caller's. */
CAPTURE_BPF_INLINE int capture_bpf_flow4(const __u8 *bytes, const __u8 *end,
					 const struct capture_bpf_frame *frame,
					 struct capture_bpf_key4 *key,
					 struct capture_bpf_sums *sums)
{
	const __u8 *ip = bytes + frame->link_bytes;

	if (ip + CAPTURE_BPF_IPV4_BYTES > end || ip[0] != 0x45 ||
	    (capture_bpf_be16(ip + 6) & 0x3fff))
		return 0;
	sums->octets = capture_bpf_be16(ip + 2);
	key->addresses[0] = capture_bpf_word(ip + 12);
	key->addresses[1] = capture_bpf_word(ip + 16);
	key->protocol = ip[9];
	key->tos = ip[1];
	key->ttl = frame->takes & CAPTURE_BPF_TAKES_TTL ? ip[8] : 0;
	key->vlan_id = frame->vlan_tag & CAPTURE_BPF_VLAN_ID_MASK;
	key->is_egress = frame->is_egress;
	return capture_bpf_transport(ip + CAPTURE_BPF_IPV4_BYTES, end, CAPTURE_BPF_IPV4_BYTES,
				     ip[9], frame, &key->ports, sums);
}

/* The same of IPv6. */
CAPTURE_BPF_INLINE int capture_bpf_flow6(const __u8 *bytes, const __u8 *end,
					 const struct capture_bpf_frame *frame,
					 struct capture_bpf_key6 *key,
					 struct capture_bpf_sums *sums)
{
	const __u8 *ip = bytes + frame->link_bytes;

	if (ip + CAPTURE_BPF_IPV6_BYTES > end || ip[0] >> 4 != 6)
		return 0;
	sums->octets = CAPTURE_BPF_IPV6_BYTES + (__u32)capture_bpf_be16(ip + 4);
	__builtin_memcpy(key->addresses, ip + 8, sizeof(key->addresses));
	key->protocol = ip[6];
	key->tos = (__u8)(capture_bpf_be16(ip) >> 4);
	key->ttl = frame->takes & CAPTURE_BPF_TAKES_TTL ? ip[7] : 0;
	key->vlan_id = frame->vlan_tag & CAPTURE_BPF_VLAN_ID_MASK;
	key->is_egress = frame->is_egress;
	return capture_bpf_transport(ip + CAPTURE_BPF_IPV6_BYTES, end, CAPTURE_BPF_IPV6_BYTES,
				     ip[6], frame, &key->ports, sums);
}

#endif
