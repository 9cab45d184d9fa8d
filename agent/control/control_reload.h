/* control_reload.h - `reload` and `set`: the commands that change the configuration. */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include "control_job.h"

/* `reload`: a row for each option that is another now, or needs a restart for that. */
int control_reload_step(struct control_job *job, struct control_output *output,
			struct error_text *error);

/* `set`, with the members "name" and "value": the same rows. */
int control_set_begin(struct control_job *job, const struct control_request *request,
		      struct error_text *error);
int control_set_step(struct control_job *job, struct control_output *output,
		     struct error_text *error);
void control_set_clear(struct control_job *job);

#endif
