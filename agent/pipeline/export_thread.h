/* export_thread.h - the thread that takes records from all rings, looks up AS numbers, and drives
 * the exporter.
 *
 * Place: rings -> exporter. The exporter and the AS table's use belong to this thread once it runs;
 * the control thread gets at them by export_thread->call. */
#ifndef EXPORT_THREAD_H
#define EXPORT_THREAD_H

#include "exporter.h"
#include "interface_monitor.h"
#include "own_exports.h"
#include "record_ring.h"
#include "record_watch.h"
#include "thread_call.h"

#include <pthread.h>

/* One worker as the export thread sees it. */
struct export_input {
	struct record_ring *ring; /* shared */
	struct wake *worker_wake; /* shared */
	struct amount taken;      /* handed to the exporter so far */
	struct ring_mark mark;    /* the last one */
	int64_t offered_us;       /* monotonic; when the worker was last offered room */
	bool has_ended;
};

struct export_thread_config {
	struct exporter *exporter;            /* taken, also on failure */
	struct interface_monitor *interfaces; /* likewise */
	const struct asn_table *asn_table; /* borrowed; NULL: none; export_thread_set_asn_table() */
	const struct application_table *applications; /* borrowed for life; NULL: none */
	struct own_exports *own_exports; /* shared; learns where the exporter sends from and to */
	struct flow_key_choice flow_key; /* of the records that come in */
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
	bool has_closed;       /* all inputs have ended, datagrams are closed */
	bool has_finished;
	struct record_watch *watches[RECORD_WATCHES]; /* borrowed until export_thread_unwatch() */
	size_t watch_count;
};

/* Returns 0 or a negative errno. */
int export_thread_init(struct export_thread *thread, const struct export_thread_config *config);
/* Before the start: where records of worker 'number' come from, and who waits for room there. */
void export_thread_connect(struct export_thread *thread, size_t number, struct record_ring *ring,
			   struct wake *worker_wake);
void export_thread_clear(struct export_thread *thread);
/* Before the start: the clock has begun earlier, in an agent before this one. */
void export_thread_set_origin(struct export_thread *thread, cache_ms origin_ms, unix_ms start_ms);

/* For thread_call_run() while the thread runs: 'argument' is a const struct asn_table, to be used
 * in the place of the one before. */
void export_thread_set_asn_table(void *thread, void *argument);

/* Likewise: 'argument' is a struct export_inputs. Workers that were there before are known by their
 * rings, and what was taken from them stays; what those that are there no more have marked stays in
 * the sums. */
struct export_inputs {
	struct export_input *inputs; /* taken; then those before, for the caller to free */
	size_t count;
};
void export_thread_set_inputs(void *thread, void *argument);
/* Likewise: whether the end of a worker has come out of its ring. */
struct export_end {
	const struct record_ring *ring;
	bool has_come; /* out */
};
void export_thread_look_for_end(void *thread, void *argument);

/* Likewise: 'argument' is a struct export_watch. */
struct export_watch {
	struct record_watch *watch; /* borrowed */
	int result;                 /* out: 0, or -EBUSY if there are RECORD_WATCHES already */
};
void export_thread_watch(void *thread, void *argument);
void export_thread_unwatch(void *thread, void *argument);

int export_thread_start(struct export_thread *thread);
/* Stop the thread, wherever it is, and join it. */
void export_thread_join(struct export_thread *thread);

#endif
