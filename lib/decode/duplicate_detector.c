/* duplicate_detector.c - a small direct-mapped table of hashes, begun anew for each batch.
 *
 * Place: beside decode. What the hash covers: the side and the first 64 bytes from the IP header
 * on, which hold addresses, identification, ports, sequence numbers and checksums. The hash is
 * keyed, or packets could be chosen to raise an alarm. A packet seen a third time counts as one
 * more that was looked at: a sender that repeats one packet a thousand times makes one pair and no
 * share, while two rules make half of all packets second ones, and three rules a third. A sender
 * that repeats each of its packets makes the same share as two rules, but only of its own packets:
 * so the second packets of the sender that has most of them are no evidence (a majority vote finds
 * it). Of a broadcast or multicast that this host sends the kernel itself makes copies, one for its
 * own sockets and one for each port of a bridge. */
#include "duplicate_detector.h"

#include "bytes.h"
#include "decode.h"
#include "ip_protocol.h"

#include <string.h>

#define SLOTS        128 /* for batches of 32 */
#define HASHED_BYTES 64
#define SAME_TIME_MS 1 /* between two copies: without a stamp, when it is read counts */

enum { /* RFC 791 section 3.1, RFC 8200 section 3: two bytes, two, one */
       AT_IPv4_IDENTIFICATION = 4,
       AT_IPv6_PAYLOAD_LENGTH = 4,
       AT_IPv6_NEXT_HEADER = 6,
};

enum { IPv4_MULTICAST = 224, IPv6_MULTICAST = 0xff }; /* first byte of the address */

/* An IPv6 payload of more than this has data after the longest TCP header (RFC 9293 section 3.1).
 */
#define TCP_HEADER_MAX 60

struct slot {
	uint64_t hash;
	unix_ms time_ms;
	uint32_t seen; /* 0: free */
};

void duplicate_detector_init(struct duplicate_detector *detector, const uint8_t hash_key[static 16])
{
	*detector = (struct duplicate_detector){ .hash_key = hash_key_of(hash_key) };
}

/* Whether no other packet can look like this one, and the kernel makes no copies of it. The
 * address 224.0.0.0 and all above it are multicast, reserved, or the broadcast to all. */
static bool is_unique(const struct flow_key *key, const uint8_t *header)
{
	const uint8_t destination = flow_destination_address(key)[0];

	if (key->ip_version == 4)
		return load_be16(header + AT_IPv4_IDENTIFICATION) != 0 &&
		       destination < IPv4_MULTICAST;
	return header[AT_IPv6_NEXT_HEADER] == PROTOCOL_TCP && destination != IPv6_MULTICAST &&
	       load_be16(header + AT_IPv6_PAYLOAD_LENGTH) > TCP_HEADER_MAX;
}

static uint64_t source_hash(struct hash_key hash_key, const struct flow_key *key)
{
	uint8_t address[16] = { 0 };

	memcpy(address, flow_source_address(key), flow_address_size(key));
	return hash_words(hash_key, address, sizeof(address));
}

/* A packet came a second time: a vote for its sender, or against the one that has most votes. */
static void vote(struct duplicate_detector *detector, uint64_t source)
{
	if (detector->main_votes == 0)
		detector->main_source = source;
	if (detector->main_source == source) {
		detector->main_votes++;
	} else {
		detector->main_votes--;
		detector->recent_of_others++;
	}
}

/* Count one packet. Returns whether it is the second of its kind. */
static bool take(struct slot *slots, uint64_t hash, unix_ms time_ms)
{
	struct slot *slot = &slots[hash % SLOTS];
	bool is_same = slot->seen && slot->hash == hash &&
		       time_ms - slot->time_ms <= SAME_TIME_MS &&
		       slot->time_ms - time_ms <= SAME_TIME_MS;

	if (!is_same)
		*slot = (struct slot){ .hash = hash, .time_ms = time_ms };
	slot->seen++;
	return slot->seen == 2;
}

static bool is_suspicious(const struct duplicate_detector *detector)
{
	return detector->recent_of_others >= DUPLICATE_PACKETS_MIN &&
	       (uint64_t)detector->recent_twice * 100 >=
		       (uint64_t)detector->recent_sampled * DUPLICATE_SHARE_PERCENT;
}

bool duplicate_detector_sample(struct duplicate_detector *detector,
			       const struct packet_view *packets, size_t count)
{
	struct duplicate_statistics *statistics = &detector->statistics;
	const bool was_suspected = statistics->sources_suspected != 0;
	struct slot slots[SLOTS] = { 0 };

	for (size_t i = 0; i < count; i++) {
		uint8_t hashed[HASHED_BYTES + 8] = { packets[i].side };
		struct packet_info info;
		struct reader ip;
		bool is_second;

		if (decode_packet_noted(&packets[i], &info, NULL, &ip) != DROP_NONE ||
		    !is_unique(&info.key, ip.next))
			continue;
		reader_limit(&ip, HASHED_BYTES);
		memcpy(hashed + 8, ip.next, reader_left(&ip));
		is_second = take(slots, hash_words(detector->hash_key, hashed, sizeof(hashed)),
				 packets[i].time_ms);
		statistics->packets_sampled++;
		statistics->packets_seen_twice += is_second;
		detector->recent_sampled++;
		detector->recent_twice += is_second;
		if (is_second)
			vote(detector, source_hash(detector->hash_key, &info.key));
	}
	statistics->sources_suspected = is_suspicious(detector);
	if (detector->recent_sampled >= DUPLICATE_RECENT) {
		detector->recent_sampled /= 2;
		detector->recent_twice /= 2;
		detector->recent_of_others /= 2;
		detector->main_votes /= 2;
	}
	return statistics->sources_suspected && !was_suspected;
}
