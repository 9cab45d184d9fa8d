/* agentctl_top.c - ask, draw, wait for a key or the time; or the same without keys for scripts.
 *
 * Place: command line, keys -> here -> agentctl_top_view, agentctl_top_screen.
 * Invariant: unless --wait says otherwise, answers take the agent at most a hundredth of the time.
 */
#include "agentctl_top.h"

#include "agentctl_group.h"
#include "agentctl_terminal.h"
#include "agentctl_top_screen.h"
#include "fault_text.h"
#include "time_now.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS      2000  /* default of --wait */
#define INTERVAL_MOST_MS 60000 /* however long an answer takes */
#define SHARE            100   /* one part in this many of the time is the agent's */
#define BATCH_ROWS       10    /* default of --top with --batch */
#define BATCH_WIDTH      100   /* where standard output is no terminal */

struct top {
	const struct agentctl_options *options;
	struct agentctl_top_view view;
	struct agentctl_top_screen screen;
	struct agentctl_client *client;   /* owned; NULL: not connected */
	char filter[AGENTCTL_TOP_FILTER]; /* in use: words with 0 after each */
	char typed[AGENTCTL_TOP_FILTER];  /* the same as one text */
	char good[AGENTCTL_TOP_FILTER];   /* the last one that the agent has taken */
	char edited[AGENTCTL_TOP_FILTER];
	char fault[sizeof(((struct error_text *)NULL)->text)];
};

/* ---- asking ---- */

