/* control_flows.c - `show-flows`: flow_record -> filter -> [order | sums] -> row.
 *
 * The workers are asked for one piece at a time, and for the next one only when the client has
 * taken the rows of the last: memory per client is one piece, however large the cache is. With an
 * order or sums, rows come when the cache has been walked; what is kept until then is bounded
 * (FLOW_TOP_MAX, FLOW_SUMS_MAX).
 *
 * Interfaces have the numbers that collectors see (if-map), in rows and in the filter, with the
 * names of when the request came. */
#include "control_flows.h"

#include "config.h"
#include "fault_text.h"
#include "flow_filter.h"
#include "flow_names.h"
#include "flow_row.h"
#include "flow_sums.h"
#include "flow_top.h"
#include "json_text.h"
#include "pipeline.h"
#include "time_now.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Names of AS numbers in a sum. */
#define SUM_NAMES_SIZE (FLOW_SUM_AS_KEYS * (6 * ASN_NAME_SIZE + 32))

/* What a request wants beside its filter. */
struct flows_order {
	uint64_t members;          /* FLOW_MEMBER_BIT(): what rows show */
	char sort[FLOW_NAME_SIZE]; /* "" if rows come in no order */
	bool is_ascending;
	bool is_descending; /* neither: as the kind of value has it */
	uint64_t top;
};

struct flows_state {
	struct flow_filter *filter; /* owned */
	uint64_t cursor;
	struct interface_list interfaces; /* as they were when the request came */
	struct flows_order order;
	bool needs_as, needs_owner, needs_nat;
	const char *unit;         /* borrowed; of the flow that is looked at */
	struct flow_top *top;     /* owned; NULL unless the first ones are asked for */
	struct flow_sums *sums;   /* owned; NULL unless sums are asked for */
	bool has_partial_sums;    /* some have gone out already */
	uint64_t streamed;        /* rows that went out as the cache was walked, or flows ended */
	enum flow_end_reason end; /* of flush and drop */
	bool is_walked;           /* the cache has no more that is wanted */
	size_t ready;             /* rows of 'top' or 'sums' that can be written */
	size_t written;           /* of these */
	struct flow_record records[CONTROL_FLOWS_PIECE];
	struct nat_translation translations[CONTROL_FLOWS_PIECE]; /* all 0 unless needed */
};

static int out_of_memory(struct error_text *error)
{
	error_text_set(error, "the agent is out of memory for this answer");
	return -ENOMEM;
}

/* ---- the request ---- */

static uint32_t interface_number(const void *context, const char *name)
{
	const struct flows_state *state = context;

	return interface_list_number(&state->interfaces, name);
}

/* Of the flow that is looked at now. */
static bool unit_is(const void *context, const struct flow_record *flow, const char *name)
{
	const struct flows_state *state = context;

	(void)flow;
	return strcmp(state->unit, name) == 0;
}

static int members_parse(struct flows_order *order, const json_t *request, struct error_text *error)
{
	const json_t *members = json_object_get(request, "members");

	order->members = members ? 0 : FLOW_MEMBERS_ALL;
	if (members && !json_is_array(members)) {
		error_text_set(error, "\"members\" must be an array of names");
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(members); i++) {
		const char *text = json_string_value(json_array_get(members, i));
		char name[FLOW_NAME_SIZE];
		enum flow_member member = flow_member_find(
			flow_names_canonical(text ? text : "", text ? strlen(text) : 0, name));
		char quote[ERROR_QUOTE_SIZE];

		if (member == FLOW_MEMBER_COUNT) {
			error_text_set(
				error, "\"members\": flows have no \"%s\"",
				error_text_quote(text ? text : "", text ? strlen(text) : 0, quote));
			return -EINVAL;
		}
		order->members |= FLOW_MEMBER_BIT(member);
	}
	return 0;
}

static int sort_parse(struct flows_order *order, const json_t *request, struct error_text *error)
{
	const json_t *value = json_object_get(request, "sort");
	const char *text = json_string_value(value);
	const size_t length = text ? strcspn(text, ":") : 0;
	char name[FLOW_NAME_SIZE];

	if (!value)
		return 0;
	if (text) {
		(void)strcpy(order->sort, flow_names_canonical(text, length, name));
		order->is_ascending = strcmp(text + length, ":asc") == 0;
		order->is_descending = strcmp(text + length, ":desc") == 0;
		if (order->sort[0] &&
		    (!text[length] || order->is_ascending || order->is_descending))
			return 0;
	}
	error_text_set(error, "\"sort\" must be a text such as \"bytes\" or \"bytes:desc\"");
	return -EINVAL;
}

