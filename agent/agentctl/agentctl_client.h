/* agentctl_client.h - agentctl's end of the control socket: one question, rows, the final line.
 *
 * Place: command -> request -> control socket -> rows -> command. */
#ifndef AGENTCTL_CLIENT_H
#define AGENTCTL_CLIENT_H

#include "agentctl.h"

#include <jansson.h>

#define AGENTCTL_ANSWER_MS 10000 /* default of --timeout */

struct agentctl_client; /* opaque: defined in agentctl_client.c */

/* Takes one row, borrowed for the call. Anything but AGENTCTL_DONE ends the reading. */
typedef enum agentctl_exit agentctl_row_function(void *context, json_t *row,
						 struct error_text *error);

/* Connect to the agent at a socket path. 'timeout_ms' is how long each step may take without a
 * byte moving. Returns AGENTCTL_DONE, or another exit status with 'error' filled and '*client'
 * NULL. */
enum agentctl_exit agentctl_client_open(const char *path, int64_t timeout_ms,
					struct agentctl_client **client, struct error_text *error);
/* Wait for bytes of the answers that follow until this time (CLOCK_MONOTONIC, ms; INT64_MAX: for
 * ever), however long that is. */
void agentctl_client_wait_until(struct agentctl_client *client, int64_t until_ms);
void agentctl_client_close(struct agentctl_client *client);

struct control_question;

/* Ask, and hand each row to 'take'. May be called again after AGENTCTL_DONE. Other exit statuses
 * come with 'error' filled, except those that 'take' gave without. */
enum agentctl_exit agentctl_client_ask(struct agentctl_client *client,
				       const struct control_question *question,
				       agentctl_row_function *take, void *context,
				       struct error_text *error);

/* Takes one row as the agent has written it: an object of JSON in one line, without its end. */
typedef enum agentctl_exit agentctl_line_function(void *context, const char *line, size_t size);

/* Open, ask, close, as the options say; prints the error. With 'take_line', which may be NULL, rows
 * go there instead, and are not parsed. */
enum agentctl_exit agentctl_client_run(const struct agentctl_options *options,
				       const struct control_question *question,
				       agentctl_row_function *take,
				       agentctl_line_function *take_line, void *context);

#endif
