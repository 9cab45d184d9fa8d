/* control_handover.h - the request of an agent that takes this one's place.
 *
 * Place: control socket -> here -> pipeline, handover_socket.h. Within one step: the threads rest,
 * what they have is given, and either the other agent takes it over, and this one ends without
 * exporting anything, or all continue as if nothing had been. */
#ifndef CONTROL_HANDOVER_H
#define CONTROL_HANDOVER_H

#include "control_job.h"

int control_handover_begin(struct control_job *job, const struct control_request *request,
			   struct error_text *error);
int control_handover_step(struct control_job *job, struct control_output *output,
			  struct error_text *error);

#endif
