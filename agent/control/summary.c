/* summary.c - the loss ledger as JSON.
 *
 * Place: pipeline_snapshot -> JSON. No clock: a capture file gives the same summary at every run.
 * All reasons are always there, also with 0, so that the shape never depends on the traffic. */
#include "summary.h"

#include "drop_reason.h"
#include "fault_text.h"
#include "json_text.h"
#include "json_version.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Members are added to '*object'; when memory is short it becomes NULL and stays so, and a value is
 * freed. */
static void add(json_t **object, const char *key, json_t *value)
{
	if (!json_object_set_new(*object, key, value))
		return;
	json_decref(*object);
	*object = NULL;
}

static void add_count(json_t **object, const char *key, uint64_t count)
{
	add(object, key, json_integer((json_int_t)count));
}

static const char *ignored_name(int reason)
{
	return drop_reason_name((enum drop_reason)reason);
}

static const char *expired_name(int reason)
{
	return flow_end_reason_name((enum flow_end_reason)reason);
}

static const char *lost_name(int reason)
{
	return loss_reason_name((enum loss_reason)reason);
}

static const char *excluded_name(int reason)
{
	return collector_exclusion_name((enum collector_exclusion)reason);
}

/* Counts by reason, from 'first' up to but not 'end'; those of two reasons lie 'stride' bytes
 * apart. */
static json_t *reasons_json(const char *(*name)(int reason), int first, int end,
			    const uint64_t *counts, size_t stride)
{
	json_t *object = json_object();

	for (int i = first; i < end; i++) {
		const uint8_t *count = (const uint8_t *)counts + stride * (size_t)i;

		add_count(&object, name(i), *(const uint64_t *)(const void *)count);
	}
	return object;
}

static json_t *lost_json(const struct collector_ledger *ledger)
{
	return reasons_json(lost_name, 0, LOSS_REASON_COUNT, &ledger->lost[0].records,
			    sizeof(ledger->lost[0]));
}

static json_t *excluded_json(const struct collector_ledger *ledger)
{
	return reasons_json(excluded_name, 0, COLLECTOR_EXCLUSION_COUNT,
			    &ledger->excluded[0].records, sizeof(ledger->excluded[0]));
}

/* What became of fragments: fragment_table.h. */
static json_t *fragments_json(const struct fragment_statistics *fragments)
{
	json_t *object = json_object();

#define FRAGMENT_COUNTER(name, member, text) add_count(&object, #name, fragments->member);
#include "counters.def"
	return object;
}

/* All that is known of packets and flows: of one source, or of all. */
static void add_worker_ledger(json_t **row, const struct worker_ledger *ledger)
{
#define WORKER_COUNTER(name, member, text) add_count(row, #name, ledger->member);
#define WORKER_SUM(name, function, text)   add_count(row, #name, function(ledger));
#include "counters.def"
	add(row, "packets_ignored",
	    reasons_json(ignored_name, DROP_NONE + 1, DROP_REASON_COUNT, ledger->packets_ignored,
			 sizeof(ledger->packets_ignored[0])));
	add(row, "records_expired",
	    reasons_json(expired_name, FLOW_END_none + 1, FLOW_END_COUNT,
			 ledger->cache.records_expired, sizeof(ledger->cache.records_expired[0])));
	add(row, "fragments", fragments_json(&ledger->fragments));
	add(row, "duplicates_suspected", json_boolean(ledger->duplicates.sources_suspected != 0));
}

static void add_amount(json_t **row, const char *keys[static 3], struct amount amount)
{
	add_count(row, keys[0], amount.records);
	add_count(row, keys[1], amount.packets);
	add_count(row, keys[2], amount.octets);
}

