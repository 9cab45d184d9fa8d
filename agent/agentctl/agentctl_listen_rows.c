/* agentctl_listen_rows.c - records -> JSON objects -> table or lines.
 *
 * A row has the columns of `show flows`, so that filters and scripts of one fit the other, and in
 * "fields" everything as it was sent, by IANA names. What a record does not have is null. */
#include "agentctl_listen_rows.h"

#include "address.h"
#include "agentctl_show.h"
#include "json_text.h"
#include "listen_elements.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_TEXT_SIZE 512

/* Members with a number, and the elements that they are taken from: the first that is there. */
static const struct number_member {
	const char *name;
	uint16_t elements[4];
} numbers[] = {
	{ "proto", { 4 } },
	{ "src_port", { 7, 180, 182 } },
	{ "dst_port", { 11, 181, 183 } },
	{ "tcp_flags", { 6 } },
	{ "packets", { 2, 86, 24 } },
	{ "bytes", { 1, 85, 23, 352 } },
	{ "tos", { 5, 195 } },
	{ "vlan", { 58, 243 } },
	{ "in_if", { 10, 252 } },
	{ "out_if", { 14, 253 } },
	{ "src_as", { 16 } },
	{ "dst_as", { 17 } },
	{ "end_reason", { 136 } },
};

/* A number that JSON readers keep exactly; one of more than 63 bits as text. */
static json_t *number_value(uint64_t number)
{
	char text[24];

	if (number <= INT64_MAX)
		return json_integer((json_int_t)number);
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_string(text);
}

static json_t *octets_value(const struct listen_field *field)
{
	static const char digits[] = "0123456789abcdef";
	json_t *value;
	char *text = malloc(2 * (size_t)field->size + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < field->size; i++) {
		text[2 * i] = digits[field->bytes[i] >> 4];
		text[2 * i + 1] = digits[field->bytes[i] & 0x0f];
	}
	text[2 * (size_t)field->size] = '\0';
	value = json_string(text);
	free(text);
	return value;
}

static json_t *text_value(const struct listen_field *field)
{
	char text[FIELD_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "%.*s", (int)field->size, (const char *)field->bytes);
	return json_text(text);
}

static json_t *address_value(const struct listen_field *field)
{
	char text[ADDRESS_TEXT_SIZE];

	return json_string(address_format(field->size == 4 ? 4 : 6, field->bytes, text));
}

static json_t *float_value(const struct listen_field *field)
{
	uint64_t bits = listen_field_number(field);
	double real;

	memcpy(&real, &bits, sizeof(real));
	return real == real && real - real == 0.0 ? json_real(real) : octets_value(field);
}

/* A value as its kind says; in hexadecimal if its size does not fit the kind. */
static json_t *field_value(const struct listen_field *field, enum listen_kind kind)
{
	switch (kind) {
	case LISTEN_UNSIGNED:
		if (field->size >= 1 && field->size <= 8)
			return number_value(listen_field_number(field));
		break;
	case LISTEN_ADDRESS:
		if (field->size == 4 || field->size == 16)
			return address_value(field);
		break;
	case LISTEN_FLOAT:
		if (field->size == 8)
			return float_value(field);
		break;
	case LISTEN_TEXT: return text_value(field);
	case LISTEN_MAC:
	case LISTEN_OCTETS: break;
	}
	return octets_value(field);
}

