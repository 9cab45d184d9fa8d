/* flow_floor.c - the floor under every probe that reads files: packets of a mapped pcap file into a
 * hash table, and no more. No timeouts, no export, no odd packets, an unkeyed hash.
 *
 *     flow_floor FILE FLOWS_AT_MOST
 *
 * Looks up in batches of 32, prefetched. Prints JSON: packets, bytes, flows. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 32

struct key {
	uint64_t words[5]; /* source, destination, ports, protocol and version */
};

struct flow {
	struct key key;
	uint64_t packets, bytes;
	uint64_t first_us, last_us;
};

struct packet {
	struct key key;
	uint64_t slot;
	uint64_t time_us;
	uint32_t bytes;
};

static struct flow *table;
static uint64_t mask;
static struct {
	unsigned long long packets, bytes, flows;
} count;

static uint64_t hash_of(const struct key *key)
{
	uint64_t hash = 0;

	for (int i = 0; i < 5; i++) {
		hash = (hash ^ key->words[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return hash;
}

static int decode(const uint8_t *frame, struct packet *packet)
{
	const uint8_t *ip = frame + 14;
	const uint8_t *transport;
	uint32_t ports;

	memset(&packet->key, 0, sizeof(packet->key));
	if (frame[12] == 0x08 && frame[13] == 0) {
		memcpy(&packet->key.words[0], ip + 12, 4);
		memcpy(&packet->key.words[2], ip + 16, 4);
		packet->bytes = (uint32_t)ip[2] << 8 | ip[3];
		packet->key.words[4] = (uint64_t)ip[9] << 40 | (uint64_t)ip[1] << 48 | 4ull << 32;
		transport = ip + 4 * (ip[0] & 15);
	} else if (frame[12] == 0x86 && frame[13] == 0xdd) {
		memcpy(&packet->key.words[0], ip + 8, 32);
		packet->bytes = 40 + ((uint32_t)ip[4] << 8 | ip[5]);
		packet->key.words[4] = (uint64_t)ip[6] << 40 | 6ull << 32;
		transport = ip + 40;
	} else {
		return 0;
	}
	memcpy(&ports, transport, 4);
	packet->key.words[4] |= ports;
	return 1;
}

static void account(const struct packet *packet)
{
	uint64_t slot = packet->slot;

	while (table[slot].packets &&
	       memcmp(&table[slot].key, &packet->key, sizeof(struct key)) != 0)
		slot = (slot + 1) & mask;
	if (!table[slot].packets) {
		table[slot].key = packet->key;
		table[slot].first_us = packet->time_us;
		count.flows++;
	}
	table[slot].packets++;
	table[slot].bytes += packet->bytes;
	table[slot].last_us = packet->time_us;
	count.packets++;
	count.bytes += packet->bytes;
}

static void read_all(const uint8_t *at, const uint8_t *end)
{
	struct packet packets[BATCH];

	for (at += 24; end - at >= 16;) {
		int batch = 0;

		for (; batch < BATCH && end - at >= 16;) {
			uint32_t header[4];

			memcpy(header, at, sizeof(header));
			packets[batch].time_us = header[0] * 1000000ull + header[1];
			if (decode(at + 16, &packets[batch])) {
				packets[batch].slot = hash_of(&packets[batch].key) & mask;
				__builtin_prefetch(&table[packets[batch].slot], 1);
				batch++;
			}
			at += 16 + header[2];
		}
		for (int i = 0; i < batch; i++)
			account(&packets[i]);
	}
}

int main(int argc, char **argv)
{
	int file = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	uint64_t slots = 1024;
	struct stat status;
	const uint8_t *bytes;

	if (file < 0 || fstat(file, &status) < 0) {
		fprintf(stderr, "usage: flow_floor FILE FLOWS_AT_MOST\n");
		return 2;
	}
	while (slots < 2 * strtoull(argv[2], NULL, 10))
		slots *= 2;
	mask = slots - 1;
	table = calloc(slots, sizeof(*table));
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (!table || bytes == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	madvise((void *)bytes, (size_t)status.st_size, MADV_SEQUENTIAL);
	read_all(bytes, bytes + status.st_size);
	printf("{\"packets\": %llu, \"bytes\": %llu, \"flows\": %llu}\n", count.packets,
	       count.bytes, count.flows);
	return 0;
}
