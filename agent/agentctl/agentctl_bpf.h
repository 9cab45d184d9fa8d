/* agentctl_bpf.h - what --bpf takes of this host: a kernel that lets programs in, and the drop-in
 * of the service that gives it the capabilities for them.
 *
 * Place: `setup` and `doctor` -> here -> bpf(), /etc/systemd/system. */
#ifndef AGENTCTL_BPF_H
#define AGENTCTL_BPF_H

#include "agentctl.h"

/* A link to the file that the package has, so that it is that of the version which runs. */
#define AGENTCTL_DROP_IN_DIRECTORY "/etc/systemd/system/flowagent.service.d"
#define AGENTCTL_DROP_IN           AGENTCTL_DROP_IN_DIRECTORY "/bpf.conf"

/* Ask the kernel, as root, for what the agent's program needs. Returns 0, or a negative errno with
 * 'error' filled: why not, and what works instead. */
int agentctl_bpf_check(struct error_text *error);

/* The file that the drop-in is a link to. */
const char *agentctl_drop_in_file(void);
/* Whether there is a drop-in, of whoever. */
bool agentctl_drop_in_is_there(void);
/* Put the drop-in in place; 'is_made': it was not there. One of somebody else's stays. */
enum agentctl_exit agentctl_drop_in_put(bool *is_made, struct error_text *error);
/* Take it away, unless it is somebody else's, with a directory that is empty then. */
enum agentctl_exit agentctl_drop_in_remove(struct error_text *error);

#endif
