/* control_interfaces.c - `show-interfaces`: interface -> row, in pieces.
 *
 * The export thread is asked once, for a copy; the rows of ten thousand interfaces are written as
 * fast as the client takes them. */
#include "control_interfaces.h"

#include "fault_text.h"
#include "pipeline.h"
#include "json_text.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE 512 /* rows at once */

struct interfaces_state {
	struct interface_list list; /* owned */
	size_t next;
};

int control_interfaces_begin(struct control_job *job, const struct control_request *request,
			     struct error_text *error)
{
	struct interfaces_state *state = calloc(1, sizeof(*state));
	int result = state ? pipeline_interfaces(job->context->pipeline, &state->list) : -ENOMEM;

	(void)request;
	if (result == 0) {
		job->state = state;
		return 0;
	}
	free(state);
	error_text_set(error, "cannot read the interfaces: %s",
		       result == -ETIMEDOUT ? "a thread of the agent did not answer within 1 s"
					    : fault_text(-result));
	return result;
}

static json_t *interface_row(const struct interface *interface)
{
	const bool is_present = interface->gone_ms == INTERFACE_IS_PRESENT;

	return json_pack("{s:I, s:o, s:o, s:I, s:I, s:s}", "number", (json_int_t)interface->number,
			 "name", json_text(interface->name), "alias", json_text(interface->alias),
			 "index", (json_int_t)interface->index, "mtu", (json_int_t)interface->mtu,
			 "state", is_present ? "present" : "gone");
}

int control_interfaces_step(struct control_job *job, struct control_output *output,
			    struct error_text *error)
{
	struct interfaces_state *state = job->state;

	for (size_t i = 0; i < PIECE && state->next < state->list.count; i++) {
		const struct interface *interface = &state->list.entries[state->next++];

		if (control_output_row(output, interface_row(interface))) {
			error_text_set(error, "the agent is out of memory for this answer");
			return -ENOMEM;
		}
	}
	return state->next < state->list.count;
}

void control_interfaces_clear(struct control_job *job)
{
	struct interfaces_state *state = job->state;

	interface_list_clear(&state->list);
	free(state);
}
