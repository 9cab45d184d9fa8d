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
#include "ip_protocol.h"

#include <string.h>

#define SLOTS         128 /* for batches of 32 */
#define HASHED_BYTES  64
#define SAME_TIME_MS  1 /* between two copies: without a stamp, when it is read counts */
#define ETHERNET_SIZE 14

#define IPv4_HEADER_SIZE 20 /* RFC 791 section 3.1 */
#define IPv6_HEADER_SIZE 40 /* RFC 8200 section 3 */

enum { ETHERTYPE_IPv4 = 0x0800, ETHERTYPE_IPv6 = 0x86dd };

enum { /* RFC 791 section 3.1, RFC 8200 section 3 */
       AT_IPv4_IDENTIFICATION = 4,
       AT_IPv4_SOURCE = 12,
       AT_IPv4_DESTINATION = 16,
       AT_IPv6_SOURCE = 8,
       AT_IPv6_DESTINATION = 24,
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

/* The bytes from the IP header on; none where that is not plain. Deeper stacks of link headers are
 * not worth their while here. */
static struct reader ip_packet(const struct packet_view *packet)
{
	struct reader rest = reader_of(packet->bytes, packet->captured_bytes);
	const uint8_t *ethernet;
	uint16_t ethertype = packet->ethertype;

	switch (packet->link) {
	case LINK_IPV4:
	case LINK_IPV6: return rest;
	case LINK_ETHERTYPE: break;
	case LINK_ETHERNET:
		ethernet = reader_take(&rest, ETHERNET_SIZE);
		ethertype = ethernet ? load_be16(ethernet + 12) : 0;
		break;
	default: ethertype = 0;
	}
	if (ethertype != ETHERTYPE_IPv4 && ethertype != ETHERTYPE_IPv6)
		rest.end = rest.next;
	return rest;
}

/* Whether no other packet can look like this one, and the kernel makes no copies of it. The
 * address 224.0.0.0 and all above it are multicast, reserved, or the broadcast to all. */
static bool is_unique(const uint8_t *header, size_t size)
{
	if (size >= IPv4_HEADER_SIZE && header[0] >> 4 == 4)
		return load_be16(header + AT_IPv4_IDENTIFICATION) != 0 &&
		       header[AT_IPv4_DESTINATION] < IPv4_MULTICAST;
	return size >= IPv6_HEADER_SIZE && header[0] >> 4 == 6 && header[6] == PROTOCOL_TCP &&
	       header[AT_IPv6_DESTINATION] != IPv6_MULTICAST &&
	       load_be16(header + 4) > TCP_HEADER_MAX;
}

/* The sender of a packet that is_unique(). */
static uint64_t source_hash(struct hash_key key, const uint8_t *header)
{
	uint8_t address[16] = { 0 };

	if (header[0] >> 4 == 4)
		memcpy(address, header + AT_IPv4_SOURCE, 4);
	else
		memcpy(address, header + AT_IPv6_SOURCE, 16);
	return hash_words(key, address, sizeof(address));
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
		const struct reader packet = ip_packet(&packets[i]);
		const size_t size = reader_left(&packet);
		uint8_t hashed[HASHED_BYTES + 8] = { packets[i].side };
		bool is_second;

		if (!is_unique(packet.next, size))
			continue;
		memcpy(hashed + 8, packet.next, size < HASHED_BYTES ? size : HASHED_BYTES);
		is_second = take(slots, hash_words(detector->hash_key, hashed, sizeof(hashed)),
				 packets[i].time_ms);
		statistics->packets_sampled++;
		statistics->packets_seen_twice += is_second;
		detector->recent_sampled++;
		detector->recent_twice += is_second;
		if (is_second)
			vote(detector, source_hash(detector->hash_key, packet.next));
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
