/* agentctl_status.c - rows about the agent -> one screen; the ledger's verdict.
 *
 * Place: a printer of agentctl_show.h, for `show status` and `show stats`. */
#include "agentctl_show.h"

#include "agentctl_text.h"
#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER       "%" JSON_INTEGER_FORMAT
#define STATUS_INDENT 11 /* where values begin */

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* "1.2s ago", or "never". */
static const char *age(const json_t *object, const char *key, char buffer[static 64])
{
	const json_t *value = json_object_get(object, key);
	char duration[AGENTCTL_TEXT_SIZE];

	if (!json_is_integer(value))
		return "never";
	(void)snprintf(buffer, 64, "%s ago",
		       agentctl_text_duration(json_integer_value(value), duration));
	return buffer;
}

static void print_source(FILE *out, const json_t *source, const char *heading)
{
	char buffer[64];
	char bytes[AGENTCTL_TEXT_SIZE];
	json_int_t buffer_bytes = number(source, "receive_buffer_bytes");

	(void)fprintf(out,
		      "%-10s %-16s %-8s packets " INTEGER "  lost " INTEGER "  ignored " INTEGER
		      "  last %s",
		      heading, text(source, "name"), text(source, "state"),
		      number(source, "packets_read"), number(source, "packets_lost_kernel"),
		      number(source, "packets_ignored_total"),
		      age(source, "last_packet_age_ms", buffer));
	if (buffer_bytes > 0)
		(void)fprintf(out, "  buffer %s",
			      agentctl_text_bytes((uint64_t)buffer_bytes, bytes));
	if (*text(source, "label"))
		(void)fprintf(out, "  label %s", text(source, "label"));
	(void)fputc('\n', out);
	if (json_is_true(json_object_get(source, "duplicates_suspected")))
		(void)fprintf(
			out,
			"%-10s %-16s the same packets come twice: two rules log them (agentctl "
			"rules status)\n",
			"", "");
	if (json_is_true(json_object_get(source, "rules_gone")))
		(void)fprintf(out,
			      "%-10s %-16s the firewall's rules for it are gone: packets pass "
			      "unseen (agentctl rules install)\n",
			      "", "");
	else if (json_is_integer(json_object_get(source, "rules")) &&
		 number(source, "rules") == 0 &&
		 !json_is_integer(json_object_get(source, "last_packet_age_ms")))
		(void)fprintf(out,
			      "%-10s %-16s no rule of nft logs to it (agentctl rules install)\n",
			      "", "");
	if (*text(source, "failure"))
		(void)fprintf(out, "%-10s %-16s %s\n", "", "", text(source, "failure"));
	if (json_is_true(json_object_get(source, "loss_unknown")))
		(void)fprintf(out,
			      "%-10s %-16s its queue was full: how many packets were lost then is "
			      "unknown until the next one comes\n",
			      "", "");
	if (json_is_true(json_object_get(source, "single_packets")))
		(void)fprintf(out,
			      "%-10s %-16s the rule hands over packets one by one: take its "
			      "threshold out\n",
			      "", "");
}

static void print_collector(FILE *out, const json_t *collector, const char *heading)
{
	char buffer[64];
	const char *remote = text(collector, "remote");
	const char *fault = text(collector, "last_error");

	(void)fprintf(out, "%-10s %-16s ", heading, text(collector, "name"));
	if (json_is_integer(json_object_get(collector, "version")))
		(void)fprintf(out, "v" INTEGER, number(collector, "version"));
	else
		(void)fputs(text(collector, "version"), out);
	(void)fprintf(
		out, "/%s  %s  records " INTEGER "  waiting " INTEGER "  lost " INTEGER "  last %s",
		text(collector, "transport"),
		json_is_true(json_object_get(collector, "up")) ? "up" : "down",
		number(collector, "records_sent"), number(collector, "records_waiting"),
		number(collector, "records_lost"), age(collector, "last_sent_age_ms", buffer));
	if (*remote && strcmp(remote, text(collector, "name")) != 0)
		(void)fprintf(out, "  to %s", remote);
	if (*fault)
		(void)fprintf(out, "  error: %s", fault);
	(void)fputc('\n', out);
}

static void print_list(FILE *out, const json_t *list, const char *heading, const char *without,
		       void (*print)(FILE *out, const json_t *element, const char *heading))
{
	if (json_array_size(list) == 0)
		(void)fprintf(out, "%-10s %s\n", heading, without);
	for (size_t i = 0; i < json_array_size(list); i++)
		print(out, json_array_get(list, i), i ? "" : heading);
}

