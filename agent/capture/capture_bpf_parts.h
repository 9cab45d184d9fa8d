/* capture_bpf_parts.h - the members of a BPF source. Internal to its files.
 *
 * Place: capture_bpf.c, which reads it, and capture_bpf_continue.c, which has it go on from agent
 * to agent. */
#ifndef CAPTURE_BPF_PARTS_H
#define CAPTURE_BPF_PARTS_H

#include "capture.h"
#include "capture_bpf_kernel.h"
#include "capture_bpf_record.h"
#include "capture_bpf_ring.h"

/* Counters of all CPUs, as far as they are reported. Behind a pointer, as capture_bpf_position()
 * says the same as the statistics after it. */
struct reported {
	struct capture_bpf_counters sums;
	int64_t due_ms; /* when to look again */
};

struct capture_bpf_offload;

struct capture {
	const char *name; /* of the interface; borrowed from the configuration */
	struct capture_bpf_kernel kernel;
	struct capture_bpf_ring ring;
	struct capture_bpf_counters *counters; /* mapped, one for each of 'cpus' */
	struct capture_bpf_control *control;   /* mapped */
	uint32_t cpus;
	uint32_t threshold;                  /* config->offload */
	struct capture_bpf_offload *offload; /* owned; NULL without a threshold */
	struct capture_bpf_counters base; /* sums when it was opened, or what goes on from there */
	struct reported *reported;        /* owned */
	struct capture_bpf_scene scene;
	int socket; /* to ask about the interface; owned, like the next three */
	int watch;  /* capture_watch.h; may be missing */
	int timer;
	int events; /* epoll: ring, timer, watch */
	int64_t follow_ms;
	int64_t attached_ms; /* when to look again whether it is still attached */
	bool has_read;       /* something, since the last sleep */
	int kept;            /* capture_bpf_kept.h; owned */
	uint8_t takes;       /* as in capture_bpf_facts */
	bool is_noted;       /* its position is, before each read: capture_bpf_position() */
	bool is_adopted;     /* of an earlier agent */
	bool is_held;        /* for the next agent: nothing more is read */
	bool is_stopped;
	int failure; /* negative errno: what read() returns when the ring is empty; 0: none */
	struct error_text failure_text;
	uint32_t ring_bytes;
	uint32_t ring_wanted;
	uint64_t messages;
};

/* capture_bpf.c */

/* What needs no rights. NULL: 'error' says why. */
struct capture *capture_bpf_begin(const struct source_config *config, struct error_text *error);
/* The parts of a source whose maps are there; or only what is mapped. Return 0 or a negative errno.
 */
int capture_bpf_set_up(struct capture *capture);
int capture_bpf_map(struct capture *capture);
void capture_bpf_unmap(struct capture *capture);
void capture_bpf_close(struct capture *capture);
/* Bytes of the link header of what the program sees. */
uint8_t capture_bpf_link_bytes(const struct capture *capture);
/* The number that the interface's name has now; 0: none. */
uint32_t capture_bpf_index(const struct capture *capture);
/* What the program has counted so far; and to report that now, or if it is time. */
struct capture_bpf_counters capture_bpf_sums(const struct capture *capture);
void capture_bpf_refresh(const struct capture *capture);
void capture_bpf_refresh_if_due(const struct capture *capture);

/* capture_bpf_continue.c: members of struct capture_type. */
int capture_bpf_adopt(const struct source_config *config, const struct capture_kept *kept,
		      struct capture **adopted, struct error_text *error);
void capture_bpf_hold(struct capture *capture, bool is_held);
void capture_bpf_keep(const struct capture *capture, struct capture_kept *kept);
int capture_bpf_stored(const struct capture *capture);
void capture_bpf_left(const struct capture *opened, const struct capture_kept *kept,
		      struct capture_statistics *statistics);
void capture_bpf_use_memory(struct capture *capture, bool is_noted, void *memory);
void capture_bpf_position(const struct capture *capture, struct capture_position *position);
bool capture_bpf_resume(struct capture *capture, const struct capture_position *position);

#endif