static int order_parse(struct flows_order *order, const json_t *request, struct error_text *error)
{
	const json_t *top = json_object_get(request, "top");
	int result = members_parse(order, request, error);

	if (!result)
		result = sort_parse(order, request, error);
	if (!result && top && (!json_is_integer(top) || json_integer_value(top) < 1)) {
		error_text_set(error, "\"top\" must be a number above 0");
		result = -EINVAL;
	}
	if (!result && top)
		order->top = (uint64_t)json_integer_value(top);
	return result;
}

/* A name that rows cannot be sorted by. */
static int fail_sort(const struct flows_order *order, struct error_text *error)
{
	char quote[ERROR_QUOTE_SIZE];

	error_text_set(error, "\"sort\": there is no member \"%s\"",
		       error_text_quote(order->sort, strlen(order->sort), quote));
	return -EINVAL;
}

static bool is_descending(const struct flows_order *order, bool is_text)
{
	return order->is_descending || (!order->is_ascending && !is_text);
}

static int top_create(struct flows_state *state, const struct flow_key_choice *choice,
		      struct error_text *error)
{
	struct flow_order order = { .member = flow_member_find(state->order.sort) };

	if (!state->order.sort[0])
		return 0;
	if (order.member == FLOW_MEMBER_COUNT)
		return fail_sort(&state->order, error);
	if (!state->order.top || state->order.top > FLOW_TOP_MAX)
		return 0;
	order.is_descending =
		is_descending(&state->order, flow_member_kind(order.member) >= FLOW_VALUE_NAME);
	state->top = flow_top_create(&order, (size_t)state->order.top, choice);
	return state->top ? 0 : out_of_memory(error);
}

/* What a request names and no flow of this agent keeps: zeros would pass for values. */
static int check_kept(uint64_t named, uint64_t kept, struct error_text *error)
{
	for (int i = 0; i < FLOW_MEMBER_COUNT; i++) {
		const char *name = flow_member_name((enum flow_member)i);

		if (!(named & ~kept & FLOW_MEMBER_BIT(i)))
			continue;
		if (i == FLOW_MEMBER_uid || i == FLOW_MEMBER_unit) {
			error_text_set(error, "flows have no %s: the agent does not ask for it",
				       name);
			error_text_hint(error, "give it owner=%s and restart it", name);
			return -EIO;
		}
		error_text_set(error, "flows have no %s: no collector gets that field", name);
		/* The whole round trip is no field, but comes with its parts. */
		error_text_hint(error, "give a collector fields=default+%s and restart the agent",
				i == FLOW_MEMBER_rtt_us ? "client_rtt_us" : name);
		return -EIO;
	}
	return 0;
}

static int sums_create(struct flows_state *state, const json_t *by, uint64_t kept,
		       const struct flow_key_choice *choice, struct error_text *error)
{
	uint8_t secret[16] = { 0 };
	bool is_text;

	if (!json_is_string(by)) {
		error_text_set(error, "\"by\" must be a text such as \"src,dst_port\"");
		return -EINVAL;
	}
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		error_text_set(error, "cannot draw a secret: %s", fault_text(errno));
		return -EIO;
	}
	state->sums = flow_sums_create(json_string_value(by), choice, hash_key_of(secret), error);
	if (!state->sums)
		return -EINVAL;
	if (kept & FLOW_MEMBER_BIT(FLOW_MEMBER_rtt_us))
		flow_sums_with_tcp(state->sums);
	if (!state->order.sort[0] || flow_sums_can_sort(state->sums, state->order.sort, &is_text))
		return 0;
	flow_sums_with_tcp(state->sums); /* would they have it then? */
	if (flow_sums_can_sort(state->sums, state->order.sort, &is_text))
		return check_kept(FLOW_MEMBER_BIT(FLOW_MEMBER_rtt_us), kept, error);
	return fail_sort(&state->order, error);
}

