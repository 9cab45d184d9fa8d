/* agentctl_repeat.h - a command that shows something, again and again: --watch.
 *
 * Place: agentctl_main.c -> here -> the function of a command, once each turn. */
#ifndef AGENTCTL_REPEAT_H
#define AGENTCTL_REPEAT_H

#include "agentctl.h"

/* Run 'command' each options->watch_ms until SIGINT. A terminal shows the last turn, as far as it
 * has lines; elsewhere the turns follow one another, as JSON each on one line, an array of its
 * rows. Returns AGENTCTL_DONE after SIGINT, and otherwise what the turn has returned that failed,
 * which is the last. */
enum agentctl_exit agentctl_repeat(const struct agentctl_command *command,
				   const struct agentctl_options *options);

#endif
