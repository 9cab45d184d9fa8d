/* capture_bpf_kept.h - the descriptors of a BPF source as one, for the service manager to keep.
 *
 * Place: part of capture_bpf.c. A source is several objects of the kernel: ring, counters, control,
 * and the links that attach its program. A socket holds a message with all of them and what else
 * the next agent must know; who has the socket has the source, and packets wait in its ring.
 * Source: unix(7), SCM_RIGHTS. */
#ifndef CAPTURE_BPF_KEPT_H
#define CAPTURE_BPF_KEPT_H

#include "capture_bpf_kernel.h"

#include <stdbool.h>
#include <stdint.h>

/* What the next agent must find unchanged. */
struct capture_bpf_facts {
	uint32_t layout; /* CAPTURE_BPF_LAYOUT of the program that is attached */
	uint32_t index;  /* of the interface */
	uint32_t ring_bytes;
	uint32_t cpus;
	uint8_t takes;     /* bits of capture_bpf_record.h; with CAPTURE_BPF_TAKES_OFFLOAD there are
			      tables */
	uint8_t filter[2]; /* as in struct capture_bpf_kernel */
	uint8_t link;      /* enum link_type */
};

/* Make such a socket; what is in 'kernel' stays open. Returns the descriptor, or a negative errno.
 */
int capture_bpf_kept_make(const struct capture_bpf_kernel *kernel,
			  const struct capture_bpf_facts *facts);

/* Have copies of what is in the socket, which stays as it is. Returns 0, or a negative errno:
 * -EPROTO if it is no such socket, -EMFILE if this process may not open as many. Close 'kernel' in
 * any case. */
int capture_bpf_kept_open(int descriptor, struct capture_bpf_kernel *kernel,
			  struct capture_bpf_facts *facts);

#endif
