/* agentctl_wait.c - `wait packets|flows|export`: asks for the ledger until it says so.
 *
 * Place: rows in agentctl_commands.c; asks the agent again until the condition holds.
 *
 * Made for scripts that have just started the agent: one that is not there yet is tried again. */
#include "agentctl_show.h"

#include "agentctl_client.h"
#include "control_protocol.h"
#include "defaults.h"
#include "time_now.h"

#include <poll.h>
#include <string.h>

#define WAIT_MS 30000 /* default of --timeout */
#define POLL_MS 50

static const struct wait_condition {
	const char *noun;
	const char *counter;
	const char *missing; /* what was not seen */
	const char *hint;
} conditions[] = {
	{ "packets", "packets_read", "no packet",
	  "agentctl rules status says whether a rule logs to the agent's group" },
	{ "flows", "flows_created", "no flow",
	  "agentctl show stats says which packets were read and ignored" },
	{ "export", "records_sent", "no record sent",
	  "agentctl show collectors says why; agentctl flush exports what is cached" },
};

static const struct wait_condition *condition_find(const char *noun)
{
	size_t i = 0;

	while (strcmp(conditions[i].noun, noun) != 0)
		i++; /* the table of commands has no others */
	return &conditions[i];
}

enum agentctl_exit agentctl_wait_check(const char *noun, const json_t *stats,
				       struct error_text *error)
{
	const struct wait_condition *condition = condition_find(noun);

	if (json_integer_value(json_object_get(stats, condition->counter)) > 0)
		return AGENTCTL_DONE;
	if (strcmp(noun, "export") == 0 &&
	    json_array_size(json_object_get(stats, "collectors")) == 0) {
		error_text_set(error, "no collector is configured: nothing will be exported");
		error_text_hint(error,
				"set collector = HOST:PORT in a file of " DEFAULT_CONFIG_DIRECTORY);
		return AGENTCTL_FAILED;
	}
	return AGENTCTL_TIMED_OUT;
}

struct wait_question {
	const char *noun;
	bool is_over;
};

static enum agentctl_exit take_stats(void *context, json_t *row, struct error_text *error)
{
	struct wait_question *question = context;
	enum agentctl_exit result = agentctl_wait_check(question->noun, row, error);

	if (result == AGENTCTL_DONE)
		question->is_over = true;
	return result == AGENTCTL_TIMED_OUT ? AGENTCTL_DONE : result;
}

/* Ask again and again on one connection. AGENTCTL_TIMED_OUT if it did not happen before
 * 'deadline_ms'. */
static enum agentctl_exit ask(const struct agentctl_command *command,
			      const struct agentctl_options *options, int64_t deadline_ms,
			      struct error_text *error)
{
	struct wait_question question = { command->noun, false };
	const struct wait_condition *condition = condition_find(command->noun);
	struct agentctl_client *client;
	enum agentctl_exit result =
		agentctl_client_open(options->socket,
				     deadline_ms - time_now_ms(CLOCK_MONOTONIC) > 1
					     ? deadline_ms - time_now_ms(CLOCK_MONOTONIC)
					     : 1,
				     &client, error);

	while (!result) {
		result = agentctl_client_ask(
			client, &(struct control_question){ .command = command->request },
			take_stats, &question, error);
		if (result || question.is_over)
			break;
		if (time_now_ms(CLOCK_MONOTONIC) >= deadline_ms) {
			error_text_set(error, "%s yet", condition->missing);
			error_text_hint(error, "%s", condition->hint);
			result = AGENTCTL_TIMED_OUT;
			break;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
	agentctl_client_close(client);
	return result;
}

enum agentctl_exit agentctl_wait(const struct agentctl_command *command,
				 const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	int64_t timeout_ms = options->timeout_ms < 0 ? WAIT_MS : options->timeout_ms;
	int64_t deadline_ms = time_now_ms(CLOCK_MONOTONIC) + timeout_ms;
	enum agentctl_exit result = ask(command, options, deadline_ms, &error);

	while (result == AGENTCTL_UNREACHABLE && time_now_ms(CLOCK_MONOTONIC) < deadline_ms) {
		(void)poll(NULL, 0, POLL_MS);
		result = ask(command, options, deadline_ms, &error);
	}
	if (result) /* otherwise it may be that of an earlier attempt */
		agentctl_print_error(&error);
	return result;
}
