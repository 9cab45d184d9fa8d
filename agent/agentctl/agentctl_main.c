/* agentctl_main.c - a command line from options to exit status; usage.
 *
 * Place: agentctl.c calls it; options -> agentctl_commands.c -> exit status. */
#include "agentctl.h"

#include "agentctl_complete.h"
#include "agentctl_repeat.h"
#include "agentctl_text.h"
#include "fault_text.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HELP_WIDTH     80
#define HELP_INDENT    27
#define ERROR_INDENT   10 /* where the text of an error begins */
#define TERMINAL_WIDTH 80 /* of one that does not say */

/* Width of a terminal; 0 if the descriptor is none. */
static size_t terminal_width(int descriptor)
{
	struct winsize size = { .ws_col = 0 };
	const char *columns = getenv("COLUMNS");

	if (!isatty(descriptor))
		return 0;
	if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns && strtoul(columns, NULL, 10) > 0)
		return strtoul(columns, NULL, 10);
	return TERMINAL_WIDTH;
}

void agentctl_print_error(const struct error_text *error)
{
	const size_t width = terminal_width(STDERR_FILENO);
	char line[sizeof(error->text) + 16];

	if (!error->text[0])
		return;
	(void)snprintf(line, sizeof(line), "agentctl: %s", error->text);
	agentctl_text_fold(stderr, line, width, ERROR_INDENT);
	if (!error->hint[0])
		return;
	(void)snprintf(line, sizeof(line), "  hint: %s", error->hint);
	agentctl_text_fold(stderr, line, width, ERROR_INDENT);
}

void agentctl_say(const struct agentctl_options *options, const char *format, ...)
{
	va_list arguments;

	if (options->is_quiet)
		return;
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
}

/* A name and what it means; lines are broken between words, at HELP_WIDTH. */
static void print_entry(const char *left, const char *text)
{
	int column = printf("  %-24s", left);

	while (*text) {
		const int length = (int)strcspn(text, " ");

		if (column + 1 + length > HELP_WIDTH) {
			(void)printf("\n%*s", HELP_INDENT - 1, "");
			column = HELP_INDENT - 1;
		}
		column += printf(" %.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	(void)putchar('\n');
}

static void print_option(const struct agentctl_option_text *option)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s", option->letter ? '-' : ' ',
		       option->letter ? option->letter : ' ', option->letter ? ',' : ' ',
		       option->name, option->argument ? " " : "",
		       option->argument ? option->argument : "");
	print_entry(left, option->text);
}

static void print_command(const struct agentctl_command *command)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s%s%s%s%s", command->verb, command->noun ? " " : "",
		       command->noun ? command->noun : "", command->arguments ? " " : "",
		       command->arguments ? command->arguments : "");
	print_entry(left, command->text);
}

/* Usage of one command, of all of a verb, or of all. */
static void print_help(const struct agentctl_command *only, const char *verb)
{
	struct agentctl_option_text option;
	unsigned int used = 0; /* options of the commands shown */

	(void)printf(
		"usage: agentctl [OPTION...] COMMAND [WORD...]\n\n"
		"Look into a running flowagent, and care for its firewall rules. Commands may\n"
		"be shortened.\n\n");
	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		if ((only && only != row) || (verb && strcmp(verb, row->verb) != 0))
			continue;
		print_command(row);
		used |= row->options;
	}
	(void)printf("\n");
	for (size_t i = 0; agentctl_option_text(i, &option); i++)
		if (!option.used_by || option.used_by & used)
			print_option(&option);
	(void)printf("\nExit status: 0 done, 1 failed or faults found, 2 usage, 3 agent not\n"
		     "reachable, 4 not permitted, 5 timed out. Manual: agentctl(1).\n");
}

static enum agentctl_exit usage_error(const struct error_text *error)
{
	agentctl_print_error(error);
	if (!error->hint[0])
		(void)fprintf(stderr, "  hint: agentctl --help shows commands and options\n");
	return AGENTCTL_USAGE;
}

enum agentctl_exit agentctl_help(const struct agentctl_command *command,
				 const struct agentctl_options *options)
{
	const struct agentctl_command *only = NULL;
	const char *verb = NULL;
	struct error_text error = { .text = "" };
	size_t used = 0;

	(void)command;
	if (options->word_count == 1) {
		verb = agentctl_verb_find(options->words[0], &error);
	} else if (options->word_count > 1) {
		only = agentctl_command_find(options->words, options->word_count, &used, &error);
	}
	if (error.text[0])
		return usage_error(&error);
	print_help(only, verb);
	return AGENTCTL_DONE;
}

static enum agentctl_exit run(struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	const struct agentctl_command *command = NULL;
	size_t used = 0;

	if (options->wants_help)
		return agentctl_help(NULL, options);
	if (options->word_count > 0)
		command = agentctl_command_find(options->words, options->word_count, &used, &error);
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
	if (options->watch_ms >= 0)
		return agentctl_repeat(command, options);
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
			      fault_text(errno ? errno : EIO));
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
	options.terminal_width = terminal_width(STDOUT_FILENO);
	return finish_output(run(&options));
}
