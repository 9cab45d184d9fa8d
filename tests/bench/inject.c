/* inject.c - gives UDP packets to the kernel's receive path of the loopback device, as fast as it
 * takes them: what a network card would do, without the cost of a sender.
 *
 *     inject FLOWS PACKETS
 *
 * The kernel's test run of an XDP program with live frames: the program gives each frame a random
 * flow, one of FLOWS, and lets it pass: the low 16 bits are the source port, and the others count
 * destination ports from 9. Frames are addressed as in
 * flood_frame.h, so a rule in a raw prerouting chain sees them. Prints JSON: packets, seconds, and
 * the processor time of it all, which is that of the packet path: cpu_ns per packet. */
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

#define BATCH 64
#define CALL  1000000

#define FLOWS_MAX (1u << 20)

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

/* if (data + FRAME_HEADERS <= data_end) { flow = random % flows; source port = flow; destination
 * port = 9 + (flow >> 16); } pass */
static int load_program(uint32_t flows)
{
	static char log[4096];
	struct bpf_insn program[] = {
		{ BPF_LDX | BPF_MEM | BPF_W, 6, 1, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, 7, 1, 4, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, 2, 6, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, FRAME_HEADERS },
		{ BPF_JMP | BPF_JGT | BPF_X, 2, 7, 6, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32 },
		{ BPF_ALU | BPF_MOD | BPF_K, 0, 0, 0, (int32_t)flows },
		{ BPF_STX | BPF_MEM | BPF_H, 6, 0, FRAME_SOURCE_PORT, 0 },
		{ BPF_ALU | BPF_RSH | BPF_K, 0, 0, 0, 16 },
		{ BPF_ALU | BPF_ADD | BPF_K, 0, 0, 0, 9 },
		{ BPF_STX | BPF_MEM | BPF_B, 6, 0, FRAME_SOURCE_PORT + 3, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.insns = (uintptr_t)program,
		.license = (uintptr_t) "GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	long result = bpf(BPF_PROG_LOAD, &attributes);

	if (result < 0)
		fprintf(stderr, "inject: BPF_PROG_LOAD: %s\n%s", strerror(errno), log);
	return (int)result;
}

static int inject(int program, uint8_t *frame, uint32_t packets)
{
	struct xdp_md context = { .data_end = FRAME_BYTES };
	union bpf_attr attributes = { .test = {
					      .prog_fd = (uint32_t)program,
					      .data_in = (uintptr_t)frame,
					      .data_size_in = FRAME_BYTES,
					      .ctx_in = (uintptr_t)&context,
					      .ctx_size_in = sizeof(context),
					      .repeat = packets,
					      .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
					      .batch_size = BATCH,
				      } };

	if (bpf(BPF_PROG_TEST_RUN, &attributes) == 0)
		return 0;
	perror("inject: BPF_PROG_TEST_RUN");
	return -1;
}

static double now_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint8_t frame[FRAME_BYTES];
	uint64_t packets, sent = 0;
	uint32_t flows;
	double start, used;
	int program;

	flows = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	if (!flows || flows > FLOWS_MAX) {
		fprintf(stderr, "usage: inject FLOWS PACKETS\n");
		return 2;
	}
	packets = strtoull(argv[2], NULL, 10);
	program = load_program(flows);
	if (program < 0)
		return 1;
	flood_frame_fill(frame);
	start = now_seconds(CLOCK_MONOTONIC);
	used = now_seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (sent < packets) {
		uint64_t count = CALL;

		if (count > packets - sent)
			count = packets - sent;
		if (inject(program, frame, (uint32_t)count) < 0)
			return 1;
		sent += count;
	}
	used = now_seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("{\"packets\": %llu, \"seconds\": %.6f, \"cpu_ns\": %.1f}\n",
	       (unsigned long long)sent, now_seconds(CLOCK_MONOTONIC) - start,
	       used * 1e9 / (double)sent);
	return 0;
}
