/* pipeline.h - capture sources, workers with their shards, rings, export thread: the only file that
 * knows every stage.
 *
 * Place: flowagent.c and control/ -> here -> workers, rings, export thread.
 *
 * Threads: one worker per source, one export thread; everything here is called from the control
 * thread. Workers and export thread are asked by message and answer between two batches, within
 * some milliseconds. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "asn_supply.h"
#include "capture.h"
#include "config.h"
#include "drop_example.h"
#include "exporter.h"
#include "interface_monitor.h"
#include "ledger.h"
#include "pipeline_events.h"
#include "source_sampling.h"

struct descriptor_store;
struct owner_sum;
struct pipeline; /* opaque: defined in pipeline.c */

/* State of one source. */
struct source_status {
	const char *name;  /* borrowed from the pipeline */
	const char *label; /* likewise; "" or NULL if it has none */
	bool is_live;
	bool has_ended;    /* end of file, or failed */
	bool is_away;      /* waited for: see capture_source.h */
	char failure[320]; /* "" unless it failed or is away */
	struct worker_ledger ledger;
	struct capture_statistics capture;
	int64_t last_packet_ms;                   /* monotonic, -1 if there was none */
	bool gets_single_packets;                 /* see message_watch.h */
	char sampling[SOURCE_SAMPLING_TEXT_SIZE]; /* source_sampling_format() */
};

/* Everything at one moment; the equalities of ledger.h hold in it. Free with
 * pipeline_snapshot_clear(). */
struct pipeline_snapshot {
	struct source_status *sources; /* owned */
	size_t source_count;
	struct worker_ledger workers;        /* sum */
	struct amount ring;                  /* expired, not yet taken by the exporter */
	struct collector_ledger exported;    /* exporter_ledger() */
	struct collector_status *collectors; /* owned */
	size_t collector_count;
	struct collector_ledger removed; /* of collectors that a reload has removed */
};

/* What was ignored for one reason, in all sources together. */
struct pipeline_drop {
	uint64_t packets;
	const char *source; /* where the example is from; borrowed from the pipeline; NULL: none */
	struct drop_example example; /* the latest packet, by its time stamp */
};

/* Open all sources and the exporter: what needs privileges. What an earlier agent has left in
 * 'store' is continued; it is borrowed for life, NULL if there is none. Returns NULL with 'error'
 * filled. */
struct pipeline *pipeline_create(const struct config *config, const struct pipeline_events *events,
				 struct descriptor_store *store, struct error_text *error);
/* Start the threads, which stand still. Until pipeline_begin() nothing has changed for an agent
 * that still has the sources, or for the next one. Returns 0 or a negative errno with 'error'
 * filled. */
int pipeline_start(struct pipeline *pipeline, struct error_text *error);
/* All is this agent's: the threads read and export. 'config' is that of pipeline_create(). */
void pipeline_begin(struct pipeline *pipeline, const struct config *config);

/* Take over what is another in 'after' than in 'before', which holds, of a live pipeline; what
 * needs a restart must be the same. Flows, counters and queues of all else stay. Both are borrowed
 * until return. Returns 0, or a negative errno with 'error' filled: then nothing has changed,
 * unless a thread has not answered, and the next call brings the rest. */
int pipeline_reload(struct pipeline *pipeline, const struct config *before,
		    const struct config *after, struct error_text *error);
/* Whether flows have no place for a datum that a collector's fields are of: that needs a restart.
 */
bool pipeline_lacks_columns(const struct pipeline *pipeline,
			    const struct config_collector *collector);
/* Free what reloads have replaced: call it every few seconds. */
void pipeline_settle(struct pipeline *pipeline);

/* Descriptor to poll for reading; call pipeline_dispatch() when it is. */
int pipeline_descriptor(const struct pipeline *pipeline);
void pipeline_dispatch(struct pipeline *pipeline);

/* Descriptor to poll for reading, -1 for none: a new AS table is there. pipeline_asn_dispatch()
 * takes it to the export thread. When that does not answer, the table waits for the next call, so
 * call it every few seconds, too. */
