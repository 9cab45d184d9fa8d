/* generate_mrt.c - writes a routing table dump of the size and shape of a RIS collector's.
 *
 * usage: generate_mrt PREFIXES4 PREFIXES6 PEERS [TEXT] >DUMP
 *
 * TABLE_DUMP_V2: one peer table, one record a prefix, nearly all peers in each. Prefixes are nested
 * and ascend; about one in 100 has a second origin with fewer peers. An entry has 57 bytes for IPv4
 * and 81 for IPv6 on average, as measured in dumps of RouteViews. TEXT gets AS,PREFIX lines of what
 * a reader must find. Equal arguments give equal bytes. */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGINS    79000u
#define RECORD_MAX (1u << 17)
#define TIME_S     1700000000u

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * limit >> 32);
}

/* A record while it is filled. */
static uint8_t record[RECORD_MAX];
static size_t used;

static void put(uint64_t value, size_t size)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		record[used + i] = (uint8_t)value;
	used += size;
}

static void write_record(uint16_t subtype)
{
	const uint32_t head[3] = { htobe32(TIME_S), htobe32(13u << 16 | subtype),
				   htobe32((uint32_t)used) };

	if (fwrite(head, 1, sizeof(head), stdout) != sizeof(head) ||
	    fwrite(record, 1, used, stdout) != used) {
		perror("generate_mrt");
		exit(1);
	}
	used = 0;
}

static void write_peers(uint32_t count)
{
	put(1, 4);
	put(0, 2);
	put(count, 2);
	for (uint32_t i = 0; i < count; i++) {
		put(2, 1);
		put(0xc0000200 + i, 4);
		put(0xc0000200 + i, 4);
		put(3000 + i, 4);
	}
	write_record(1);
}

static uint32_t as_of(uint32_t origin)
{
	return origin < 60000 ? 24000 + origin % 40000 : 140000 + origin; /* no AS_TRANS */
}

static void put_entry(uint32_t peer, uint32_t origin, int is_ipv6)
{
	const uint32_t hops = 2 + random_below(4);
	const uint32_t communities = random_below(8);
	size_t size_at;

	put(peer, 2);
	put(TIME_S - random_below(1000000), 4);
	size_at = used;
	put(0, 2);
	put(0x400101, 3);
	put(0, 1);
	put(0x4002, 2);
	put(2 + 4 * (hops + 2), 1);
	put(2, 1);
	put(hops + 2, 1);
	put(3000 + peer, 4);
	for (uint32_t i = 0; i < hops; i++)
		put(as_of(random_below(ORIGINS)), 4);
	put(as_of(origin), 4);
	if (is_ipv6) {
		put(0x900e00150002, 6); /* the full form, with family */
		put(0x0110, 2);
		put(0x20010db800000000, 8);
		put(peer, 8);
		put(0, 1);
	} else {
		put(0x400304, 3);
		put(0xc0000200 + peer, 4);
	}
	put(0xc008, 2);
	put(4 * communities, 1);
	for (uint32_t i = 0; i < communities; i++)
		put(random_below(1u << 31), 4);
	record[size_at] = (uint8_t)((used - size_at - 2) >> 8);
	record[size_at + 1] = (uint8_t)(used - size_at - 2);
}

/* Most prefixes are with all peers, some with a few of them. */
static uint32_t write_rib(uint32_t number, uint32_t length, uint64_t address, uint32_t peers,
			  int is_ipv6)
{
	static uint32_t origin;
	const uint32_t seen = random_below(10) ? peers - random_below(3) : 1 + random_below(peers);
	uint32_t others = 0;
	uint32_t first;

	if (random_below(3) == 0)
		origin = random_below(ORIGINS);
	if (seen > 4 && random_below(100) == 0)
		others = seen / 2 - 1;
	first = random_below(peers - seen + 1);
	put(number, 4);
	put(length, 1);
	for (uint32_t i = 0; i < (length + 7) / 8; i++)
		put(address >> (56 - 8 * i) & 0xff, 1);
	put(seen, 2);
	for (uint32_t i = 0; i < seen; i++)
		put_entry(first + i, i < others ? (origin + 1) % ORIGINS : origin, is_ipv6);
	write_record(is_ipv6 ? 4 : 2);
	return as_of(origin);
}

/* IPv4 has its 32 bits at the top of 'address', IPv6 its first 64. */
static void write_text(FILE *text, uint32_t as, uint32_t length, uint64_t address, int is_ipv6)
{
	if (!text)
		return;
	if (is_ipv6)
		fprintf(text, "%u,%x:%x:%x::/%u\n", as, (unsigned int)(address >> 48),
			(unsigned int)(address >> 32 & 0xffff),
			(unsigned int)(address >> 16 & 0xffff), length);
	else
		fprintf(text, "%u,%u.%u.%u.0/%u\n", as, (unsigned int)(address >> 56),
			(unsigned int)(address >> 48 & 0xff), (unsigned int)(address >> 40 & 0xff),
			length);
}

/* Prefixes of one family: half of them /24 or /48, a third with more specific ones inside. */
static void write_family(uint32_t count, uint32_t peers, int is_ipv6, FILE *text)
{
	const uint32_t longest = is_ipv6 ? 48 : 24;
	const uint64_t step = (uint64_t)1 << (64 - longest);
	uint64_t next = is_ipv6 ? (uint64_t)0x2400 << 48 : (uint64_t)11 << 56;
	uint64_t last_address = 0;
	uint32_t last_length = 0;

	for (uint32_t i = 0; i < count;) {
		const uint32_t length =
			random_below(2) ? longest : longest - random_below(is_ipv6 ? 17 : 6);
		const uint64_t size = (uint64_t)1 << (64 - length);
		const uint64_t address = (next + size - 1) & ~(size - 1);

		if (!is_ipv6 &&
		    ((address >> 56) == 100 || (address >> 56) == 127 || (address >> 56) == 169 ||
		     (address >> 56) == 172 || (address >> 56) == 192 || (address >> 56) == 198 ||
		     (address >> 56) == 203)) {
			next = ((address >> 56) + 1) << 56; /* blocks with bogons in them */
			continue;
		}
		if ((address >> 56) > 223) {
			fprintf(stderr, "generate_mrt: no room for so many prefixes\n");
			exit(1);
		}
		if (address != last_address || length != last_length) {
			write_text(text, write_rib(i, length, address, peers, is_ipv6), length,
				   address, is_ipv6);
			i++;
		}
		last_address = address;
		last_length = length;
		next = address;
		if (length == longest || random_below(3))
			next += size + random_below(4) * step;
		else
			next += size / 2; /* inside: never a shorter one at the same place again */
	}
}

int main(int argc, char **argv)
{
	FILE *text = argc == 5 ? fopen(argv[4], "w") : NULL;
	uint32_t peers;

	if (argc < 4 || (argc == 5 && !text)) {
		fprintf(stderr, "usage: generate_mrt PREFIXES4 PREFIXES6 PEERS [TEXT] >DUMP\n");
		return 2;
	}
	peers = (uint32_t)strtoul(argv[3], NULL, 10);
	if (peers < 3 || peers > 200) {
		fprintf(stderr, "generate_mrt: PEERS %s: expected a number from 3 to 200\n",
			argv[3]);
		return 2;
	}
	write_peers(peers);
	write_family((uint32_t)strtoul(argv[1], NULL, 10), peers, 0, text);
	write_family((uint32_t)strtoul(argv[2], NULL, 10), peers, 1, text);
	return fflush(stdout) != 0 || (text && fclose(text) != 0);
}
