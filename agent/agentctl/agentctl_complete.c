/* agentctl_complete.c - candidates from the tables of commands, options, columns and keys; the
 * options that `set` takes from the agent. */
#include "agentctl_complete.h"

#include "agentctl_client.h"
#include "agentctl_group.h"
#include "agentctl_migrate.h"
#include "agentctl_table.h"
#include "control_protocol.h"

#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 1000 /* a person waits for it */

/* Words that a filter of `show flows` may begin with: lib/select/flow_filter.h. */
static const char *const filter_words[] = {
	"src=",           "dst=",          "host=",   "net=",    "sport=",      "dport=",
	"port=",          "proto=",        "src_as=", "dst_as=", "as=",         "in_if=",
	"out_if=",        "iface=",        "dir=",    "v=",      "tos=",        "vlan=",
	"mark=",          "uid=",          "unit=",   "flags=",  "bytes>",      "packets>",
	"duration>",      "age<",          "idle<",   "rtt>",    "client_rtt>", "server_rtt>",
	"retransmitted>", "out_of_order>",
};

static void print_verbs(void)
{
	const char *last = "";

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		if (strcmp(row->verb, last) != 0) /* rows of a verb stand together */
			(void)puts(row->verb);
		last = row->verb;
	}
}

static void print_nouns(const char *verb)
{
	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++)
		if (row->noun && strncmp(row->verb, verb, strlen(verb)) == 0)
			(void)puts(row->noun);
}

static void print_options(const struct agentctl_command *command)
{
	struct agentctl_option_text option;

	for (size_t i = 0; agentctl_option_text(i, &option); i++)
		if (!command || !option.used_by || option.used_by & command->options)
			(void)printf("--%s\n", option.name);
}

static void print_columns(const struct agentctl_command *command)
{
	if (!command || !command->columns)
		return;
	for (const struct agentctl_column *column = command->columns; column->name; column++)
		(void)puts(column->name);
}

static void print_keys(void)
{
	for (size_t i = 0; agentctl_group_key_name(i); i++)
		(void)puts(agentctl_group_key_name(i));
}

static void print_interfaces(void)
{
	struct if_nameindex *interfaces = if_nameindex();

	for (const struct if_nameindex *i = interfaces; i && i->if_index; i++)
		(void)puts(i->if_name);
	if (interfaces)
		if_freenameindex(interfaces);
}

static enum agentctl_exit print_settable(void *context, json_t *row, struct error_text *error)
{
	const char *name = json_string_value(json_object_get(row, "name"));

	(void)context;
	(void)error;
	if (name && json_is_true(json_object_get(row, "settable")))
		(void)puts(name);
	return AGENTCTL_DONE;
}

/* Ask the agent that the options among the words before the last one name. Without an answer there
 * is nothing to offer. */
static void print_settings(const char *const *words, size_t count)
{
	char **argv = calloc(count + 1, sizeof(*argv)); /* ends with NULL, as the parser wants */
	struct agentctl_options options;
	struct agentctl_client *client = NULL;
	struct error_text error;

	if (!argv)
		return;
	argv[0] = (char *)(uintptr_t) "agentctl";
	for (size_t i = 0; i + 1 < count; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	if (agentctl_options_parse(&options, (int)count, argv, &error) &&
	    !agentctl_client_open(options.socket, ANSWER_MS, &client, &error))
		(void)agentctl_client_ask(client,
					  &(struct control_question){ .command = "show-config" },
					  print_settable, NULL, &error);
	agentctl_client_close(client);
	free(argv);
}

/* The option that 'word' is, if it takes a value. */
static bool option_with_value(const char *word, struct agentctl_option_text *option)
{
	for (size_t i = 0; agentctl_option_text(i, option); i++) {
		bool is_long = strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0;
		bool is_short = option->letter && word[0] == '-' && word[1] == option->letter &&
				word[2] == '\0';

		if (option->argument && option->argument[0] != '[' && (is_long || is_short))
			return true;
	}
	return false;
}

/* Values of an option. Nothing for those that only the shell can complete: file names. */
static void print_values(const struct agentctl_option_text *option,
			 const struct agentctl_command *command)
{
	if (strcmp(option->name, "output") == 0 || strcmp(option->name, "sort") == 0)
		print_columns(command);
	else if (strcmp(option->name, "by") == 0)
		print_keys();
	else if (strcmp(option->name, "interface") == 0)
		print_interfaces();
	else if (strcmp(option->name, "firewall") == 0)
		(void)fputs("nft\niptables\niptables-nft\niptables-legacy\nufw\nfirewalld\n",
			    stdout);
	else if (strcmp(option->name, "source") == 0)
		(void)fputs("nflog\nbpf\n", stdout);
}

/* Words that are no option, after 'count' others: verb, noun, and what follows them. */
static void print_words(const struct agentctl_command *command, const char *verb, size_t count)
{
	if (count == 0) {
		print_verbs();
	} else if (count == 1 && !command) {
		print_nouns(verb);
	} else if (command && strcmp(command->verb, "help") == 0) {
		print_verbs();
	} else if (command && strcmp(command->verb, "migrate") == 0) {
		for (size_t i = 0; count == 1 && agentctl_migrate_peer(i); i++)
			(void)puts(agentctl_migrate_peer(i));
	} else if (command && command->arguments &&
		   strcmp(command->arguments, "[FILTER...]") == 0) {
		for (size_t i = 0; i < sizeof(filter_words) / sizeof(filter_words[0]); i++)
			(void)puts(filter_words[i]);
	}
}

enum agentctl_exit agentctl_complete(const char *const *words, size_t count)
{
	const char *plain[2] = { NULL, NULL }; /* verb and noun */
	size_t plain_count = 0;
	const struct agentctl_command *command = NULL;
	struct agentctl_option_text option;
	struct error_text error;
	size_t used;

	if (count == 0)
		return AGENTCTL_USAGE;
	for (size_t i = 0; i + 1 < count; i++) {
		if (option_with_value(words[i], &option))
			i++; /* its value is no command */
		else if (words[i][0] != '-' && plain_count++ < 2)
			plain[plain_count - 1] = words[i];
	}
	if (plain_count > 0)
		command = agentctl_command_find(plain, plain_count < 2 ? plain_count : 2, &used,
						&error);
	if (count > 1 && option_with_value(words[count - 2], &option))
		print_values(&option, command);
	else if (words[count - 1][0] == '-')
		print_options(command);
	else if (command && strcmp(command->verb, "set") == 0 && plain_count == 1)
		print_settings(words, count);
	else
		print_words(command, plain[0], plain_count);
	return AGENTCTL_DONE;
}
