/* worker.h - a thread that owns one capture source and one shard of the flow cache.
 *
 * Stage: capture source -> decode -> flow cache -> ring. Everything in struct worker belongs to its
 * thread once that runs; the control thread gets at it by worker->call. */
#ifndef WORKER_H
#define WORKER_H

#include "capture_source.h"
#include "clock_step.h"
#include "drop_example.h"
#include "flow_key_choice.h"
#include "fragment_table.h"
#include "interface_mtus.h"
#include "ledger.h"
#include "message_watch.h"
#include "own_exports.h"
#include "record_ring.h"
#include "source_sampling.h"
#include "thread_call.h"

#include <pthread.h>

struct worker_config {
	const struct source_config *source; /* borrowed for life */
	struct flow_cache_config cache;     /* bound, timeouts and hash key */
	struct flow_key_choice flow_key;    /* what makes a flow */
	bool splits_superpackets;
	uint8_t sampling_seed[SAMPLING_SEED_SIZE];

	/* Shared, for life. */
	struct samplers *samplers;
	struct interface_mtus *mtus;
	const struct own_exports *own_exports; /* NULL: nothing can be our own */
	struct wake *export_wake;
};

struct worker {
	/* Set before the thread starts. */
	const char *name;  /* of the source; borrowed from the configuration */
	const char *label; /* likewise; "" if it has none */
	const struct capture_type *type;
	uint32_t cpu;                          /* number + 1 of the CPU to run on, 0: any */
	struct capture_source source;          /* owned */
	struct flow_cache *cache;              /* owned */
	struct fragment_table *fragments;      /* owned */
	struct record_ring *ring;              /* owned; the export thread is the other end */
	const struct own_exports *own_exports; /* shared; NULL when reading a file */
	struct wake *export_wake;              /* shared */
	struct flow_key_mask key_mask;         /* what of a packet makes its flow */
	struct interface_mtus *mtus;           /* shared */
	bool splits_superpackets;
	struct source_sampling sampling;

	/* For other threads. */
	struct wake wake;
	struct thread_call call;
	atomic_bool stop_requested; /* end of input; what is cached is exported */
	atomic_bool quit_requested; /* end of thread */
	pthread_t thread;
	bool is_running;

	/* Of the thread. */
	struct worker_ledger ledger; /* counters of others are filled in by worker_read_ledger() */
	struct duplicate_detector duplicates;
	cache_ms duplicates_due_ms; /* when to look for them next; INT64_MAX: never */
	struct drop_example drop_examples[DROP_REASON_COUNT]; /* valid where one was counted */
	struct packet_view views[FLOW_CACHE_BATCH]; /* read, from view_next on not accounted yet */
	size_t view_count, view_next;
	size_t step_view; /* of them, where the clock was set: flows end before it; SIZE_MAX: none
			   */
	struct clock_step clock_step;
	cache_ms clock_ms;
	bool has_clock; /* clock_ms is set: from a file, a packet has come */
	cache_ms last_mark_ms;
	cache_ms handed_over_tick; /* of clock_ms, when timeouts were last looked at */
	cache_ms last_packet_ms;   /* CLOCK_MONOTONIC, -1 if there was none */
	bool is_leaving;           /* stop was asked for: what was cached leaves first */
	bool is_stopping;          /* stop was asked for, and the source told */
	struct message_watch message_watch;
	uint64_t flush_left;             /* flows still to be flushed by request */
	bool has_ended;                  /* no more input */
	bool has_finished;               /* cache empty, end marked in the ring */
	struct error_text failure;       /* "" unless the source failed */
	struct own_export_list own_list; /* copy of what own_exports has */
};

/* Open the source and allocate everything. Returns 0, or a negative errno with 'error' filled and
 * the worker cleared. */
int worker_init(struct worker *worker, const struct worker_config *config,
		struct error_text *error);
void worker_clear(struct worker *worker);

/* Returns 0, or a negative errno with 'error' filled. */
int worker_start(struct worker *worker, struct error_text *error);
/* Stop the thread, wherever it is, and join it. */
void worker_join(struct worker *worker);

/* Thread only (or before start, after join): the ledger of this moment; the source's own counters.
 */
void worker_read_ledger(struct worker *worker, struct worker_ledger *ledger);

#endif
