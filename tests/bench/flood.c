/* flood.c - sends UDP packets through the loopback device at a given rate.
 *
 *     flood FLOWS PACKETS PACKETS_PER_SECOND
 *
 * Packet k belongs to flow k % FLOWS, its source port (at most 65536). Addressed as by inject,
 * which is faster but cannot be slow: a call of the kernel's test run takes some 30 ms.
 * PACKETS_PER_SECOND 0: no limit. Frames go past the queueing discipline and the packet sockets'
 * outgoing side. Prints JSON: packets, seconds, cpu_ns per packet: sender and packet path. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "flood_frame.h"

#define BATCH 64

static double now_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Wait until 'sent' packets are due. */
static void pace(double start, uint64_t sent, uint64_t rate)
{
	double due = start + (double)sent / (double)rate;
	struct timespec until = { .tv_sec = (time_t)due,
				  .tv_nsec = (long)((due - (double)(time_t)due) * 1e9) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int open_socket(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	int yes = 1;

	to.sll_ifindex = (int)if_nametoindex("lo");
	if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) < 0)
		return -1;
	return descriptor;
}

static int send_batch(int descriptor, struct mmsghdr *messages, unsigned int count)
{
	for (unsigned int done = 0; done < count;) {
		int sent = sendmmsg(descriptor, messages + done, count - done, 0);

		if (sent > 0)
			done += (unsigned int)sent;
		else if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME_BYTES];
	static struct iovec vectors[BATCH];
	static struct mmsghdr messages[BATCH];
	uint32_t flows = argc == 4 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	int descriptor = open_socket();
	uint64_t packets, rate, sent = 0;
	double start, used;

	if (!flows || flows > 65536 || descriptor < 0) {
		fprintf(stderr, "usage: flood FLOWS PACKETS PACKETS_PER_SECOND; as root\n");
		return 2;
	}
	packets = strtoull(argv[2], NULL, 10);
	rate = strtoull(argv[3], NULL, 10);
	for (int i = 0; i < BATCH; i++) {
		flood_frame_fill(frames[i]);
		vectors[i] = (struct iovec){ .iov_base = frames[i], .iov_len = FRAME_BYTES };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
	}
	start = now_seconds(CLOCK_MONOTONIC);
	used = now_seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (sent < packets) {
		unsigned int count =
			packets - sent < BATCH ? (unsigned int)(packets - sent) : BATCH;

		for (unsigned int i = 0; i < count; i++)
			flood_frame_set_flow(frames[i], (uint32_t)((sent + i) % flows));
		if (send_batch(descriptor, messages, count) < 0) {
			perror("flood");
			return 1;
		}
		sent += count;
		if (rate)
			pace(start, sent, rate);
	}
	used = now_seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("{\"packets\": %llu, \"seconds\": %.6f, \"cpu_ns\": %.1f}\n",
	       (unsigned long long)sent, now_seconds(CLOCK_MONOTONIC) - start,
	       used * 1e9 / (double)sent);
	return 0;
}
