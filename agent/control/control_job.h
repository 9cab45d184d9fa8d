/* control_job.h - one request under way, and what commands are made of.
 *
 * Place: control_commands.c makes one, control_server.c steps it.
 *
 * The server steps a job whenever the client has taken all that was written so far, so that memory
 * is bounded by one piece. */
#ifndef CONTROL_JOB_H
#define CONTROL_JOB_H

#include "control_protocol.h"

struct config;
struct control_job;
struct pipeline;
struct reload;
struct rules_watch;

/* What the commands work on. All borrowed, must outlive the server. */
struct control_context {
	struct pipeline *pipeline;
	const struct config *config;
	const struct rules_watch *rules; /* NULL: rules are not watched */
	struct reload *reload;           /* may be changed; NULL: nothing can be read again */
	int64_t started_unix_ms;
	/* All is another agent's, which is at the other end of a socket, also the control socket:
	 * end. NULL: never. */
	void (*hand_over)(void *owner, int socket);
	void *owner;
	/* Members may change things as well, but take no agent's place; NULL: nobody else may. */
	const char *admin_group;
	int listening;        /* the control socket; set by the server */
	uint32_t patience_ms; /* a client that moves no byte for this long is cut; 0: 60 s */
};

struct control_command {
	const char *name;
	bool needs_privilege; /* uid 0, or the agent's own */

	/* Check what the request says and prepare job->state. NULL: nothing to do. Returns 0 or a
	 * negative errno with 'error' filled. */
	int (*begin)(struct control_job *job, const struct control_request *request,
		     struct error_text *error);
	/* Write the next rows. Returns 1 if there may be more, 0 if these were the last,
	 * CONTROL_STEP_IDLE if more may come later, or a negative errno with 'error' filled. */
	int (*step)(struct control_job *job, struct control_output *output,
		    struct error_text *error);
	/* Free job->state. NULL: nothing to do. */
	void (*clear)(struct control_job *job);
};

/* There is nothing to write now: the server asks again in a moment, and the answer may take for
 * ever. */
#define CONTROL_STEP_IDLE 2

struct control_job {
	const struct control_command *command; /* NULL: none under way */
	const struct control_context *context; /* borrowed */
	int socket;                            /* of who asked; borrowed */
	void *state;                           /* owned, of the command */
};

#endif