int pipeline_asn_descriptor(const struct pipeline *pipeline);
void pipeline_asn_dispatch(struct pipeline *pipeline);

/* Descriptor to poll for reading: a source has come or gone. pipeline_source_dispatch() has the
 * service manager keep it, or forget it; what fails is for pipeline_forget_taken(). */
int pipeline_source_descriptor(const struct pipeline *pipeline);
void pipeline_source_dispatch(struct pipeline *pipeline);

/* Ask for an orderly end: sources are drained, everything cached is exported;
 * pipeline_events.finished follows. */
void pipeline_stop(struct pipeline *pipeline);
/* The same, but sources stay open for the next agent: what comes after the end of this one waits in
 * them. */
void pipeline_stop_and_hold(struct pipeline *pipeline);
/* After 'finished': end the threads. From then on each question is answered at once, also where a
 * thread gets no CPU for longer than one is waited for. */
void pipeline_join(struct pipeline *pipeline);
/* After 'finished' of that: leave sources and state in the store. Returns 0, or a negative errno
 * with 'error' filled: something is not handed over. */
int pipeline_hand_over(struct pipeline *pipeline, struct error_text *error);
/* After 'finished' otherwise: everything is sent or lost, nothing is left to the next agent. */
void pipeline_leave_nothing(struct pipeline *pipeline);
/* Once a second: what was taken over from the agent before is forgotten once all of it is in, and
 * sources that have come back are kept for the next one, as far as that has failed before. */
void pipeline_forget_taken(struct pipeline *pipeline);
/* Have all threads stand still, so that another agent can take this pipeline over; nothing is
 * ended. Returns 0, or a negative errno with 'error' filled: then they have gone on. */
int pipeline_rest(struct pipeline *pipeline, struct error_text *error);
/* While they do: give a state and the sources, under their names in the store, to a function which
 * returns 0 or a negative errno; descriptors are borrowed. Returns the first error. */
int pipeline_give(struct pipeline *pipeline,
		  int (*give)(void *context, const char *name, int descriptor), void *context);
/* They go on; or all is another agent's now, and they end where they stand. */
void pipeline_go_on(struct pipeline *pipeline);
void pipeline_end_at_rest(struct pipeline *pipeline);
/* Do not wait for collectors any more: what cannot be sent at once is lost, and counted before
 * 'finished' follows. Asks for the end as well. */
void pipeline_abandon(struct pipeline *pipeline);
/* The name of a thread that has done nothing since this was last asked, though it was woken; NULL
 * if there is none. Never waits. Borrowed from the pipeline. 'doing' gets what it began last, as
 * "sending to collector 192.0.2.1:2055"; "" without such a thread. */
#define PIPELINE_DOING_SIZE 160
const char *pipeline_hung_thread(struct pipeline *pipeline, char doing[static PIPELINE_DOING_SIZE]);
/* Threads joined, everything freed. After 'finished', or any time: then what is left is lost. */
void pipeline_destroy(struct pipeline *pipeline);

/* Log what is read, and whether it is exported at all. A source that is away has logged so itself.
 */
void pipeline_log_start(const struct pipeline *pipeline, const struct config *config);

/* Whether a source has failed; its error is in 'error' then. For the exit status. */
bool pipeline_has_failed(const struct pipeline *pipeline, struct error_text *error);

/* Each of these returns 0, or -ETIMEDOUT if a thread did not answer within a second. */
int pipeline_snapshot(struct pipeline *pipeline, struct pipeline_snapshot *snapshot);
void pipeline_snapshot_clear(struct pipeline_snapshot *snapshot);
/* Flows of the cache, piece by piece: '*cursor' is 0 at first. Fills up to 'count'; *filled is 0 at
 * the end. */
int pipeline_flows(struct pipeline *pipeline, uint64_t *cursor, struct flow_record *records,
		   size_t count, size_t *filled);
