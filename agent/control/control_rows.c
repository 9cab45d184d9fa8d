/* control_rows.c - pipeline_snapshot and configuration -> rows.
 *
 * A row that cannot be made is NULL, which control_output_row() and json_pack() take as shortage of
 * memory: so errors need no path of their own here. */
#include "control_rows.h"

#include "config.h"
#include "config_load.h"
#include "config_value.h"
#include "control_asn.h"
#include "control_job.h"
#include "control_process.h"
#include "pipeline.h"
#include "equalities.h"
#include "export_owner.h"
#include "json_text.h"
#include "log.h"
#include "reload.h"
#include "rules_watch.h"
#include "summary.h"
#include "time_now.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Real time of a moment on the monotonic clock; null for -1, never. */
static json_t *moment_json(int64_t monotonic_ms)
{
	if (monotonic_ms < 0)
		return json_null();
	return json_integer((json_int_t)(time_now_ms(CLOCK_REALTIME) -
					 time_now_ms(CLOCK_MONOTONIC) + monotonic_ms));
}

/* Milliseconds since a moment on the monotonic clock; null for -1, never. */
static json_t *age_json(int64_t monotonic_ms)
{
	if (monotonic_ms < 0)
		return json_null();
	return json_integer((json_int_t)(time_now_ms(CLOCK_MONOTONIC) - monotonic_ms));
}

/* Add when something last happened, as time and as age. Takes 'row'; returns it, or NULL. */
static json_t *with_moment(json_t *row, const char *time_key, const char *age_key, int64_t moment)
{
	if (row && !json_object_set_new(row, time_key, moment_json(moment)) &&
	    !json_object_set_new(row, age_key, age_json(moment)))
		return row;
	json_decref(row);
	return NULL;
}

/* Add what is known of the firewall's rules. Takes 'row'; returns it, or NULL. */
static json_t *with_rules(json_t *row, const struct rules_watch_state *rules)
{
	if (row &&
	    !json_object_set_new(row, "rules",
				 rules->is_known ? json_integer(rules->count) : json_null()) &&
	    !json_object_set_new(row, "rules_gone", json_boolean(rules->are_gone)))
		return row;
	json_decref(row);
	return NULL;
}

/* The row of the source at a place of the configuration. */
static json_t *source_row(const struct control_context *context,
			  const struct pipeline_snapshot *snapshot, size_t index)
{
	const struct source_status *source = &snapshot->sources[index];
	const struct rules_watch_state rules = rules_watch_state(context->rules, index);

	return with_rules(with_moment(summary_source_json(source), "last_packet_unix_ms",
				      "last_packet_age_ms", source->last_packet_ms),
			  &rules);
}

static json_t *collector_row(const struct collector_status *collector)
{
	return with_moment(summary_collector_json(collector), "last_sent_unix_ms",
			   "last_sent_age_ms", collector->last_sent_ms);
}

int control_write_sources(const struct control_context *context,
			  const struct pipeline_snapshot *snapshot, struct control_output *output)
{
	int result = 0;

	for (size_t i = 0; !result && i < snapshot->source_count; i++)
		result = control_output_row(output, source_row(context, snapshot, i));
	return result;
}

int control_write_collectors(const struct control_context *context,
			     const struct pipeline_snapshot *snapshot,
			     struct control_output *output)
{
	int result = 0;

	(void)context;
	for (size_t i = 0; !result && i < snapshot->collector_count; i++)
		result = control_output_row(output, collector_row(&snapshot->collectors[i]));
	return result;
}

static json_t *source_rows(const struct control_context *context,
			   const struct pipeline_snapshot *snapshot)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < snapshot->source_count; i++) {
		if (json_array_append_new(rows, source_row(context, snapshot, i))) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static json_t *collector_rows(const struct pipeline_snapshot *snapshot)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < snapshot->collector_count; i++) {
		if (json_array_append_new(rows, collector_row(&snapshot->collectors[i]))) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static json_t *hex_json(const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * DROP_EXAMPLE_BYTES];

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	return json_stringn(text, 2 * size);
}

