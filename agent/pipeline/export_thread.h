/* export_thread.h - the thread that takes records from all rings, looks up AS numbers, and drives
 * the exporter.
 *
 * Place: rings -> exporter. The exporter and the AS table's use belong to this thread once it runs;
 * the control thread gets at them by export_thread->call. */
#ifndef EXPORT_THREAD_H
#define EXPORT_THREAD_H

#include "export_thread_parts.h"

/* Returns 0 or a negative errno. */
int export_thread_init(struct export_thread *thread, const struct export_thread_config *config);
/* Before the start: where records of worker 'number' come from, and who waits for room there. */
void export_thread_connect(struct export_thread *thread, size_t number, struct record_ring *ring,
			   struct wake *worker_wake);
void export_thread_clear(struct export_thread *thread);

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
