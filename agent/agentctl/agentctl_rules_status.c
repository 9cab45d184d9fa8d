/* agentctl_rules_status.c - `rules status`: which rules of all firewalls log, and whether to the
 * groups that the agent reads. */
#include "agentctl_rules.h"

#include "agentctl_client.h"
#include "control_protocol.h"
#include "agentctl_log_rules.h"
#include "agentctl_program.h"
#include "agentctl_sort.h"
#include "agentctl_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS 2000 /* the agent is asked by the way */

/* Groups that somebody is expected to read. */
struct groups {
	bool is_read[UINT16_MAX + 1];
	size_t count;
};

static enum agentctl_exit take_source(void *context, json_t *row, struct error_text *error)
{
	struct groups *groups = context;
	const char *name = json_string_value(json_object_get(row, "name"));
	unsigned int group;
	char end;

	(void)error;
	if (name && sscanf(name, "nflog:%u%c", &group, &end) == 1 && group <= UINT16_MAX &&
	    !groups->is_read[group]) {
		groups->is_read[group] = true;
		groups->count++;
	}
	return AGENTCTL_DONE;
}

/* Ask the agent which groups it reads; without an agent, the group of the options. */
static void find_groups(const struct agentctl_command *command,
			const struct agentctl_options *options, struct groups *groups)
{
	struct error_text error = { .text = "" };
	struct agentctl_client *client;
	enum agentctl_exit result = agentctl_client_open(
		options->socket, options->timeout_ms < 0 ? ASK_MS : options->timeout_ms, &client,
		&error);

	if (!result)
		result = agentctl_client_ask(
			client, &(struct control_question){ .command = command->request },
			take_source, groups, &error);
	agentctl_client_close(client);
	if (!result && groups->count == 0)
		(void)fputs("the agent reads no NFLOG group: it does not need rules\n", stderr);
	if (result)
		(void)fprintf(stderr, "the agent cannot be asked (%s): assuming group %u\n",
			      error.text, options->group);
	if (groups->count == 0) {
		groups->is_read[options->group] = true;
		groups->count = 1;
	}
}

/* Run a firewall's program that may not be there. '*output' is for free(), NULL if it is not
 * installed or fails. */
static enum agentctl_exit list_rules(const char *const *argv, char **output,
				     struct error_text *error)
{
	struct program_result result;
	int fault = agentctl_program_run(argv, NULL, &result);
	enum agentctl_exit status = AGENTCTL_DONE;

	*output = NULL;
	if (fault == -ENOENT)
		return AGENTCTL_DONE;
	if (fault) {
		error_text_set(error, "%s cannot be run: %s", argv[0], strerror(-fault));
		return AGENTCTL_FAILED;
	}
	if (result.status == 0) {
		*output = result.output;
		result.output = NULL;
	} else {
		error_text_set(error, "%s has failed (status %d): %s", argv[0], result.status,
			       result.fault);
		status = AGENTCTL_FAILED;
		if (geteuid() != 0) {
			error_text_hint(error, "sudo agentctl rules status");
			status = AGENTCTL_NOT_PERMITTED;
		}
	}
	agentctl_program_clear(&result);
	return status;
}

/* The programs that show rules which nft does not. A legacy one that fails has no tables. */
static const struct {
	const char *program;
	const char *firewall;
	const char *family;
	bool is_legacy;
} savers[] = {
	{ "iptables-nft-save", "iptables-nft", "ip", false },
	{ "ip6tables-nft-save", "iptables-nft", "ip6", false },
	{ "iptables-legacy-save", "iptables-legacy", "ip", true },
	{ "ip6tables-legacy-save", "iptables-legacy", "ip6", true },
};

static enum agentctl_exit find_rules(json_t *rows, struct error_text *error)
{
	/* -t: without the elements of sets, which may be millions. */
	static const char *const nft[] = { "nft", "-j", "-t", "list", "ruleset", NULL };
	bool has_foreign = false;
	char *output;
	enum agentctl_exit result = list_rules(nft, &output, error);

