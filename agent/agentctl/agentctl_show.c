/* agentctl_show.c - commands that print rows: agent -> [group] -> [sort] -> table.
 *
 * Without sorting and grouping a row goes straight through, so that any number of flows needs no
 * memory. */
#include "agentctl_show.h"

#include "agentctl_client.h"
#include "agentctl_group.h"
#include "agentctl_sort.h"
#include "agentctl_stats_view.h"
#include "agentctl_table.h"
#include "agentctl_text.h"
#include "count_text.h"
#include "control_protocol.h"
#include "time_now.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where rows are on their way to. */
struct show {
	struct agentctl_table *table;
	struct agentctl_sort *sort;   /* NULL: as they come */
	struct agentctl_group *group; /* NULL: as they are */
	bool is_diff;                 /* leave out rows whose "default" is true */
	uint64_t rows;
};

static int to_table(void *context, char *line)
{
	struct show *show = context;

	show->rows++;
	return agentctl_table_take(show->table, line);
}

static int to_sort(void *context, const json_t *row)
{
	struct show *show = context;
	char *line = agentctl_table_line(show->table, row);

	return show->sort ? agentctl_sort_add(show->sort, row, line) : to_table(show, line);
}

/* Exit status of a row that could not be kept or shown. */
static enum agentctl_exit row_fault(int result, struct error_text *error)
{
	if (result == 0)
		return AGENTCTL_DONE;
	if (result != -EPIPE) /* that is said, or kept quiet, when output is finished */
		error_text_set(error, "out of memory");
	return AGENTCTL_FAILED;
}

static enum agentctl_exit take_row(void *context, json_t *row, struct error_text *error)
{
	struct show *show = context;

	if (show->is_diff && json_is_true(json_object_get(row, "default")))
		return AGENTCTL_DONE;
	return row_fault(show->group ? agentctl_group_add(show->group, row) : to_sort(show, row),
			 error);
}

static bool show_create(struct show *show, const struct agentctl_column *columns,
			const struct agentctl_options *options, const char *order,
			struct error_text *error)
{
	show->is_diff = options->is_diff;
	if (options->by) {
		show->group = agentctl_group_create(options->by, error);
		if (!show->group)
			return false;
		columns = agentctl_group_columns(show->group);
	}
	if (options->sort)
		order = options->sort;
	if (order || options->top) {
		show->sort = agentctl_sort_create(columns, order, options->top, error);
		if (!show->sort)
			return false;
	}
	show->table = agentctl_table_create(columns, options, error);
	return show->table != NULL;
}

/* Hand on what group and sort have kept, and the table's last lines. */
static int show_finish(struct show *show)
{
	int result = 0;

	if (show->group)
		result = agentctl_group_each(show->group, to_sort, show);
	if (!result && show->sort)
		result = agentctl_sort_each(show->sort, to_table, show);
	return result ? result : agentctl_table_finish(show->table);
}

static void show_destroy(struct show *show)
{
	agentctl_table_destroy(show->table);
	agentctl_sort_destroy(show->sort);
	agentctl_group_destroy(show->group);
}

/* What one row of a list is called: "flow" of flows. */
static const char *singular(const char *noun, char text[static AGENTCTL_TEXT_SIZE])
{
	const size_t length = strlen(noun);

	if (strcmp(noun, "config") == 0)
		return "option";
	(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%.*s", (int)(length - (noun[length - 1] == 's')),
		       noun);
	return text;
}

/* How many rows there were: chatter, so only to a person; that there were none, to anyone who
 * reads a table. */
static void print_total(const struct agentctl_command *command,
			const struct agentctl_options *options, uint64_t rows)
{
	const bool is_asked =
		options->is_verbose || (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO));
	char noun[AGENTCTL_TEXT_SIZE];
	char text[AGENTCTL_TEXT_SIZE];

	if (rows == 0 && options->format == AGENTCTL_TABLE)
		agentctl_say(options, "no %s%s\n", command->noun,
			     options->word_count ? " that match" : "");
	else if (is_asked)
		agentctl_say(options, "%s\n",
			     count_text(rows, options->by ? "row" : singular(command->noun, noun),
					text));
}

/* Whether rows are printed just as the agent writes them: nobody needs to know what they say, but
 * for what flows, which have no member within another, are sorted by. */
