/* bmp_show.c - see bmp_show.h.
 *
 * A line is NAME{LABEL="VALUE",...} NUMBER. Those of one router, or of one peer, stand together,
 * the one that says whether it is up first. */
#include "bmp_show.h"

#include "bmp_state.h"
#include "count_text.h"
#include "text_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX     "flowagent_bmp_"
#define FILE_MAX   ((size_t)64 << 20)
#define LABEL_SIZE 64
#define AGE_SIZE   32

struct sample {
	const char *name;   /* without the prefix */
	const char *labels; /* "" or without the braces */
	int64_t value;
};

struct samples {
	struct sample *items; /* owned */
	size_t count;
};

/* ---- the text ---- */

static bool take_line(char *line, struct sample *sample)
{
	char *space = strrchr(line, ' ');
	char *brace = strchr(line, '{');

	if (strncmp(line, PREFIX, strlen(PREFIX)) != 0 || !space)
		return false;
	*space = '\0';
	*sample = (struct sample){ .name = line + strlen(PREFIX),
				   .labels = "",
				   .value = strtoll(space + 1, NULL, 10) };
	if (brace && brace < space && space[-1] == '}') {
		space[-1] = *brace = '\0';
		sample->labels = brace + 1;
	}
	return true;
}

static int take_text(char *text, struct samples *samples)
{
	char *rest = NULL;
	size_t lines = 1;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	*samples = (struct samples){ .items = calloc(lines, sizeof(*samples->items)) };
	if (!samples->items)
		return -ENOMEM;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		samples->count += take_line(line, &samples->items[samples->count]);
	return samples->count ? 0 : -EINVAL;
}

/* The value of a label, "" if there is none. The names that routers give themselves stand last, so
 * what they contain is not taken for another label. */
static const char *label(const struct sample *sample, const char *name,
			 char value[static LABEL_SIZE])
{
	char key[LABEL_SIZE];
	const char *at;
	size_t length = 0;

	(void)snprintf(key, sizeof(key), "%s=\"", name);
	at = strstr(sample->labels, key);
	at = at ? at + strlen(key) : "";
	while (at[length] && at[length] != '"' && length < LABEL_SIZE - 1) {
		value[length] = at[length] >= ' ' && at[length] <= '~' ? at[length] : '?';
		length++;
	}
	value[length] = '\0';
	return value;
}

/* Add up samples of a name from one on, to the next one of the same kind. */
static int64_t sum_after(const struct samples *samples, size_t from, const char *name)
{
	int64_t sum = 0;

	for (size_t i = from; i < samples->count; i++) {
		if (i > from && strcmp(samples->items[i].name, samples->items[from].name) == 0)
			break;
		if (strcmp(samples->items[i].name, name) == 0)
			sum += samples->items[i].value;
	}
	return sum;
}

/* Of the whole text; 0 if there is none. */
static int64_t value_of(const struct samples *samples, const char *name, const char *family)
{
	char text[LABEL_SIZE];

	for (size_t i = 0; i < samples->count; i++)
		if (strcmp(samples->items[i].name, name) == 0 &&
		    (!family || strcmp(label(&samples->items[i], "family", text), family) == 0))
			return samples->items[i].value;
	return 0;
}

/* ---- the lines ---- */

static const char *age_text(int64_t then_s, int64_t now_s, char text[static AGE_SIZE])
{
	const int64_t age = now_s > then_s ? now_s - then_s : 0;

	if (!then_s)
		(void)snprintf(text, AGE_SIZE, "never");
	else if (age < 120)
		(void)snprintf(text, AGE_SIZE, "%" PRId64 "s ago", age);
	else if (age < 7200)
		(void)snprintf(text, AGE_SIZE, "%" PRId64 "m ago", age / 60);
	else
		(void)snprintf(text, AGE_SIZE, "%" PRId64 "h ago", age / 3600);
	return text;
}

static void print_table(const struct samples *samples, int64_t now_s, FILE *out)
{
	char written[AGE_SIZE], status[AGE_SIZE];

	(void)fprintf(out,
		      "table     %" PRId64 " IPv4 and %" PRId64 " IPv6 prefixes, %" PRId64
		      " bytes, written %s\n"
		      "tables    %" PRId64 " written, %" PRId64 " refused\n"
		      "status    of %s\n",
		      value_of(samples, "table_prefixes", "ipv4"),
		      value_of(samples, "table_prefixes", "ipv6"),
		      value_of(samples, "table_bytes", NULL),
		      age_text(value_of(samples, "table_timestamp_seconds", NULL), now_s, written),
		      value_of(samples, "tables_written_total", NULL),
		      value_of(samples, "tables_refused_total", NULL),
		      age_text(value_of(samples, "status_timestamp_seconds", NULL), now_s, status));
}

