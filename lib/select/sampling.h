/* sampling.h - which packets of a source count, where not all do.
 *
 * Place: capture source -> here -> flow cache. Pure but for its own state: random numbers come from
 * a seed, so a file gives the same choice at every run. One owner. Source: RFC 5475. */
#ifndef SAMPLING_H
#define SAMPLING_H

#include "bytes.h"
#include "decode.h"
#include "hash.h"
#include "samplers.h"

#define SAMPLING_INTERVAL_MAX 1000000

/* As configured; all 0: nothing said. */
struct sampling_choice {
	uint8_t method;         /* enum sampling_method */
	uint32_t interval;      /* of the method */
	uint32_t rule_interval; /* the rule hands over 1 in this many packets, 0: see its prefix */
};

#define SAMPLING_SEED_SIZE 32

/* What nobody outside knows; all zeros are as good as any where that does not matter. */
struct sampling_secret {
	uint8_t seed[SAMPLING_SEED_SIZE]; /* of chance */
	struct hash_key key;              /* of flows, and of packets if it is shared */
	bool is_shared;                   /* all agents that should choose alike have the key */
};

struct sampling {
	uint8_t method;     /* enum sampling_method */
	uint32_t interval;  /* 1 without a method */
	uint32_t countdown; /* deterministic: packets until one counts */
	uint64_t limit;     /* random: numbers below it count */
	uint64_t state[4];  /* random: of the generator */
	uint32_t hash_limit;
	bool is_keyed;       /* hash */
	struct hash_key key; /* hash, flows */
};

void sampling_init(struct sampling *sampling, const struct sampling_choice *choice,
		   const struct sampling_secret *secret);

/* Methods random and deterministic: whether the next packet counts, whatever it is; else true. */
bool sampling_takes_next(struct sampling *sampling);

/* Method hash: whether a packet counts, by a hash of addresses, protocol, IPv4 identification, and
 * the first 32 bytes after the IP header (none after the packet, such as padding) without the
 * checksum of TCP or UDP, which network cards fill in: what every router on the way leaves alone.
 * All agents choose the same packets (RFC 5475 section 6.2), if they capture all of these bytes:
 * with Ethernet, a tag and IPv6 that is a snap length of 90. With a shared key, only those that
 * have it do, and nobody else knows which packets. Others: true. 'info' and 'ip' are what
 * decode_packet_noted() made of the packet. */
bool sampling_takes_packet(const struct sampling *sampling, const struct packet_info *info,
			   struct reader ip);

/* Method flows: whether all packets of a flow count, and those of its reverse. Others: true. */
bool sampling_takes_flow(const struct sampling *sampling, const struct flow_key *key);

/* "s=N" as a word of a rule's prefix, beside any others: N, or 0 if there is none. Words end at
 * anything but letters, digits, '_', '-', '=' and '.'. 'size' bytes, as far as the first NUL. N is
 * 1 to 4294967295. */
uint32_t sampling_prefix_interval(const uint8_t *prefix, size_t size);

#endif