static int fail_interfaces(int fault, struct error_text *error)
{
	error_text_set(error, "cannot read the interfaces: %s",
		       fault == -ETIMEDOUT ? "a thread of the agent did not answer within 1 s"
					   : fault_text(-fault));
	return fault;
}

/* Members of columns that a filter looks at. */
static uint64_t members_of_filter(const struct flow_filter *filter)
{
	const unsigned int needs = flow_filter_needs(filter);

	return (needs & FLOW_FILTER_needs_user ? FLOW_MEMBER_BIT(FLOW_MEMBER_uid) : 0) |
	       (needs & FLOW_FILTER_needs_unit ? FLOW_MEMBER_BIT(FLOW_MEMBER_unit) : 0) |
	       (needs & FLOW_FILTER_needs_tcp ? FLOW_MEMBER_BIT(FLOW_MEMBER_rtt_us) : 0);
}

int control_flows_check_filter(const struct flow_filter *filter, uint64_t kept,
			       struct error_text *error)
{
	return check_kept(members_of_filter(filter), kept, error);
}

/* The members that rows have, and by which they are sorted. */
static int check_members(struct flows_state *state, const json_t *request, uint64_t kept,
			 struct error_text *error)
{
	const enum flow_member sort = flow_member_find(state->order.sort);
	uint64_t named = json_object_get(request, "members") ? state->order.members : 0;

	if (sort != FLOW_MEMBER_COUNT)
		named |= FLOW_MEMBER_BIT(sort);
	state->order.members &= kept;
	return check_kept(named, kept, error);
}

/* What is looked up for each flow. */
static void note_needs(struct flows_state *state)
{
	const unsigned int needs = flow_filter_needs(state->filter);
	const enum flow_member sort = flow_member_find(state->order.sort);
	const uint64_t members =
		(state->sums ? flow_sums_members(state->sums) : state->order.members) |
		(sort == FLOW_MEMBER_COUNT ? 0 : FLOW_MEMBER_BIT(sort));

	state->needs_as = needs & FLOW_FILTER_needs_as_numbers || members & FLOW_MEMBERS_AS ||
			  strstr(state->order.sort, "_as");
	state->needs_owner = needs & (FLOW_FILTER_needs_user | FLOW_FILTER_needs_unit) ||
			     members & FLOW_MEMBERS_OWNER;
	state->needs_nat = members & FLOW_MEMBERS_NAT;
}

static int state_prepare(struct flows_state *state, const struct control_context *context,
			 const struct control_request *request, struct error_text *error)
{
	const struct flow_key_choice *choice = &context->config->flow_key;
	const uint64_t kept = flow_members_of(pipeline_columns(context->pipeline));
	const json_t *by = json_object_get(request->json, "by");
	struct flow_filter_names names = { .interface_index = interface_number,
					   .unit_is = unit_is,
					   .context = state };
	int result = pipeline_interfaces(context->pipeline, &state->interfaces);

	if (result)
		return fail_interfaces(result, error);
	state->filter = flow_filter_parse(request->filter, request->filter_count, &names, error);
	if (!state->filter)
		return -EINVAL;
	result = control_flows_check_filter(state->filter, kept, error);
	if (!result)
		result = order_parse(&state->order, request->json, error);
	if (!result && !by)
		result = check_members(state, request->json, kept, error);
	if (!result)
		result = by ? sums_create(state, by, kept, choice, error)
			    : top_create(state, choice, error);
	if (!result && by)
		result = check_kept(flow_sums_members(state->sums), kept, error);
	if (result)
		return result;
	note_needs(state);
	return 0;
}

static void state_destroy(struct flows_state *state)
{
	flow_filter_destroy(state->filter);
	flow_top_destroy(state->top);
	flow_sums_destroy(state->sums);
	interface_list_clear(&state->interfaces);
	free(state);
}

int control_flows_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error)
{
	struct flows_state *state = calloc(1, sizeof(*state));
	int result;

	if (!state)
		return out_of_memory(error);
	result = state_prepare(state, job->context, request, error);
	if (result)
		state_destroy(state);
	else
		job->state = state;
	return result;
}

