/* agentctl_bug_report.h - `bug-report`: what a report of a fault needs, in one archive.
 *
 * Place: a row in agentctl_commands.c; agent, kernel and files -> text -> agentctl_mask.c ->
 * agentctl_tar.c. */
#ifndef AGENTCTL_BUG_REPORT_H
#define AGENTCTL_BUG_REPORT_H

#include "agentctl.h"

enum agentctl_exit agentctl_bug_report(const struct agentctl_command *command,
				       const struct agentctl_options *options);

#endif
