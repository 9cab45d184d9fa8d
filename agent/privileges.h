/* privileges.h - stop being root, and keep the capabilities alone that the sources need later.
 *
 * Place: flowagent.c calls it once, after everything that needs root is open and before the threads
 * start.
 *
 * A log group needs CAP_NET_ADMIN to be bound again, to be unbound in order, for the mark of the
 * agent's own datagrams and to watch the rules. An interface needs CAP_NET_RAW to be opened again,
 * so none with wait=off. A file needs none. What is kept is permitted and not in effect (rights.h).
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "config.h"
#include "error_text.h"

/* Before another agent is asked for its place: whether privileges_drop() will find the user.
 * Returns 0, or -ENOENT with 'error' filled. */
int privileges_check(const struct config *config, struct error_text *error);

/* Before sources are opened: unless root, give up what they do not need to be opened. */
void privileges_begin(const struct config *config);

/* Once sources are open, before other threads start. If root: make the directory 'root' the root
 * directory ("": none), and become the user of the configuration (none: "_flowagent" if it exists,
 * else stay uid 0). Then, root or not, give up all capabilities
 * but those that its sources need. Returns 0, or a negative errno with 'error' filled. */
int privileges_drop(const struct config *config, const char *root, struct error_text *error);

#endif