/* What was ignored, by enum drop_reason; DROP_NONE stays empty. */
int pipeline_drops(struct pipeline *pipeline, struct pipeline_drop drops[static DROP_REASON_COUNT]);
/* Export everything cached now, for FLOW_END_forcedEnd. *flushed gets the number of records. */
int pipeline_flush(struct pipeline *pipeline, uint64_t *flushed);
/* The same for some, or for FLOW_END_dropped: 'records' are what pipeline_flows() has filled in,
 * and 'cursor' is as that has left it. *ended gets how many of them are still there. */
int pipeline_end_flows(struct pipeline *pipeline, uint64_t cursor,
		       const struct flow_record *records, size_t count, enum flow_end_reason reason,
		       uint64_t *ended);
/* To all collectors, or (NULL: all) to those of this name; *count gets how many these are. */
int pipeline_send_template(struct pipeline *pipeline, const char *name, size_t *count);
/* What is known of interfaces; '*list' is cleared by the caller, also after a failure (here -ENOMEM
 * too). */
int pipeline_interfaces(struct pipeline *pipeline, struct interface_list *list);

/* AS data of an address as the exporter uses it; all 0 without a table. */
struct asn_entry pipeline_asn(const struct pipeline *pipeline, uint8_t ip_version,
			      const uint8_t *address);
/* The name of an AS number in the table in use; false, and "", without one. */
bool pipeline_asn_name(const struct pipeline *pipeline, uint32_t as_number,
		       char name[static ASN_NAME_SIZE]);
/* The AS table in use; borrowed until pipeline_asn_dispatch(). False without one. */
struct pipeline_asn_status {
	const char *path; /* of its file */
	const struct asn_table *table;
	struct asn_supply_counts counts;
};
bool pipeline_asn_status(const struct pipeline *pipeline, struct pipeline_asn_status *status);
/* What the number of a sampler in a flow means. */
struct sampler pipeline_sampler(const struct pipeline *pipeline, uint8_t number);
/* Before owners of 'flows' flows are asked for: whether the kernel can be asked about all of them
 * in this second. Control thread, as the others. */
bool pipeline_owner_begin(struct pipeline *pipeline, size_t flows);
/* Whose a flow is that has these columns: its unit, "" if that is not known, and 'user', who was
 * not known before it may be, as in struct flow_record. */
const char *pipeline_owner(struct pipeline *pipeline, const struct flow_record *flow,
			   uint32_t *user);
/* The unit of a record that has left, of which the export thread has asked. */
const char *pipeline_owner_of_record(struct pipeline *pipeline, const struct flow_record *flow);
/* The next step of a walk through the control groups that a question has begun, if it is due.
 * Returns the microseconds until there is another one to take; -1: none. */
int64_t pipeline_owner_walk(struct pipeline *pipeline);
/* There are no more questions: what could not be answered is logged. */
void pipeline_owner_end(struct pipeline *pipeline);
/* What the packets of 'count' flows become after translation, all 0 where that is not known; of
 * flows whose columns have EXPORT_RECORD_NAT. Returns 0 or -ETIMEDOUT. */
int pipeline_translations(struct pipeline *pipeline, const struct flow_record *flows, size_t count,
			  struct nat_translation *translations);
/* What the records of each unit had since the start: export_owner_sums(). Returns 0, with 'sums'
 * for free(), or -ETIMEDOUT. */
int pipeline_units(struct pipeline *pipeline, struct owner_sum **sums, size_t *count);
/* The columns that flows have: FLOW_COLUMN_BIT(). */
unsigned int pipeline_columns(const struct pipeline *pipeline);
/* Which fields the templates carry now. */
struct template_choice pipeline_template_choice(const struct pipeline *pipeline);

/* Have the export thread give a copy of each record that expires to 'watch', borrowed until
 * pipeline_unwatch() has returned 0. Returns 0, -EBUSY (RECORD_WATCHES do already) or -ETIMEDOUT.
 */
struct record_watch;
int pipeline_watch(struct pipeline *pipeline, struct record_watch *watch);
int pipeline_unwatch(struct pipeline *pipeline, struct record_watch *watch);

#endif
