/* agentctl_top_view.c - three questions, and lines that know how they were before.
 *
 * Place: control socket -> here -> agentctl_top_screen. Rates are the agent's (flow_sums.h): they
 * need no difference of two answers, so that nothing is wrong when flows leave the cache between
 * two of them. */
#include "agentctl_top_view.h"

#include "agentctl_cells.h"
#include "agentctl_group.h"
#include "agentctl_text.h"
#include "control_protocol.h"
#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASTS (2 * AGENTCTL_TOP_ROWS) /* more than lines of one answer */

const struct agentctl_top_order agentctl_top_orders[] = {
	{ 'r', "rate", "bits_per_s" }, { 'b', "bytes", "bytes" }, { 'k', "packets", "packets" },
	{ 'f', "flows", "flows" },     { 0, NULL, NULL },
};

const struct agentctl_top_key agentctl_top_keys[] = {
	{ 'a', "as" },    { 'h', "host" },  { 'p', "port" },
	{ 'o', "proto" }, { 'i', "iface" }, { 0, NULL },
};

bool agentctl_top_view_init(struct agentctl_top_view *view)
{
	*view = (struct agentctl_top_view){ .order = agentctl_top_orders,
					    .row_limit = AGENTCTL_TOP_ROWS };
	view->rows = calloc(AGENTCTL_TOP_ROWS, sizeof(*view->rows));
	view->row_memory.pasts = calloc(PASTS, sizeof(*view->row_memory.pasts));
	view->direction_memory.pasts = calloc(PASTS, sizeof(*view->direction_memory.pasts));
	if (view->rows && view->row_memory.pasts && view->direction_memory.pasts)
		return true;
	agentctl_top_view_clear(view);
	return false;
}

void agentctl_top_view_clear(struct agentctl_top_view *view)
{
	free(view->rows);
	free(view->row_memory.pasts);
	free(view->direction_memory.pasts);
	view->rows = NULL;
	view->row_memory.pasts = view->direction_memory.pasts = NULL;
}

void agentctl_top_view_forget(struct agentctl_top_view *view)
{
	view->row_memory.count = 0;
	view->row_count = 0;
	view->name_width = 0;
}

