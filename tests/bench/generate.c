/* generate.c - writes synthetic captures with known contents: the same bytes for the same
 * arguments, on every machine.
 *
 *     generate MODE PACKETS FLOWS FILE
 *
 * web        IMIX lengths, Zipf(1.0) over the flows, 20 % IPv6, both directions, TCP and UDP
 * elephants  the same, all flows alike
 * scan       each packet a new flow: TCP SYN of 40 bytes, from sources without order
 * growth     every flow once, then packets of random known flows
 * storm      each packet a new flow, IPv4 only, no SYN
 *
 * Frames are Ethernet, cut at 96 bytes, a microsecond apart. Prints the truth as JSON: packets,
 * bytes, flows. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAP_BYTES 96

static int is_ipv4_only, is_unordered;
static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* xorshift64*: good enough here, and the same everywhere. */
static uint64_t next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1du;
}

static double next_unit(void)
{
	return (double)(next_random() >> 11) / 9007199254740992.0;
}

/* A number that looks random, from a number. */
static uint64_t scramble(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

struct truth {
	uint64_t packets, bytes, flows;
};

/* Frame of flow 'number' in a buffer of SNAP_BYTES. Returns its length on the wire. */
static unsigned int make_frame(uint8_t *frame, uint64_t number, int is_reply, unsigned int ip_bytes,
			       uint8_t tcp_flags)
{
	uint64_t mix = scramble(number + 1);
	int is_ipv6 = number % 5 == 4 && !is_ipv4_only;
	int is_udp = number % 7 == 0;
	/* Times an odd number, modulo 2^32: all different still, but without order. */
	uint32_t client_number = (uint32_t)number * (is_unordered ? 0x9e3779b1u : 1);
	uint16_t client_port = (uint16_t)(1024 + (mix >> 40) % 60000);
	uint16_t server_port = is_udp ? 53 : 443;
	uint8_t *transport;

	memset(frame, 0, SNAP_BYTES);
	memcpy(frame, is_reply ? "\2\0\0\0\0\1\2\0\0\0\0\2" : "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	if (is_ipv6) {
		uint8_t *ip = frame + 14;
		uint8_t *client = ip + (is_reply ? 24 : 8);
		uint8_t *server = ip + (is_reply ? 8 : 24);

		put16(frame + 12, 0x86dd);
		ip_bytes += 20;
		ip[0] = 0x60;
		put16(ip + 4, ip_bytes - 40);
		ip[6] = is_udp ? 17 : 6;
		ip[7] = 64;
		put32(client, 0x20010db8);
		put32(client + 8, (uint32_t)(number >> 32));
		put32(client + 12, client_number);
		put32(server, 0x20010db8);
		put32(server + 4, 0xffff0000);
		put32(server + 12, (uint32_t)(mix & 0xff));
		transport = ip + 40;
	} else {
		uint8_t *ip = frame + 14;

		put16(frame + 12, 0x0800);
		ip[0] = 0x45;
		put16(ip + 2, ip_bytes);
		ip[8] = 64;
		ip[9] = is_udp ? 17 : 6;
		/* Client address: from the flow's number, so that no two flows are alike. */
		put32(ip + (is_reply ? 16 : 12), 0x0a000000 + client_number);
		put32(ip + (is_reply ? 12 : 16), 0xc6336400 + (uint32_t)(mix & 0xff));
		transport = ip + 20;
	}
	put16(transport, is_reply ? server_port : client_port);
	put16(transport + 2, is_reply ? client_port : server_port);
	if (is_udp) {
		put16(transport + 4, ip_bytes - (is_ipv6 ? 40 : 20));
	} else {
		transport[12] = 0x50;
		transport[13] = tcp_flags;
	}
	return 14 + ip_bytes;
}

/* IMIX: 7 of 40, 4 of 576, 1 of 1500 bytes. */
static unsigned int imix_bytes(void)
{
	unsigned int pick = (unsigned int)(next_random() % 12);

	return pick < 7 ? 40 : pick < 11 ? 576 : 1500;
}

static void write_frame(FILE *file, const uint8_t *frame, unsigned int wire_bytes,
			uint64_t microsecond)
{
	uint32_t header[4] = { (uint32_t)(1700000000 + microsecond / 1000000),
			       (uint32_t)(microsecond % 1000000),
			       wire_bytes < SNAP_BYTES ? wire_bytes : SNAP_BYTES, wire_bytes };

	fwrite(header, sizeof(header), 1, file);
	fwrite(frame, header[2], 1, file);
}

/* Zipf(1.0): cumulative weights, searched by bisection. */
static uint64_t zipf_flow(const double *cumulative, uint64_t flows)
{
	double wanted = next_unit() * cumulative[flows - 1];
	uint64_t low = 0;
	uint64_t high = flows - 1;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (cumulative[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int main(int argc, char **argv)
{
	const uint32_t file_header[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };
	const char *mode = argc == 5 ? argv[1] : "";
	int is_web = strcmp(mode, "web") == 0;
	int is_scan = strcmp(mode, "scan") == 0;
	int is_growth = strcmp(mode, "growth") == 0;
	int is_storm = strcmp(mode, "storm") == 0;
	int is_once = is_scan || is_storm;
	uint64_t packets;
	uint64_t flows;
	double *cumulative;
	uint8_t *seen;
	struct truth truth = { 0 };
	FILE *file;

	if (!is_web && !is_once && !is_growth && strcmp(mode, "elephants") != 0) {
		fprintf(stderr, "usage: generate web|elephants|scan|growth|storm "
				"PACKETS FLOWS FILE\n");
		return 2;
	}
	packets = strtoull(argv[2], NULL, 10);
	is_ipv4_only = is_storm;
	is_unordered = is_scan;
	flows = is_once ? packets : strtoull(argv[3], NULL, 10);
	cumulative = calloc(flows, sizeof(*cumulative));
	seen = calloc(2 * flows, 1);
	file = fopen(argv[4], "wb");
	if (!flows || !cumulative || !seen || !file) {
		perror(argv[4]);
		return 1;
	}
	if (is_web) {
		double sum = 0;

		for (uint64_t i = 0; i < flows; i++)
			cumulative[i] = sum += 1.0 / (double)(i + 1);
	}
	fwrite(file_header, sizeof(file_header), 1, file);
	for (uint64_t i = 0; i < packets; i++) {
		uint8_t frame[SNAP_BYTES];
		uint64_t flow = is_once || (is_growth && i < flows) ? i : next_random() % flows;
		/* In scans, growth and storms one direction is one flow. */
		int is_reply = !is_once && !is_growth && next_random() % 2;
		unsigned int ip_bytes = is_once ? 40 : imix_bytes();
		unsigned int wire_bytes;

		if (is_web)
			flow = zipf_flow(cumulative, flows);
		wire_bytes = make_frame(frame, flow, is_reply, ip_bytes, is_scan ? 0x02 : 0x10);
		write_frame(file, frame, wire_bytes, i);
		truth.packets++;
		truth.bytes += wire_bytes - 14;
		truth.flows += !seen[2 * flow + (uint64_t)is_reply];
		seen[2 * flow + (uint64_t)is_reply] = 1;
	}
	if (fclose(file) != 0) {
		perror(argv[4]);
		return 1;
	}
	printf("{\"packets\": %llu, \"bytes\": %llu, \"flows\": %llu}\n",
	       (unsigned long long)truth.packets, (unsigned long long)truth.bytes,
	       (unsigned long long)truth.flows);
	free(cumulative);
	free(seen);
	return 0;
}
