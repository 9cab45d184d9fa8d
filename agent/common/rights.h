/* rights.h - capabilities: which the agent keeps, and when they are in effect.
 *
 * Place: main drops what no source needs (privileges.h); whoever needs a capability later raises
 * what is kept for just these calls. Invariant: outside of such a section no capability of a thread
 * is in effect, so nothing that packets or peers can make it do has more rights than its user.
 * Capabilities belong to a thread, and a new thread begins with those of the one that starts it.
 * Source: capabilities(7). */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/* Sets of capabilities, as bits. */
#define RIGHTS_DAC_READ_SEARCH ((uint64_t)1 << 2) /* files that others may not read */
#define RIGHTS_NET_ADMIN       ((uint64_t)1 << 12) /* NFLOG, receive buffers, marks, lists of rules */
#define RIGHTS_NET_RAW         ((uint64_t)1 << 13) /* packet sockets */
#define RIGHTS_PERFMON         ((uint64_t)1 << 38) /* BPF programs that read packets and the time */
#define RIGHTS_BPF             ((uint64_t)1 << 39) /* BPF programs and their memory */

/* Give up all capabilities of this thread but those of 'kept' that it has; these stay permitted and
 * are not in effect. Programs that it might run get none. Returns 0, or a negative errno: -EPERM
 * where a filter of system calls forbids it, then nothing has changed. */
int rights_keep(uint64_t kept);

/* Whether all of 'rights' are in effect in this thread. */
bool rights_has(uint64_t rights);
/* Whether this thread keeps all of them: rights_raise() has them in effect. */
bool rights_are_kept(uint64_t rights);

/* What was in effect before a section. */
struct rights_section {
	uint64_t effective;
	bool has_changed;
};

/* Have in effect what this thread keeps. Two system calls, and none more where it is in effect
 * already. A failure shows in the call that needed the capability. Keeps errno. */
struct rights_section rights_raise(void);

/* End a section. Keeps errno. */
void rights_restore(struct rights_section before);

#endif