static void print_cache(FILE *out, const json_t *cache)
{
	json_int_t flows = number(cache, "flows");
	json_int_t capacity = number(cache, "capacity");
	char bytes[AGENTCTL_TEXT_SIZE];

	(void)fprintf(out,
		      "%-10s " INTEGER " of " INTEGER " flows (" INTEGER "%%)  peak " INTEGER
		      "  memory %s\n",
		      "cache", flows, capacity, capacity > 0 ? flows * 100 / capacity : 0,
		      number(cache, "peak"),
		      agentctl_text_bytes((uint64_t)number(cache, "memory_bytes"), bytes));
}

/* Nothing without a table. */
static void print_asn_table(FILE *out, const json_t *table)
{
	char buffer[64];
	char bytes[AGENTCTL_TEXT_SIZE];

	if (!json_is_object(table))
		return;
	(void)fprintf(out,
		      "%-10s %s  IPv4 " INTEGER "  IPv6 " INTEGER
		      "  memory %s  made %s  replaced " INTEGER "  refused " INTEGER "\n",
		      "as table", text(table, "file"), number(table, "prefixes_ipv4"),
		      number(table, "prefixes_ipv6"),
		      agentctl_text_bytes((uint64_t)number(table, "bytes"), bytes),
		      json_is_integer(json_object_get(table, "age_ms"))
			      ? age(table, "age_ms", buffer)
			      : "at an unknown time",
		      number(table, "replaced"), number(table, "refused"));
}

/* What is wrong now, and since when. */
static void print_problems(FILE *out, const json_t *problems, bool is_utc)
{
	char time[AGENTCTL_TEXT_SIZE];

	if (json_array_size(problems) == 0)
		(void)fprintf(out, "%-10s none\n", "problem");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *problem = json_array_get(problems, i);

		(void)fprintf(out, "%-10s %s  (since %s)\n", i ? "" : "problem",
			      text(problem, "problem"),
			      agentctl_text_time(number(problem, "problem_unix_ms"), is_utc, time));
	}
}

/* What was wrong last, if anything ever was. */
static void print_last_problem(FILE *out, const json_t *status, bool is_utc)
{
	const json_int_t since_ms = number(status, "last_problem_unix_ms");
	const json_int_t over_ms = number(status, "last_problem_over_unix_ms");
	char since[AGENTCTL_TEXT_SIZE];
	char over[AGENTCTL_TEXT_SIZE];

	if (!json_is_integer(json_object_get(status, "last_problem_unix_ms")))
		return;
	(void)fprintf(out, "%-10s %s  (%s", "last", text(status, "last_problem"),
		      agentctl_text_time(since_ms, is_utc, since));
	if (over_ms != since_ms)
		(void)fprintf(out, ", over since %s", agentctl_text_time(over_ms, is_utc, over));
	(void)fputs(")\n", out);
}

static void write_status(FILE *out, const json_t *status, bool is_utc)
{
	char uptime[AGENTCTL_TEXT_SIZE];
	char started[AGENTCTL_TEXT_SIZE];

	(void)fprintf(out, "flowagent %s  up %s, since %s  pid " INTEGER "  netns " INTEGER "\n",
		      text(status, "version"),
		      agentctl_text_duration(number(status, "uptime_ms"), uptime),
		      agentctl_text_time(number(status, "started_unix_ms"), is_utc, started),
		      number(status, "pid"), number(status, "netns"));
	print_list(out, json_object_get(status, "sources"), "sources", "none: no packet will come",
		   print_source);
	print_cache(out, json_object_get(status, "cache"));
	print_list(out, json_object_get(status, "collectors"), "collectors",
		   "none: flows are only seen here, with agentctl show flows", print_collector);
	print_asn_table(out, json_object_get(status, "asn_table"));
	print_problems(out, json_object_get(status, "problems"), is_utc);
	print_last_problem(out, status, is_utc);
}

void agentctl_print_status(const json_t *status, bool is_utc, size_t width)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out)
		write_status(out, status, is_utc);
	if (!out || fclose(out) != 0) {
		(void)fputs("agentctl: out of memory\n", stderr);
		free(text);
		return;
	}
	for (char *line = text; *line;) {
		char *const end = line + strcspn(line, "\n"); /* each line has one */

		*end = '\0';
		printable_make(line);
		agentctl_text_fold(stdout, line, width, STATUS_INDENT);
		line = end + 1;
	}
	free(text);
}

bool agentctl_stats_hold(const json_t *stats)
{
	const json_t *equalities = json_object_get(stats, "equalities");
	bool hold = true;

	for (size_t i = 0; i < json_array_size(equalities); i++) {
		const json_t *equality = json_array_get(equalities, i);

		if (json_is_true(json_object_get(equality, "holds")))
			continue;
		(void)fprintf(stderr,
			      "agentctl: %s (%s): " INTEGER " on one side, " INTEGER
			      " on the other\n",
			      text(equality, "name"), text(equality, "object"),
			      number(equality, "left"), number(equality, "right"));
		hold = false;
	}
	return hold;
}