void control_flows_clear(struct control_job *job)
{
	const struct flows_state *state = job->state;

	if (state->needs_owner)
		pipeline_owner_end(job->context->pipeline);
	state_destroy(job->state);
}

/* ---- the walk ---- */

static void view_fill(const struct control_job *job, const struct flow_record *flow,
		      struct flow_view *view)
{
	const struct flows_state *state = job->state;
	struct pipeline *pipeline = job->context->pipeline;
	const struct flow_key *key = &view->flow.key;

	flow_row_view(pipeline, &state->interfaces, flow, view);
	if (state->needs_owner)
		view->unit = pipeline_owner(pipeline, flow, &view->flow.user);
	if (!state->needs_as)
		return;
	view->source_as =
		pipeline_asn(pipeline, key->ip_version, flow_source_address(key)).as_number;
	view->destination_as =
		pipeline_asn(pipeline, key->ip_version, flow_destination_address(key)).as_number;
}

static int write_flow(const struct control_job *job, const struct flow_view *view,
		      struct control_output *output)
{
	const struct flows_state *state = job->state;

	return flow_row_write(output, view, &job->context->config->flow_key, state->order.members,
			      NULL);
}

/* Whether the first rows, in no order, are all that was asked for, and have gone out. */
static bool is_enough(const struct flows_state *state)
{
	return state->order.top && !state->order.sort[0] && !state->sums &&
	       state->streamed >= state->order.top;
}

/* Whether flow 'index' of the piece is wanted; then 'view' is what rows are made of. */
static bool is_wanted(struct control_job *job, size_t index, unix_ms now, struct flow_view *view)
{
	struct flows_state *state = job->state;

	view_fill(job, &state->records[index], view);
	view->nat = state->translations[index];
	state->unit = view->unit;
	return flow_filter_matches(state->filter, &view->flow, view->source_as,
				   view->destination_as, now);
}

/* Flow 'index' of the piece. */
static int take_flow(struct control_job *job, size_t index, unix_ms now,
		     struct control_output *output)
{
	struct flows_state *state = job->state;
	struct flow_view view;

	if (!is_wanted(job, index, now, &view))
		return 0;
	if (state->sums)
		return flow_sums_add(state->sums, &view, now);
	if (state->top)
		return flow_top_add(state->top, &view);
	state->streamed++;
	return write_flow(job, &view, output);
}

static int fail_cache(int fault, struct error_text *error)
{
	error_text_set(error, "cannot read the flow cache: %s",
		       fault == -ETIMEDOUT ? "a thread of the agent did not answer within 1 s"
					   : fault_text(-fault));
	return fault;
}

/* What was kept is complete, or there is no room for more: rows can be written. */
static void make_ready(struct flows_state *state)
{
	const struct flows_order *order = &state->order;
	bool is_text = false;

	state->written = 0;
	if (state->top)
		state->ready = flow_top_sort(state->top);
	if (!state->sums)
		return;
	state->ready = flow_sums_count(state->sums);
	if (state->has_partial_sums || !state->is_walked || !order->sort[0])
		return;
	(void)flow_sums_can_sort(state->sums, order->sort, &is_text);
	(void)flow_sums_sort(state->sums, order->sort, is_descending(order, is_text));
	if (order->top && order->top < state->ready)
		state->ready = (size_t)order->top;
}

/* One piece of the cache. Returns 0 or a negative errno with 'error' filled. */
static int walk(struct control_job *job, struct control_output *output, struct error_text *error)
{
	struct flows_state *state = job->state;
	unix_ms now = time_now_ms(CLOCK_REALTIME);
	const size_t room = state->sums ? flow_sums_room(state->sums) : CONTROL_FLOWS_PIECE;
	size_t filled = 0;
	int result =
		pipeline_flows(job->context->pipeline, &state->cursor, state->records,
			       room < CONTROL_FLOWS_PIECE ? room : CONTROL_FLOWS_PIECE, &filled);

	if (!result && filled && state->needs_nat)
		result = pipeline_translations(job->context->pipeline, state->records, filled,
					       state->translations);
	if (result)
		return fail_cache(result, error);
	for (size_t i = 0; i < filled && !is_enough(state); i++)
		if (take_flow(job, i, now, output))
			return out_of_memory(error);
	state->is_walked = filled == 0 || is_enough(state);
	if (state->is_walked || (state->sums && !flow_sums_room(state->sums)))
		make_ready(state);
	return 0;
}

