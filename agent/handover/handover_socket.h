/* handover_socket.h - descriptors with their names over a Unix socket, from one agent to the next.
 *
 * Place: control socket of the one that runs -> here -> descriptor_store.h of the one that takes
 * its place. Each name is a row of the answer, {"descriptor":"nflog-40"}, with its descriptor
 * beside it; a line that ends the answer follows. Then the next agent says that it has taken them
 * over, and gets such a line again: from then on they are its own. */
#ifndef HANDOVER_SOCKET_H
#define HANDOVER_SOCKET_H

#include "descriptor_store.h"
#include "error_text.h"

#define HANDOVER_SOCKET_TAKEN   "taken\n"
#define HANDOVER_SOCKET_CONTROL "control" /* the name of the control socket itself */

/* Give: a row, or the line that ends them. Both wait for room, some seconds at most. Return 0 or a
 * negative errno. */
int handover_socket_give(int socket, const char *name, int descriptor);
int handover_socket_give_end(int socket);
/* Wait until they are taken over. Returns 0, -EPIPE if the other end has gone, or -ETIMEDOUT. */
int handover_socket_await(int socket, int timeout_ms);

/* Take: send a request, a line with its newline, and put what comes into the store. Returns 0, or a
 * negative errno with 'error' filled. */
int handover_socket_take(int socket, const char *request, struct descriptor_store *store,
			 struct error_text *error);
/* Say that they are taken over, and wait until the other one has ended. Returns 0, also if it has
 * ended without an answer, or a negative errno with 'error' filled: it continues. */
int handover_socket_end(int socket, struct error_text *error);

#endif
