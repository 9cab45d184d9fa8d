/* agentctl_rules_status.c - `rules status`: which rules of all firewalls log, and whether to the
 * groups that the agent reads.
 *
 * Place: a row in agentctl_commands.c; rules found and groups of the agent -> table. */
#include "agentctl_rules.h"

#include "agentctl_client.h"
#include "agentctl_found_rules.h"
#include "agentctl_sort.h"
#include "agentctl_table.h"
#include "control_protocol.h"
#include "defaults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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
		agentctl_say(options, "the agent reads no NFLOG group: it does not need rules\n");
	if (!result)
		return;
	(void)fprintf(stderr, "the agent cannot be asked (%s): assuming group %u\n", error.text,
		      options->group);
	if (groups->count == 0) {
		groups->is_read[options->group] = true;
		groups->count = 1;
	}
}

static int to_table(void *context, char *line)
{
	return agentctl_table_take(context, line);
}

static enum agentctl_exit print_rows(const struct agentctl_command *command,
				     const struct agentctl_options *options,
				     const struct log_rules *rules, struct error_text *error)
{
	struct agentctl_sort *sort =
		agentctl_sort_create(command->columns, options->sort, options->top, error);
	struct agentctl_table *table =
		sort ? agentctl_table_create(command->columns, options, error) : NULL;
	int fault = 0;

	for (size_t i = 0; table && !fault && i < rules->count; i++)
		fault = agentctl_sort_add(sort, rules->rules[i].row,
					  agentctl_table_line(table, rules->rules[i].row));
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
static bool group_seen(const struct log_rules *rules, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (log_rule_group(&rules->rules[i]) == log_rule_group(&rules->rules[index]))
			return true;
	return false;
}

/* Name the rules that log the same packets as an earlier one. Returns whether there are any. */
static bool print_overlaps(const struct log_rules *rules, size_t index)
{
	bool counts_twice = false;

	for (size_t i = 0; i < index; i++) {
		const enum log_rules_overlap overlap =
			log_rules_overlap(&rules->rules[i], &rules->rules[index]);
		char one[512];
		char other[512];

		if (overlap == LOG_RULES_apart)
			continue;
		log_rule_format(&rules->rules[i], one, sizeof(one));
		log_rule_format(&rules->rules[index], other, sizeof(other));
		(void)fprintf(stderr,
			      "two rules log the same packets to group %" JSON_INTEGER_FORMAT
			      ": %s\n  %s\n  %s\n",
			      log_rule_group(&rules->rules[i]),
			      overlap == LOG_RULES_twice ? "each counts twice"
							 : "perhaps, as they have conditions",
			      one, other);
		counts_twice |= overlap == LOG_RULES_twice;
	}
	return counts_twice;
}

/* Say what is wrong with the rules. */
static enum agentctl_exit judge(const struct log_rules *rules, const struct groups *groups,
				struct error_text *error)
{
	bool is_fed = groups->count == 0; /* by no rule */
	bool counts_twice = false;

	for (size_t i = 0; i < rules->count; i++) {
		json_int_t group = log_rule_group(&rules->rules[i]);
		bool is_read = group >= 0 && group <= UINT16_MAX && groups->is_read[group];

		is_fed |= is_read;
		if (!is_read && !group_seen(rules, i))
			(void)fprintf(stderr,
				      "rules log to group %" JSON_INTEGER_FORMAT
				      ", which the agent does not read\n",
				      group);
		counts_twice |= print_overlaps(rules, i) && is_read;
	}
	if (!is_fed) {
		error_text_set(error, "no rule logs to a group that the agent reads");
		error_text_hint(error,
				"sudo agentctl rules install; or another group for the agent: "
				"nflog = GROUP in a file of " DEFAULT_CONFIG_DIRECTORY);
	} else if (counts_twice) {
		error_text_set(error, "packets count twice");
		error_text_hint(error, "take one of the rules out, or: sudo agentctl rules install "
				       "--force");
	}
	return is_fed && !counts_twice ? AGENTCTL_DONE : AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_rules_status(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct groups *groups = calloc(1, sizeof(*groups));
	struct log_rules rules = { 0 };
	enum agentctl_exit result = AGENTCTL_FAILED;

	if (groups)
		result = agentctl_found_rules(&rules, &error);
	else
		error_text_set(&error, "out of memory");
	if (!result)
		result = print_rows(command, options, &rules, &error);
	if (!result) {
		find_groups(command, options, groups);
		result = judge(&rules, groups, &error);
	}
	agentctl_print_error(&error);
	log_rules_clear(&rules);
	free(groups);
	return result;
}