/* What became of the records: for one collector, or in all. */
static void add_collector_ledger(json_t **row, const struct collector_ledger *ledger)
{
#define COLLECTOR_AMOUNT(name, value, text)                                                     \
	add_amount(row, (const char *[]){ "records_" #name, "packets_" #name, "bytes_" #name }, \
		   value);
#define COLLECTOR_COUNTER(name, member, text) add_count(row, #name, ledger->member);
#include "counters.def"
	add(row, "records_lost_by_reason", lost_json(ledger));
	add(row, "records_excluded_by_reason", excluded_json(ledger));
}

static const char *source_state(const struct source_status *source)
{
	if (source->is_away)
		return "waiting";
	if (source->failure[0])
		return "failed";
	return source->has_ended ? "ended" : "running";
}

json_t *summary_source_json(const struct source_status *source)
{
	const struct capture_statistics *capture = &source->capture;
	json_t *row = json_object();

	add(&row, "name", json_text(source->name));
	add(&row, "label", json_text(source->label ? source->label : ""));
	add(&row, "live", json_boolean(source->is_live));
	add(&row, "state", json_string(source_state(source)));
	add(&row, "failure", json_text(source->failure));
	add_worker_ledger(&row, &source->ledger);
#define CAPTURE_COUNTER(name, text) add_count(&row, #name, capture->name);
#include "capture_counters.def"
#undef CAPTURE_COUNTER
	add(&row, "loss_unknown", json_boolean(source->capture.is_loss_unknown));
	add(&row, "single_packets", json_boolean(source->gets_single_packets));
	add(&row, "sampling", json_string(source->sampling));
	return row;
}

static json_t *fault_json(const struct collector_status *collector)
{
	if (!collector->last_error)
		return json_null();
	if (collector->fault[0])
		return json_text(collector->fault);
	return json_text(collector_fault_text(collector->last_loss, collector->last_error));
}

/* A count of something that not every collector has. */
static json_t *count_if(bool has_it, uint64_t count)
{
	return has_it ? json_integer((json_int_t)count) : json_null();
}

/* Where records wait, and what is known of sessions. */
static void add_waiting(json_t **row, const struct collector_status *collector)
{
	add_count(row, "datagrams_queued", collector->queued_datagrams);
	add_count(row, "spool_bytes", collector->spooled_bytes);
	add_count(row, "spool_size", collector->spool_size);
	add_count(row, "records_spooled", collector->spooled_records);
	add_count(row, "datagrams_unconfirmed", collector->unconfirmed_datagrams);
	add(row, "sessions", count_if(collector->has_sessions, collector->sessions));
	add(row, "session_failures",
	    count_if(collector->has_sessions, collector->session_failures));
}

/* How a collector shares the records with others. */
static void add_role(json_t **row, const struct collector_status *collector)
{
	add(row, "mode", json_string(collector_mode_name(collector->mode)));
	add(row, "group", collector->group[0] ? json_text(collector->group) : json_null());
	add_count(row, "priority", collector->priority);
	add_count(row, "sampling", collector->sampling);
	add(row, "active", json_boolean(collector->is_used));
}

json_t *summary_collector_json(const struct collector_status *collector)
{
	json_t *row = json_object();

	add(&row, "name", json_text(collector->name));
	add(&row, "remote", json_text(collector->remote));
	add(&row, "transport", json_text(collector->transport));
	add(&row, "version", json_version(collector->version));
	add(&row, "up", json_boolean(collector->is_up));
	add(&row, "last_error", fault_json(collector));
	add(&row, "sequence", count_if(collector->has_sequence, collector->sequence));
	add_collector_ledger(&row, &collector->ledger);
	add_waiting(&row, collector);
	add_role(&row, collector);
	return row;
}

static json_t *sources_json(const struct pipeline_snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < snapshot->source_count; i++) {
		if (json_array_append_new(array, summary_source_json(&snapshot->sources[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *collectors_json(const struct pipeline_snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < snapshot->collector_count; i++) {
		if (json_array_append_new(array,
					  summary_collector_json(&snapshot->collectors[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *removed_json(const struct collector_ledger *ledger)
{
	json_t *row = json_object();

	add_collector_ledger(&row, ledger);
	return row;
}

json_t *summary_json(const struct pipeline_snapshot *snapshot)
{
	struct collector_ledger exported = snapshot->exported;
	json_t *row = json_object();

	/* What is in the rings has not been given to any collector yet: it waits. */
	amount_add(&exported.taken, &snapshot->ring);
	amount_add(&exported.waiting, &snapshot->ring);
	add_worker_ledger(&row, &snapshot->workers);
	add_count(&row, "packets_exported", exported.sent.packets);
	add_count(&row, "bytes_exported", exported.sent.octets);
	add_collector_ledger(&row, &exported);
	add(&row, "sources", sources_json(snapshot));
	add(&row, "collectors", collectors_json(snapshot));
	add(&row, "collectors_removed", removed_json(&snapshot->removed));
	return row;
}

/* Write one line and make sure that it got there. */
static int write_line(FILE *file, const json_t *summary)
{
	errno = 0;
	if (json_dumpf(summary, file, JSON_TEXT_FLAGS) || fputc('\n', file) == EOF || fflush(file))
		return errno ? -errno : -EIO;
	return 0;
}

/* A named pipe that nobody reads is not waited for. */
static FILE *open_file(const char *path)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	const int descriptor = open(path, flags, 0666);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");

	if (file)
		(void)fcntl(descriptor, F_SETFL, 0);
	else if (descriptor >= 0)
		(void)close(descriptor);
	return file;
}

FILE *summary_open(const char *path, const char *user, struct error_text *error)
{
	struct place place = place_of(user);
	FILE *file = stdout;

	if (strcmp(path, "-") != 0) {
		place_enter(&place, path);
		file = open_file(path);
		place_leave(&place);
	}
	if (!file)
		error_text_set(error, "cannot write the summary to %s: %s", path,
			       fault_text(errno));
	return file;
}

int summary_write(FILE *file, const char *path, const struct pipeline_snapshot *snapshot,
		  struct error_text *error)
{
	json_t *summary = summary_json(snapshot);
	int result = summary ? write_line(file, summary) : -ENOMEM;

	if (file != stdout && fclose(file) && !result)
		result = -errno;
	if (result)
		error_text_set(error, "cannot write the summary to %s: %s",
			       file == stdout ? "standard output" : path, fault_text(-result));
	json_decref(summary);
	return result;
}