static uint64_t number(const json_t *object, const char *key)
{
	const json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* ---- histories ---- */

/* What is known of a line by its name, or the one to replace. */
static struct agentctl_top_past *past_of(struct agentctl_top_memory *memory, const char *name)
{
	struct agentctl_top_past *oldest = memory->pasts;

	for (size_t i = 0; i < memory->count; i++) {
		if (strcmp(memory->pasts[i].name, name) == 0)
			return &memory->pasts[i];
		if (memory->pasts[i].seen < oldest->seen)
			oldest = &memory->pasts[i];
	}
	if (memory->count < PASTS)
		oldest = &memory->pasts[memory->count++];
	*oldest = (struct agentctl_top_past){ .seen = memory->answers };
	(void)strcpy(oldest->name, name);
	return oldest;
}

/* Give the lines of an answer their histories. One that was not among the first for a while was at
 * zero then, as far as anybody knows. */
static void remember(struct agentctl_top_memory *memory, struct agentctl_top_line *lines,
		     size_t count)
{
	memory->answers++;
	for (size_t i = 0; i < count; i++) {
		struct agentctl_top_past *past = past_of(memory, lines[i].name);

		while (++past->seen < memory->answers)
			agentctl_history_add(&past->history, 0);
		agentctl_history_add(&past->history, lines[i].bits_per_s);
		past->seen = memory->answers;
		lines[i].history = &past->history;
	}
}

/* ---- status ---- */

static enum agentctl_exit take_status(void *context, json_t *row, struct error_text *error)
{
	struct agentctl_top_view *view = context;
	const json_t *cache = json_object_get(row, "cache");
	const json_t *collectors = json_object_get(row, "collectors");
	const json_t *problems = json_object_get(row, "problems");

	(void)error;
	(void)snprintf(view->version, sizeof(view->version), "%s", text(row, "version"));
	printable_make(view->version);
	view->uptime_ms = (int64_t)number(row, "uptime_ms");
	view->packets_lost = number(row, "packets_lost_kernel");
	view->flows_cached = number(cache, "flows");
	view->flows_capacity = number(cache, "capacity");
	view->collectors = json_array_size(collectors);
	view->collectors_up = 0;
	for (size_t i = 0; i < view->collectors; i++)
		view->collectors_up +=
			json_is_true(json_object_get(json_array_get(collectors, i), "up"));
	(void)snprintf(view->problem, sizeof(view->problem), "%s",
		       text(json_array_get(problems, json_array_size(problems) - 1), "problem"));
	printable_make(view->problem);
	if (!view->by)
		view->by = json_is_object(json_object_get(row, "asn_table")) ? "as" : "host";
	return AGENTCTL_DONE;
}

/* ---- directions ---- */

/* The line of an interface and a direction, in its place by name; NULL if there is no room. */
static struct agentctl_top_line *direction_line(struct agentctl_top_directions *directions,
						const char *name)
{
	struct agentctl_top_line *const lines = directions->lines;
	size_t place = 0;

	while (place < directions->count && strcmp(lines[place].name, name) < 0)
		place++;
	if (place < directions->count && strcmp(lines[place].name, name) == 0)
		return &lines[place];
	if (directions->count == AGENTCTL_TOP_DIRECTIONS)
		return NULL;
	memmove(&lines[place + 1], &lines[place], (directions->count - place) * sizeof(*lines));
	directions->count++;
	lines[place] = (struct agentctl_top_line){ .bytes = 0 };
	(void)strcpy(lines[place].name, name);
	return &lines[place];
}

static void add_direction(struct agentctl_top_directions *directions, const json_t *row,
			  const char *interface, const char *direction)
{
	char name[AGENTCTL_TOP_NAME];
	struct agentctl_top_line *line;

	(void)snprintf(name, sizeof(name), "%.80s%s%s", *interface ? interface : "?",
		       *direction ? " " : "", direction);
	printable_make(name);
	line = direction_line(directions, name);
	if (!line)
		return;
	line->bits_per_s += number(row, "bits_per_s");
	line->packets_per_s += number(row, "packets_per_s");
}

/* A packet is counted where it was seen: on the way in at its input interface. Without a direction
 * (an interface that is read) it has that one interface. */
static enum agentctl_exit take_direction(void *context, json_t *row, struct error_text *error)
{
	const char *const input = text(row, "in_if_name");
	const char *const output = text(row, "out_if_name");
	const char *const direction = text(row, "dir");

	(void)error;
	if (strcmp(direction, "out") == 0)
		add_direction(context, row, *output ? output : input, "out");
	else
		add_direction(context, row, *input ? input : output,
			      strcmp(direction, "in") == 0 ? "in" : "");
	return AGENTCTL_DONE;
}

static enum agentctl_exit ask_directions(struct agentctl_top_view *view,
					 struct agentctl_client *client, struct error_text *error)
{
	struct agentctl_top_directions directions = view->directions; /* shown until all came */
	enum agentctl_exit result;

	for (size_t i = 0; i < directions.count; i++)
		directions.lines[i].bits_per_s = directions.lines[i].packets_per_s = 0;
	result = agentctl_client_ask(
		client,
		&(struct control_question){ .command = "show-flows",
					    .by = "in_if_name,out_if_name,dir" },
		take_direction, &directions, error);
	if (result)
		return result;
	view->directions = directions;
	remember(&view->direction_memory, view->directions.lines, view->directions.count);
	return AGENTCTL_DONE;
}

/* ---- rows ---- */

static bool is_as(const char *key)
{
	const size_t length = strlen(key);

	return length >= 2 && strcmp(key + length - 2, "as") == 0;
}

/* Append the value of a key as a person reads it. */
static void append_value(char *name, size_t size, const struct agentctl_column *column,
			 const json_t *row)
{
	const json_t *value = json_object_get(row, column->name);
	const size_t length = strlen(name);
	const char *const separator = length ? " " : "";
	char buffer[AGENTCTL_TEXT_SIZE];

	name += length;
	size -= length;
	if (json_is_string(value))
		(void)snprintf(name, size, "%s%s", separator,
			       *json_string_value(value) ? json_string_value(value) : "-");
	else if (column->kind == COLUMN_PROTOCOL)
		(void)snprintf(name, size, "%s%s", separator,
			       agentctl_text_protocol(json_integer_value(value), buffer));
	else
		(void)snprintf(name, size, "%s%s%" JSON_INTEGER_FORMAT, separator,
			       is_as(column->name) ? "AS" : "", json_integer_value(value));
}

static void name_row(const struct agentctl_column *columns, const json_t *row,
		     char name[static AGENTCTL_TOP_NAME])
{
	char as_name[AGENTCTL_TOP_NAME] = "";

	name[0] = '\0';
	for (; strcmp(columns->name, "flows") != 0; columns++) {
		char member[AGENTCTL_COLUMN_NAME_SIZE];

		append_value(name, AGENTCTL_TOP_NAME, columns, row);
		(void)snprintf(member, sizeof(member), "%.30s_name", columns->name);
		if (*text(row, member))
			(void)snprintf(as_name, sizeof(as_name), " %.60s", text(row, member));
	}
	(void)strncat(name, as_name, AGENTCTL_TOP_NAME - strlen(name) - 1);
	printable_make(name);
}

/* Where rows are taken to. */
struct row_taker {
	struct agentctl_top_view *view;
	struct agentctl_group *group;
};

static uint64_t order_value(const struct agentctl_top_view *view,
			    const struct agentctl_top_line *line)
{
	switch (view->order->key) {
	case 'b': return line->bytes;
	case 'k': return line->packets;
	case 'f': return line->flows;
	default: return line->bits_per_s;
	}
}

/* What is equal, as when nothing passes, is in the order of bytes, as in the agent. */
static bool is_before(const struct agentctl_top_view *view, const struct agentctl_top_line *one,
		      const struct agentctl_top_line *other)
{
	const uint64_t left = order_value(view, one);
	const uint64_t right = order_value(view, other);

	return left > right || (left == right && one->bytes > other->bytes);
}

/* Put a row in its place; the last one goes when there are more than are wanted. */
static int take_sum(void *context, const json_t *row)
{
	const struct row_taker *taker = context;
	struct agentctl_top_view *view = taker->view;
	struct agentctl_top_line line = { .bits_per_s = number(row, "bits_per_s"),
					  .packets_per_s = number(row, "packets_per_s"),
					  .bytes = number(row, "bytes"),
					  .packets = number(row, "packets"),
					  .flows = number(row, "flows") };
	size_t place = view->row_count;

	while (place > 0 && is_before(view, &line, &view->rows[place - 1]))
		place--;
	if (place == view->row_limit)
		return 0;
	name_row(agentctl_group_columns(taker->group), row, line.name);
	if (view->row_count < view->row_limit)
		view->row_count++;
	memmove(&view->rows[place + 1], &view->rows[place],
		(view->row_count - 1 - place) * sizeof(*view->rows));
	view->rows[place] = line;
	return 0;
}

static enum agentctl_exit take_row(void *context, json_t *row, struct error_text *error)
{
	const struct row_taker *taker = context;

	if (agentctl_group_add(taker->group, row) == 0)
		return AGENTCTL_DONE;
	error_text_set(error, "out of memory");
	return AGENTCTL_FAILED;
}

static void measure_names(struct agentctl_top_view *view)
{
	for (size_t i = 0; i < view->row_count; i++) {
		const size_t width = agentctl_cell_width(view->rows[i].name);

		if (width > view->name_width)
			view->name_width = width;
	}
}

static enum agentctl_exit ask_rows(struct agentctl_top_view *view, struct agentctl_client *client,
				   struct error_text *error)
{
	struct row_taker taker = { view, agentctl_group_create(view->by, error) };
	const struct control_question question = {
		.command = "show-flows",
		.by = view->by,
		.filter = view->words,
		.filter_count = view->word_count,
		.sort = view->order->member,
		.top = view->row_limit,
	};
	enum agentctl_exit result;

	if (!taker.group)
		return AGENTCTL_USAGE;
	result = agentctl_client_ask(client, &question, take_row, &taker, error);
	if (!result) {
		view->row_count = 0;
		if (agentctl_group_each(taker.group, take_sum, &taker)) {
			error_text_set(error, "out of memory");
			result = AGENTCTL_FAILED;
		}
		remember(&view->row_memory, view->rows, view->row_count);
		measure_names(view);
	}
	agentctl_group_destroy(taker.group);
	return result;
}

enum agentctl_exit agentctl_top_view_ask(struct agentctl_top_view *view,
					 struct agentctl_client *client, struct error_text *error)
{
	enum agentctl_exit result =
		agentctl_client_ask(client, &(struct control_question){ .command = "show-status" },
				    take_status, view, error);

	if (result)
		return result;
	result = ask_directions(view, client, error);
	if (result)
		return result;
	return ask_rows(view, client, error);
}
