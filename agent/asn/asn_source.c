/* asn_source.c - recognizes the format of an input and reads it. See asn_source.h. */
#include "asn_source.h"

#include "asn_file.h"
#include "asn_input.h"
#include "asn_mmdb.h"
#include "asn_mrt.h"
#include "asn_name_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE ((size_t)1 << 20)   /* of the buffer; it grows for larger records */
#define TEXT_LIMIT ((size_t)512 << 20) /* twenty times the whole internet */

struct source {
	struct asn_input *input; /* owned */
	const char *name;        /* borrowed from it */
	const struct asn_rules *rules;
	struct asn_builder *builder;
	struct asn_messages *messages;
	struct error_text *error;
	uint8_t *buffer; /* owned */
	size_t capacity, used;
	bool is_at_end;
};

static int fail_memory(struct source *source)
{
	error_text_set(source->error, "%.200s: out of memory", source->name);
	return -ENOMEM;
}

static int grow_buffer(struct source *source, size_t capacity)
{
	uint8_t *grown = realloc(source->buffer, capacity + 1);

	if (!grown)
		return fail_memory(source);
	source->buffer = grown;
	source->capacity = capacity;
	return 0;
}

/* Fill the rest of the buffer. */
static int fill_buffer(struct source *source)
{
	const size_t room = source->capacity - source->used;
	const ssize_t got =
		asn_input_read(source->input, source->buffer + source->used, room, source->error);

	if (got < 0)
		return (int)got;
	source->used += (size_t)got;
	source->is_at_end = (size_t)got < room;
	asn_messages_progress(source->messages, source->input);
	return 0;
}

/* ---- MRT ---- */

/* The records in the buffer; what is left of it moves to its begin. */
static int read_records(struct source *source, struct asn_mrt *mrt)
{
	size_t used;
	const int result = asn_mrt_read(mrt, source->buffer, source->used, &used, source->error);

	if (result < 0)
		return result;
	memmove(source->buffer, source->buffer + used, source->used - used);
	source->used -= used;
	if (used == 0 && source->used == source->capacity)
		return grow_buffer(source, source->capacity * 2); /* a record ends it at 16 MiB */
	return 0;
}

static int read_dump(struct source *source, struct asn_mrt *mrt)
{
	int result = read_records(source, mrt);

	while (result == 0 && !source->is_at_end) {
		result = fill_buffer(source);
		if (result == 0)
			result = read_records(source, mrt);
	}
	return result < 0 ? result : asn_mrt_end(mrt, source->used, source->error);
}

static int read_mrt(struct source *source, struct asn_source_result *result)
{
	struct asn_routes *routes = asn_routes_create(source->rules);
	struct asn_mrt *mrt = routes ? asn_mrt_create(source->name, routes) : NULL;
	int status = mrt ? read_dump(source, mrt) : fail_memory(source);

	result->format = "MRT";
	if (status == 0 && asn_routes_finish(routes, source->builder) < 0)
		status = fail_memory(source);
	if (status == 0) {
		result->peers = asn_mrt_peers(mrt);
		result->time_s = asn_mrt_time_s(mrt);
		asn_messages_skipped(source->messages, source->name, routes);
	}
	asn_mrt_destroy(mrt);
	asn_routes_destroy(routes);
	return status;
}

/* ---- text ---- */

static int read_whole(struct source *source)
{
	while (!source->is_at_end) {
		int result = 0;

		if (source->used == source->capacity)
			result = grow_buffer(source, source->capacity * 2);
		if (result == 0)
			result = fill_buffer(source);
		if (result < 0)
			return result;
		if (source->used > TEXT_LIMIT) {
			error_text_set(source->error,
				       "%.200s: more than %zu MB of text, the most that is read",
				       source->name, TEXT_LIMIT >> 20);
			return -EFBIG;
		}
	}
	source->buffer[source->used] = '\0';
	return 0;
}

static void report_text(struct source *source, const struct asn_file_report *found)
{
	static const char *const defaults[] = { "0.0.0.0/0", "::/0" };

	if (found->wrong_lines)
		asn_messages_warning(source->messages, "%s", found->first_wrong.text);
	if (found->wrong_lines)
		asn_messages_warning(source->messages,
				     "%.200s: skipped lines that cannot be read: %zu of %zu",
				     source->name, found->wrong_lines, found->lines);
	if (found->skipped_sets)
		asn_messages_line(source->messages,
				  "%.200s: skipped lines with a set of several AS: %zu, the first "
				  "is line %zu",
				  source->name, found->skipped_sets, found->first_skipped);
	for (int family = 0; family < 2; family++)
		if (found->default_routes[family])
			asn_messages_warning(
				source->messages,
				"%.200s:%zu: a default route, %s: every address that no "
				"other prefix has gets its AS",
				source->name, found->default_routes[family], defaults[family]);
}

