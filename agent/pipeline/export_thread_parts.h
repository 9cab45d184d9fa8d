/* export_thread_parts.h - the members of the export thread.
 *
 * Place: export*.c, and the files that put a pipeline together and ask it. */
#ifndef EXPORT_THREAD_PARTS_H
#define EXPORT_THREAD_PARTS_H

#include "export_nat.h"
#include "export_owner.h"
#include "exporter.h"
#include "interface_monitor.h"
#include "own_exports.h"
#include "record_ring.h"
#include "record_watch.h"
#include "thread_call.h"
#include "thread_rest.h"

#include <pthread.h>

/* What a worker has in memory that outlives the process. */
struct export_kept_source {
	uint32_t file;        /* number of that memory; 0: none */
	uint32_t max_flows;   /* of its cache */
	uint64_t memory_size; /* of its source: capture_type.memory_size */
};

/* One worker as the export thread sees it. */
struct export_input {
	struct record_ring *ring; /* shared */
	struct wake *worker_wake; /* shared */
	struct amount taken;      /* handed to the exporter so far */
	struct ring_mark mark;    /* the last one */
	int64_t offered_us;       /* monotonic; when the worker was last offered room */
	bool has_ended;
	bool has_taken; /* in this turn: places in the ring are to be released */
	struct export_kept_source kept;
};

struct export_kept;
struct kept_memory;
struct samplers;

struct export_thread_config {
	struct exporter *exporter;            /* taken, also on failure */
	struct interface_monitor *interfaces; /* likewise */
	const struct asn_table *asn_table; /* borrowed; NULL: none; export_thread_set_asn_table() */
	const struct application_table *applications; /* borrowed for life; NULL: none */
	struct export_nat nat;                        /* taken, also on failure */
	struct export_owner *owner;                   /* likewise; NULL: nobody asks */
	struct own_exports *own_exports; /* shared; learns where the exporter sends from and to */
	struct flow_key_choice flow_key; /* of the records that come in */
	size_t record_size;              /* likewise: export_record_size() */
	size_t input_count;              /* export_thread_connect() for each follows */
	bool is_live;                    /* real clock; else the records' clock */
	int finished_descriptor;         /* eventfd, shared: written when all is sent */
};

struct export_thread {
	/* Set before the thread starts; the exporter and the interfaces are owned. */
	struct export_thread_config config;
	struct export_input *inputs; /* owned */

	/* For other threads. */
	struct wake wake;
	struct thread_call call;
	struct thread_rest rest;
	struct thread_rest start; /* before the first turn */
	atomic_bool quit_requested;
	atomic_bool abandon_requested; /* at the end, wait for nobody */
	pthread_t thread;
	bool is_running;

	/* Of the thread. */
	struct export_time time;
	cache_ms origin_ms; /* clock at the beginning, for the uptime */
	bool has_origin;
	unix_ms start_ms;       /* real time of that beginning */
	int64_t links_read_ms;  /* monotonic; when messages of interfaces were read last */
	bool has_link_messages; /* there may be some */
	int64_t progress_ms;    /* monotonic; after the end: when something was last sent */
	uint64_t progress_waiting;
	size_t first_input;    /* the one to ask first at the next turn */
	struct ring_mark gone; /* sum of the last marks of workers that are no more */
	size_t room_most;      /* exporter_room() when it was largest */
	bool is_held;          /* room was scarce: nothing is taken until there is plenty, */
	int64_t held_until_us; /* or any, from then on; monotonic */
	int64_t pausing_ms;    /* monotonic; since when it comes to rest; 0: it does not */
	bool has_paused;       /* with that: datagrams are closed */
	bool has_closed;       /* all inputs have ended, datagrams are closed */
	bool has_finished;
	struct export_kept *kept;   /* export_kept.c; NULL: all ends with the process */
	const atomic_bool *awaited; /* shared: nothing is sent until it is false; NULL: nobody is */
	const struct kept_memory *kept_files; /* borrowed; of the collectors in that */
	const struct samplers *kept_samplers; /* borrowed */
	int64_t ports_noted_ms;
	int64_t kept_since_ms;                        /* uptime */
	bool has_lived;                               /* for EXPORT_KEPT_LIFE_MS */
	struct record_watch *watches[RECORD_WATCHES]; /* borrowed until export_thread_unwatch() */
	size_t watch_count;
};

#endif
