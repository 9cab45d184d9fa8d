/* agentctl_check_config.c - `check-config`: the agent itself says whether it would take a file.
 *
 * Place: a row in agentctl_commands.c -> flowagent --check-config. */
#include "agentctl_check_config.h"

#include "agentctl_program.h"
#include "fault_text.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum agentctl_exit agentctl_check_config(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	char *agent = agentctl_program_agent();
	const char *const argv[] = { "flowagent", "--check-config",
				     options->word_count ? "--config" : NULL,
				     options->word_count ? options->words[0] : NULL, NULL };

	(void)command;
	if (options->word_count > 1)
		error_text_set(&error, "check-config: expected one file at most");
	else if (!agent)
		error_text_set(&error, "out of memory");
	else if (execvp(agent, (char *const *)(uintptr_t)argv) != 0)
		error_text_set(&error, "%s: %s", agent, fault_text(errno));
	agentctl_print_error(&error);
	free(agent);
	return options->word_count > 1 ? AGENTCTL_USAGE : AGENTCTL_FAILED;
}