static bool is_as_it_comes(const struct show *show, const struct agentctl_options *options,
			   bool are_flows)
{
	return options->format == AGENTCTL_JSON && !options->columns &&
	       (!show->sort || are_flows) && !show->group && !show->is_diff;
}

static enum agentctl_exit take_line(void *context, const char *line, size_t size)
{
	struct show *show = context;

	if (show->sort)
		return agentctl_sort_add_line(show->sort, line, size) ? AGENTCTL_FAILED
								      : AGENTCTL_DONE;
	show->rows++;
	(void)fwrite(line, 1, size, stdout);
	(void)putchar('\n');
	return ferror(stdout) ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

/* Ask for what is needed and no more; only flows come in an order and in sums. */
static enum agentctl_exit ask(const struct agentctl_command *command,
			      const struct agentctl_options *options, struct show *show)
{
	struct control_question question = { .command = command->request,
					     .filter = options->words,
					     .filter_count = options->word_count };
	const char *members[2 * AGENTCTL_COLUMNS + 2];
	const char *const *needed = agentctl_table_members(show->table);

	if (command->options & AGENTCTL_FOR_FLOWS) {
		question.by = show->group ? agentctl_group_keys(show->group) : NULL;
		question.sort = show->sort ? agentctl_sort_order(show->sort) : NULL;
		question.top = options->top;
	}
	if (command->options & AGENTCTL_FOR_FLOWS && needed && !show->group) {
		while (needed[question.member_count]) {
			members[question.member_count] = needed[question.member_count];
			question.member_count++;
		}
		if (show->sort && agentctl_sort_column(show->sort))
			members[question.member_count++] = agentctl_sort_column(show->sort);
		question.members = members;
	}
	return agentctl_client_run(
		options, &question, take_row,
		is_as_it_comes(show, options, command->options & AGENTCTL_FOR_FLOWS) ? take_line
										     : NULL,
		show);
}

static enum agentctl_exit show_rows(const struct agentctl_command *command,
				    const struct agentctl_options *options, const char *order)
{
	struct show show = { .rows = 0 };
	struct error_text error = { .text = "" };
	enum agentctl_exit result = AGENTCTL_USAGE;

	if (show_create(&show, command->columns, options, order, &error)) {
		result = ask(command, options, &show);
		if (!result)
			result = row_fault(show_finish(&show), &error);
		if (!result)
			print_total(command, options, show.rows);
	}
	agentctl_print_error(&error);
	show_destroy(&show);
	return result;
}

enum agentctl_exit agentctl_show_list(const struct agentctl_command *command,
				      const struct agentctl_options *options)
{
	return show_rows(command, options, NULL);
}

enum agentctl_exit agentctl_show_flows(const struct agentctl_command *command,
				       const struct agentctl_options *options)
{
	/* Sums are in memory anyway; flows are sorted unasked only for people. */
	bool is_sorted = options->by || options->format == AGENTCTL_TABLE;

	return show_rows(command, options, is_sorted ? "bytes" : NULL);
}

/* Print one row as JSON, or let 'print' show it. */
struct object_view {
	const struct agentctl_options *options;
	enum agentctl_exit (*print)(json_t *row, const struct agentctl_options *options);
	uint64_t printed;
};

static enum agentctl_exit take_object(void *context, json_t *row, struct error_text *error)
{
	const struct object_view *view = context;

	(void)error;
	if (view->options->format == AGENTCTL_JSON) {
		(void)agentctl_print_json(row);
		return AGENTCTL_DONE;
	}
	return view->print(row, view->options);
}

static enum agentctl_exit take_drop(void *context, json_t *row, struct error_text *error)
{
	struct object_view *view = context;

