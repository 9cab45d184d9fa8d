/* agentctl_complete.h - `agentctl _complete WORD...`: what may stand in place of the last word.
 *
 * Place: agentctl_main.c calls it for the hidden command _complete.
 *
 * The shells' completions ask this, so that they know what the tables know and nothing else. */
#ifndef AGENTCTL_COMPLETE_H
#define AGENTCTL_COMPLETE_H

#include "agentctl.h"

/* Print one candidate per line. 'words' are those after "agentctl", the last one is being typed and
 * may be "". Filtering by what is typed already is up to the shell. */
enum agentctl_exit agentctl_complete(const char *const *words, size_t count);

#endif
