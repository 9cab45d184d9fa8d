/* listen_finding.h - names and texts of what can be wrong with a stream (listen_findings.def).
 *
 * Place: the modules of listen -> here -> agentctl_listen_rows.c. */
#ifndef LISTEN_FINDING_H
#define LISTEN_FINDING_H

#include <stdbool.h>

enum listen_finding {
#define LISTEN_FINDING(name, kind, text) LISTEN_##name,
#include "listen_findings.def"
	LISTEN_FINDING_COUNT,
};

/* Static texts. */
const char *listen_finding_name(enum listen_finding finding);
const char *listen_finding_text(enum listen_finding finding);
/* Whether the stream is wrong or not whole; false: worth knowing. */
bool listen_finding_is_fault(enum listen_finding finding);

#endif
