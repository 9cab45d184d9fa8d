/* control_flows.h - `show-flows`: filtered rows of the flow cache, piece by piece.
 *
 * The three functions of its row in control_commands.c. */
#ifndef CONTROL_FLOWS_H
#define CONTROL_FLOWS_H

#include "clock.h"
#include "control_job.h"
#include "flow.h"
#include "flow_key_choice.h"

#define CONTROL_FLOWS_PIECE 512 /* records asked of the workers at once: about 200 KiB of rows */

int control_flows_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error);
int control_flows_step(struct control_job *job, struct control_output *output,
		       struct error_text *error);
void control_flows_clear(struct control_job *job);

/* What a row says beside the record. */
struct control_flow_names {
	struct flow_key_choice key; /* what the record's key is of */
	uint32_t source_as;         /* 0: unknown */
	uint32_t destination_as;
	const char *input_interface; /* "" if it has no name */
	const char *output_interface;
	uint32_t sampling; /* one packet in so many was counted, 0: not known */
};

/* New row, owned by the caller; NULL if memory is short. Members and types never change;
 * "sampling" is null where it is not known. */
json_t *control_flow_row(const struct flow_record *flow, const struct control_flow_names *names);

#endif
