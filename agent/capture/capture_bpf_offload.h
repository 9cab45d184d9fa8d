/* capture_bpf_offload.h - the tables of flows that a BPF source's program counts itself.
 *
 * Place: part of capture_bpf.c: flow_offload.h decides, here the kernel is told. Deleting keys
 * takes a grace period of the kernel, 10 to 50 ms, and each key a system call: a thread of its own
 * does that, with as many keys as a cycle has. Invariant: it runs only between begin and the end
 * that is seen by is_done or wait; all else is the worker's. */
#ifndef CAPTURE_BPF_OFFLOAD_H
#define CAPTURE_BPF_OFFLOAD_H

#include "capture.h"
#include "capture_bpf_kernel.h"

/* 64 bytes in the kernel and 160 here for each, beside two tables of keys: 8 MB. Another number is
 * another CAPTURE_BPF_LAYOUT. */
#define CAPTURE_BPF_SLOTS 16384

struct capture_bpf_offload; /* opaque */
struct capture_bpf_record;

/* With the tables of 'kernel', which is borrowed for life. 'is_continued': they are an earlier
 * agent's. Returns NULL with errno set. */
struct capture_bpf_offload *capture_bpf_offload_create(const struct capture_bpf_kernel *kernel,
						       uint32_t threshold, bool is_continued);
void capture_bpf_offload_destroy(struct capture_bpf_offload *offload);

/* Becomes readable when a cycle has ended; -1: there is none. */
int capture_bpf_offload_descriptor(const struct capture_bpf_offload *offload);

/* Whether no cycle is under way; and to wait for that. */
bool capture_bpf_offload_is_done(struct capture_bpf_offload *offload);
void capture_bpf_offload_wait(struct capture_bpf_offload *offload);
/* Of struct capture_type. */
extern const struct capture_offload_type capture_bpf_offloads;

/* Packets that wait in the slots of 'kernel': whoever has it does not continue with them. */
uint64_t capture_bpf_offload_left(const struct capture_bpf_kernel *kernel);

/* The key by which the program would look for a packet that it has put into the ring. 'takes' and
 * 'link_bytes' as it has them. Returns its size, or 0 if that is none that it counts. */
size_t capture_bpf_offload_key(const struct capture_bpf_record *record, uint8_t takes,
			       uint8_t link_bytes, uint8_t key[static FLOW_OFFLOAD_KEY_SIZE],
			       uint8_t *ttl);

#endif