/* Put a filter to use, as words. */
static void set_filter(struct top *top, const char *text)
{
	char *rest;

	(void)snprintf(top->typed, sizeof(top->typed), "%s", text);
	(void)strcpy(top->filter, top->typed);
	top->view.word_count = 0;
	for (char *word = strtok_r(top->filter, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		top->view.words[top->view.word_count++] = word;
	agentctl_top_view_forget(&top->view);
}

static enum agentctl_exit ask(struct top *top, struct error_text *error)
{
	const struct agentctl_options *options = top->options;
	const int64_t timeout_ms =
		options->timeout_ms < 0 ? AGENTCTL_ANSWER_MS : options->timeout_ms;
	const int64_t start_ms = time_now_ms(CLOCK_MONOTONIC);
	enum agentctl_exit result = AGENTCTL_DONE;
	int64_t took_ms;

	*error = (struct error_text){ .text = "" };
	top->view.row_limit = options->top ? (size_t)options->top
			      : options->is_batch
				      ? BATCH_ROWS
				      : agentctl_top_screen_rows(&top->screen, &top->view);
	if (top->view.row_limit > AGENTCTL_TOP_ROWS)
		top->view.row_limit = AGENTCTL_TOP_ROWS;
	if (!top->client)
		result = agentctl_client_open(options->socket, timeout_ms, &top->client, error);
	if (!result)
		result = agentctl_top_view_ask(&top->view, top->client, error);
	if (result) {
		agentctl_client_close(top->client);
		top->client = NULL;
		return result;
	}
	(void)strcpy(top->good, top->typed);
	took_ms = SHARE * (time_now_ms(CLOCK_MONOTONIC) - start_ms);
	top->screen.interval_ms = options->wait_ms >= 0        ? options->wait_ms
				  : took_ms < INTERVAL_MS      ? INTERVAL_MS
				  : took_ms > INTERVAL_MOST_MS ? INTERVAL_MOST_MS
							       : took_ms;
	return AGENTCTL_DONE;
}

/* Ask, and keep what went wrong for the screen. An agent that is away may come back. */
static void ask_for_screen(struct top *top)
{
	struct error_text error;
	const enum agentctl_exit result = ask(top, &error);

	top->screen.error = NULL;
	if (!result)
		return;
	(void)snprintf(top->fault, sizeof(top->fault), "%s", error.text);
	top->screen.error = top->fault;
	if (result == AGENTCTL_USAGE)
		set_filter(top, top->good);
}

/* ---- drawing ---- */

static void draw(struct top *top)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	agentctl_terminal_size(&top->screen.width, &top->screen.height);
	top->screen.filter = top->typed;
	agentctl_top_screen_write(&top->screen, &top->view, out);
	if (fclose(out) == 0) {
		(void)fputs("\033[H", stdout);
		(void)fwrite(text, 1, size, stdout);
		(void)fputs("\033[J", stdout);
		(void)fflush(stdout);
	}
	free(text);
}

/* ---- keys ---- */

enum key_result { KEY_NOTHING, KEY_DRAW, KEY_ASK, KEY_QUIT };

static enum key_result edit(struct top *top, char key)
{
	const size_t length = strlen(top->edited);

	if (key == '\r' || key == '\n') {
		top->screen.editing = NULL;
		set_filter(top, top->edited);
		return KEY_ASK;
	}
	if (key == '\033')
		top->screen.editing = NULL;
	else if ((key == '\b' || key == '\177') && length > 0)
		top->edited[length - 1] = '\0';
	else if (key >= ' ' && key <= '~' && length + 1 < sizeof(top->edited))
		(void)snprintf(top->edited + length, 2, "%c", key);
	return KEY_DRAW;
}

static enum key_result press(struct top *top, char key)
{
	if (top->screen.editing)
		return edit(top, key);
	for (const struct agentctl_top_key *row = agentctl_top_keys; row->key; row++) {
		if (row->key == key) {
			top->view.by = row->by;
			agentctl_top_view_forget(&top->view);
			return KEY_ASK;
		}
	}
	for (const struct agentctl_top_order *order = agentctl_top_orders; order->key; order++) {
		if (order->key == key) {
			top->view.order = order;
			return KEY_ASK;
		}
	}
	switch (key) {
	case ' ': top->screen.is_paused = !top->screen.is_paused; return KEY_DRAW;
	case '/':
		(void)strcpy(top->edited, top->typed);
		top->screen.editing = top->edited;
		return KEY_DRAW;
	case 'q': return KEY_QUIT;
	default: return KEY_NOTHING;
	}
}

/* What several keys together ask for. Arrow keys and the like begin with ESC: they are nothing. */
static enum key_result press_all(struct top *top, const char *keys, size_t count)
{
	enum key_result result = KEY_NOTHING;

	if (count > 1 && keys[0] == '\033')
		return KEY_NOTHING;
	for (size_t i = 0; i < count && result != KEY_QUIT; i++) {
		const enum key_result one = press(top, keys[i]);

		if (one > result)
			result = one;
	}
	return result;
}

/* ---- the two ways to run ---- */

static void run_screen(struct top *top, struct agentctl_terminal *terminal)
{
	int64_t next_ms = time_now_ms(CLOCK_MONOTONIC) + top->screen.interval_ms;
	bool is_asking = false;

	for (;;) {
		const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);
		char keys[64];
		size_t count;
		enum key_result result = KEY_NOTHING;

		if (is_asking || (!top->screen.is_paused && now_ms >= next_ms)) {
			agentctl_terminal_size(&top->screen.width, &top->screen.height);
			ask_for_screen(top);
			next_ms = time_now_ms(CLOCK_MONOTONIC) + top->screen.interval_ms;
		}
		draw(top);
		switch (agentctl_terminal_wait(
			terminal,
			top->screen.is_paused ? -1 : next_ms - time_now_ms(CLOCK_MONOTONIC), keys,
			&count)) {
		case TERMINAL_KEYS: result = press_all(top, keys, count); break;
		case TERMINAL_END: result = KEY_QUIT; break;
		case TERMINAL_CHANGED: result = top->screen.is_paused ? KEY_DRAW : KEY_ASK; break;
		case TERMINAL_TIME: break;
		}
		if (result == KEY_QUIT)
			return;
		is_asking = result == KEY_ASK;
	}
}

static enum agentctl_exit run_batch(struct top *top, struct error_text *error)
{
	enum agentctl_exit result;

