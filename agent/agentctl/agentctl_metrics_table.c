/* agentctl_metrics_table.c - a row of show-status -> lines of metrics.
 *
 * Place: rows of show-status -> here -> agentctl_metrics.c, which has the way out.
 *
 * Names are those of the table below, or made of the name of a counter: packets_super of a source
 * is flowagent_source_super_packets_total. Labels are few and closed: never an address, a port or
 * an AS. Source: Prometheus "Exposition formats", OpenMetrics 1.0.0. */
#include "agentctl_metrics.h"

#include "printable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 96

/* Where a family of metrics stands in the row. */
enum place {
	OF_AGENT,      /* the row itself */
	OF_CACHE,      /* its "cache" */
	OF_PROCESS,    /* its "process" */
	OF_SOURCES,    /* each of "sources", with the label source */
	OF_COLLECTORS, /* each of "collectors", with the labels collector and version */
	OF_UNITS,      /* each of "units", with the label unit: at most 1025 */
};

enum kind {
	COUNTER,
	GAUGE,
	GAUGE_MS,   /* milliseconds -> seconds */
	COUNTER_MS, /* the same, of a counter */
	REASONS,    /* counter: an object with a count for each reason, which is a label */
};

struct metric {
	enum place place;
	enum kind kind;
	const char *member; /* of the JSON */
	const char *name;   /* without "flowagent_" and "_total" */
	const char *label;  /* a constant one more; NULL: none */
	const char *help;
};

/* Names that facts of the project fix, and what is no counter of counters.def. */
static const struct metric metrics[] = {
	{ OF_AGENT, GAUGE_MS, "started_unix_ms", "start_time_seconds", NULL,
	  "When the agent was started, in seconds since 1970" },
	{ OF_PROCESS, COUNTER_MS, "cpu_ms", "process_cpu_seconds", NULL,
	  "CPU time of the agent, user and system" },
	{ OF_PROCESS, GAUGE, "resident_bytes", "process_resident_memory_bytes", NULL,
	  "Memory of the agent that is resident" },
	{ OF_PROCESS, GAUGE, "open_fds", "process_open_fds", NULL,
	  "File descriptors that the agent has open" },
	{ OF_CACHE, GAUGE, "flows", "cache_flows", NULL, "Flows in the cache" },
	{ OF_CACHE, GAUGE, "capacity", "cache_capacity_flows", NULL,
	  "Flows that the cache has room for" },
	{ OF_CACHE, GAUGE, "peak", "cache_peak_flows", NULL, "Most flows that the cache has held" },
	{ OF_CACHE, GAUGE, "memory_bytes", "cache_memory_bytes", NULL, "Memory of the cache" },
	{ OF_SOURCES, COUNTER, "packets_read", "source_packets", NULL,
	  "Packets read from the source" },
	{ OF_SOURCES, COUNTER, "packets_lost_kernel", "source_dropped_packets", "kernel",
	  "Packets lost before they could be read" },
	{ OF_SOURCES, REASONS, "packets_ignored", "source_ignored_packets", NULL,
	  "Packets that were read and belong to no flow" },
	{ OF_SOURCES, COUNTER, "overruns", "source_overruns", NULL,
	  "Reports of the kernel that its queue was full" },
	{ OF_SOURCES, GAUGE, "loss_unknown", "source_loss_unknown", NULL,
	  "Whether packets were lost of which no counter says how many, until the next one comes" },
	{ OF_SOURCES, GAUGE, "receive_buffer_bytes", "source_buffer_bytes", NULL,
	  "Bytes of the queue in the kernel" },
	{ OF_SOURCES, GAUGE, "receive_buffer_wanted", "source_buffer_wanted_bytes", NULL,
	  "Bytes of that queue that were asked for" },
	{ OF_SOURCES, COUNTER, "flows_created", "flows_created", NULL,
	  "Flows that entered the cache" },
	{ OF_SOURCES, REASONS, "records_expired", "flows_expired", NULL,
	  "Flows that have left the cache" },
	{ OF_COLLECTORS, COUNTER, "records_sent", "exported_records", NULL,
	  "Records in messages that were sent" },
	{ OF_COLLECTORS, COUNTER, "datagrams_sent", "exported_messages", NULL, "Messages sent" },
	{ OF_COLLECTORS, COUNTER, "datagram_bytes_sent", "exported_bytes", NULL,
	  "Bytes of the messages sent" },
	{ OF_COLLECTORS, COUNTER, "send_errors", "export_errors", NULL,
	  "Calls that failed, those repeated with success included" },
	{ OF_COLLECTORS, REASONS, "records_lost_by_reason", "export_lost_records", NULL,
	  "Records that do not reach this collector" },
	{ OF_COLLECTORS, REASONS, "records_excluded_by_reason", "export_excluded_records", NULL,
	  "Records that a filter or sampling of this collector left out" },
	{ OF_COLLECTORS, GAUGE_MS, "last_sent_unix_ms", "export_last_success_timestamp_seconds",
	  NULL, "When a message was last sent, in seconds since 1970" },
	{ OF_COLLECTORS, GAUGE, "up", "collector_up", NULL,
	  "Whether the collector takes messages, as far as is known" },
	{ OF_UNITS, COUNTER, "records", "unit_records", NULL,
	  "Records of the unit, of no unit that is known if it is empty" },
	{ OF_UNITS, COUNTER, "packets_in", "unit_received_packets", NULL,
	  "Packets in records of the unit that came in" },
	{ OF_UNITS, COUNTER, "bytes_in", "unit_received_bytes", NULL, "Bytes of these" },
	{ OF_UNITS, COUNTER, "packets_out", "unit_sent_packets", NULL,
	  "Packets in records of the unit that went out" },
	{ OF_UNITS, COUNTER, "bytes_out", "unit_sent_bytes", NULL, "Bytes of these" },
};