static void print_routers(const struct samples *samples, int64_t now_s, FILE *out)
{
	bool has_any = false;

	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->items[i];
		char router[LABEL_SIZE], name[LABEL_SIZE], age[AGE_SIZE];
		const char *state = sample->value ? "up" : "down";

		if (strcmp(sample->name, "router_up") != 0)
			continue;
		if (sum_after(samples, i, "router_filling"))
			state = "filling";
		if (!has_any)
			(void)fprintf(out, "\n%-39s %-7s %6s %10s %10s %-10s %s\n", "ROUTER",
				      "STATE", "PEERS", "ROUTES", "STALE", "LAST", "NAME");
		has_any = true;
		(void)fprintf(out, "%-39s %-7s %6" PRId64 " %10" PRId64 " %10" PRId64 " %-10s %s\n",
			      label(sample, "router", router), state,
			      sum_after(samples, i, "router_peers_up"),
			      sum_after(samples, i, "router_routes"),
			      sum_after(samples, i, "router_routes_stale"),
			      age_text(sum_after(samples, i, "router_last_route_timestamp_seconds"),
				       now_s, age),
			      label(sample, "name", name));
	}
	if (!has_any)
		(void)fprintf(out, "\nno router has connected yet\n");
}

static void print_peers(const struct samples *samples, FILE *out)
{
	bool has_any = false;

	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->items[i];
		char router[LABEL_SIZE], peer[LABEL_SIZE], type[LABEL_SIZE];

		if (strcmp(sample->name, "peer_up") != 0)
			continue;
		if (!has_any)
			(void)fprintf(out, "\n%-39s %-39s %-7s %-7s %10s %10s\n", "PEER", "ROUTER",
				      "TYPE", "STATE", "ROUTES", "STALE");
		has_any = true;
		(void)fprintf(out, "%-39s %-39s %-7s %-7s %10" PRId64 " %10" PRId64 "\n",
			      label(sample, "peer", peer), label(sample, "router", router),
			      label(sample, "type", type),
			      !sample->value                            ? "down"
			      : sum_after(samples, i, "peer_has_ended") ? "up"
									: "filling",
			      sum_after(samples, i, "peer_routes"),
			      sum_after(samples, i, "peer_routes_stale"));
	}
}

/* Events that an operator should know of. */
static bool is_fault(const char *event)
{
	static const enum bmp_counter faults[] = {
		BMP_COUNTER_unknown_type,  BMP_COUNTER_damaged,        BMP_COUNTER_no_peer_up,
		BMP_COUNTER_other_as_size, BMP_COUNTER_too_many_peers, BMP_COUNTER_too_many_routes,
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(bmp_counter_name(faults[i]), event) == 0)
			return true;
	return false;
}

static const char *event_text(const char *event)
{
	for (enum bmp_counter counter = 0; counter < BMP_COUNTER_COUNT; counter++)
		if (strcmp(bmp_counter_name(counter), event) == 0)
			return bmp_counter_text(counter);
	return event;
}

static void print_faults(const struct samples *samples, FILE *out)
{
	const char *separator = "\n";

	for (size_t i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->items[i];
		char router[LABEL_SIZE], event[LABEL_SIZE];

		if (strcmp(sample->name, "events_total") != 0 ||
		    !is_fault(label(sample, "event", event)))
			continue;
		(void)fprintf(out, "%s%s: %" PRId64 " %s\n", separator,
			      label(sample, "router", router), sample->value, event_text(event));
		separator = "";
	}
}

int bmp_show_text(char *text, int64_t now_s, FILE *out)
{
	struct samples samples;
	int result = take_text(text, &samples);

	if (!result) {
		print_table(&samples, now_s, out);
		print_routers(&samples, now_s, out);
		print_peers(&samples, out);
		print_faults(&samples, out);
	}
	free(samples.items);
	return result;
}

int bmp_show(const char *path, struct error_text *error)
{
	size_t size;
	char *text = text_file_read(path, FILE_MAX, &size, error);
	int result;

	if (!text) {
		error_text_hint(error, "flowagent-bmp writes it where --status says, and the "
				       "service to " BMP_DEFAULT_STATUS);
		return -ENOENT;
	}
	result = bmp_show_text(text, (int64_t)time(NULL), stdout);
	if (result)
		error_text_set(error, "%.200s: no status of flowagent-bmp", path);
	if (!result && (fflush(stdout) || ferror(stdout))) {
		error_text_set(error, "cannot write to standard output");
		result = -EIO;
	}
	free(text);
	return result;
}
