/* control_flows.c - `show-flows`: flow_record -> filter -> row.
 *
 * The workers are asked for one piece at a time, and for the next one only when the client has
 * taken the rows of the last: memory per client is one piece, however large the cache is.
 *
 * Interfaces have the numbers that collectors see (if-map), in rows and in the filter, with the
 * names of when the request came. */
#include "control_flows.h"

#include "address.h"
#include "asn_table.h"
#include "config.h"
#include "pipeline.h"
#include "flow_filter.h"
#include "json_text.h"
#include "time_now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flows_state {
	struct flow_filter *filter; /* owned */
	uint64_t cursor;
	struct interface_list interfaces; /* as they were when the request came */
	struct flow_record records[CONTROL_FLOWS_PIECE];
};

static uint32_t interface_number(const void *context, const char *name)
{
	return interface_list_number(context, name);
}

static void fail_interfaces(int fault, struct error_text *error)
{
	error_text_set(error, "cannot read the interfaces: %s",
		       fault == -ETIMEDOUT ? "a thread of the agent did not answer within 1 s"
					   : strerror(-fault));
}

int control_flows_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error)
{
	struct flows_state *state = calloc(1, sizeof(*state));
	struct flow_filter_names names = { .interface_index = interface_number };
	int result;

	if (!state) {
		error_text_set(error, "the agent is out of memory for this answer");
		return -ENOMEM;
	}
	result = pipeline_interfaces(job->context->pipeline, &state->interfaces);
	if (result) {
		fail_interfaces(result, error);
		free(state);
		return result;
	}
	names.context = &state->interfaces;
	state->filter = flow_filter_parse(request->filter, request->filter_count, &names, error);
	if (!state->filter) {
		interface_list_clear(&state->interfaces);
		free(state);
		return -EINVAL;
	}
	job->state = state;
	return 0;
}

void control_flows_clear(struct control_job *job)
{
	struct flows_state *state = job->state;

	flow_filter_destroy(state->filter);
	interface_list_clear(&state->interfaces);
	free(state);
}

/* Replace the kernel's index by what is exported. Returns the interface's name, "" without one. */
static const char *resolve_interface(const struct flows_state *state, uint32_t *index)
{
	const struct interface *interface = interface_list_find(&state->interfaces, *index);

	if (!interface)
		return "";
	*index = interface->number;
	return interface->name;
}

static const char *side_name(uint8_t side)
{
	switch (side) {
	case SIDE_ingress: return "in";
	case SIDE_egress: return "out";
	default: return "unknown";
	}
}

#define PREFIX_TEXT_SIZE (ADDRESS_TEXT_SIZE + 4)

/* "192.0.2.1", "192.0.2.0/24" where flows are of prefixes, "*" where they are of all addresses. */
static const char *prefix_format(const struct flow_key_choice *key, uint8_t ip_version,
				 const uint8_t *address, char text[static PREFIX_TEXT_SIZE])
{
	const uint8_t length = flow_key_prefix_length(key, ip_version);
	char address_text[ADDRESS_TEXT_SIZE];

	if (!flow_key_has(key, FLOW_KEY_addresses))
		return "*";
	if (!length)
		return address_format(ip_version, address, text);
	(void)snprintf(text, PREFIX_TEXT_SIZE, "%s/%u",
		       address_format(ip_version, address, address_text), (unsigned int)length);
	return text;
}

json_t *control_flow_row(const struct flow_record *flow, const struct control_flow_names *names)
{
	const struct flow_key *key = &flow->key;
	char source[PREFIX_TEXT_SIZE];
	char destination[PREFIX_TEXT_SIZE];
	char start[JSON_TIME_SIZE];
	char end[JSON_TIME_SIZE];

	return json_pack(
		"{s:i, s:i, s:s, s:i, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:i, s:I, s:I, s:o, s:o, "
		"s:s, "
		"s:I, s:I, s:s, s:I, s:s, s:I, s:I, s:o}",
		"v", key->ip_version, "proto", key->protocol, "src",
		prefix_format(&names->key, key->ip_version, flow_source_address(key), source),
		"src_port", key->source_port, "dst",
		prefix_format(&names->key, key->ip_version, flow_destination_address(key),
			      destination),
		"dst_port", key->destination_port, "tos", key->tos, "vlan", key->vlan_id, "mark",
		(json_int_t)key->mark, "packets", (json_int_t)flow->packets, "bytes",
		(json_int_t)flow->octets, "tcp_flags", flow->tcp_flags, "in_if",
		(json_int_t)key->input_interface, "out_if", (json_int_t)key->output_interface,
		"in_if_name", json_text(names->input_interface), "out_if_name",
		json_text(names->output_interface), "dir", side_name(key->side), "src_as",
		(json_int_t)names->source_as, "dst_as", (json_int_t)names->destination_as, "start",
		json_time_format(flow->first_ms, start), "start_unix_ms",
		(json_int_t)flow->first_ms, "end", json_time_format(flow->last_ms, end),
		"end_unix_ms", (json_int_t)flow->last_ms, "duration_ms",
		(json_int_t)(flow->last_ms - flow->first_ms), "sampling",
		names->sampling ? json_integer(names->sampling) : json_null());
}

/* 'flow' is changed: its interfaces get their numbers. */
static int write_flow(struct control_job *job, struct flow_record *flow, unix_ms now,
		      struct control_output *output)
{
	struct flows_state *state = job->state;
	struct flow_key *key = &flow->key;
	const struct pipeline *pipeline = job->context->pipeline;
	const struct control_flow_names names = {
		.key = job->context->config->flow_key,
		.source_as = pipeline_asn(pipeline, key->ip_version, flow_source_address(key))
				     ->as_number,
		.destination_as =
			pipeline_asn(pipeline, key->ip_version, flow_destination_address(key))
				->as_number,
		.input_interface = resolve_interface(state, &key->input_interface),
		.output_interface = resolve_interface(state, &key->output_interface),
		.sampling = pipeline_sampler(pipeline, key->sampler).interval,
	};

	if (!flow_filter_matches(state->filter, flow, names.source_as, names.destination_as, now))
		return 0;
	return control_output_row(output, control_flow_row(flow, &names));
}

int control_flows_step(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	struct flows_state *state = job->state;
	unix_ms now = time_now_ms(CLOCK_REALTIME);
	size_t filled = 0;
	int result = pipeline_flows(job->context->pipeline, &state->cursor, state->records,
				    CONTROL_FLOWS_PIECE, &filled);

	if (result) {
		error_text_set(error, "cannot read the flow cache: %s",
			       result == -ETIMEDOUT
				       ? "a thread of the agent did not answer within 1 s"
				       : strerror(-result));
		return result;
	}
	for (size_t i = 0; i < filled; i++) {
		if (write_flow(job, &state->records[i], now, output)) {
			error_text_set(error, "the agent is out of memory for this answer");
			return -ENOMEM;
		}
	}
	return filled > 0;
}
