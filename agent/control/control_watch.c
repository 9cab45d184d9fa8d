/* control_watch.c - `watch`: record_watch -> filter -> row.
 *
 * A client that does not read stops nobody: its ring fills, and what has no room is counted and
 * said. The numbers of interfaces are those that collectors see, their names those of when the
 * request came. */
#include "control_watch.h"

#include "config.h"
#include "control_flows.h"
#include "fault_text.h"
#include "flow_filter.h"
#include "flow_row.h"
#include "pipeline.h"
#include "record_watch.h"
#include "time_now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_PIECE 64 /* records for each step */

struct watch_state {
	struct flow_filter *filter; /* owned */
	struct record_watch *watch; /* owned; the export thread gives until pipeline_unwatch() */
	struct pipeline *pipeline;  /* borrowed */
	struct interface_list interfaces;
	uint64_t members; /* FLOW_MEMBER_BIT() */
	uint64_t lost;    /* as said */
	const char *unit; /* borrowed; of the record that is looked at */
	struct export_record records[WATCH_PIECE];
};

static uint32_t interface_number(const void *context, const char *name)
{
	const struct watch_state *state = context;

	return interface_list_number(&state->interfaces, name);
}

/* Of the record that is looked at now. */
static bool unit_is(const void *context, const struct flow_record *flow, const char *name)
{
	const struct watch_state *state = context;

	(void)flow;
	return strcmp(state->unit, name) == 0;
}

static int fail(int fault, struct error_text *error)
{
	if (fault == -EBUSY)
		error_text_set(error, "%d clients watch already, as many as may", RECORD_WATCHES);
	else if (fault == -ENOMEM)
		error_text_set(error, "the agent is out of memory for this answer");
	else
		error_text_set(error, "cannot watch: %s",
			       fault == -ETIMEDOUT
				       ? "a thread of the agent did not answer within 1 s"
				       : fault_text(-fault));
	return fault;
}

static int prepare(struct watch_state *state, const struct control_context *context,
		   const struct control_request *request, struct error_text *error)
{
	const struct flow_filter_names names = { .interface_index = interface_number,
						 .unit_is = unit_is,
						 .context = state };
	int result = pipeline_interfaces(context->pipeline, &state->interfaces);

	if (result)
		return fail(result, error);
	state->filter = flow_filter_parse(request->filter, request->filter_count, &names, error);
	if (!state->filter)
		return -EINVAL;
	state->members = flow_members_of(pipeline_columns(context->pipeline));
	result = control_flows_check_filter(state->filter, state->members, error);
	if (result)
		return result;
	state->watch = record_watch_create(export_record_size(pipeline_columns(context->pipeline)));
	result = state->watch ? pipeline_watch(context->pipeline, state->watch) : -ENOMEM;
	if (!result) {
		state->pipeline = context->pipeline;
		return 0;
	}
	return fail(result, error);
}

static void state_destroy(struct watch_state *state)
{
	/* One that the export thread does not let go of is left to it. */
	if (!state->pipeline || pipeline_unwatch(state->pipeline, state->watch) == 0)
		record_watch_destroy(state->watch);
	flow_filter_destroy(state->filter);
	interface_list_clear(&state->interfaces);
	free(state);
}

int control_watch_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error)
{
	struct watch_state *state = calloc(1, sizeof(*state));
	int result;

	if (!state)
		return fail(-ENOMEM, error);
	result = prepare(state, job->context, request, error);
	if (result)
		state_destroy(state);
	else
		job->state = state;
	return result;
}

void control_watch_clear(struct control_job *job)
{
	state_destroy(job->state);
}

static int write_record(const struct control_job *job, const struct export_record *record,
			struct control_output *output)
{
	struct watch_state *state = job->state;
	struct flow_view view;

	flow_row_view(job->context->pipeline, &state->interfaces, &record->flow, &view);
	view.unit = pipeline_owner_of_record(job->context->pipeline, &record->flow);
	state->unit = view.unit;
	view.nat = record->nat;
	view.source_as = record->source.as_number;
	view.destination_as = record->destination.as_number;
	if (!flow_filter_matches(state->filter, &view.flow, view.source_as, view.destination_as,
				 time_now_ms(CLOCK_REALTIME)))
		return 0;
	return flow_row_write(output, &view, &job->context->config->flow_key, state->members,
			      flow_end_reason_name((enum flow_end_reason)record->flow.end_reason));
}

int control_watch_step(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	struct watch_state *state = job->state;
	const uint64_t lost = record_watch_lost(state->watch);
	const size_t count = record_watch_take(state->watch, state->records, WATCH_PIECE);
	int result = 0;

	if (count)
		(void)pipeline_owner_begin(job->context->pipeline, 0);
	for (size_t i = 0; !result && i < count; i++)
		result = write_record(job, &state->records[i], output);
	if (!result && count < WATCH_PIECE && lost > state->lost) {
		result = control_output_row(
			output, json_pack("{s:I}", "lost", (json_int_t)(lost - state->lost)));
		state->lost = lost;
	}
	if (result)
		return fail(-ENOMEM, error);
	return count ? 1 : CONTROL_STEP_IDLE;
}
