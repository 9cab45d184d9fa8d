/* agentctl_bug_report.h - `bug-report`: what a report of a fault needs, in one archive. */
#ifndef AGENTCTL_BUG_REPORT_H
#define AGENTCTL_BUG_REPORT_H

#include "agentctl.h"

enum agentctl_exit agentctl_bug_report(const struct agentctl_command *command,
				       const struct agentctl_options *options);

#endif
