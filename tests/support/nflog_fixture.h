/* nflog_fixture.h - netfilter log datagrams, built as bytes, and what is read of them.
 *
 * For tests of the parser, each of which includes this once. */
#ifndef NFLOG_FIXTURE_H
#define NFLOG_FIXTURE_H

#include "capture_nflog_parse.h"
#include "check.h"

#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>

enum { PACKET = 0x0400, RECEIVED_MS = 777000, SNAPLEN = 128, MAX_VIEWS = 64 };

/* A datagram under construction. Netlink's own integers are in host order. */
struct datagram {
	uint8_t bytes[8192];
	size_t size;
	size_t message; /* where the current message starts */
};

static inline void put(struct datagram *datagram, const void *bytes, size_t size)
{
	memcpy(datagram->bytes + datagram->size, bytes, size);
	datagram->size += size;
}

static inline void put_host16(struct datagram *datagram, uint16_t value)
{
	put(datagram, &value, sizeof(value));
}

static inline void begin_message(struct datagram *datagram, uint16_t type, uint8_t family)
{
	const uint8_t rest[8 + 4] = { [8] = family }; /* sequence, port; nfgenmsg */

	datagram->message = datagram->size;
	put_host16(datagram, 0);
	put_host16(datagram, 0);
	put_host16(datagram, type);
	put_host16(datagram, 0); /* flags */
	put(datagram, rest, sizeof(rest));
}

static inline void put_attribute(struct datagram *datagram, uint16_t type, const void *value,
				 size_t size)
{
	static const uint8_t zeros[4];

	put_host16(datagram, (uint16_t)(size + 4));
	put_host16(datagram, type);
	put(datagram, value, size);
	put(datagram, zeros, -size % 4);
}

static inline void put_u32(struct datagram *datagram, uint16_t type, uint32_t value)
{
	uint32_t value_be = htobe32(value);

	put_attribute(datagram, type, &value_be, sizeof(value_be));
}

static inline void end_message(struct datagram *datagram)
{
	uint32_t length = (uint32_t)(datagram->size - datagram->message);

	memcpy(datagram->bytes + datagram->message, &length, sizeof(length));
}

/* A packet message as hook prerouting makes it: payload "ABCDE". */
static inline void put_packet(struct datagram *datagram, uint32_t sequence)
{
	const uint8_t header[4] = { 0x08, 0x00, 0, 0 };

	begin_message(datagram, PACKET, 2);
	put_attribute(datagram, NFULA_PACKET_HDR, header, sizeof(header));
	put_attribute(datagram, NFULA_PREFIX, "", 1);
	put_u32(datagram, NFULA_SEQ, sequence);
	put_attribute(datagram, NFULA_PAYLOAD, "ABCDE", 5);
	end_message(datagram);
}

/* Parse a datagram from a block of exactly its size. The views are good until release(). */
struct parsed {
	struct packet_view views[MAX_VIEWS];
	size_t count;
	uint8_t *block;
};

static inline struct parsed parse(struct capture_nflog_parser *parser, const uint8_t *bytes,
				  size_t size)
{
	struct parsed parsed = { .block = malloc(size ? size : 1) };

	assert_non_null(parsed.block);
	memcpy(parsed.block, bytes, size);
	capture_nflog_parse_begin(parser, parsed.block, size, RECEIVED_MS);
	parsed.count = capture_nflog_parse(parser, parsed.views, MAX_VIEWS);
	return parsed;
}

static inline void release(struct parsed *parsed)
{
	free(parsed->block);
}

#endif
