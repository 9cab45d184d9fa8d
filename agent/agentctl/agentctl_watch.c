/* agentctl_watch.c - rows as they come, until enough, the end of the time, or Ctrl-C. */
#include "agentctl_watch.h"

#include "agentctl_client.h"
#include "agentctl_show.h"
#include "agentctl_table.h"
#include "control_protocol.h"
#include "count_text.h"
#include "time_now.h"

#include <errno.h>
#include <stdio.h>

struct watch_view {
	const struct agentctl_options *options;
	struct agentctl_table *table; /* owned by the caller */
	uint64_t rows;
	uint64_t lost;
	bool is_enough; /* --count */
};

/* Rows that we were too slow for: JSON says it in the stream, else standard error does. */
static void print_lost(struct watch_view *view, const json_t *row, uint64_t lost)
{
	char text[64];

	view->lost += lost;
	if (view->options->format == AGENTCTL_JSON) {
		(void)agentctl_print_json(row);
	} else {
		(void)fprintf(stderr, "%s missing here: they came faster than they were read\n",
			      count_text(lost, "flow", text));
	}
}

static enum agentctl_exit take_row(void *context, json_t *row, struct error_text *error)
{
	struct watch_view *view = context;
	const json_t *lost = json_object_get(row, "lost");
	int result = 0;

	if (lost) {
		print_lost(view, row, (uint64_t)json_integer_value(lost));
	} else {
		result = agentctl_table_row(view->table, row);
		view->rows++;
	}
	if (!result)
		result = agentctl_table_finish(view->table); /* what there is, at once */
	if (fflush(stdout) != 0 || result) {
		if (result == -ENOMEM)
			error_text_set(error, "out of memory");
		return AGENTCTL_FAILED;
	}
	view->is_enough = view->options->count && view->rows >= view->options->count;
	return view->is_enough ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

static enum agentctl_exit watch(const struct agentctl_command *command, struct watch_view *view,
				struct error_text *error)
{
	const struct agentctl_options *options = view->options;
	const struct control_question question = { .command = command->request,
						   .filter = options->words,
						   .filter_count = options->word_count };
	const int64_t until_ms =
		options->for_ms < 0 ? INT64_MAX : time_now_ms(CLOCK_MONOTONIC) + options->for_ms;
	struct agentctl_client *client;
	enum agentctl_exit result = agentctl_client_open(
		options->socket, options->timeout_ms < 0 ? AGENTCTL_ANSWER_MS : options->timeout_ms,
		&client, error);

	if (result)
		return result;
	agentctl_client_wait_until(client, until_ms);
	result = agentctl_client_ask(client, &question, take_row, view, error);
	agentctl_client_close(client);
	if (view->is_enough)
		return AGENTCTL_DONE;
	if (result == AGENTCTL_TIMED_OUT && time_now_ms(CLOCK_MONOTONIC) >= until_ms) {
		*error = (struct error_text){ .text = "" };
		if (options->count)
			error_text_set(error, "fewer flows came than --count asks for");
		return options->count ? AGENTCTL_TIMED_OUT : AGENTCTL_DONE;
	}
	return result;
}

enum agentctl_exit agentctl_watch(const struct agentctl_command *command,
				  const struct agentctl_options *options)
{
	struct watch_view view = { .options = options };
	struct error_text error = { .text = "" };
	enum agentctl_exit result = AGENTCTL_USAGE; /* a column that does not exist */

	view.table = agentctl_table_create(command->columns, options, &error);
	if (view.table)
		result = watch(command, &view, &error);
	agentctl_print_error(&error);
	agentctl_table_destroy(view.table);
	return result;
}
