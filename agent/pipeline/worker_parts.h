/* worker_parts.h - the members of a worker. For worker*.c, and for the files that put a pipeline
 * together and ask it.
 *
 * Place: capture source -> decode -> flow cache -> ring, as members. */
#ifndef WORKER_PARTS_H
#define WORKER_PARTS_H

#include "capture_source.h"
#include "clock_step.h"
#include "drop_example.h"
#include "flow_key_choice.h"
#include "fragment_table.h"
#include "handover_state.h"
#include "kept_memory.h"
#include "interface_mtus.h"
#include "ledger.h"
#include "message_watch.h"
#include "own_exports.h"
#include "record_ring.h"
#include "source_sampling.h"
#include "thread_call.h"
#include "thread_rest.h"

#include <pthread.h>

struct worker_config {
	const struct source_config *source; /* copied */
	const struct capture_kept *kept; /* what an earlier agent has left of it; NULL: nothing */
	struct flow_cache_config cache;  /* bound, timeouts and hash key */
	struct flow_key_choice flow_key; /* what makes a flow */
	unsigned int lookups; /* of EXPORT_RECORD_LOOKUPS: records have a place for them */
	uint32_t fragment_lifetime_ms;
	bool splits_superpackets;
	struct sampling_secret sampling;
	struct kept_memory *memory; /* taken, with what it has become; NULL: none */
	bool is_continued;          /* it is that of a process that was killed */
	uint32_t consumed;          /* of the entries in its ring */

	/* Shared, for life. */
	struct samplers *samplers;
	struct interface_mtus *mtus;
	const struct own_exports *own_exports; /* NULL: nothing can be our own */
	struct wake *export_wake;
	const int *source_news; /* eventfd: its source has come or gone; NULL: nobody looks */
};

/* What the ring holds. */
#define WORKER_RING_ENTRIES 8192

/* Bytes of one of them. */
static inline size_t worker_ring_entry_size(const struct worker_config *config)
{
	return RING_ENTRY_SIZE(export_record_size(config->cache.columns | config->lookups));
}

/* Flows that the agent before this one has left, which are still to come into the cache. */
struct worker_inheritance {
	struct handover_state state; /* owned; what the others borrow */
	struct reader *parts;        /* owned; sections of flows; NULL: nothing to inherit */
	size_t part_count, next_part;
	struct reader part;              /* the one under way */
	uint32_t size;                   /* of its flows; 0: none is */
	uint8_t samplers[UINT8_MAX + 1]; /* numbers that theirs have now */
	bool is_awaited;                 /* others wait for them */
	bool must_leave; /* their shape, or their source, is no more: they are exported at once */
};

/* Flows of several workers have to be in before any of them reads a packet: then what outlives the
 * process is valid. */
struct worker_awaited {
	atomic_bool is_on;                /* until what outlives the process is valid */
	atomic_uint left;                 /* workers whose flows are moving in */
	const struct kept_memory *export; /* borrowed: export_kept_set_valid() */
};

struct worker {
	/* Set before the thread starts. */
	struct source_config own; /* copy of the source's configuration, with a name of its own */
	const char *name;         /* of that */
	struct sampling_secret sampling_secret;
	const struct capture_type *type;
	struct capture_source source;     /* owned */
	struct flow_cache *cache;         /* owned */
	struct fragment_table *fragments; /* owned */
	struct record_ring *ring;         /* owned; the export thread is the other end */
	struct kept_memory memory;        /* owned; cache and ring are in it, if there is any */
	uint32_t max_flows;               /* of the cache */
	struct worker_kept *kept; /* worker_kept.c: in it; NULL: all ends with the process */
	void *source_memory;      /* in it; NULL: the source needs none */
	size_t source_memory_size;
	const struct own_exports *own_exports; /* shared; NULL when reading a file */
	struct wake *export_wake;              /* shared */
	const int *source_news;                /* shared; NULL: nobody looks */
	struct flow_key_mask key_mask;         /* what of a packet makes its flow */
	struct interface_mtus *mtus;           /* shared */
	bool splits_superpackets;
	bool counts_segments; /* the source says what superpackets are made of, and it counts */
	unsigned int noted;   /* what the columns of its cache need of packets: PACKET_NOTE_BIT() */
	struct source_sampling sampling;

	/* For other threads. */
	struct wake wake;
	struct thread_call call;
	struct thread_rest rest;
	struct thread_rest start;   /* before the first turn */
	atomic_bool stop_requested; /* end of input; what is cached is exported */
	atomic_bool hold_requested; /* with that: the source is for the next agent */
	atomic_bool quit_requested; /* end of thread */
	pthread_t thread;
	bool is_running;

	/* Of the thread. */
	struct worker_ledger
		ledger; /* counters of others are filled in by worker_account_ledger() */
	struct duplicate_detector duplicates;
	cache_ms duplicates_due_ms; /* when to look for them next; INT64_MAX: never */
	struct drop_example drop_examples[DROP_REASON_COUNT]; /* valid where one was counted */
	struct packet_view views[FLOW_CACHE_BATCH]; /* read, from view_next on not accounted yet */
	struct packet_owner owners[FLOW_CACHE_BATCH]; /* of them, if their flows have that column */
	size_t view_count, view_next;
	uint8_t *reasons; /* worker_kept.c: of the views of this turn, why they are ignored; or NULL
			   */
	struct capture_position position; /* before the views were read; if it is kept */
	size_t step_view; /* of them, where the clock was set: flows end before it; SIZE_MAX: none
			   */
	struct clock_step clock_step;
	cache_ms clock_ms;
	bool has_clock; /* clock_ms is set: from a file, a packet has come */
	cache_ms last_mark_ms;
	cache_ms handed_over_tick;    /* of clock_ms, when timeouts were last looked at */
	cache_ms losses_due_ms;       /* when a note asks the source for them next */
	cache_ms last_packet_ms;      /* CLOCK_MONOTONIC, -1 if there was none */
	unsigned int changes_said;    /* source.changes that were reported */
	bool is_pausing;              /* it comes to rest: its source is held */
	bool is_read_out;             /* with that: the source has given all that it had taken */
	bool is_leaving;              /* stop was asked for: what was cached leaves first */
	bool is_stopping;             /* stop was asked for, and passed to the source */
	bool keeps_flows;             /* at the end: what is cached is for the next agent */
	struct flow_offload *offload; /* worker_offload.c; owned, like the next; NULL: none */
	const struct capture *offload_tried;       /* the capture that was asked for it */
	bool has_offload_cycle;                    /* the kernel is at it, or it is to be ended */
	cache_ms offload_take_ms;                  /* when all slots are looked at next */
	cache_ms offload_cycle_ms;                 /* when the next cycle may begin */
	uint8_t offload_reasons[FLOW_CACHE_BATCH]; /* 'reasons', where they are not kept */
	struct worker_inheritance inheritance;
	unsigned int changes_kept; /* of the control thread: source.changes that are in the store */
	struct worker_awaited *awaited;              /* shared; NULL: nobody is waited for */
	struct fragment_statistics fragments_before; /* of the agent before */
	struct message_watch message_watch;
	uint64_t flush_left;             /* flows still to be flushed by request */
	bool has_ended;                  /* no more input */
	bool has_finished;               /* cache empty, end marked in the ring */
	struct error_text failure;       /* "" unless the source failed */
	struct own_export_list own_list; /* copy of what own_exports has */
};

#endif
