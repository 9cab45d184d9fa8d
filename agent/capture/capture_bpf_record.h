/* capture_bpf_record.h - what the program in the kernel and the agent say to each other.
 *
 * Place: capture_bpf_program.c -> ring, counters, control -> capture_bpf*.c. Compiled for both
 * sides: it includes nothing but the kernel's own types. Host order. */
#ifndef CAPTURE_BPF_RECORD_H
#define CAPTURE_BPF_RECORD_H

#include <linux/types.h>

/* As far as other sources copy (DEFAULT_SNAPLEN): so the same packets give the same flows. */
#define CAPTURE_BPF_HEADER_BYTES 128

/* Counted up with each change of what is here, or of what the program means by it: an agent
 * continues with a program that an earlier one has attached only if they agree. */
#define CAPTURE_BPF_LAYOUT 1

/* What the program takes beside what it takes always; bits of a constant that is set before it is
 * loaded. */
#define CAPTURE_BPF_TAKES_FOREIGN 1 /* frames for other hosts */
#define CAPTURE_BPF_TAKES_OWNER   2 /* records are struct capture_bpf_owned */

/* One packet; with the ring's own header of 8 bytes, it takes 160 bytes. */
struct capture_bpf_record {
	__u64 time_ns;       /* CLOCK_MONOTONIC */
	__u32 length;        /* of the frame, without a VLAN tag that stands beside it */
	__u32 mark;          /* of netfilter */
	__u16 captured;      /* bytes in 'bytes' */
	__u16 segment_bytes; /* payload of each segment that the packet stands for; 0: it is one */
	__u16 vlan_tag;      /* TCI of the tag beside the frame; 0 if there is none */
	__u8 is_egress;
	__u8 zero;
	__u8 bytes[CAPTURE_BPF_HEADER_BYTES];
};

/* With whose socket has sent it, as the kernel says. A packet that comes in has no socket yet: 0.
 */
struct capture_bpf_owned {
	struct capture_bpf_record packet;
	__u64 cgroup; /* 0: no socket; 1, the root: the kernel's own, or in no other group */
	__u32 user;   /* of the socket; 0 without one */
	__u32 zero;
};

/* Of one CPU, which alone writes it; it fills a line of the processor's cache.
 * seen = records handed up + lost + foreign. */
struct capture_bpf_counters {
	__u64 seen;
	__u64 lost;    /* the ring was full */
	__u64 foreign; /* frames for other hosts, which are not handed up */
	__u64 padding[5];
};

#define CAPTURE_BPF_NEVER (~(__u64)0)

/* How the sleeping agent is woken: by the packet after which more than 'wake_bytes' wait in the
 * ring. The program then sets it to CAPTURE_BPF_NEVER, the agent back before it sleeps again. */
struct capture_bpf_control {
	__u64 wake_bytes;
};

#endif
