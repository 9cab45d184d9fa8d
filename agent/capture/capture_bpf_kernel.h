/* capture_bpf_kernel.h - loads the program of bpf/capture_bpf_program.c and attaches it to an
 * interface.
 *
 * Place: part of capture_bpf.c, with libbpf. Loading and attaching need CAP_BPF, CAP_PERFMON and
 * CAP_NET_ADMIN; what is read afterwards needs none. Linux 6.6 and later attach by links (tcx),
 * which end with the process; before that the program becomes a filter of the queueing discipline
 * clsact, and taking it off needs CAP_NET_ADMIN. */
#ifndef CAPTURE_BPF_KERNEL_H
#define CAPTURE_BPF_KERNEL_H

#include "error_text.h"

#include <stdbool.h>
#include <stdint.h>

/* The maps of flows that are counted in the kernel. */
enum capture_bpf_table {
	CAPTURE_BPF_flows4, /* from keys to numbers of slots */
	CAPTURE_BPF_flows6,
	CAPTURE_BPF_slots,
	CAPTURE_BPF_entries, /* for the agent alone: memory that outlives it */
	CAPTURE_BPF_barrier, /* a map of maps: writing to it takes a grace period */
	CAPTURE_BPF_inner,   /* what is written there */
	CAPTURE_BPF_TABLES
};

/* What is set before the program is loaded. */
struct capture_bpf_settings {
	uint32_t ring_bytes; /* a power of two, pages at least */
	uint32_t cpus;       /* capture_bpf_kernel_cpus() */
	uint32_t slot_count; /* with CAPTURE_BPF_TAKES_OFFLOAD */
	uint8_t takes;       /* bits of capture_bpf_record.h */
	uint8_t link_bytes;
};

/* Descriptors are owned; negative where there is none. */
struct capture_bpf_kernel {
	int ring, counters, control;    /* the maps */
	int tables[CAPTURE_BPF_TABLES]; /* with CAPTURE_BPF_TAKES_OFFLOAD: enum capture_bpf_table */
	int programs[2];                /* ingress, egress; until they are attached */
	int links[2];                   /* by which they are attached, where the kernel has links */
	uint8_t filter[2];              /* its number, from 1, if it is attached as a filter */
	int claims[2];                  /* of these filters: capture_bpf_claim.h */
	uint64_t attached_ns[2];        /* CLOCK_MONOTONIC */
	uint32_t index;                 /* of the interface */
};

#define CAPTURE_BPF_KERNEL_NONE                                             \
	((struct capture_bpf_kernel){ .ring = -1,                           \
				      .counters = -1,                       \
				      .control = -1,                        \
				      .tables = { -1, -1, -1, -1, -1, -1 }, \
				      .programs = { -1, -1 },               \
				      .links = { -1, -1 },                  \
				      .claims = { -1, -1 } })

/* CPUs that there may be: each has its counters, and a packet on one without would not be counted.
 * Returns a negative errno with 'error' filled if that is not known. */
int capture_bpf_kernel_cpus(const char *name, struct error_text *error);

/* Load the program. 'name' is the interface's, for messages. Returns 0, or a negative errno with
 * 'error' filled; close it in any case. */
int capture_bpf_kernel_load(struct capture_bpf_kernel *kernel, const char *name,
			    const struct capture_bpf_settings *settings, struct error_text *error);

/* Attach it to both directions of interface 'index', before what is attached already: a program
 * that ends the row would hide packets from us. Returns the same; -ENODEV: the interface has gone.
 */
int capture_bpf_kernel_attach(struct capture_bpf_kernel *kernel, const char *name, uint32_t index,
			      struct error_text *error);

/* Whether it is still attached to both: others may take it off, and its links end with the
 * interface. */
bool capture_bpf_kernel_is_attached(const struct capture_bpf_kernel *kernel);

/* The agent that was before this one has ended: take off the filters that it, and those before it,
 * have left, which were not replaced as it might still have run. Those that other agents have
 * claimed stay. Links end with the last descriptor. */
void capture_bpf_kernel_supersede(struct capture_bpf_kernel *kernel);

/* The next agent may claim the filters of this one; or it does not come, and they stay claimed. */
void capture_bpf_kernel_unclaim(struct capture_bpf_kernel *kernel);
void capture_bpf_kernel_claim(struct capture_bpf_kernel *kernel);

/* Take it off, if it is attached. After that it is running on no CPU: all that it has seen is in
 * the ring and in the counters. */
void capture_bpf_kernel_detach(struct capture_bpf_kernel *kernel);

/* Close it without taking anything off: whoever else has the descriptors continues with it. */
void capture_bpf_kernel_leave(struct capture_bpf_kernel *kernel);

/* Also of one whose loading failed. */
void capture_bpf_kernel_close(struct capture_bpf_kernel *kernel);

#endif
