/* summary.c - the loss ledger as JSON.
 *
 * Stage: pipeline_snapshot -> JSON. No clock: a capture file gives the same summary at every run.
 * All reasons are always there, also with 0, so that the shape never depends on the traffic. */
#include "summary.h"

#include "drop_reason.h"
#include "json_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int set_count(json_t *object, const char *key, uint64_t count)
{
	return json_object_set_new(object, key, json_integer((json_int_t)count));
}

/* Packets ignored, by reason. */
static json_t *ignored_json(const struct worker_ledger *ledger)
{
	json_t *object = json_object();

	for (int i = DROP_NONE + 1; object && i < DROP_REASON_COUNT; i++) {
		if (set_count(object, drop_reason_name((enum drop_reason)i),
			      ledger->packets_ignored[i])) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Records that left the cache, by reason. */
static json_t *expired_json(const struct worker_ledger *ledger)
{
	json_t *object = json_object();

	for (int i = FLOW_END_none + 1; object && i < FLOW_END_COUNT; i++) {
		if (set_count(object, flow_end_reason_name((enum flow_end_reason)i),
			      ledger->cache.records_expired[i])) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Records that did not reach a collector, by reason. */
static json_t *lost_json(const struct collector_ledger *ledger)
{
	json_t *object = json_object();

	for (int i = 0; object && i < LOSS_REASON_COUNT; i++) {
		if (set_count(object, loss_reason_name((enum loss_reason)i),
			      ledger->lost[i].records)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Records that were not meant for a collector, by reason. */
static json_t *excluded_json(const struct collector_ledger *ledger)
{
	json_t *object = json_object();

	for (int i = 0; object && i < COLLECTOR_EXCLUSION_COUNT; i++) {
		if (set_count(object, collector_exclusion_name((enum collector_exclusion)i),
			      ledger->excluded[i].records)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Add what filter and sampling left out. Takes 'row'; returns it, or NULL. */
static json_t *with_excluded(json_t *row, const struct collector_ledger *ledger)
{
	const struct amount excluded = collector_ledger_excluded(ledger);

	if (row && !set_count(row, "records_excluded", excluded.records) &&
	    !set_count(row, "packets_excluded", excluded.packets) &&
	    !set_count(row, "bytes_excluded", excluded.octets) &&
	    !json_object_set_new(row, "records_excluded_by_reason", excluded_json(ledger)))
		return row;
	json_decref(row);
	return NULL;
}

/* Add how a collector shares the records with others. Takes 'row'; returns it, or NULL. */
static json_t *with_role(json_t *row, const struct collector_status *collector)
{
	json_t *group = collector->group[0] ? json_text(collector->group) : json_null();
	json_t *mode = json_string(collector_mode_name(collector->mode));

	if (row && !json_object_set_new(row, "mode", mode) &&
	    !json_object_set_new(row, "group", group) &&
	    !set_count(row, "priority", collector->priority) &&
	    !set_count(row, "sampling", collector->sampling) &&
	    !json_object_set_new(row, "active", json_boolean(collector->is_used)))
		return row;
	json_decref(row);
	return NULL;
}

/* Add what the duplicate detector says. Takes 'row'; returns it, or NULL. */
static json_t *with_duplicates(json_t *row, const struct duplicate_statistics *duplicates)
{
	if (row && !set_count(row, "duplicates_sampled", duplicates->packets_sampled) &&
	    !set_count(row, "packets_seen_twice", duplicates->packets_seen_twice) &&
	    !json_object_set_new(row, "duplicates_suspected",
				 json_boolean(duplicates->sources_suspected != 0)))
		return row;
	json_decref(row);
	return NULL;
}

/* What became of fragments: fragment_table.h. */
static json_t *fragments_json(const struct worker_ledger *ledger)
{
	const struct fragment_statistics *fragments = &ledger->fragments;

	return json_pack("{s:I, s:I, s:I, s:I}", "first", (json_int_t)fragments->first, "matched",
			 (json_int_t)fragments->matched, "unmatched",
			 (json_int_t)fragments->unmatched, "replaced",
			 (json_int_t)fragments->replaced);
}

/* Add where the numbers cannot be exact, or are not those of the wire. Takes 'row'; returns it, or
 * NULL. */
static json_t *with_limits(json_t *row, const struct worker_ledger *ledger)
{
	if (row && !set_count(row, "packets_length_unknown", ledger->packets_length_unknown) &&
	    !set_count(row, "packets_rate_unknown", ledger->packets_rate_unknown) &&
	    !set_count(row, "packets_super", ledger->packets_super) &&
	    !set_count(row, "packets_split", ledger->packets_split) &&
	    !set_count(row, "bytes_split", ledger->octets_split) &&
	    !json_object_set_new(row, "fragments", fragments_json(ledger)))
		return row;
	json_decref(row);
	return NULL;
}

static const char *source_state(const struct source_status *source)
{
	if (source->failure[0])
		return "failed";
	return source->has_ended ? "ended" : "running";
}

json_t *summary_source_json(const struct source_status *source)
{
	const struct worker_ledger *ledger = &source->ledger;
	const struct capture_statistics *capture = &source->capture;
	const char *label = source->label ? source->label : "";
	json_t *row;

	row = json_pack(
		"{s:o, s:o, s:b, s:s, s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}",
		"name", json_text(source->name), "label", json_text(label), "live", source->is_live,
		"state", source_state(source), "failure", json_text(source->failure),
		"packets_read", (json_int_t)ledger->packets_read, "packets_lost_kernel",
		(json_int_t)ledger->packets_lost_kernel, "packets_ignored_total",
		(json_int_t)worker_ledger_ignored(ledger), "packets_ignored", ignored_json(ledger),
		"packets_cached", (json_int_t)ledger->cache.packets_cached, "packets_expired",
		(json_int_t)ledger->cache.packets_expired, "flows_created",
		(json_int_t)ledger->cache.flows_created, "flows_cached",
		(json_int_t)ledger->cache.flows_cached, "records_expired_total",
		(json_int_t)worker_ledger_expired(ledger), "messages",
		(json_int_t)capture->messages, "messages_truncated",
		(json_int_t)capture->messages_truncated, "messages_malformed",
		(json_int_t)capture->messages_malformed, "overruns", (json_int_t)capture->overruns,
		"packets_truncated", (json_int_t)capture->packets_truncated, "packets_unstamped",
		(json_int_t)capture->packets_unstamped, "receive_buffer_bytes",
		(json_int_t)capture->receive_buffer_bytes, "receive_buffer_wanted",
		(json_int_t)capture->receive_buffer_wanted, "single_packets",
		source->gets_single_packets, "sampling", source->sampling);
	return with_limits(with_duplicates(row, &ledger->duplicates), ledger);
}

static json_t *fault_json(const struct collector_status *collector)
{
	if (!collector->last_error)
		return json_null();
	if (collector->fault[0])
		return json_text(collector->fault);
	return json_text(collector_fault_text(collector->last_loss, collector->last_error));
}

/* Add where records wait, and what is known of sessions: null where there are none. Takes 'row';
 * returns it, or NULL. */
static json_t *with_waiting(json_t *row, const struct collector_status *collector)
{
	const bool has_sessions = collector->has_sessions;

	if (row && !set_count(row, "spool_bytes", collector->spooled_bytes) &&
	    !set_count(row, "spool_size", collector->spool_size) &&
	    !set_count(row, "records_spooled", collector->spooled_records) &&
	    !set_count(row, "datagrams_unconfirmed", collector->unconfirmed_datagrams) &&
	    !json_object_set_new(row, "sessions",
				 has_sessions ? json_integer((json_int_t)collector->sessions)
					      : json_null()) &&
	    !json_object_set_new(row, "session_failures",
				 has_sessions
					 ? json_integer((json_int_t)collector->session_failures)
					 : json_null()))
		return row;
	json_decref(row);
	return NULL;
}

json_t *summary_collector_json(const struct collector_status *collector)
{
	const struct collector_ledger *ledger = &collector->ledger;
	struct amount lost = collector_ledger_lost(ledger);
	json_t *row;

	row = json_pack(
		"{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
		"s:I, s:I, s:I, s:I}",
		"name", json_text(collector->name), "remote", json_text(collector->remote),
		"transport", json_text(collector->transport), "version",
		json_version(collector->version), "up", collector->is_up, "last_error",
		fault_json(collector), "sequence",
		collector->has_sequence ? json_integer((json_int_t)collector->sequence)
					: json_null(),
		"records_taken", (json_int_t)ledger->taken.records, "records_sent",
		(json_int_t)ledger->sent.records, "records_waiting",
		(json_int_t)ledger->waiting.records, "records_lost", (json_int_t)lost.records,
		"packets_sent", (json_int_t)ledger->sent.packets, "packets_waiting",
		(json_int_t)ledger->waiting.packets, "packets_lost", (json_int_t)lost.packets,
		"bytes_sent", (json_int_t)ledger->sent.octets, "records_lost_by_reason",
		lost_json(ledger), "datagrams_sent", (json_int_t)ledger->datagrams_sent,
		"datagrams_lost", (json_int_t)ledger->datagrams_lost, "datagrams_queued",
		(json_int_t)collector->queued_datagrams, "send_errors",
		(json_int_t)ledger->send_errors);
	return with_role(with_waiting(with_excluded(row, ledger), collector), collector);
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

json_t *summary_json(const struct pipeline_snapshot *snapshot)
{
	const struct worker_ledger *workers = &snapshot->workers;
	const struct collector_ledger *exported = &snapshot->exported;
	struct amount lost = collector_ledger_lost(exported);
	json_t *row;

	row = json_pack(
		"{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, "
		"s:o, s:I, s:o, s:o}",
		"packets_read", (json_int_t)workers->packets_read, "packets_lost_kernel",
		(json_int_t)workers->packets_lost_kernel, "packets_ignored", ignored_json(workers),
		"packets_ignored_total", (json_int_t)worker_ledger_ignored(workers),
		"packets_exported", (json_int_t)exported->sent.packets, "bytes_exported",
		(json_int_t)exported->sent.octets, "packets_cached",
		(json_int_t)workers->cache.packets_cached, "packets_waiting",
		(json_int_t)(snapshot->ring.packets + exported->waiting.packets), "packets_lost",
		(json_int_t)lost.packets, "flows_created", (json_int_t)workers->cache.flows_created,
		"flows_cached", (json_int_t)workers->cache.flows_cached, "records_expired",
		expired_json(workers), "records_expired_total",
		(json_int_t)worker_ledger_expired(workers), "records_sent",
		(json_int_t)exported->sent.records, "records_waiting",
		(json_int_t)(snapshot->ring.records + exported->waiting.records), "records_lost",
		(json_int_t)lost.records, "records_lost_by_reason", lost_json(exported),
		"datagrams_sent", (json_int_t)exported->datagrams_sent, "sources",
		sources_json(snapshot), "collectors", collectors_json(snapshot));
	row = with_excluded(row, exported);
	return with_limits(with_duplicates(row, &workers->duplicates), workers);
}

/* Write one line and make sure that it got there. */
static int write_line(FILE *file, const json_t *summary)
{
	errno = 0;
	if (json_dumpf(summary, file, JSON_COMPACT) || fputc('\n', file) == EOF || fflush(file))
		return errno ? -errno : -EIO;
	return 0;
}

FILE *summary_open(const char *path, struct error_text *error)
{
	FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

	if (!file)
		error_text_set(error, "cannot write the summary to %s: %s", path, strerror(errno));
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
			       file == stdout ? "standard output" : path, strerror(-result));
	json_decref(summary);
	return result;
}
