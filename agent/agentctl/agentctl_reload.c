/* agentctl_reload.c - rows of changes -> a line for each: "NAME: BEFORE -> AFTER". */
#include "agentctl_reload.h"

#include "agentctl_client.h"
#include "agentctl_show.h"
#include "control_protocol.h"

#include <stdio.h>

#define ANSWER_MS 60000 /* tables of the whole internet are read and checked */

struct changes_view {
	const struct agentctl_options *options;
	size_t count;
};

static const char *text_of(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));

	return text ? text : "nothing";
}

static void print_line(const json_t *row)
{
	const char *format = json_is_true(json_object_get(row, "needs_restart"))
				     ? "%s: needs a restart (%s -> %s)\n"
				     : "%s: %s -> %s\n";

	(void)printf(format, text_of(row, "name"), text_of(row, "before"), text_of(row, "after"));
}

static enum agentctl_exit take_change(void *context, json_t *row, struct error_text *error)
{
	struct changes_view *view = context;

	(void)error;
	view->count++;
	if (view->options->format == AGENTCTL_JSON)
		(void)agentctl_print_json(row);
	else if (view->options->format == AGENTCTL_RAW)
		return agentctl_print_object(row, view->options);
	else
		print_line(row);
	return AGENTCTL_DONE;
}

static enum agentctl_exit ask(const struct agentctl_options *options,
			      const struct control_question *question)
{
	struct agentctl_options patient = *options;
	struct changes_view view = { options, 0 };
	enum agentctl_exit result;

	if (patient.timeout_ms < 0)
		patient.timeout_ms = ANSWER_MS;
	result = agentctl_client_run(&patient, question, take_change, NULL, &view);
	if (result == AGENTCTL_DONE && !view.count)
		agentctl_say(options, "nothing is another\n");
	return result;
}

enum agentctl_exit agentctl_reload(const struct agentctl_command *command,
				   const struct agentctl_options *options)
{
	return ask(options, &(struct control_question){ .command = command->request });
}

enum agentctl_exit agentctl_set(const struct agentctl_command *command,
				const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };

	if (options->word_count == 2)
		return ask(options, &(struct control_question){ .command = command->request,
								.name = options->words[0],
								.value = options->words[1] });
	error_text_set(&error, "set: expected the name of an option and its value");
	error_text_hint(&error, "agentctl set log-level debug");
	agentctl_print_error(&error);
	return AGENTCTL_USAGE;
}
