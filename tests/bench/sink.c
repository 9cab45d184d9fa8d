/* sink.c - counts what arrives on a UDP port as NetFlow v9 or IPFIX: datagrams, sequence gaps,
 * flows, packets, bytes.
 *
 *     sink ADDRESS PORT RECEIVE_BUFFER [DRAIN_DELAY_US]
 *
 * RECEIVE_BUFFER 0 leaves the kernel's default (208 KiB). Ends on SIGTERM or SIGINT and prints
 * JSON; last_s is when the last datagram came, by CLOCK_MONOTONIC. An own small decoder: it shares
 * no code with the exporter that it judges. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_TEMPLATES 65536

/* Where the counters are in a record of a template. */
struct layout {
	unsigned int size;
	int bytes_at, bytes_size, packets_at, packets_size;
	int is_options;
};

static struct layout layouts[MAX_TEMPLATES];
static volatile sig_atomic_t stop;

static struct {
	unsigned long long datagrams, flows, packets, bytes, gaps, unknown, malformed, largest;
} count;

static double last_s;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static uint64_t get_number(const uint8_t *at, int size)
{
	uint64_t value = 0;

	for (int i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}

/* Fields of one template at 'at'; returns bytes used, 0 if malformed. */
static size_t read_fields(const uint8_t *at, size_t left, unsigned int fields,
			  struct layout *layout, int is_ipfix)
{
	size_t used = 0;

	for (unsigned int i = 0; i < fields; i++) {
		unsigned int id;
		unsigned int size;

		if (left - used < 4)
			return 0;
		id = get16(at + used);
		size = get16(at + used + 2);
		used += 4;
		if (is_ipfix && (id & 0x8000))
			used += 4;
		if (id == 1) {
			layout->bytes_at = (int)layout->size;
			layout->bytes_size = (int)size;
		} else if (id == 2) {
			layout->packets_at = (int)layout->size;
			layout->packets_size = (int)size;
		}
		layout->size += size;
	}
	return used;
}

static void read_templates(const uint8_t *at, size_t left, int is_options, int is_ipfix)
{
	while (left >= (is_options ? 6 : 4)) {
		unsigned int id = get16(at);
		unsigned int fields = get16(at + 2);
		size_t head = is_options ? 6 : 4;
		struct layout layout = { .bytes_at = -1,
					 .packets_at = -1,
					 .is_options = is_options };
		size_t used;

		if (id < 256)
			return;
		if (is_options && !is_ipfix)
			fields = (get16(at + 2) + get16(at + 4)) / 4;
		used = read_fields(at + head, left - head, fields, &layout, is_ipfix);
		if (!used) {
			count.malformed++;
			return;
		}
		layouts[id] = layout;
		at += head + used;
		left -= head + used;
	}
}

static void read_data(const uint8_t *at, size_t left, unsigned int id)
{
	const struct layout *layout = &layouts[id];

	if (!layout->size) {
		count.unknown++;
		return;
	}
	for (; left >= layout->size; at += layout->size, left -= layout->size) {
		if (layout->is_options)
			continue;
		count.flows++;
		if (layout->packets_at >= 0)
			count.packets += get_number(at + layout->packets_at, layout->packets_size);
		if (layout->bytes_at >= 0)
			count.bytes += get_number(at + layout->bytes_at, layout->bytes_size);
	}
}

static void read_datagram(const uint8_t *at, size_t size)
{
	static uint32_t next_sequence;
	static int has_sequence;
	int is_ipfix = size >= 16 && get16(at) == 10;
	size_t head = is_ipfix ? 16 : 20;
	uint32_t sequence;

	count.datagrams++;
	if (size > count.largest)
		count.largest = size;
	if (size < head || (!is_ipfix && get16(at) != 9)) {
		count.malformed++;
		return;
	}
	sequence = (uint32_t)get_number(at + (is_ipfix ? 8 : 12), 4);
	if (!is_ipfix && has_sequence && sequence != next_sequence)
		count.gaps++;
	next_sequence = sequence + 1;
	has_sequence = 1;
	for (at += head, size -= head; size >= 4;) {
		unsigned int id = get16(at);
		unsigned int length = get16(at + 2);

		if (length < 4 || length > size) {
			count.malformed++;
			return;
		}
		if (id == (is_ipfix ? 2u : 0u))
			read_templates(at + 4, length - 4, 0, is_ipfix);
		else if (id == (is_ipfix ? 3u : 1u))
			read_templates(at + 4, length - 4, 1, is_ipfix);
		else if (id >= 256)
			read_data(at + 4, length - 4, id);
		at += length;
		size -= length;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
	int buffer = argc > 3 ? atoi(argv[3]) : 0;
	int delay_us = argc > 4 ? atoi(argv[4]) : 0;
	static uint8_t datagram[65536];

	if (argc < 4 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
		fprintf(stderr, "usage: sink ADDRESS PORT RECEIVE_BUFFER [DRAIN_DELAY_US]\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	if (buffer &&
	    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0)
		(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
		perror("bind");
		return 1;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	printf("ready\n");
	fflush(stdout);
	while (!stop) {
		struct pollfd waiting = { .fd = descriptor, .events = POLLIN };
		struct timespec now;
		ssize_t size;

		if (poll(&waiting, 1, 100) < 1)
			continue;
		while ((size = recv(descriptor, datagram, sizeof(datagram), MSG_DONTWAIT)) >= 0)
			read_datagram(datagram, (size_t)size);
		if (clock_gettime(CLOCK_MONOTONIC, &now) == 0)
			last_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
		if (delay_us)
			usleep((useconds_t)delay_us);
	}
	printf("{\"datagrams\": %llu, \"flows\": %llu, \"packets\": %llu, \"bytes\": %llu, "
	       "\"gaps\": %llu, "
	       "\"unknown\": %llu, \"malformed\": %llu, \"largest\": %llu, "
	       "\"last_s\": %.6f}\n",
	       count.datagrams, count.flows, count.packets, count.bytes, count.gaps, count.unknown,
	       count.malformed, count.largest, last_s);
	return 0;
}
