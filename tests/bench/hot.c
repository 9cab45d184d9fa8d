/* hot.c - what a program at a tc hook takes for one packet that it has seen before, in ns.
 *
 *     hot ROUNDS PACKETS
 *
 * The kernel's test run of the first program at the loopback device of this network namespace, with
 * one frame of UDP (flood_frame.h), and of one that does nothing: prints JSON, the least of all
 * rounds of each, and the difference. With --bpf IF,offload=N the first rounds have the flow
 * entered in its table. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "flood_frame.h"

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/* A program that lets packets pass, and does nothing else. */
static int load_nothing(void)
{
	struct bpf_insn program[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1 }, /* TC_ACT_UNSPEC */
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.insns = (uintptr_t)program,
		.license = (uintptr_t) "GPL",
	};

	return (int)bpf(BPF_PROG_LOAD, &attributes);
}

/* linux/bpf.h of Linux 6.6. */
#define ATTACH_TCX_INGRESS 46
#define LOOPBACK           1 /* its index, in each network namespace */

/* The first program at the loopback device of this network namespace. */
static int find_program(void)
{
	uint32_t ids[8] = { 0 };
	union bpf_attr query = { .query = { .target_fd = LOOPBACK,
					    .attach_type = ATTACH_TCX_INGRESS,
					    .prog_ids = (uintptr_t)ids,
					    .prog_cnt = 8 } };
	union bpf_attr attributes;

	if (bpf(BPF_PROG_QUERY, &query) || !query.query.prog_cnt)
		return -1;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = ids[0];
	return (int)bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
}

/* ns of a packet, on average; negative: it cannot be run. */
static double run(int program, uint8_t *frame, uint32_t packets)
{
	union bpf_attr attributes = { .test = {
					      .prog_fd = (uint32_t)program,
					      .data_in = (uintptr_t)frame,
					      .data_size_in = FRAME_BYTES,
					      .repeat = packets,
				      } };

	if (bpf(BPF_PROG_TEST_RUN, &attributes)) {
		perror("hot: BPF_PROG_TEST_RUN");
		return -1;
	}
	return attributes.test.duration;
}

static double least(int program, uint8_t *frame, unsigned int rounds, uint32_t packets)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	double best = 1e9;

	for (unsigned int i = 0; i < rounds; i++) {
		const double now = run(program, frame, packets);

		if (now < 0)
			return now;
		best = now < best ? now : best;
		(void)nanosleep(&pause, NULL); /* the agent reads, and enters flows */
	}
	return best;
}

int main(int argc, char **argv)
{
	uint8_t frame[FRAME_BYTES];
	double empty, full;
	int program;

	if (argc != 3) {
		fprintf(stderr, "usage: hot ROUNDS PACKETS\n");
		return 2;
	}
	flood_frame_fill(frame);
	program = find_program();
	if (program < 0) {
		fprintf(stderr, "hot: no program at lo: %s\n", strerror(errno));
		return 1;
	}
	empty = least(load_nothing(), frame, 25, 10000);
	full = least(program, frame, (unsigned int)strtoul(argv[1], NULL, 10),
		     (uint32_t)strtoul(argv[2], NULL, 10));
	if (empty < 0 || full < 0)
		return 1;
	printf("{\"empty_ns\": %.0f, \"program_ns\": %.0f, \"net_ns\": %.0f}\n", empty, full,
	       full - empty);
	return 0;
}
