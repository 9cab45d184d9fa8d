/* bmp_writer.c - see bmp_writer.h. */
#include "bmp_writer.h"

#include "asn_name_file.h"
#include "asn_shrink.h"
#include "asn_table_file.h"
#include "bmp_station.h"
#include "count_text.h"
#include "fault_text.h"
#include "log.h"
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAMES_LIMIT ((size_t)64 << 20)
#define PROBLEM     "table"

static size_t connected_routers(const struct bmp_state *state)
{
	size_t count = 0;

	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		count += state->routers[i].is_connected;
	return count;
}

/* A half table is not written. A router that begins again and again must not stop the others, so
 * that is waited for as long as stale routes are kept. */
static bool waits_for_router(struct bmp_writer *writer, const struct bmp_state *state,
			     int64_t now_ms)
{
	if (bmp_station_is_settled(state)) {
		writer->waits_since_ms = 0;
		return false;
	}
	if (!writer->waits_since_ms)
		writer->waits_since_ms = now_ms;
	return now_ms - writer->waits_since_ms < state->options.stale_ms;
}

static bool is_due(struct bmp_writer *writer, const struct bmp_state *state, int64_t now_ms,
		   bool is_end)
{
	const int64_t since_ms = now_ms - writer->tried_ms;
	const bool has_changed = bmp_rib_changes(state->rib) != writer->tried_changes;

	if (waits_for_router(writer, state, now_ms))
		return false;
	if (is_end || !writer->has_tried)
		return has_changed;
	if (since_ms < writer->interval_ms)
		return false;
	return has_changed ||
	       (since_ms >= BMP_WRITER_RENEW_MS && writer->written_s && connected_routers(state));
}

/* Names are an ornament: a table without them is still right. */
static void add_names(const struct bmp_writer *writer, struct asn_builder *builder)
{
	struct asn_name_file_result found;
	struct error_text error;
	size_t size;
	char *text = text_file_read(writer->names, NAMES_LIMIT, &size, &error);

	if (!text || asn_name_file_add(builder, writer->names, text, size, &found, &error) < 0)
		log_problem_text("names", writer->names, &error);
	else
		log_problem_over("names", writer->names);
	free(text);
}

static int check(const struct bmp_writer *writer, const struct bmp_table_result *result,
		 struct error_text *error)
{
	struct error_text unreadable;
	int status;

	if (writer->is_forced)
		return 0;
	if (result->prefixes[0] + result->prefixes[1] == 0) {
		error_text_set(error, "%.200s: no prefixes: nothing is written", writer->path);
		return -EINVAL;
	}
	status = asn_shrink_check_table(writer->path, result->prefixes, &unreadable, error);
	if (unreadable.text[0])
		log_warning("%s", unreadable.text);
	return status;
}

static int write_image(struct bmp_writer *writer, struct asn_builder *builder, size_t routers,
		       const struct bmp_table_result *result, struct error_text *error)
{
	char source[64], count[COUNT_TEXT_SIZE];
	const struct asn_build_facts facts = { .created_s = (int64_t)time(NULL),
					       .source = source,
					       .peer_count = result->voters };
	struct asn_image image;
	int status;

	(void)snprintf(source, sizeof(source), "BMP of %s", count_text(routers, "router", count));
	status = asn_builder_finish(builder, &facts, &image, NULL);
	if (status < 0) {
		error_text_set(error, "%.200s: out of memory for the table", writer->path);
		return status;
	}
	status = asn_table_file_write(writer->path, &image, error);
	if (status == 0) {
		writer->written_s = facts.created_s;
		writer->size = image.size;
	}
	asn_image_release(image.bytes, image.size);
	return status;
}

static int write_table(struct bmp_writer *writer, struct bmp_state *state,
		       struct asn_builder *builder, struct error_text *error)
{
	struct bmp_table_result result;
	int status = bmp_table_build(state, builder, &result);

	if (status < 0) {
		error_text_set(error, "%.200s: cannot make a table: %s", writer->path,
			       fault_text(-status));
		return status;
	}
	status = check(writer, &result, error);
	if (status < 0)
		return status;
	if (writer->names)
		add_names(writer, builder);
	status = write_image(writer, builder, connected_routers(state), &result, error);
	if (status == 0)
		writer->result = result;
	return status;
}

static void log_skipped(const struct bmp_writer *writer, enum asn_skip skip, size_t count)
{
	if (count)
		log_info("%s: skipped %s: %zu", writer->path, asn_skip_text(skip), count);
}

void bmp_writer_run(struct bmp_writer *writer, struct bmp_state *state, int64_t now_ms, bool is_end)
{
	struct error_text error = { .text = "" };
	struct asn_builder *builder;
	int status = -ENOMEM;

	if (!is_due(writer, state, now_ms, is_end))
		return;
	writer->tried_ms = now_ms;
	writer->has_tried = true;
	writer->tried_changes = bmp_rib_changes(state->rib);
	builder = asn_builder_create();
	if (builder)
		status = write_table(writer, state, builder, &error);
	else
		error_text_set(&error, "%.200s: out of memory for the table", writer->path);
	asn_builder_destroy(builder);
	if (status < 0) {
		writer->refused_count++;
		log_problem_text(PROBLEM, writer->path, &error);
		return;
	}
	writer->written_count++;
	log_problem_over(PROBLEM, writer->path);
	log_info("%s: %zu IPv4 and %zu IPv6 prefixes of %u peers, %zu bytes", writer->path,
		 writer->result.prefixes[0], writer->result.prefixes[1], writer->result.voters,
		 writer->size);
	log_skipped(writer, ASN_SKIP_no_origin, writer->result.no_origin);
	log_skipped(writer, ASN_SKIP_few_peers, writer->result.few_peers);
}
