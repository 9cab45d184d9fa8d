/* control_server.h - the control socket: one JSON object per line in, rows as one JSON object per
 * line out.
 *
 * Place: control_socket.c -> here -> control_commands.c; flowagent.c calls it from its event loop.
 *
 * Runs in the control thread's event loop. Bounded: requests of 64 KiB, 32 clients, of which 8
 * are kept for who may change things, and 8 of any other user; a client that does not read, or does
 * not complete its request, is cut, never awaited. Reading needs access to the socket (group
 * _flowagent); commands that change anything need uid 0 or the agent's own uid (SO_PEERCRED). */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "control_job.h"
#include "error_text.h"

#include <systemd/sd-event.h>

struct control_server; /* opaque: defined in control_server.c */

/* Bind and listen on a socket path (mode 0660); a stale socket is replaced, a living one is
 * -EADDRINUSE. Socket and directory then belong to 'user', or to _flowagent if that is NULL, if we
 * are root and there is such a user. Privileges may be dropped afterwards. Returns a descriptor, or
 * a negative errno with 'error' filled. */
int control_server_bind(const char *path, const char *user, struct error_text *error);

/* Serve on 'descriptor' (taken). Returns NULL with 'error' filled. */
struct control_server *control_server_create(sd_event *loop, int descriptor,
					     const struct control_context *context,
					     struct error_text *error);
/* Before the end: another process listens on the same socket, so its path stays. NULL is ignored.
 */
void control_server_leave(struct control_server *server);
void control_server_destroy(struct control_server *server);

#endif