/* Add `,"dst_as_name":"..."` for each key that is an AS number with a name. 'to' is after the end
 * of the object, and has room for SUM_NAMES_SIZE bytes. Returns the new end. */
static char *write_names(const struct control_job *job, size_t index, char *to)
{
	const struct flows_state *state = job->state;
	const char *key;
	uint32_t as_number;

	to--;
	for (size_t i = 0; i < FLOW_SUMS_KEYS; i++) {
		char name[ASN_NAME_SIZE];

		if (!flow_sums_as_number(state->sums, index, i, &key, &as_number) ||
		    !pipeline_asn_name(job->context->pipeline, as_number, name))
			continue;
		to += sprintf(to, ",\"%s_name\":", key);
		to = json_text_write(to, name);
	}
	*to++ = '}';
	return to;
}

static int write_sum(const struct control_job *job, size_t index, struct control_output *output)
{
	const struct flows_state *state = job->state;
	char *const start = control_output_reserve(output, FLOW_SUM_JSON_SIZE + SUM_NAMES_SIZE);
	char *end;

	if (!start)
		return -ENOMEM;
	end = write_names(job, index, flow_sums_write(state->sums, index, start));
	control_output_commit(output, (size_t)(end - start));
	return 0;
}

/* One piece of what was kept. */
static int write_ready(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	struct flows_state *state = job->state;

	for (size_t i = 0; i < CONTROL_FLOWS_PIECE && state->written < state->ready; i++) {
		const size_t index = state->written++;

		if (state->top ? write_flow(job, flow_top_at(state->top, index), output)
			       : write_sum(job, index, output))
			return out_of_memory(error);
	}
	if (state->written < state->ready)
		return 0;
	state->written = state->ready = 0;
	if (state->sums) {
		flow_sums_clear(state->sums);
		state->has_partial_sums = true;
	}
	return 0;
}

int control_flows_step(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	struct flows_state *state = job->state;
	int result;

	if (state->ready)
		result = write_ready(job, output, error);
	else if (state->needs_owner &&
		 !pipeline_owner_begin(job->context->pipeline, CONTROL_FLOWS_PIECE))
		return CONTROL_STEP_IDLE; /* until the next second */
	else
		result = walk(job, output, error);
	return result ? result : !state->is_walked || state->ready > 0;
}

/* ---- flush and drop ---- */

int control_flows_end_begin(struct control_job *job, const struct control_request *request,
			    enum flow_end_reason reason, struct error_text *error)
{
	int result;

	/* Nothing is looked up but what the filter asks for. */
	if (json_object_set_new(request->json, "members", json_array()))
		return out_of_memory(error);
	result = control_flows_begin(job, request, error);
	if (!result)
		((struct flows_state *)job->state)->end = reason;
	return result;
}

int control_flows_end_step(struct control_job *job, struct control_output *output,
			   struct error_text *error)
{
	struct flows_state *state = job->state;
	struct pipeline *pipeline = job->context->pipeline;
	const unix_ms now = time_now_ms(CLOCK_REALTIME);
	size_t filled = 0, wanted = 0;
	const bool is_drop = state->end == FLOW_END_dropped;
	uint64_t ended = 0;
	int result;

	if (state->needs_owner && !pipeline_owner_begin(pipeline, CONTROL_FLOWS_PIECE))
		return CONTROL_STEP_IDLE; /* until the next second */
	result = pipeline_flows(pipeline, &state->cursor, state->records, CONTROL_FLOWS_PIECE,
				&filled);
	for (size_t i = 0; !result && i < filled; i++) {
		struct flow_view view;

		if (is_wanted(job, i, now, &view))
			state->records[wanted++] = state->records[i];
	}
	if (!result)
		result = pipeline_end_flows(pipeline, state->cursor, state->records, wanted,
					    state->end, &ended);
	if (result)
		return fail_cache(result, error);
	state->streamed += ended;
	if (filled)
		return 1;
	return control_output_row(output, json_pack("{s:I}", is_drop ? "dropped" : "flushed",
						    (json_int_t)state->streamed))
		       ? out_of_memory(error)
		       : 0;
}
