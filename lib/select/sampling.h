/* sampling.h - which packets of a source count, where not all do.
 *
 * Place: capture source -> here -> flow cache. Pure but for its own state: random numbers come from
 * a seed, so a file gives the same choice at every run. One owner. Source: RFC 5475. */
#ifndef SAMPLING_H
#define SAMPLING_H

#include "bytes.h"
#include "decode.h"
#include "samplers.h"

#define SAMPLING_INTERVAL_MAX 1000000

/* As configured; all 0: nothing said. */
struct sampling_choice {
	uint8_t method;         /* enum sampling_method */
	uint32_t interval;      /* of the method */
	uint32_t rule_interval; /* the rule hands over 1 in this many packets, 0: see its prefix */
};

#define SAMPLING_SEED_SIZE 32

struct sampling {
	uint8_t method;     /* enum sampling_method */
	uint32_t interval;  /* 1 without a method */
	uint32_t countdown; /* deterministic: packets until one counts */
	uint64_t limit;     /* random: numbers below it count */
	uint64_t state[4];  /* random: of the generator */
	uint32_t hash_start, hash_limit;
};

/* 'seed' should be random where packets are live; all zeros are as good as any. */
void sampling_init(struct sampling *sampling, const struct sampling_choice *choice,
		   const uint8_t seed[static SAMPLING_SEED_SIZE]);

/* Methods random and deterministic: whether the next packet counts, whatever it is; else true. */
bool sampling_takes_next(struct sampling *sampling);

/* Method hash: whether a packet counts, by a hash of addresses, protocol, IPv4 identification, and
 * the first 32 bytes after the IP header (none after the packet, such as padding) without the
 * checksum of TCP or UDP, which network cards fill in: what every router on the way leaves alone.
 * The start of the hash is fixed, so that all agents choose the same packets (RFC 5475
 * section 6.2), if they capture all of these bytes: with Ethernet, a tag and IPv6 that is a snap
 * length of 90. Others: true. 'info' and 'ip' are what decode_packet_noted() made of the packet. */
bool sampling_takes_packet(const struct sampling *sampling, const struct packet_info *info,
			   struct reader ip);

/* Method flows: whether all packets of a flow count, and those of its reverse. The start of the
 * hash is of the seed, so that nobody outside knows which do. Others: true. */
bool sampling_takes_flow(const struct sampling *sampling, const struct flow_key *key);

/* "s=N" as a word of a rule's prefix, beside any others: N, or 0 if there is none. Words end at
 * anything but letters, digits, '_', '-', '=' and '.'. 'size' bytes, as far as the first NUL. N is
 * 1 to 4294967295. */
uint32_t sampling_prefix_interval(const uint8_t *prefix, size_t size);

#endif
