/* agentctl_main.c - a command line from options to exit status; usage. */
#include "agentctl.h"

#include "agentctl_complete.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

void agentctl_print_error(const struct error_text *error)
{
	if (!error->text[0])
		return;
	(void)fprintf(stderr, "agentctl: %s\n", error->text);
	if (error->hint[0])
		(void)fprintf(stderr, "  hint: %s\n", error->hint);
}

static void print_option(const struct agentctl_option_text *option)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s", option->letter ? '-' : ' ',
		       option->letter ? option->letter : ' ', option->letter ? ',' : ' ',
		       option->name, option->argument ? " " : "",
		       option->argument ? option->argument : "");
	(void)printf("  %-24s %s\n", left, option->text);
}

/* Usage of one command, or of all. */
static void print_help(const struct agentctl_command *only)
{
	const struct agentctl_command *command;
	struct agentctl_option_text option;

	(void)printf(
		"usage: agentctl [OPTION...] COMMAND [WORD...]\n\n"
		"Look into a running flowagent, and care for its firewall rules. Commands may be "
		"shortened.\n\n");
	for (command = agentctl_commands; command->verb; command++) {
		char left[64];

		if (only && only != command)
			continue;
		(void)snprintf(left, sizeof(left), "%s%s%s%s%s", command->verb,
			       command->noun ? " " : "", command->noun ? command->noun : "",
			       command->arguments ? " " : "",
			       command->arguments ? command->arguments : "");
		(void)printf("  %-24s %s\n", left, command->text);
	}
	(void)printf("\n");
	for (size_t i = 0; agentctl_option_text(i, &option); i++)
		if (!only || !option.used_by || (option.used_by & only->options))
			print_option(&option);
	(void)printf(
		"\nExit status: 0 done, 1 failed or faults found, 2 usage, 3 agent not reachable, "
		"4 not permitted,\n5 timed out. Manual: agentctl(1).\n");
}

static enum agentctl_exit usage_error(const struct error_text *error)
{
	agentctl_print_error(error);
	if (!error->hint[0])
		(void)fprintf(stderr, "  hint: agentctl --help shows commands and options\n");
	return AGENTCTL_USAGE;
}

static enum agentctl_exit run(struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	const struct agentctl_command *command = NULL;
	size_t used = 0;

	if (options->word_count > 0)
		command = agentctl_command_find(options->words, options->word_count, &used, &error);
	if (options->wants_help && (command || options->word_count == 0)) {
		print_help(command);
		return AGENTCTL_DONE;
	}
	if (options->word_count == 0) {
		error_text_set(&error, "a command is missing");
		return usage_error(&error);
	}
	if (!command)
		return usage_error(&error);
	options->words += used;
	options->word_count -= used;
	if (options->word_count > 0 && !command->arguments) {
		error_text_set(&error, "\"%s\": nothing may follow \"%s%s%s\"", options->words[0],
			       command->verb, command->noun ? " " : "",
			       command->noun ? command->noun : "");
		return usage_error(&error);
	}
	if (!agentctl_options_check(options, command, &error))
		return usage_error(&error);
	return command->run(command, options);
}

/* A full disk must not look like success; a reader that has gone is no fault of ours. */
static enum agentctl_exit finish_output(enum agentctl_exit result)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	if (errno != EPIPE)
		(void)fprintf(stderr, "agentctl: cannot write to standard output: %s\n",
			      strerror(errno ? errno : EIO));
	return result == AGENTCTL_DONE ? AGENTCTL_FAILED : result;
}

enum agentctl_exit agentctl_main(int argc, char **argv)
{
	struct agentctl_options options;
	struct error_text error;

	(void)setlocale(LC_CTYPE, ""); /* widths of names; numbers keep their point */
	if (argc > 1 && strcmp(argv[1], "_complete") == 0)
		return finish_output(
			agentctl_complete((const char *const *)argv + 2, (size_t)argc - 2));
	if (!agentctl_options_parse(&options, argc, argv, &error))
		return usage_error(&error);
	if (options.wants_version) {
		(void)printf("agentctl %s\n", FLOWAGENT_VERSION);
		return finish_output(AGENTCTL_DONE);
	}
	return finish_output(run(&options));
}
