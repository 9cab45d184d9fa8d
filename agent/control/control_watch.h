/* control_watch.h - `watch`: expired flows as they leave, until the client goes.
 *
 * Place: a row in control_commands.c; worker -> record_watch -> here -> client. */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include "control_job.h"

/* Functions of the command; see struct control_command. A row has the members of show-flows and
 * "end_reason"; where the client was too slow a row {"lost":N} says how many are missing before the
 * next. */
int control_watch_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error);
int control_watch_step(struct control_job *job, struct control_output *output,
		       struct error_text *error);
void control_watch_clear(struct control_job *job);

#endif
