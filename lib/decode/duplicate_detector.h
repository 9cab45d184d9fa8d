/* duplicate_detector.h - notices that two rules log the same packets to one source, so that all of
 * their flows count twice.
 *
 * Place: beside decode, on a sample of a live source's batches. Pure. It looks at packets that can
 * be distinguished from any other one: IPv4 with an identification other than 0 (RFC 6864 lets
 * atomic datagrams have any), and IPv6 TCP segments with data. Such a packet that comes a second
 * time within 1 ms, on the same side and equal in all of its first bytes, is the same packet. Only
 * a share of them is a verdict, and only if they have several senders: networks duplicate a packet
 * now and then, and a sender may repeat all of its own. Broadcasts and multicasts are not looked
 * at, as the kernel hands out copies of them. Limits: copies that went through forwarding between
 * two hooks differ in their hop limit, and each source is looked at alone. */
#ifndef DUPLICATE_DETECTOR_H
#define DUPLICATE_DETECTOR_H

#include "hash.h"
#include "packet.h"

#include <stdbool.h>

/* Suspected from this share of the recent sample on, with this many second packets of others than
 * the sender that has most. */
#define DUPLICATE_SHARE_PERCENT 10
#define DUPLICATE_PACKETS_MIN   8
/* Packets of a sample after which older ones count half. */
#define DUPLICATE_RECENT 1024

struct duplicate_statistics {
	uint64_t packets_sampled;    /* looked at, of those that are distinguishable */
	uint64_t packets_seen_twice; /* came a second time */
	uint64_t sources_suspected;  /* of one source 1 or 0, by its recent packets */
};

struct duplicate_detector {
	struct hash_key hash_key;
	struct duplicate_statistics statistics; /* since the beginning */
	uint32_t recent_sampled;
	uint32_t recent_twice;
	uint32_t recent_of_others; /* of recent_twice, those of others than the main source then */
	uint32_t main_votes;
	uint64_t main_source; /* hash of its address */
};

void duplicate_detector_init(struct duplicate_detector *detector,
			     const uint8_t hash_key[static 16]);

/* Look at one batch in the order of its packets. Copies stand next to each other in a group, so a
 * batch is enough to see them. Bounded memory, never allocates. Returns whether suspicion begins
 * with it. */
bool duplicate_detector_sample(struct duplicate_detector *detector,
			       const struct packet_view *packets, size_t count);

#endif
