/* agentctl_selftest_packets.c - UDP and TCP of IPv4 and IPv6, to and fro, as a pcap file.
 *
 * Addresses are those of documentation (RFC 5737, RFC 3849). Checksums are 0: nobody checks them in
 * a capture. */
#include "agentctl_selftest_packets.h"

#include "bytes.h"
#include "ip_protocol.h"

#include <assert.h>

#define PCAP_MAGIC UINT32_C(0xa1b2c3d4) /* microseconds */

enum {
	PCAP_SNAPLEN = 65535,
	LINK_ETHERNET = 1,
	ETHERTYPE_IPv4 = 0x0800,
	ETHERTYPE_IPv6 = 0x86dd,
	IPv4_HEADER = 20,
	IPv6_HEADER = 40,
	UDP_HEADER = 8,
	TCP_HEADER = 20,
	ETHERNET_HEADER = 14,
	TTL = 64,
};

/* One flow: packets of one size. */
static const struct packet_row {
	uint8_t ip_version;
	uint8_t protocol;
	uint16_t source_port, destination_port;
	uint8_t source, destination; /* last byte of the addresses */
	uint16_t payload;
	unsigned int packets;
} rows[] = {
	{ 4, PROTOCOL_UDP, 50000, 53, 10, 7, 40, 3 },
	{ 4, PROTOCOL_UDP, 53, 50000, 7, 10, 200, 3 },
	{ 4, PROTOCOL_TCP, 40000, 443, 10, 7, 100, 12 },
	{ 4, PROTOCOL_TCP, 443, 40000, 7, 10, 1200, 10 },
	{ 6, PROTOCOL_UDP, 50001, 53, 10, 7, 40, 2 },
	{ 6, PROTOCOL_TCP, 41000, 443, 10, 7, 700, 5 },
	{ 6, PROTOCOL_TCP, 443, 41000, 7, 10, 1100, 4 },
};

static void write_transport(struct writer *file, const struct packet_row *row, uint32_t sequence)
{
	static const uint8_t zeros[1500];

	writer_u16(file, row->source_port);
	writer_u16(file, row->destination_port);
	if (row->protocol == PROTOCOL_UDP) {
		writer_u16(file, (uint16_t)(UDP_HEADER + row->payload));
		writer_u16(file, 0);
	} else {
		writer_u32(file, sequence);
		writer_u32(file, 1);
		writer_u16(file, 0x5018); /* 5 words; ACK and PSH */
		writer_u16(file, 8192);
		writer_u32(file, 0);
	}
	assert(row->payload <= sizeof(zeros));
	writer_bytes(file, zeros, row->payload);
}

static void write_address(struct writer *file, const struct packet_row *row, uint8_t last)
{
	static const uint8_t ipv6[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t ipv4[] = { 192, 0, 2 };

	if (row->ip_version == 4)
		writer_bytes(file, ipv4, sizeof(ipv4));
	else
		writer_bytes(file, ipv6, sizeof(ipv6));
	writer_u8(file, last);
}

/* Bytes from the IP header on. */
static uint16_t packet_size(const struct packet_row *row)
{
	return (uint16_t)((row->ip_version == 4 ? IPv4_HEADER : IPv6_HEADER) +
			  (row->protocol == PROTOCOL_UDP ? UDP_HEADER : TCP_HEADER) + row->payload);
}

static void write_packet(struct writer *file, const struct packet_row *row, unix_ms time,
			 uint32_t number)
{
	const uint16_t size = packet_size(row);

	writer_u32(file, (uint32_t)(time / 1000));
	writer_u32(file, (uint32_t)(time % 1000) * 1000);
	writer_u32(file, (uint32_t)size + ETHERNET_HEADER);
	writer_u32(file, (uint32_t)size + ETHERNET_HEADER);
	writer_u64(file, 0x0200000000010200); /* two addresses of 6 bytes */
	writer_u32(file, 0x00000002);
	writer_u16(file, row->ip_version == 4 ? ETHERTYPE_IPv4 : ETHERTYPE_IPv6);
	if (row->ip_version == 4) {
		writer_u16(file, 0x4500);
		writer_u16(file, size);
		writer_u32(file, number << 16 | 0x4000); /* identification; do not fragment */
		writer_u16(file, (uint16_t)(TTL << 8 | row->protocol));
		writer_u16(file, 0);
	} else {
		writer_u32(file, UINT32_C(6) << 28);
		writer_u16(file, (uint16_t)(size - IPv6_HEADER));
		writer_u16(file, (uint16_t)(row->protocol << 8 | TTL));
	}
	write_address(file, row, row->source);
	write_address(file, row, row->destination);
	write_transport(file, row, number * 2000);
}

size_t selftest_packets_write(uint8_t bytes[static SELFTEST_FILE_SIZE], unix_ms now,
			      struct selftest_sums *sums)
{
	struct writer file = writer_of(bytes, SELFTEST_FILE_SIZE);
	unix_ms time = now - 1000;

	*sums = (struct selftest_sums){ .flows = 0 };
	writer_u32(&file, PCAP_MAGIC);
	writer_u32(&file, 0x00020004); /* version 2.4 */
	writer_u64(&file, 0);
	writer_u32(&file, PCAP_SNAPLEN);
	writer_u32(&file, LINK_ETHERNET);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct packet_row *row = &rows[i];
		const bool is_ipv6 = row->ip_version == 6;

		for (unsigned int number = 0; number < row->packets; number++)
			write_packet(&file, row, time++, number);
		sums->flows++;
		sums->packets += row->packets;
		sums->bytes += (uint64_t)row->packets * packet_size(row);
		sums->flows_ipv6 += is_ipv6;
		sums->packets_ipv6 += is_ipv6 ? row->packets : 0;
		sums->bytes_ipv6 += is_ipv6 ? (uint64_t)row->packets * packet_size(row) : 0;
	}
	assert(!file.failed);
	return writer_size(&file);
}