	(void)error;
	if (json_integer_value(json_object_get(row, "packets")) > 0) {
		agentctl_print_drop(row, view->options->is_utc);
		view->printed++;
	}
	return AGENTCTL_DONE;
}

/* A dump does not fit into a column: people get paragraphs, unless they ask for columns. */
enum agentctl_exit agentctl_show_drops(const struct agentctl_command *command,
				       const struct agentctl_options *options)
{
	struct object_view view = { options, NULL, 0 };
	enum agentctl_exit result;

	if (options->format != AGENTCTL_TABLE || options->columns || options->sort || options->top)
		return show_rows(command, options, NULL);
	result = agentctl_client_run(options,
				     &(struct control_question){ .command = command->request },
				     take_drop, NULL, &view);
	if (!result && !view.printed)
		agentctl_say(options, "no packets were ignored\n");
	return result;
}

static enum agentctl_exit print_status(json_t *row, const struct agentctl_options *options)
{
	if (options->format == AGENTCTL_RAW)
		return agentctl_print_object(row, options);
	agentctl_print_status(row, options->is_utc, options->terminal_width);
	return AGENTCTL_DONE;
}

enum agentctl_exit agentctl_show_status(const struct agentctl_command *command,
					const struct agentctl_options *options)
{
	struct object_view view = { options, print_status, 0 };

	return agentctl_client_run(options,
				   &(struct control_question){ .command = command->request },
				   take_object, NULL, &view);
}

static enum agentctl_exit take_stats(void *context, json_t *row, struct error_text *error)
{
	bool holds = agentctl_stats_hold(row);
	enum agentctl_exit result = take_object(context, row, error);

