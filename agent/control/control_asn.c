/* control_asn.c - see control_asn.h. Place: control thread; the table in use changes only there, so
 * it is read without asking the export thread. */
#include "control_asn.h"

#include "address.h"
#include "json_text.h"
#include "pipeline.h"
#include "time_now.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The words of a request: an address, or an AS number if 'ip_version' is 0. */
struct asn_state {
	size_t count;
	struct asn_question {
		uint8_t ip_version;
		uint8_t address[16];
		uint32_t as_number;
	} questions[CONTROL_FILTER_WORDS];
};

/* Since the table was made; null if that is not known, or to come. */
static json_t *age_json(const struct asn_table *table)
{
	const int64_t age_ms =
		time_now_ms(CLOCK_REALTIME) - asn_table_created_s(table) * INT64_C(1000);

	return asn_table_created_s(table) > 0 && age_ms >= 0 ? json_integer((json_int_t)age_ms)
							     : json_null();
}

static json_t *created_json(const struct asn_table *table)
{
	return asn_table_created_s(table) > 0
		       ? json_integer((json_int_t)(asn_table_created_s(table) * INT64_C(1000)))
		       : json_null();
}

json_t *control_asn_table_json(const struct pipeline *pipeline)
{
	struct pipeline_asn_status status;
	const struct asn_table *table;

	if (!pipeline_asn_status(pipeline, &status))
		return json_null();
	table = status.table;
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file",
			 json_text(status.path), "source", json_text(asn_table_source(table)),
			 "created_unix_ms", created_json(table), "age_ms", age_json(table),
			 "prefixes_ipv4", (json_int_t)asn_table_count(table, 4), "prefixes_ipv6",
			 (json_int_t)asn_table_count(table, 6), "names",
			 (json_int_t)asn_table_name_count(table), "peers",
			 (json_int_t)asn_table_peer_count(table), "bytes",
			 (json_int_t)asn_table_memory_bytes(table), "replaced",
			 (json_int_t)status.counts.replaced, "refused",
			 (json_int_t)status.counts.refused);
}

/* ---- show-asn ---- */

static int no_table(struct error_text *error)
{
	error_text_set(error, "the agent has no AS table");
	error_text_hint(error, "give it one: asn-table = FILE, or networks-file = FILE");
	return -ENOENT;
}

static int parse_word(const char *word, struct asn_question *question, struct error_text *error)
{
	const int version = address_parse(word, question->address);
	char quote[ERROR_QUOTE_SIZE];

	question->ip_version = version > 0 ? address_unmap((uint8_t)version, question->address) : 0;
	if (version > 0 ||
	    (strncasecmp(word, "AS", 2) == 0 && as_number_parse(word, &question->as_number) == 0))
		return 0;
	error_text_set(error, "\"%s\": expected an IPv4 or IPv6 address, or AS and a number",
		       error_text_quote(word, strlen(word), quote));
	return -EINVAL;
}

int control_asn_begin(struct control_job *job, const struct control_request *request,
		      struct error_text *error)
{
	struct pipeline_asn_status status;
	struct asn_state *state;
	int result = 0;

	if (!request->filter_count) {
		error_text_set(error, "which address or AS number? expected one or more");
		return -EINVAL;
	}
	if (!pipeline_asn_status(job->context->pipeline, &status))
		return no_table(error);
	state = calloc(1, sizeof(*state));
	if (!state) {
		error_text_set(error, "the agent is out of memory for this answer");
		return -ENOMEM;
	}
	state->count = request->filter_count;
	for (size_t i = 0; !result && i < state->count; i++)
		result = parse_word(request->filter[i], &state->questions[i], error);
	job->state = state;
	if (result) {
		control_asn_clear(job);
		job->state = NULL;
	}
	return result;
}

/* "192.0.2.0/24"; "none" where no prefix matches. */
static json_t *prefix_json(const struct asn_question *question, const struct asn_entry *entry)
{
	const size_t size = question->ip_version == 4 ? 4 : 16;
	char address[ADDRESS_TEXT_SIZE];
	char text[ADDRESS_TEXT_SIZE + 8];
	uint8_t bytes[16];

	if (!question->ip_version || (!entry->as_number && !entry->prefix_length))
		return json_string("none");
	memcpy(bytes, question->address, size);
	(void)address_clear_host_bits(bytes, size, entry->prefix_length);
	(void)snprintf(text, sizeof(text), "%s/%u",
		       address_format(question->ip_version, bytes, address), entry->prefix_length);
	return json_string(text);
}

static json_t *next_hop_json(const struct asn_question *question, const struct asn_entry *entry)
{
	char text[ADDRESS_TEXT_SIZE];

	return entry->has_next_hop
		       ? json_string(address_format(question->ip_version, entry->next_hop, text))
		       : json_null();
}

static json_t *answer_row(const struct asn_table *table, const struct asn_question *question)
{
	char text[ADDRESS_TEXT_SIZE] = "";
	struct asn_entry entry = { .as_number = question->as_number };
	char name[ASN_NAME_SIZE];

	if (question->ip_version) {
		asn_table_find(table, question->ip_version, question->address, &entry);
		(void)address_format(question->ip_version, question->address, text);
	}
	(void)asn_table_name(table, entry.as_number, name);
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "address", text,
			 "as", (json_int_t)entry.as_number, "name", json_text(name), "prefix",
			 prefix_json(question, &entry), "peers",
			 entry.peers ? json_integer(entry.peers) : json_null(), "peers_in_all",
			 (json_int_t)asn_table_peer_count(table), "peer_as",
			 entry.peer_as_number ? json_integer((json_int_t)entry.peer_as_number)
					      : json_null(),
			 "next_hop", next_hop_json(question, &entry), "source",
			 json_text(asn_table_source(table)), "created_unix_ms", created_json(table),
			 "age_ms", age_json(table));
}

int control_asn_step(struct control_job *job, struct control_output *output,
		     struct error_text *error)
{
	const struct asn_state *state = job->state;
	struct pipeline_asn_status status;

	if (!pipeline_asn_status(job->context->pipeline, &status))
		return no_table(error);
	for (size_t i = 0; i < state->count; i++) {
		if (!control_output_row(output, answer_row(status.table, &state->questions[i])))
			continue;
		error_text_set(error, "the agent is out of memory for this answer");
		return -ENOMEM;
	}
	return 0;
}

void control_asn_clear(struct control_job *job)
{
	free(job->state);
}
