/* control_commands.h - what a client may ask for: one const row per command.
 *
 * Place: request -> job -> rows. Runs in the control thread. */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include "control_job.h"

/* All commands; ends with a row whose name is NULL. */
extern const struct control_command control_commands[];

/* Find by exact name; NULL if there is none. */
const struct control_command *control_command_find(const char *name);

/* Begin what 'request' asks for. 'may_change' says whether this client may change anything. Returns
 * 0; otherwise a negative errno that control_error_code() knows, with 'error' filled and no job. */
int control_job_begin(struct control_job *job, const struct control_context *context,
		      const struct control_request *request, bool may_change,
		      struct error_text *error);
/* As control_command.step. The final line is the caller's. */
int control_job_step(struct control_job *job, struct control_output *output,
		     struct error_text *error);
void control_job_clear(struct control_job *job);

#endif