/* Fields from 'first' to before 'end' as an object. A name that comes again gets its place. */
static json_t *fields_value(const struct listen_record *record, size_t first, size_t end,
			    bool are_v9_scopes)
{
	json_t *object = json_object();

	for (size_t i = first; object && i < end; i++) {
		const struct listen_field *field = &record->fields[i];
		const char *scope = are_v9_scopes ? listen_scope_name(field->element) : NULL;
		char name[LISTEN_NAME_SIZE], again[LISTEN_NAME_SIZE + 24];
		enum listen_kind kind = LISTEN_UNSIGNED;

		if (scope)
			(void)snprintf(name, sizeof(name), "%s", scope);
		else
			kind = listen_element_name(field->enterprise, field->element, name);
		(void)snprintf(again, sizeof(again), "%s_%zu", name, i + 1);
		if (json_object_set_new(object, json_object_get(object, name) ? again : name,
					field_value(field, kind)) != 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

/* Set a member, null if there is no value. Returns 0, or -1 if memory is short. */
static int set(json_t *row, const char *name, json_t *value)
{
	return json_object_set_new(row, name, value ? value : json_null());
}

static int set_time(json_t *row, const char *name, const unix_ms *time)
{
	char member[32], text[JSON_TIME_SIZE];

	(void)snprintf(member, sizeof(member), "%s_unix_ms", name);
	return set(row, name, time ? json_string(json_time_format(*time, text)) : NULL) |
	       set(row, member, time ? json_integer(*time) : NULL);
}

static int set_address(json_t *row, const char *name, const struct listen_record *record,
		       uint16_t ipv4, uint16_t ipv6)
{
	const struct listen_field *field = listen_field_find(record, ipv4);

	if (!field || field->size != 4)
		field = listen_field_find(record, ipv6);
	return set(row, name,
		   field && (field->size == 4 || field->size == 16) ? address_value(field) : NULL);
}

static int set_version(json_t *row, const struct listen_record *record)
{
	const struct listen_field *field = listen_field_find(record, 60);

	if (field)
		return set(row, "v", number_value(listen_field_number(field)));
	if (listen_field_find(record, 8) || listen_field_find(record, 12))
		return set(row, "v", json_integer(4));
	return set(row, "v",
		   listen_field_find(record, 27) || listen_field_find(record, 28) ? json_integer(6)
										  : NULL);
}

static int set_direction(json_t *row, const struct listen_record *record)
{
	static const char *const names[] = { "in", "out" };
	const struct listen_field *field = listen_field_find(record, 61);
	const uint64_t number = field ? listen_field_number(field) : 2;

	return set(row, "dir", json_string(number < 2 ? names[number] : "unknown"));
}

/* The port of ICMP is its type and code, in whatever field they are. */
static int set_icmp(json_t *row, const struct listen_record *record)
{
	const struct listen_field *field = listen_field_find(record, 32);

	if (!field)
		field = listen_field_find(record, 139);
	if (!field || json_integer_value(json_object_get(row, "dst_port")) > 0)
		return 0;
	return set(row, "dst_port", number_value(listen_field_number(field)));
}

static int set_flow(json_t *row, const struct listen_header *header,
		    const struct listen_record *record, uint32_t sampling)
{
	unix_ms start, end;
	const bool has_times = listen_times(header, record, &start, &end);
	int result = set_version(row, record);

	result |= set_address(row, "src", record, 8, 27);
	result |= set_address(row, "dst", record, 12, 28);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct listen_field *field = NULL;

		for (size_t j = 0; !field && j < 4 && numbers[i].elements[j]; j++)
			field = listen_field_find(record, numbers[i].elements[j]);
		result |= set(row, numbers[i].name,
			      field ? number_value(listen_field_number(field)) : NULL);
	}
	result |= set_icmp(row, record);
	result |= set_direction(row, record);
	result |= set_time(row, "start", has_times ? &start : NULL);
	result |= set_time(row, "end", has_times ? &end : NULL);
	result |= set(row, "duration_ms", has_times ? json_integer(end - start) : NULL);
	return result | set(row, "sampling", json_integer(sampling));
}

/* What every line begins with. */
static json_t *head(const char *kind, const struct listen_stream *stream)
{
	char exporter[LISTENER_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s, s:i, s:I}", "kind", kind, "exporter",
			 listen_source_format(&stream->source, exporter), "transport",
			 stream->source.is_session ? "tcp" : "udp", "version", stream->version,
			 "domain", (json_int_t)stream->domain);
}

json_t *agentctl_listen_row(const struct listen_stream *stream, const struct listen_header *header,
			    const struct listen_record *record, uint32_t sampling, unix_ms now)
{
	json_t *row = head(record->is_options ? "options" : "flow", stream);
	int result = row ? 0 : -1;

	if (!result)
		result = set(row, "sequence", json_integer(header->sequence)) |
			 set(row, "template", json_integer(record->template_id)) |
			 set_time(row, "received", &now);
	if (!result && record->is_options)
		result = set(row, "scope",
			     fields_value(record, 0, record->scope_count, record->has_v9_scopes));
	else if (!result)
		result = set_flow(row, header, record, sampling);
	if (!result)
		result = set(row, "fields",
			     fields_value(record, record->scope_count, record->field_count, false));
	if (!result)
		return row;
	json_decref(row);
	return NULL;
}

/* One line of JSON; takes 'row'. */
static void print_line(struct agentctl_listen_view *view, json_t *row)
{
	const int result = agentctl_print_json(row);

	if (result)
		view->failure = result;
	json_decref(row);
}

/* Options data on standard error, for a person who asks for it. */
static void print_options(const json_t *row)
{
	char *fields = json_dumps(json_object_get(row, "fields"), JSON_TEXT_FLAGS);
	char *scope = json_dumps(json_object_get(row, "scope"), JSON_TEXT_FLAGS);

	(void)fprintf(stderr, "options %s scope %s %s\n",
		      json_string_value(json_object_get(row, "exporter")), scope ? scope : "",
		      fields ? fields : "");
	free(fields);
	free(scope);
}

void agentctl_listen_record(void *context, const struct listen_stream *stream,
			    const struct listen_header *header, const struct listen_record *record,
			    uint32_t sampling)
{
	struct agentctl_listen_view *view = context;
	const bool is_json = view->options->format == AGENTCTL_JSON;
	json_t *row;

	if (view->failure || (record->is_options && !is_json && !view->options->is_verbose) ||
	    (view->wanted && view->flows >= view->wanted))
		return;
	row = agentctl_listen_row(stream, header, record, sampling, view->now);
	if (!row) {
		view->failure = -ENOMEM;
	} else if (!record->is_options) {
		view->flows++;
		view->failure = agentctl_table_row(view->table, row);
	} else if (is_json) {
		print_line(view, json_incref(row));
	} else {
		print_options(row);
	}
	json_decref(row);
}

void agentctl_listen_finding(void *context, const struct listen_stream *stream,
			     enum listen_finding finding, const char *text)
{
	struct agentctl_listen_view *view = context;
	const bool is_fault = listen_finding_is_fault(finding);
	char exporter[LISTENER_TEXT_SIZE];
	json_t *row;

	if (view->options->format != AGENTCTL_JSON) {
		(void)fprintf(stderr, "%s %s: %s: %s\n", is_fault ? "FAULT" : "note ",
			      listen_source_format(&stream->source, exporter),
			      listen_finding_name(finding), text);
		return;
	}
	row = head("finding", stream);
	if (row && (set(row, "finding", json_string(listen_finding_name(finding))) |
		    set(row, "fault", json_boolean(is_fault)) | set(row, "text", json_text(text)) |
		    set(row, "count", json_integer((json_int_t)stream->findings[finding])))) {
		json_decref(row);
		row = NULL;
	}
	print_line(view, row);
}

static json_t *findings_value(const struct listen_stream *stream)
{
	json_t *findings = json_object();

	for (size_t i = 0; findings && i < LISTEN_FINDING_COUNT; i++)
		if (stream->findings[i])
			(void)set(findings, listen_finding_name((enum listen_finding)i),
				  json_integer((json_int_t)stream->findings[i]));
	return findings;
}

static json_t *stream_row(const struct listen_stream *stream)
{
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{ "messages", stream->messages },
		{ "bytes", stream->bytes },
		{ "flows", stream->flows },
		{ "options", stream->options },
		{ "templates", stream->templates_announced },
		{ "sets_skipped", stream->sets_skipped },
		{ "missing", stream->missing },
		{ "late", stream->late },
	};
	json_t *row = head("stream", stream);

	for (size_t i = 0; row && i < sizeof(counts) / sizeof(counts[0]); i++)
		(void)set(row, counts[i].name, json_integer((json_int_t)counts[i].value));
	if (row)
		(void)set(row, "findings", findings_value(stream));
	return row;
}

static void print_stream(const struct listen_stream *stream)
{
	char exporter[LISTENER_TEXT_SIZE];

	(void)fprintf(stderr,
		      "%s %s version %u domain %" PRIu32 ": %" PRIu64 " messages, %" PRIu64
		      " flows, %" PRIu64 " options, %" PRIu64 " missing",
		      listen_source_format(&stream->source, exporter),
		      stream->source.is_session ? "TCP" : "UDP", stream->version, stream->domain,
		      stream->messages, stream->flows, stream->options, stream->missing);
	for (size_t i = 0; i < LISTEN_FINDING_COUNT; i++)
		if (stream->findings[i])
			(void)fprintf(stderr, ", %s %" PRIu64,
				      listen_finding_name((enum listen_finding)i),
				      stream->findings[i]);
	(void)fputc('\n', stderr);
}

void agentctl_listen_summary(struct agentctl_listen_view *view, const struct listener *listener)
{
	const struct listen_stream *stream;

	for (size_t i = 0; (stream = listener_stream(listener, i)) != NULL; i++) {
		if (view->options->format == AGENTCTL_JSON)
			print_line(view, stream_row(stream));
		else if (!view->options->is_quiet)
			print_stream(stream);
	}
}
