/* sampling.c - the choice of packets: by chance, by count, by what they hold, by their flow.
 *
 * Place: worker -> here. Chance and count are asked before a packet is decoded, which is what makes
 * sampling cheap; the others after. */
#include "sampling.h"

#include "bob_hash.h"
#include "connection_hash.h"
#include "hash.h"
#include "ip_protocol.h"

#include <ctype.h>

#define PAYLOAD_BYTES 32 /* the header of TCP and 12 bytes, that of UDP and 24 */
/* Addresses, protocol, identification, payload, and a byte for their size; in words of 8. */
#define CONTENT_SIZE 72
_Static_assert(2 * 16 + 1 + 2 + PAYLOAD_BYTES < CONTENT_SIZE, "all of it fits, and its size");

enum {
	IPv4_IDENTIFICATION = 4, /* RFC 791 section 3.1: two bytes */
	IPv6_HEADER_SIZE = 40,   /* RFC 8200 section 3 */
	TCP_CHECKSUM = 16,       /* RFC 9293 section 3.1: two bytes */
	UDP_CHECKSUM = 6,        /* RFC 768: two bytes */
};

void sampling_init(struct sampling *sampling, const struct sampling_choice *choice,
		   const struct sampling_secret *secret)
{
	const uint32_t interval = choice->method && choice->interval ? choice->interval : 1;

	*sampling = (struct sampling){
		.method = choice->method,
		.interval = interval,
		.countdown = interval,
		.limit = UINT64_MAX / interval,
		.hash_limit = UINT32_MAX / interval,
		.is_keyed = secret->is_shared,
		.key = secret->key,
	};
	/* Spread the seed, so that the generator never starts with all zeros. */
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t word;

		memcpy(&word, secret->seed + 8 * i, sizeof(word));
		word += i + 1;
		sampling->state[i] = hash_words(hash_key_of(secret->seed), &word, sizeof(word));
	}
}

/* xoshiro256**, Blackman and Vigna: 64 bits that pass all known tests, period 2^256 - 1. */
static uint64_t next_random(uint64_t state[static 4])
{
	const uint64_t result = hash_rotate(state[1] * 5, 7) * 9;
	const uint64_t shifted = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = hash_rotate(state[3], 45);
	return result;
}

bool sampling_takes_next(struct sampling *sampling)
{
	switch (sampling->method) {
	case SAMPLING_random: return next_random(sampling->state) <= sampling->limit;
	case SAMPLING_deterministic:
		if (--sampling->countdown)
			return false;
		sampling->countdown = sampling->interval;
		return true;
	default: return true;
	}
}

static void blank_checksum(uint8_t *payload, size_t size, uint8_t protocol)
{
	size_t offset;

	switch (protocol) {
	case PROTOCOL_TCP: offset = TCP_CHECKSUM; break;
	case PROTOCOL_UDP: offset = UDP_CHECKSUM; break;
	default: return;
	}
	if (size >= offset + 2)
		memset(payload + offset, 0, 2);
}

/* Where there is a secret: the start of BOB would be one of 32 bits, and bytes that collide with
 * one start collide with others. 'content' is filled up with zeros. */
static uint32_t keyed_hash(struct hash_key key, uint8_t content[static CONTENT_SIZE], size_t size)
{
	content[CONTENT_SIZE - 1] = (uint8_t)size;
	return bob_hash_number(hash_words(key, content, CONTENT_SIZE));
}

/* The bytes that a packet's hash covers. It leaves out what a link adds after the packet, to fill
 * the frame up or to check it: the next link may do neither. */
static uint32_t packet_hash(const struct sampling *sampling, const struct packet_info *info,
			    struct reader ip)
{
	const struct flow_key *key = &info->key;
	const uint8_t *header = ip.next;
	uint8_t content[CONTENT_SIZE] = { 0 };
	struct writer writer = writer_of(content, sizeof(content));
	size_t header_size = IPv6_HEADER_SIZE;
	uint8_t *payload;
	size_t size;

	writer_bytes(&writer, key->addresses, 2 * flow_address_size(key));
	writer_u8(&writer, key->protocol);
	if (key->ip_version == 4) {
		writer_bytes(&writer, header + IPv4_IDENTIFICATION, 2);
		header_size = (size_t)(header[0] & 0x0f) * 4;
	}
	if (!reader_take(&ip, header_size))
		ip.next = ip.end; /* options are cut off */
	size = reader_left(&ip) < PAYLOAD_BYTES ? reader_left(&ip) : PAYLOAD_BYTES;
	payload = writer.next;
	writer_bytes(&writer, ip.next, size);
	blank_checksum(payload, size, key->protocol);
	size = writer_size(&writer);
	return sampling->is_keyed ? keyed_hash(sampling->key, content, size)
				  : bob_hash(content, size, 0);
}

bool sampling_takes_packet(const struct sampling *sampling, const struct packet_info *info,
			   struct reader ip)
{
	if (sampling->method != SAMPLING_hash)
		return true;
	return packet_hash(sampling, info, ip) <= sampling->hash_limit;
}

bool sampling_takes_flow(const struct sampling *sampling, const struct flow_key *key)
{
	/* Not of the key itself, which differs between the two directions of a connection. */
	return sampling->method != SAMPLING_flows ||
	       connection_hash_sample(sampling->key, key) <= sampling->hash_limit;
}

static bool is_word_character(uint8_t character)
{
	return isalnum(character) || (character && strchr("_-=.", character));
}

/* The digits of a word as a number; 0 if they are none, or not all of the word, or too large. */
static uint32_t number_of(const uint8_t *digits, const uint8_t *end)
{
	uint64_t number = 0;

	for (; digits < end && isdigit(*digits); digits++) {
		number = number * 10 + (uint64_t)(*digits - '0');
		if (number > UINT32_MAX)
			return 0;
	}
	return digits < end && is_word_character(*digits) ? 0 : (uint32_t)number;
}

uint32_t sampling_prefix_interval(const uint8_t *prefix, size_t size)
{
	const uint8_t *end = size ? memchr(prefix, 0, size) : NULL;

	end = end ? end : prefix + size;
	for (const uint8_t *next = prefix; end - next >= 3; next++) {
		uint32_t number;

		if ((next > prefix && is_word_character(next[-1])) || next[0] != 's' ||
		    next[1] != '=')
			continue;
		number = number_of(next + 2, end);
		if (number)
			return number;
	}
	return 0;
}