/* Without a packet there is nothing to say but that; the members are there all the same. */
static json_t *drop_row(enum drop_reason reason, const struct pipeline_drop *drop)
{
	const struct drop_example *example = &drop->example;
	bool has_example = drop->source != NULL;
	char last[JSON_TIME_SIZE];

	return json_pack(
		"{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "reason",
		drop_reason_name(reason), "packets", (json_int_t)drop->packets, "text",
		drop_reason_text(reason), "source", json_text(drop->source), "last",
		has_example ? json_string(json_time_format(example->time_ms, last)) : json_null(),
		"last_unix_ms",
		has_example ? json_integer((json_int_t)example->time_ms) : json_null(), "link",
		has_example ? json_string(link_type_name((enum link_type)example->link))
			    : json_null(),
		"captured_bytes",
		has_example ? json_integer((json_int_t)example->captured_bytes) : json_null(),
		"original_bytes",
		has_example && example->original_bytes
			? json_integer((json_int_t)example->original_bytes)
			: json_null(),
		"example", has_example ? hex_json(example->bytes, example->size) : json_null());
}

int control_write_drops(const struct pipeline_drop drops[static DROP_REASON_COUNT],
			struct control_output *output)
{
	int result = 0;

	for (int i = DROP_NONE + 1; !result && i < DROP_REASON_COUNT; i++)
		result = control_output_row(output, drop_row((enum drop_reason)i, &drops[i]));
	return result;
}

/* Inode of our network namespace: NFLOG groups belong to it, so an agent in another one than the
 * rules sees nothing. 0 if it cannot be read. */
static json_int_t network_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/net", &status) == 0 ? (json_int_t)status.st_ino : 0;
}

static json_t *cache_json(const struct control_context *context,
			  const struct pipeline_snapshot *snapshot)
{
	const struct flow_cache_statistics *cache = &snapshot->workers.cache;

	return json_pack("{s:I, s:I, s:I, s:I}", "flows", (json_int_t)cache->flows_cached,
			 "capacity", (json_int_t)context->config->max_flows, "peak",
			 (json_int_t)cache->flows_cached_peak, "memory_bytes",
			 (json_int_t)cache->memory_bytes);
}

static json_t *time_or_null(const struct problem *problem, int64_t unix_time_ms)
{
	return problem->text[0] ? json_integer((json_int_t)unix_time_ms) : json_null();
}

static json_t *text_or_none(const struct problem *problem)
{
	return json_text(problem->text[0] ? problem->text : "none");
}

/* All that lasts, from the newest on. */
static json_t *problem_rows(const struct problems *problems)
{
	json_t *rows = json_array();

	for (size_t i = problems->count; i-- > 0;)
		if (json_array_append_new(
			    rows, json_pack("{s:o, s:I}", "problem",
					    json_text(problems->lasting[i].text), "problem_unix_ms",
					    (json_int_t)problems->lasting[i].since_ms))) {
			json_decref(rows);
			return NULL;
		}
	return rows;
}

static json_t *problems_json(void)
{
	static const struct problem none = { .text = "" };
	const struct problem *newest;
	struct problems problems;

	log_problems(&problems);
	newest = problems.count ? &problems.lasting[problems.count - 1] : &none;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o}", "problem", text_or_none(newest),
		"problem_unix_ms", time_or_null(newest, newest->since_ms), "problems",
		problem_rows(&problems), "last_problem", text_or_none(&problems.last),
		"last_problem_unix_ms", time_or_null(&problems.last, problems.last.since_ms),
		"last_problem_over_unix_ms", time_or_null(&problems.last, problems.last.over_ms));
}

/* How the last reading of the configuration went; JSON null if there was none since the start. */
static json_t *last_reload_json(const struct control_context *context)
{
	struct reload_status last = { .unix_ms = 0 };

	if (context->reload)
		last = reload_status(context->reload);
	return last.unix_ms ? json_pack("{s:I, s:b}", "unix_ms", (json_int_t)last.unix_ms,
					"succeeded", !last.has_failed)
			    : json_null();
}

static json_t *unit_json(const struct owner_sum *sum)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "name", json_text(sum->unit), "records",
			 (json_int_t)sum->records, "packets_in", (json_int_t)sum->packets[0],
			 "bytes_in", (json_int_t)sum->octets[0], "packets_out",
			 (json_int_t)sum->packets[1], "bytes_out", (json_int_t)sum->octets[1]);
}