	if (result || holds)
		return result;
	error_text_set(error, "the ledger does not add up: this is a defect of flowagent");
	error_text_hint(error, "please report it with the output of agentctl -J show stats");
	return AGENTCTL_FAILED;
}

/* The equalities of the ledger, one per line. */
static enum agentctl_exit print_equalities(const json_t *equalities,
					   const struct agentctl_options *options)
{
	static const struct agentctl_column columns[] = {
		{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
		{ "object", NULL, COLUMN_TEXT, COLUMN_SHOWN },
		{ "left", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
		{ "right", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
		{ "holds", NULL, COLUMN_TEXT, COLUMN_SHOWN },
		{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	};
	struct error_text error = { .text = "" };
	struct agentctl_table *table = agentctl_table_create(columns, options, &error);
	int result = table ? 0 : -ENOMEM;

	for (size_t i = 0; !result && i < json_array_size(equalities); i++)
		result = agentctl_table_row(table, json_array_get(equalities, i));
	if (!result)
		result = agentctl_table_finish(table);
	agentctl_table_destroy(table);
	return result ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

/* Whether any number in it, at any depth, is not 0. */
static bool has_counted(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (json_is_object(value) ? has_counted(value) : json_integer_value(value) != 0)
			return true;
	}
	return false;
}

/* For a person: the sums, then the equalities. Raw output has all there is. */
static enum agentctl_exit print_stats(json_t *row, const struct agentctl_options *options)
{
	json_t *sums = options->format == AGENTCTL_RAW ? NULL : json_copy(row);
	enum agentctl_exit result;

	if (!sums)
		return agentctl_print_object(row, options);
	(void)json_object_del(sums, "sources"); /* show sources, show collectors */
	(void)json_object_del(sums, "collectors");
	(void)json_object_del(sums, "equalities");
	if (!has_counted(json_object_get(sums, "collectors_removed")))
		(void)json_object_del(sums, "collectors_removed");
	result = agentctl_print_object(sums, options);
	json_decref(sums);
	if (result)
		return result;
	(void)putchar('\n');
	if (json_is_true(json_object_get(row, "duplicates_suspected")))
		(void)fprintf(stderr,
			      "hint: of %" JSON_INTEGER_FORMAT
			      " packets looked at, %" JSON_INTEGER_FORMAT
			      " came a second time: two rules log them (agentctl rules status)\n",
			      json_integer_value(json_object_get(row, "duplicates_sampled")),
			      json_integer_value(json_object_get(row, "packets_seen_twice")));
	return print_equalities(json_object_get(row, "equalities"), options);
}

static enum agentctl_exit take_whole(void *context, json_t *row, struct error_text *error)
{
	json_t **whole = context;

	(void)error;
	json_decref(*whole);
	*whole = json_incref(row);
	return AGENTCTL_DONE;
}

/* What has been counted since 'before', with when that was. */
static enum agentctl_exit print_since(json_t *stats, const struct stats_view *before,
				      int64_t started_ms, const struct agentctl_options *options,
				      struct error_text *error)
{
	struct object_view view = { options, print_stats, 0 };
	const int64_t since_ms = before->row ? before->taken_ms : started_ms;
	json_t *since = agentctl_stats_since(stats, before->row);
	enum agentctl_exit result = AGENTCTL_FAILED;

	if (since && !json_object_set_new(since, "since_unix_ms", json_integer(since_ms)))
		result = take_stats(&view, since, error);
	else
		error_text_set(error, "out of memory");
	agentctl_say(options, "since %s, %lld s ago\n",
		     before->row ? "the last view" : "the start of the agent",
		     (long long)(time_now_ms(CLOCK_REALTIME) - since_ms) / 1000);
	json_decref(since);
	return result;
}

/* Subtract the view before and keep this one. */
static enum agentctl_exit show_view(const struct agentctl_options *options, json_t *status,
				    json_t *stats, struct error_text *error)
{
	const int64_t started_ms = json_integer_value(json_object_get(status, "started_unix_ms"));
	struct stats_view now = { .row = stats, .taken_ms = time_now_ms(CLOCK_REALTIME) };
	struct stats_view before;
	enum agentctl_exit result;

	if (agentctl_stats_view_load(options->socket, started_ms, &before, error))
		return AGENTCTL_FAILED;
	result = print_since(stats, &before, started_ms, options, error);
	json_decref(before.row);
	if (!result && agentctl_stats_view_save(options->socket, started_ms, &now, error))
		result = AGENTCTL_FAILED;
	return result;
}

/* The start of the agent and its counters come over one connection: they are of one agent. */
static enum agentctl_exit reset_view(const struct agentctl_command *command,
				     const struct agentctl_options *options)
{
	const int64_t timeout_ms =
		options->timeout_ms < 0 ? AGENTCTL_ANSWER_MS : options->timeout_ms;
	struct error_text error = { .text = "" };
	struct agentctl_client *client;
	json_t *status = NULL, *stats = NULL;
	enum agentctl_exit result =
		agentctl_client_open(options->socket, timeout_ms, &client, &error);

	if (!result)
		result = agentctl_client_ask(client,
					     &(struct control_question){ .command = "show-status" },
					     take_whole, &status, &error);
	if (!result)
		result = agentctl_client_ask(
			client, &(struct control_question){ .command = command->request },
			take_whole, &stats, &error);
	agentctl_client_close(client);
	if (!result)
		result = show_view(options, status, stats, &error);
	agentctl_print_error(&error);
	json_decref(status);
	json_decref(stats);
	return result;
}

enum agentctl_exit agentctl_show_stats(const struct agentctl_command *command,
				       const struct agentctl_options *options)
{
	struct object_view view = { options, print_stats, 0 };

	if (options->resets_view)
		return reset_view(command, options);

	return agentctl_client_run(options,
				   &(struct control_question){ .command = command->request },
				   take_stats, NULL, &view);
}

/* What was done: chatter, unless rows are asked for. */
static enum agentctl_exit print_change(json_t *row, const struct agentctl_options *options)
{
	const json_t *flushed = json_object_get(row, "flushed");
	const json_t *dropped = json_object_get(row, "dropped");
	char text[AGENTCTL_TEXT_SIZE];

	if (options->format == AGENTCTL_RAW)
		return agentctl_print_object(row, options);
	if (flushed)
		agentctl_say(options, "%s taken out for export\n",
			     count_text((uint64_t)json_integer_value(flushed), "flow", text));
	else if (dropped)
		agentctl_say(options, "%s forgotten\n",
			     count_text((uint64_t)json_integer_value(dropped), "flow", text));
	else
		agentctl_say(
			options, "templates go out to %s\n",
			count_text((uint64_t)json_integer_value(json_object_get(row, "collectors")),
				   "collector", text));
	return AGENTCTL_DONE;
}

enum agentctl_exit agentctl_request_change(const struct agentctl_command *command,
					   const struct agentctl_options *options)
{
	struct object_view view = { options, print_change, 0 };

	return agentctl_client_run(
		options,
		&(struct control_question){ .command = command->request,
					    .filter = options->words,
					    .filter_count = options->word_count },
		take_object, NULL, &view);
}

enum agentctl_exit agentctl_send_template(const struct agentctl_command *command,
					  const struct agentctl_options *options)
{
	struct object_view view = { options, print_change, 0 };
	struct error_text error = { .text = "" };

	if (options->word_count <= 1)
		return agentctl_client_run(
			options,
			&(struct control_question){
				.command = command->request,
				.name = options->word_count ? options->words[0] : NULL,
			},
			take_object, NULL, &view);
	error_text_set(&error, "send-template: expected one collector at most");
	error_text_hint(&error, "agentctl show collectors has their names");
	agentctl_print_error(&error);
	return AGENTCTL_USAGE;
}