/* Counters that the metrics above say already: sums over their labels. */
static const char *const said[] = { "packets_ignored_total", "records_expired_total",
				    "records_lost", "records_excluded" };

/* All other counters, of the tables of the ledger. */
static const struct counter {
	enum place place;
	const char *member;
	const char *help;
} counters[] = {
#define WORKER_COUNTER(name, member, text) { OF_SOURCES, #name, text },
#define WORKER_SUM(name, function, text)   { OF_SOURCES, #name, text },
#define COLLECTOR_AMOUNT(name, value, text)                           \
	{ OF_COLLECTORS, "records_" #name, "records " text },         \
		{ OF_COLLECTORS, "packets_" #name, "packets " text }, \
		{ OF_COLLECTORS, "bytes_" #name, "bytes " text },
#define COLLECTOR_COUNTER(name, member, text) { OF_COLLECTORS, #name, text },
#include "counters.def"
};

bool agentctl_metrics_has(const char *counter)
{
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (strcmp(said[i], counter) == 0)
			return true;
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		if (strcmp(metrics[i].member, counter) == 0)
			return true;
	return false;
}

static bool is_counter(enum kind kind)
{
	return kind == COUNTER || kind == COUNTER_MS || kind == REASONS;
}

static void write_head(FILE *out, const struct metric *metric, const char *name,
		       enum agentctl_metrics_format format)
{
	/* In OpenMetrics a family of counters has the name without its suffix. */
	const char *suffix = is_counter(metric->kind) && format == METRICS_TEXT ? "_total" : "";

	(void)fprintf(out, "# HELP flowagent_%s%s %s\n# TYPE flowagent_%s%s %s\n", name, suffix,
		      metric->help, name, suffix, is_counter(metric->kind) ? "counter" : "gauge");
}

/* A label's value: backslash, quote and line feed are escaped. What is not printable is \xNN, as in
 * tables; the format has no escape for it, so the backslash is one. */
static void write_label(FILE *out, const char *name, const char *value)
{
	size_t length = strlen(value);

	(void)fprintf(out, "%s=\"", name);
	while (length) {
		size_t size = printable_size(value, length);

		if (*value == '\\' || *value == '"')
			(void)fputc('\\', out);
		if (*value == '\n')
			(void)fputs("\\n", out);
		else if (size)
			(void)fwrite(value, 1, size, out);
		else
			(void)fprintf(out, "\\\\x%02x", (unsigned int)(unsigned char)*value);
		size += !size;
		value += size;
		length -= size;
	}
	(void)fputc('"', out);
}

static bool has_labels(enum place place)
{
	return place == OF_SOURCES || place == OF_COLLECTORS || place == OF_UNITS;
}

static void write_object_labels(FILE *out, enum place place, const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const json_t *version = json_object_get(object, "version");
	char text[24];

	if (!has_labels(place))
		return;
	write_label(out,
		    place == OF_SOURCES ? "source"
		    : place == OF_UNITS ? "unit"
					: "collector",
		    name ? name : "");
	if (place != OF_COLLECTORS)
		return;
	(void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(version));
	(void)fputc(',', out);
	write_label(out, "version", json_is_string(version) ? json_string_value(version) : text);
}

/* One line. 'reason' is one more label, NULL: none. */
static void write_sample(FILE *out, const struct metric *metric, const char *name,
			 const json_t *object, const char *reason, const json_t *value)
{
	const bool has_object = has_labels(metric->place);
	const json_int_t number =
		json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);

	(void)fprintf(out, "flowagent_%s%s%s", name, is_counter(metric->kind) ? "_total" : "",
		      has_object || reason ? "{" : "");
	write_object_labels(out, metric->place, object);
	if (reason) {
		if (has_object)
			(void)fputc(',', out);
		write_label(out, "reason", reason);
	}
	if (has_object || reason)
		(void)fputc('}', out);
	if (metric->kind == GAUGE_MS || metric->kind == COUNTER_MS)
		(void)fprintf(out, " %" JSON_INTEGER_FORMAT ".%03d\n", number / 1000,
			      (int)(number % 1000));
	else
		(void)fprintf(out, " %" JSON_INTEGER_FORMAT "\n", number);
}

/* The lines of one object; nothing for a value that is null. */
static void write_object(FILE *out, const struct metric *metric, const char *name, json_t *object)
{
	json_t *value = json_object_get(object, metric->member);
	const char *reason;
	json_t *count;

	if (metric->kind == REASONS) {
		json_object_foreach(value, reason, count)
			write_sample(out, metric, name, object, reason, count);
	} else if (value && !json_is_null(value)) {
		write_sample(out, metric, name, object, metric->label, value);
	}
}

static void write_metric(FILE *out, const struct metric *metric, const char *name,
			 const json_t *status, enum agentctl_metrics_format format)
{
	json_t *array = NULL;
	size_t index;
	json_t *object;

	if (metric->place == OF_UNITS && json_array_size(json_object_get(status, "units")) == 0)
		return; /* few ask for them */
	write_head(out, metric, name, format);
	switch (metric->place) {
	case OF_AGENT: write_object(out, metric, name, (json_t *)(uintptr_t)status); return;
	case OF_CACHE: write_object(out, metric, name, json_object_get(status, "cache")); return;
	case OF_PROCESS:
		write_object(out, metric, name, json_object_get(status, "process"));
		return;
	case OF_SOURCES: array = json_object_get(status, "sources"); break;
	case OF_COLLECTORS: array = json_object_get(status, "collectors"); break;
	case OF_UNITS: array = json_object_get(status, "units"); break;
	}
	json_array_foreach(array, index, object) write_object(out, metric, name, object);
}

/* "packets_super" of a source -> "source_super_packets": the unit comes last. */
static void make_name(const struct counter *counter, char name[static NAME_SIZE])
{
	static const char *const units[] = { "packets", "bytes", "flows", "records", "datagrams" };
	const char *place = counter->place == OF_SOURCES ? "source" : "export";

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		const size_t length = strlen(units[i]);

		if (strncmp(counter->member, units[i], length) != 0 ||
		    counter->member[length] != '_')
			continue;
		(void)snprintf(name, NAME_SIZE, "%s_%s_%s", place, counter->member + length + 1,
			       i == 4 ? "messages" : units[i]);
		return;
	}
	(void)snprintf(name, NAME_SIZE, "%s_%s", place, counter->member);
}

/* What may go down is no counter. */
static bool may_fall(const char *member)
{
	return strstr(member, "_cached") || strstr(member, "_waiting");
}

static void write_counter(FILE *out, const struct counter *counter, const json_t *status,
			  enum agentctl_metrics_format format)
{
	const struct metric metric = {
		.place = counter->place,
		.kind = may_fall(counter->member) ? GAUGE : COUNTER,
		.member = counter->member,
		.help = counter->help,
	};
	char name[NAME_SIZE];

	make_name(counter, name);
	write_metric(out, &metric, name, status, format);
}

/* How many packets one that is counted stands for, by the text of a source's sampling, such as
 * "random:4+s=10": the product of its rates. 0: there are several rates of rules, so not one. */
static uint64_t sampling_ratio(const char *text)
{
	uint64_t ratio = 1;

	if (strchr(text, ','))
		return 0;
	for (const char *number = strpbrk(text, ":="); number; number = strpbrk(number, ":=")) {
		const uint64_t rate = strtoull(++number, NULL, 10);

		if (rate == 0 || ratio > INT64_MAX / rate)
			return 0;
		ratio *= rate;
	}
	return ratio;
}

static void write_sampling(FILE *out, json_t *sources)
{
	size_t index;
	json_t *source;

	(void)fputs("# HELP flowagent_sampling_ratio Packets that one counted packet stands for\n"
		    "# TYPE flowagent_sampling_ratio gauge\n",
		    out);
	json_array_foreach(sources, index, source)
	{
		const char *text = json_string_value(json_object_get(source, "sampling"));
		const uint64_t ratio = text ? sampling_ratio(text) : 0;

		if (!ratio)
			continue;
		(void)fputs("flowagent_sampling_ratio{", out);
		write_object_labels(out, OF_SOURCES, source);
		(void)fprintf(out, "} %" PRIu64 "\n", ratio);
	}
}

/* The AS table: its age and size are worth an alert. */
static void write_asn_table(FILE *out, const json_t *table)
{
	const json_t *created = json_object_get(table, "created_unix_ms");

	if (!json_is_object(table))
		return;
	(void)fprintf(out,
		      "# HELP flowagent_asn_table_prefixes Prefixes in the table of AS numbers\n"
		      "# TYPE flowagent_asn_table_prefixes gauge\n"
		      "flowagent_asn_table_prefixes{family=\"ipv4\"} %" JSON_INTEGER_FORMAT
		      "\nflowagent_asn_table_prefixes{family=\"ipv6\"} %" JSON_INTEGER_FORMAT "\n",
		      json_integer_value(json_object_get(table, "prefixes_ipv4")),
		      json_integer_value(json_object_get(table, "prefixes_ipv6")));
	if (json_is_integer(created))
		(void)fprintf(
			out,
			"# HELP flowagent_asn_table_timestamp_seconds When the table was made, in "
			"seconds since 1970\n"
			"# TYPE flowagent_asn_table_timestamp_seconds gauge\n"
			"flowagent_asn_table_timestamp_seconds %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(created) / 1000);
}

/* A configuration that was refused is worth an alert, too. */
static void write_last_reload(FILE *out, const json_t *last)
{
	if (!json_is_object(last))
		return;
	(void)fprintf(
		out,
		"# HELP flowagent_config_last_reload_successful Whether the last reload of the "
		"configuration was accepted\n"
		"# TYPE flowagent_config_last_reload_successful gauge\n"
		"flowagent_config_last_reload_successful %d\n"
		"# HELP flowagent_config_last_reload_timestamp_seconds When it was, in seconds "
		"since 1970\n"
		"# TYPE flowagent_config_last_reload_timestamp_seconds gauge\n"
		"flowagent_config_last_reload_timestamp_seconds %" JSON_INTEGER_FORMAT "\n",
		json_is_true(json_object_get(last, "succeeded")),
		json_integer_value(json_object_get(last, "unix_ms")) / 1000);
}

void agentctl_metrics_write(FILE *out, const json_t *status, enum agentctl_metrics_format format)
{
	const char *version = json_string_value(json_object_get(status, "version"));
	const char *revision = json_string_value(json_object_get(status, "revision"));

	(void)fprintf(out, "# HELP flowagent_build_info Version of the agent, and commit if known\n"
			   "# TYPE flowagent_build_info gauge\nflowagent_build_info{");
	write_label(out, "version", version ? version : "");
	(void)fputc(',', out);
	write_label(out, "revision", revision ? revision : "");
	(void)fputs("} 1\n", out);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		write_metric(out, &metrics[i], metrics[i].name, status, format);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (!agentctl_metrics_has(counters[i].member))
			write_counter(out, &counters[i], status, format);
	write_sampling(out, json_object_get(status, "sources"));
	write_asn_table(out, json_object_get(status, "asn_table"));
	write_last_reload(out, json_object_get(status, "last_reload"));
	if (format == METRICS_OPENMETRICS)
		(void)fputs("# EOF\n", out);
}
