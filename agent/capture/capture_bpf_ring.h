/* capture_bpf_ring.h - reads the records that the program in the kernel has put into its ring.
 *
 * Place: ring of capture_bpf_program.c -> here -> capture_bpf.c. Views borrow from the ring itself:
 * the kernel gets the room back with the next call. Invariant: no view reaches out of its record.
 * Source: kernel/bpf/ringbuf.c and Documentation/bpf/ringbuf.rst of Linux. */
#ifndef CAPTURE_BPF_RING_H
#define CAPTURE_BPF_RING_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_bpf_ring {
	const uint8_t *data; /* 'size' bytes, and the same once more: records lie in one piece */
	uint64_t size;       /* a power of two */
	const unsigned long *produced; /* where the kernel writes; both count bytes, and wrap */
	unsigned long *consumed;       /* where we read; the kernel waits for it */
	struct packet_owner
		*owners;    /* of the views, filled as they are; borrowed; NULL: nobody asks */
	unsigned long next; /* where the next call begins: after the views given out */
	uint64_t malformed; /* records that are not of our program */
	uint64_t truncated; /* packets longer than their copy */
	void *mapped[2];    /* owned; NULL: the memory is somebody else's */
	size_t mapped_bytes[2];
};

/* What all records of a call have in common. */
struct capture_bpf_scene {
	int64_t offset_ns;        /* from CLOCK_MONOTONIC to the time of day */
	uint32_t interface_index; /* 0 is none */
	uint8_t link;             /* enum link_type */
};

/* Map the ring of 'size' bytes; 'owners' is set before. Returns 0 or a negative errno. */
int capture_bpf_ring_open(struct capture_bpf_ring *ring, int descriptor, uint32_t size);
void capture_bpf_ring_close(struct capture_bpf_ring *ring);

/* Bytes that wait, among them records that a CPU is still writing. */
size_t capture_bpf_ring_waiting(const struct capture_bpf_ring *ring);

/* Give back what the last call took. Then the kernel's count says where the next reader begins. */
void capture_bpf_ring_give_back(struct capture_bpf_ring *ring);

/* Where the next call begins; and to begin there, which is not before what was given back. Returns
 * whether that is in the ring. */
uint64_t capture_bpf_ring_position(const struct capture_bpf_ring *ring);
bool capture_bpf_ring_resume(struct capture_bpf_ring *ring, uint64_t position);

/* How many records wait from there on that are older than a time of CLOCK_MONOTONIC, which is one
 * for each of ingress and egress. */
uint64_t capture_bpf_ring_count(const struct capture_bpf_ring *ring, const uint64_t before_ns[2]);

/* Give back what the last call took, and take the next records: up to 'capacity'. Returns how many
 * views were filled; 0: nothing is ready. Never blocks. */
size_t capture_bpf_ring_read(struct capture_bpf_ring *ring, const struct capture_bpf_scene *scene,
			     struct packet_view *views, size_t capacity);

#endif
