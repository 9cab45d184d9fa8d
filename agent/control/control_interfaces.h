/* control_interfaces.h - `show-interfaces`: what the agent knows of the interfaces of this host.
 *
 * Place: a row in control_commands.c; export thread -> here -> client.
 *
 * The three functions of its row in control_commands.c. */
#ifndef CONTROL_INTERFACES_H
#define CONTROL_INTERFACES_H

#include "control_job.h"

int control_interfaces_begin(struct control_job *job, const struct control_request *request,
			     struct error_text *error);
int control_interfaces_step(struct control_job *job, struct control_output *output,
			    struct error_text *error);
void control_interfaces_clear(struct control_job *job);

#endif