	for (uint64_t shown = 1;; shown++) {
		result = ask(top, error);
		if (result)
			return result;
		agentctl_top_screen_write(&top->screen, &top->view, stdout);
		if (fflush(stdout) != 0 ||
		    (top->options->count ? shown >= top->options->count : false))
			return AGENTCTL_DONE;
		(void)putchar('\n');
		(void)poll(NULL, 0, (int)top->screen.interval_ms);
	}
}

/* ---- options ---- */

static const struct agentctl_top_order *order_find(const char *name, struct error_text *error)
{
	for (const struct agentctl_top_order *order = agentctl_top_orders; order->key; order++)
		if (strcmp(order->name, name) == 0 || strcmp(order->member, name) == 0)
			return order;
	error_text_set(error, "--sort %s: expected rate, bytes, packets or flows", name);
	return NULL;
}

/* Whether there is such a key; 'error' says which there are. */
static bool check_by(const char *by, struct error_text *error)
{
	struct agentctl_group *group = by ? agentctl_group_create(by, error) : NULL;

	agentctl_group_destroy(group);
	return !by || group;
}

static bool apply_options(struct top *top, struct error_text *error)
{
	const struct agentctl_options *options = top->options;
	char filter[AGENTCTL_TOP_FILTER] = "";
	size_t length = 0;

	if (!check_by(options->by, error))
		return false;
	top->view.by = options->by;
	if (options->sort) {
		top->view.order = order_find(options->sort, error);
		if (!top->view.order)
			return false;
	}
	for (size_t i = 0; i < options->word_count && length < sizeof(filter); i++)
		length += (size_t)snprintf(filter + length, sizeof(filter) - length, "%s%s",
					   i ? " " : "", options->words[i]);
	if (length >= sizeof(filter)) {
		error_text_set(error, "the filter is longer than %zu characters",
			       sizeof(filter) - 1);
		return false;
	}
	set_filter(top, filter);
	return true;
}

static enum agentctl_exit run(struct top *top, struct error_text *error)
{
	struct agentctl_terminal *terminal;
	enum agentctl_exit result;

	if (top->options->is_batch) {
		top->screen.width =
			top->options->terminal_width ? top->options->terminal_width : BATCH_WIDTH;
		return run_batch(top, error);
	}
	if (!agentctl_terminal_is_there()) {
		error_text_set(error, "top needs a terminal");
		error_text_hint(error, "agentctl top --batch -n 1 prints one screen");
		return AGENTCTL_USAGE;
	}
	top->screen.is_terminal = true;
	agentctl_terminal_size(&top->screen.width, &top->screen.height);
	result = ask(top, error); /* what is wrong at once is said without a screen */
	if (result)
		return result;
	terminal = agentctl_terminal_open();
	if (!terminal) {
		error_text_set(error, "cannot take the terminal: %s", fault_text(errno));
		return AGENTCTL_FAILED;
	}
	run_screen(top, terminal);
	agentctl_terminal_close(terminal);
	return AGENTCTL_DONE;
}

enum agentctl_exit agentctl_top(const struct agentctl_command *command,
				const struct agentctl_options *options)
{
	struct top *top = calloc(1, sizeof(*top));
	struct error_text error = { .text = "" };
	const char *no_colour = getenv("NO_COLOR");
	enum agentctl_exit result = AGENTCTL_USAGE;

	(void)command;
	if (!top || !agentctl_top_view_init(&top->view)) {
		free(top);
		error_text_set(&error, "out of memory");
		agentctl_print_error(&error);
		return AGENTCTL_FAILED;
	}
	top->options = options;
	top->screen.interval_ms = INTERVAL_MS;
	top->screen.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	top->screen.has_colours = !options->has_no_colour && (!no_colour || !*no_colour);
	if (apply_options(top, &error))
		result = run(top, &error);
	agentctl_print_error(&error);
	agentctl_client_close(top->client);
	agentctl_top_view_clear(&top->view);
	free(top);
	return result;
}