/* What left of each unit; none where units are not asked for. JSON null: the export thread does not
 * answer. */
static json_t *unit_rows(struct pipeline *pipeline)
{
	json_t *rows = json_array();
	struct owner_sum *sums = NULL;
	size_t count = 0;

	if (pipeline_columns(pipeline) & FLOW_COLUMN_BIT(FLOW_COLUMN_cgroup) &&
	    pipeline_units(pipeline, &sums, &count)) {
		json_decref(rows);
		return json_null();
	}
	for (size_t i = 0; rows && i < count; i++) {
		if (!json_array_append_new(rows, unit_json(&sums[i])))
			continue;
		json_decref(rows);
		rows = NULL;
	}
	free(sums);
	return rows;
}

int control_write_status(const struct control_context *context,
			 const struct pipeline_snapshot *snapshot, struct control_output *output)
{
	const struct worker_ledger *workers = &snapshot->workers;
	char started[JSON_TIME_SIZE];
	json_t *problems = problems_json();
	json_t *row;
	json_int_t uptime_ms = (json_int_t)(time_now_ms(CLOCK_REALTIME) - context->started_unix_ms);

	row = json_pack(
		"{s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o}",
		"version", FLOWAGENT_VERSION, "revision", FLOWAGENT_REVISION, "pid",
		(json_int_t)getpid(), "netns", network_namespace(), "started",
		json_time_format(context->started_unix_ms, started), "started_unix_ms",
		(json_int_t)context->started_unix_ms, "uptime_ms", uptime_ms > 0 ? uptime_ms : 0,
		"packets_read", (json_int_t)workers->packets_read, "packets_lost_kernel",
		(json_int_t)workers->packets_lost_kernel, "packets_ignored_total",
		(json_int_t)worker_ledger_ignored(workers), "cache", cache_json(context, snapshot),
		"sources", source_rows(context, snapshot), "collectors", collector_rows(snapshot),
		"asn_table", control_asn_table_json(context->pipeline), "last_reload",
		last_reload_json(context), "units", unit_rows(context->pipeline), "process",
		control_process_json());
	if (row && (!problems || json_object_update(row, problems))) {
		json_decref(row);
		row = NULL;
	}
	json_decref(problems);
	return control_output_row(output, row);
}

/* An equality and whether it holds. */
static void append_equality(void *context, const struct equality *equality)
{
	json_t **array = context;

	if (!json_array_append_new(*array,
				   json_pack("{s:s, s:o, s:I, s:I, s:b}", "name", equality->name,
					     "object", json_text(equality->object), "left",
					     (json_int_t)equality->left, "right",
					     (json_int_t)equality->right, "holds",
					     equality->left == equality->right)))
		return;
	json_decref(*array);
	*array = NULL;
}

static json_t *equalities_json(const struct pipeline_snapshot *snapshot)
{
	json_t *array = json_array();

	(void)equalities_visit(snapshot, append_equality, &array);
	return array;
}

int control_write_stats(const struct control_context *context,
			const struct pipeline_snapshot *snapshot, struct control_output *output)
{
	json_t *row = summary_json(snapshot);

	if (row &&
	    (json_object_set_new(row, "asn_table", control_asn_table_json(context->pipeline)) ||
	     json_object_set_new(row, "last_reload", last_reload_json(context)) ||
	     json_object_set_new(row, "equalities", equalities_json(snapshot)))) {
		json_decref(row);
		row = NULL;
	}
	return control_output_row(output, row);
}

int control_write_config(const struct control_context *context, struct control_output *output)
{
	int result = 0;

	for (size_t i = 0; !result && i < config_option_count(); i++) {
		struct config_value value;
		struct error_text why_not;
		bool adds;

		result = config_value(context->config, i, &value);
		if (result)
			break;
		result = control_output_row(
			output,
			json_pack("{s:s, s:o, s:b, s:o, s:b, s:b}", "name", value.name, "value",
				  json_text(value.value), "default", value.is_default, "origin",
				  json_text(value.origin), "needs_restart", value.needs_restart,
				  "settable", !config_override_check(value.name, &adds, &why_not)));
		config_value_clear(&value);
	}
	return result;
}