static int read_text(struct source *source, struct asn_source_result *result)
{
	struct asn_file_report found;
	int status = read_whole(source);

	result->format = "text";
	if (status == 0)
		status = asn_file_add(source->builder, source->name, (const char *)source->buffer,
				      source->used, &found, source->error);
	if (status == 0)
		report_text(source, &found);
	return status;
}

static int read_source(struct source *source, struct asn_source_result *result)
{
	int status = grow_buffer(source, FIRST_SIZE);
	const uint8_t *zero;

	if (status == 0)
		status = fill_buffer(source);
	if (status < 0)
		return status;
	result->time_s = asn_input_time_s(source->input);
	/* A text has no byte that is 0. */
	if (asn_mrt_is_it(source->buffer, source->used))
		return read_mrt(source, result);
	zero = memchr(source->buffer, '\0', source->used);
	if (zero) {
		error_text_set(
			source->error,
			"%.200s: byte %td: neither MRT nor text; expected a dump of a routing "
			"table, a MaxMind database (a file, not packed), or lines with an AS "
			"number and a prefix",
			source->name, zero - source->buffer);
		return -EINVAL;
	}
	return read_text(source, result);
}

/* ---- databases ---- */

static int read_mmdb(const char *path, struct asn_builder *builder, struct asn_messages *messages,
		     struct asn_source_result *result, struct error_text *error)
{
	struct asn_mmdb_result found;
	const int status = asn_mmdb_read(path, builder, &found, error);
	char address[ADDRESS_TEXT_SIZE];

	if (status < 0)
		return status;
	result->format = "MaxMind database";
	result->time_s = found.time_s;
	if (found.without_as)
		asn_messages_line(messages,
				  "%.200s: skipped networks without an AS number: %" PRIu64
				  ", the first %s/%u",
				  path, found.without_as,
				  address_format(found.first_without.ip_version,
						 found.first_without.address, address),
				  (unsigned int)found.first_without.length);
	return 0;
}

/* ---- names ---- */

static int read_names(struct source *source)
{
	struct asn_name_file_result found;
	int status = grow_buffer(source, FIRST_SIZE);

	if (status == 0)
		status = read_whole(source);
	if (status == 0)
		status = asn_name_file_add(source->builder, source->name,
					   (const char *)source->buffer, source->used, &found,
					   source->error);
	if (status < 0)
		return status;
	asn_messages_line(source->messages, "%.200s: %zu names", source->name, found.names);
	if (found.wrong_lines)
		asn_messages_warning(source->messages, "%s, in all %zu lines",
				     found.first_wrong.text, found.wrong_lines);
	return 0;
}

/* ---- any ---- */

/* 'result' is NULL for a file with names. */
static int read_stream(const char *path, struct source *source, struct asn_source_result *result)
{
	int status;

	source->input = asn_input_open(path, source->error);
	if (!source->input)
		return -EIO;
	source->name = asn_input_name(source->input);
	status = result ? read_source(source, result) : read_names(source);
	free(source->buffer);
	asn_input_close(source->input);
	return status;
}

int asn_source_read(const char *path, const struct asn_rules *rules, struct asn_builder *builder,
		    struct asn_messages *messages, struct asn_source_result *result,
		    struct error_text *error)
{
	struct source source = {
		.rules = rules, .builder = builder, .messages = messages, .error = error
	};
	const size_t before = asn_builder_added(builder);
	int status;

	*result = (struct asn_source_result){ .prefixes = 0 };
	if (asn_mmdb_is_it(path))
		status = read_mmdb(path, builder, messages, result, error);
	else
		status = read_stream(path, &source, result);
	result->prefixes = asn_builder_added(builder) - before;
	return status;
}

int asn_source_read_names(const char *path, struct asn_builder *builder,
			  struct asn_messages *messages, struct error_text *error)
{
	struct source source = { .builder = builder, .messages = messages, .error = error };

	return read_stream(path, &source, NULL);
}
