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

/* What the program takes beside what it takes always: bits of constants.takes. */
#define CAPTURE_BPF_TAKES_FOREIGN 1 /* frames for other hosts */
#define CAPTURE_BPF_TAKES_OWNER   2 /* records are struct capture_bpf_owned */
#define CAPTURE_BPF_TAKES_OFFLOAD                                                            \
	4                       /* flows that stand in the tables are counted, not handed up \
				 */
#define CAPTURE_BPF_TAKES_TTL 8 /* of those, packets of one TTL each */

/* Set before the program is loaded. */
struct capture_bpf_constants {
	__u8 takes;
	__u8 link_bytes; /* of the link header of what it sees: 14, or 0 */
};

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
 * seen = records handed up + counted + lost + foreign. */
struct capture_bpf_counters {
	__u64 seen;
	__u64 lost;    /* the ring was full */
	__u64 foreign; /* frames for other hosts, which are not handed up */
	__u64 counted; /* in the slots of their flows */
	__u64 padding[4];
};

/* Where the packets of one flow are counted; a line of the processor's cache. Sums only ever grow,
 * whoever has the slot, by one atomic addition each: several CPUs may be at it. Those of the first
 * line are added last, packets at the very last but for superpackets: see flow_offload.h, whose
 * struct flow_offload_slot this is. */
struct capture_bpf_slot {
	__u64 packets, octets;
	__u64 last_ns;     /* CLOCK_MONOTONIC, of the last packet */
	__u64 deadline_ns; /* the agent's: from then on packets come up */
	__u64 superpackets, segments, segment_octets;
	__u32 idle_ms; /* the agent's: a packet that comes this long after the last one comes up */
	__u32 tcp_flags;
};

#define CAPTURE_BPF_NEVER (~(__u64)0)

/* How the sleeping agent is woken: by the packet after which more than 'wake_bytes' wait in the
 * ring. The program then sets it to CAPTURE_BPF_NEVER, the agent back before it sleeps again. */
struct capture_bpf_control {
	__u64 wake_bytes;
};

#endif