	if (!result && output && log_rules_from_nft(output, rows, &has_foreign, error))
		result = AGENTCTL_FAILED;
	if (!result && !output)
		(void)fputs("nft is not installed (apt install nftables): looking at iptables only"
			    "\n",
			    stderr);
	free(output);
	for (size_t i = 0; !result && i < sizeof(savers) / sizeof(savers[0]); i++) {
		const char *const save[] = { savers[i].program, "-c", NULL };
		struct error_text ignored;

		if (!savers[i].is_legacy && !has_foreign)
			continue; /* nft has shown them */
		(void)list_rules(save, &output, &ignored);
		if (output &&
		    log_rules_from_iptables(output, savers[i].firewall, savers[i].family, rows)) {
			error_text_set(error, "out of memory");
			result = AGENTCTL_FAILED;
		}
		free(output);
	}
	return result;
}

static int to_table(void *context, char *line)
{
	return agentctl_table_take(context, line);
}

static enum agentctl_exit print_rows(const struct agentctl_command *command,
				     const struct agentctl_options *options, json_t *rows,
				     struct error_text *error)
{
	struct agentctl_sort *sort =
		agentctl_sort_create(command->columns, options->sort, options->top, error);
	struct agentctl_table *table =
		sort ? agentctl_table_create(command->columns, options, error) : NULL;
	int fault = 0;

	for (size_t i = 0; table && !fault && i < json_array_size(rows); i++)
		fault = agentctl_sort_add(sort, json_array_get(rows, i),
					  agentctl_table_line(table, json_array_get(rows, i)));
	if (table && !fault)
		fault = agentctl_sort_each(sort, to_table, table);
	if (table && !fault)
		fault = agentctl_table_finish(table);
	if (fault == -ENOMEM)
		error_text_set(error, "out of memory");
	agentctl_sort_destroy(sort);
	if (!table)
		return AGENTCTL_USAGE;
	agentctl_table_destroy(table);
	return fault ? AGENTCTL_FAILED : AGENTCTL_DONE;
}

/* Whether an earlier rule logs to the same group, so that it has been mentioned. */
static bool group_seen(const json_t *rows, size_t index, json_int_t group)
{
	while (index-- > 0)
		if (json_integer_value(json_object_get(json_array_get(rows, index), "group")) ==
		    group)
			return true;
	return false;
}

static bool overlaps_earlier(const json_t *rows, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (log_rules_overlap(json_array_get(rows, i), json_array_get(rows, index)))
			return true;
	return false;
}

/* Say what is wrong with the rules. */
static enum agentctl_exit judge(const json_t *rows, const struct groups *groups,
				struct error_text *error)
{
	bool is_fed = false;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_int_t group =
			json_integer_value(json_object_get(json_array_get(rows, i), "group"));

		if (group >= 0 && group <= UINT16_MAX && groups->is_read[group])
			is_fed = true;
		else if (!group_seen(rows, i, group))
			(void)fprintf(stderr,
				      "rules log to group %" JSON_INTEGER_FORMAT
				      ", which the agent does not read\n",
				      group);
		if (overlaps_earlier(rows, i))
			(void)fprintf(
				stderr,
				"two rules log the same packets to group %" JSON_INTEGER_FORMAT
				": each counts twice\n",
				group);
	}
	if (is_fed)
		return AGENTCTL_DONE;
	error_text_set(error, "no rule logs to a group that the agent reads");
	error_text_hint(error, "sudo agentctl rules install; or another group for the agent: "
			       "nflog = GROUP in flowagent.conf");
	return AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_rules_status(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct groups *groups = calloc(1, sizeof(*groups));
	json_t *rows = json_array();
	enum agentctl_exit result = AGENTCTL_FAILED;

	if (groups && rows)
		result = find_rules(rows, &error);
	else
		error_text_set(&error, "out of memory");
	if (!result)
		result = print_rows(command, options, rows, &error);
	if (!result) {
		find_groups(command, options, groups);
		result = judge(rows, groups, &error);
	}
	agentctl_print_error(&error);
	json_decref(rows);
	free(groups);
	return result;
}
