/* udp_flood.c - sends an exact number of UDP packets over an exact number of flows, at a given
 * rate.
 *
 * For tests in network namespaces. Packet k belongs to flow k % FLOWS; a flow is a pair of
 * destination address (256 from BASE on) and source port, so that all flows have different
 * 5-tuples. Needs CAP_NET_RAW. Prints nothing; status 0 when every packet was handed to the kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH        64
#define PAYLOAD      8
#define PACKET_BYTES (sizeof(struct iphdr) + sizeof(struct udphdr) + PAYLOAD)
#define FIRST_PORT   1024

static void packet_fill(uint8_t *packet, in_addr_t source, uint32_t base, uint32_t flow)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	struct udphdr udp = { .dest = htons(9) };

	ip.tot_len = htons(PACKET_BYTES);
	ip.saddr = source;
	ip.daddr = htonl(base + (flow & 0xff));
	udp.source = htons((uint16_t)(FIRST_PORT + (flow >> 8)));
	udp.len = htons(sizeof(udp) + PAYLOAD);
	memset(packet, 0, PACKET_BYTES);
	memcpy(packet, &ip, sizeof(ip));
	memcpy(packet + sizeof(ip), &udp, sizeof(udp));
}

/* Sleep until 'sent' packets are due. */
static void pace(const struct timespec *start, uint64_t sent, uint64_t packets_per_second)
{
	uint64_t due_ns = sent * 1000000000u / packets_per_second + (uint64_t)start->tv_nsec;
	struct timespec due = { .tv_sec = start->tv_sec + (time_t)(due_ns / 1000000000u),
				.tv_nsec = (long)(due_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

static int send_batch(int descriptor, struct mmsghdr *messages, unsigned int count)
{
	unsigned int done = 0;

	while (done < count) {
		int sent = sendmmsg(descriptor, messages + done, count - done, 0);

		if (sent > 0)
			done += (unsigned int)sent;
		else if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

static int flood(in_addr_t source, uint32_t base, uint32_t flows, uint64_t packets, uint64_t rate)
{
	static uint8_t bytes[BATCH][PACKET_BYTES];
	static struct sockaddr_in to[BATCH];
	static struct iovec vectors[BATCH];
	static struct mmsghdr messages[BATCH];
	int descriptor = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct timespec start;
	int error = 0;

	if (descriptor < 0 || clock_gettime(CLOCK_MONOTONIC, &start))
		return -errno;
	for (uint64_t sent = 0; sent < packets && !error;) {
		unsigned int count =
			packets - sent < BATCH ? (unsigned int)(packets - sent) : BATCH;

		for (unsigned int i = 0; i < count; i++) {
			uint32_t flow = (uint32_t)((sent + i) % flows);

			packet_fill(bytes[i], source, base, flow);
			to[i] = (struct sockaddr_in){ .sin_family = AF_INET,
						      .sin_addr.s_addr =
							      htonl(base + (flow & 0xff)) };
			vectors[i] =
				(struct iovec){ .iov_base = bytes[i], .iov_len = PACKET_BYTES };
			messages[i].msg_hdr = (struct msghdr){ .msg_name = &to[i],
							       .msg_namelen = sizeof(to[i]),
							       .msg_iov = &vectors[i],
							       .msg_iovlen = 1 };
		}
		error = send_batch(descriptor, messages, count);
		sent += count;
		pace(&start, sent, rate);
	}
	return error;
}

int main(int argc, char **argv)
{
	struct in_addr source, base;
	unsigned long flows, packets, rate;
	int error;

	if (argc != 6 || !inet_aton(argv[1], &source) || !inet_aton(argv[2], &base)) {
		fprintf(stderr, "usage: udp_flood SOURCE BASE FLOWS PACKETS PACKETS_PER_SECOND\n");
		return 2;
	}
	flows = strtoul(argv[3], NULL, 10);
	packets = strtoul(argv[4], NULL, 10);
	rate = strtoul(argv[5], NULL, 10);
	if (!flows || flows >= 256u * (65536 - FIRST_PORT) || !rate) {
		fprintf(stderr, "udp_flood: impossible number of flows or rate\n");
		return 2;
	}
	error = flood(source.s_addr, ntohl(base.s_addr), (uint32_t)flows, packets, rate);
	if (error)
		fprintf(stderr, "udp_flood: %s\n", strerror(-error));
	return error ? 1 : 0;
}
