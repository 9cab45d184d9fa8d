/* agentctl_commands.c - the table of commands; finding one by unique prefixes of its words. */
#include "agentctl.h"

#include "agentctl_rules.h"
#include "agentctl_show.h"
#include "agentctl_table.h"

#include <stdio.h>
#include <string.h>

#define LIST   (AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS | AGENTCTL_FOR_LISTS)
#define OBJECT (AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS)

static const struct agentctl_column flow_columns[] = {
	{ "proto", NULL, COLUMN_PROTOCOL, true },
	{ "src", NULL, COLUMN_ADDRESS, true },
	{ "src_port", "sport", COLUMN_NUMBER, true },
	{ "dst", NULL, COLUMN_ADDRESS, true },
	{ "dst_port", "dport", COLUMN_NUMBER, true },
	{ "dir", NULL, COLUMN_TEXT, true },
	{ "tcp_flags", "flags", COLUMN_FLAGS, true },
	{ "packets", NULL, COLUMN_COUNTED, true },
	{ "bytes", NULL, COLUMN_BYTES, true },
	{ "start", NULL, COLUMN_TIME, true },
	{ "duration_ms", "duration", COLUMN_DURATION, true },
	{ "end", NULL, COLUMN_TIME, false },
	{ "v", NULL, COLUMN_NUMBER, false },
	{ "tos", NULL, COLUMN_NUMBER, false },
	{ "vlan", NULL, COLUMN_NUMBER, false },
	{ "mark", NULL, COLUMN_NUMBER, false },
	{ "sampling", NULL, COLUMN_NUMBER, false },
	{ "in_if", NULL, COLUMN_NUMBER, false },
	{ "out_if", NULL, COLUMN_NUMBER, false },
	{ "in_if_name", NULL, COLUMN_TEXT, false },
	{ "out_if_name", NULL, COLUMN_TEXT, false },
	{ "src_as", NULL, COLUMN_NUMBER, false },
	{ "dst_as", NULL, COLUMN_NUMBER, false },
	{ "start_unix_ms", NULL, COLUMN_NUMBER, false },
	{ "end_unix_ms", NULL, COLUMN_NUMBER, false },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column source_columns[] = {
	{ "name", NULL, COLUMN_TEXT, true },
	{ "label", NULL, COLUMN_TEXT, true },
	{ "state", NULL, COLUMN_TEXT, true },
	{ "packets_read", NULL, COLUMN_NUMBER, true },
	{ "packets_lost_kernel", NULL, COLUMN_NUMBER, true },
	{ "overruns", NULL, COLUMN_NUMBER, true },
	{ "packets_ignored_total", NULL, COLUMN_NUMBER, true },
	{ "sampling", NULL, COLUMN_TEXT, true },
	{ "flows_cached", NULL, COLUMN_NUMBER, true },
	{ "receive_buffer_bytes", NULL, COLUMN_BYTES, true },
	{ "last_packet_age_ms", "age", COLUMN_DURATION, true },
	{ "failure", NULL, COLUMN_TEXT, false },
	{ "live", NULL, COLUMN_TEXT, false },
	{ "flows_created", NULL, COLUMN_NUMBER, false },
	{ "packets_cached", NULL, COLUMN_NUMBER, false },
	{ "packets_expired", NULL, COLUMN_NUMBER, false },
	{ "records_expired_total", NULL, COLUMN_NUMBER, false },
	{ "messages", NULL, COLUMN_NUMBER, false },
	{ "messages_truncated", NULL, COLUMN_NUMBER, false },
	{ "messages_malformed", NULL, COLUMN_NUMBER, false },
	{ "packets_truncated", NULL, COLUMN_NUMBER, false },
	{ "packets_length_unknown", NULL, COLUMN_NUMBER, false },
	{ "packets_rate_unknown", NULL, COLUMN_NUMBER, false },
	{ "packets_super", NULL, COLUMN_NUMBER, false },
	{ "packets_split", NULL, COLUMN_NUMBER, false },
	{ "bytes_split", NULL, COLUMN_BYTES, false },
	{ "packets_unstamped", NULL, COLUMN_NUMBER, false },
	{ "receive_buffer_wanted", NULL, COLUMN_BYTES, false },
	{ "duplicates_sampled", NULL, COLUMN_NUMBER, false },
	{ "packets_seen_twice", NULL, COLUMN_NUMBER, false },
	{ "duplicates_suspected", NULL, COLUMN_TEXT, false },
	{ "single_packets", NULL, COLUMN_TEXT, false },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column collector_columns[] = {
	{ "name", NULL, COLUMN_TEXT, true },
	{ "remote", NULL, COLUMN_TEXT, true },
	{ "version", NULL, COLUMN_NUMBER, true },
	{ "transport", NULL, COLUMN_TEXT, true },
	{ "mode", NULL, COLUMN_TEXT, true },
	{ "up", NULL, COLUMN_TEXT, true },
	{ "active", NULL, COLUMN_TEXT, true },
	{ "records_sent", NULL, COLUMN_NUMBER, true },
	{ "records_waiting", NULL, COLUMN_NUMBER, true },
	{ "records_lost", NULL, COLUMN_NUMBER, true },
	{ "records_excluded", NULL, COLUMN_NUMBER, true },
	{ "datagrams_sent", NULL, COLUMN_NUMBER, true },
	{ "last_sent_age_ms", "age", COLUMN_DURATION, true },
	{ "last_error", NULL, COLUMN_TEXT, true },
	{ "sequence", NULL, COLUMN_NUMBER, false },
	{ "records_taken", NULL, COLUMN_NUMBER, false },
	{ "packets_sent", NULL, COLUMN_NUMBER, false },
	{ "packets_waiting", NULL, COLUMN_NUMBER, false },
	{ "packets_lost", NULL, COLUMN_NUMBER, false },
	{ "packets_excluded", NULL, COLUMN_NUMBER, false },
	{ "bytes_excluded", NULL, COLUMN_BYTES, false },
	{ "group", NULL, COLUMN_TEXT, false },
	{ "priority", NULL, COLUMN_NUMBER, false },
	{ "sampling", NULL, COLUMN_NUMBER, false },
	{ "bytes_sent", NULL, COLUMN_BYTES, false },
	{ "datagrams_queued", NULL, COLUMN_NUMBER, false },
	{ "datagrams_lost", NULL, COLUMN_NUMBER, false },
	{ "datagrams_unconfirmed", NULL, COLUMN_NUMBER, false },
	{ "records_spooled", NULL, COLUMN_NUMBER, false },
	{ "spool_bytes", NULL, COLUMN_BYTES, false },
	{ "spool_size", NULL, COLUMN_BYTES, false },
	{ "sessions", NULL, COLUMN_NUMBER, false },
	{ "session_failures", NULL, COLUMN_NUMBER, false },
	{ "send_errors", NULL, COLUMN_NUMBER, false },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column drop_columns[] = {
	{ "reason", NULL, COLUMN_TEXT, true },
	{ "packets", NULL, COLUMN_NUMBER, true },
	{ "source", NULL, COLUMN_TEXT, true },
	{ "last", NULL, COLUMN_TIME, true },
	{ "link", NULL, COLUMN_TEXT, true },
	{ "captured_bytes", "captured", COLUMN_NUMBER, true },
	{ "original_bytes", "original", COLUMN_NUMBER, true },
	{ "example", NULL, COLUMN_TEXT, true },
	{ "text", NULL, COLUMN_TEXT, false },
	{ "last_unix_ms", NULL, COLUMN_NUMBER, false },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column interface_columns[] = {
	{ "number", NULL, COLUMN_NUMBER, true }, { "name", NULL, COLUMN_TEXT, true },
	{ "alias", NULL, COLUMN_TEXT, true },    { "mtu", NULL, COLUMN_NUMBER, true },
	{ "state", NULL, COLUMN_TEXT, true },    { "index", NULL, COLUMN_NUMBER, true },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column template_columns[] = {
	{ "version", NULL, COLUMN_NUMBER, true },     { "template", NULL, COLUMN_NUMBER, true },
	{ "family", NULL, COLUMN_NUMBER, true },      { "position", NULL, COLUMN_NUMBER, true },
	{ "field", NULL, COLUMN_TEXT, true },         { "element", NULL, COLUMN_NUMBER, true },
	{ "size", NULL, COLUMN_NUMBER, true },        { "record_size", NULL, COLUMN_NUMBER, false },
	{ "enterprise", NULL, COLUMN_NUMBER, false }, { "collectors", NULL, COLUMN_TEXT, false },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column config_columns[] = {
	{ "name", NULL, COLUMN_TEXT, true },     { "value", NULL, COLUMN_TEXT, true },
	{ "default", NULL, COLUMN_TEXT, false }, { "origin", NULL, COLUMN_TEXT, true },
	{ NULL, NULL, COLUMN_TEXT, false },
};

static const struct agentctl_column rule_columns[] = {
	{ "firewall", NULL, COLUMN_TEXT, true },  { "family", NULL, COLUMN_TEXT, true },
	{ "table", NULL, COLUMN_TEXT, true },     { "chain", NULL, COLUMN_TEXT, true },
	{ "hook", NULL, COLUMN_TEXT, true },      { "interfaces", NULL, COLUMN_TEXT, true },
	{ "group", NULL, COLUMN_NUMBER, true },   { "snaplen", NULL, COLUMN_NUMBER, true },
	{ "packets", NULL, COLUMN_NUMBER, true }, { "bytes", NULL, COLUMN_BYTES, true },
	{ NULL, NULL, COLUMN_TEXT, false },
};

const struct agentctl_command agentctl_commands[] = {
	{ "show", "flows", "[FILTER...]", "flows in the cache",
	  LIST | AGENTCTL_FOR_FLOWS | AGENTCTL_FOR_TIMES, agentctl_show_flows, "show-flows",
	  flow_columns },
	{ "show", "status", NULL, "one screen: sources, cache, collectors, last problem",
	  OBJECT | AGENTCTL_FOR_TIMES, agentctl_show_status, "show-status", NULL },
	{ "show", "stats", NULL, "the loss ledger; exit status 1 if it does not add up", OBJECT,
	  agentctl_show_stats, "show-stats", NULL },
	{ "show", "sources", NULL, "where packets come from", LIST, agentctl_show_list,
	  "show-sources", source_columns },
	{ "show", "collectors", NULL, "where records go", LIST, agentctl_show_list,
	  "show-collectors", collector_columns },
	{ "show", "interfaces", NULL, "interfaces: the numbers exported for them, and their names",
	  LIST, agentctl_show_list, "show-interfaces", interface_columns },
	{ "show", "drops", NULL, "packets that were ignored: why, how many, and the last one",
	  LIST | AGENTCTL_FOR_TIMES, agentctl_show_drops, "show-drops", drop_columns },
	{ "show", "templates", NULL, "fields of the exported records", LIST, agentctl_show_list,
	  "show-templates", template_columns },
	{ "show", "config", NULL, "options, their values and where these come from", LIST,
	  agentctl_show_list, "show-config", config_columns },
	{ "flush", NULL, NULL, "export everything cached now (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_request_change, "flush", NULL },
	{ "send-template", NULL, NULL, "send templates to all collectors now (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_request_change, "send-template", NULL },
	{ "wait", "packets", NULL, "until a packet was read", AGENTCTL_FOR_AGENT, agentctl_wait,
	  "show-stats", NULL },
	{ "wait", "flows", NULL, "until there was a flow", AGENTCTL_FOR_AGENT, agentctl_wait,
	  "show-stats", NULL },
	{ "wait", "export", NULL, "until a record was sent", AGENTCTL_FOR_AGENT, agentctl_wait,
	  "show-stats", NULL },
	{ "rules", "print", NULL, "print the nft rules that feed the agent",
	  AGENTCTL_FOR_RULES | AGENTCTL_FOR_GROUP, agentctl_rules_print, NULL, NULL },
	{ "rules", "install", NULL, "load them, now and at boot (root)",
	  AGENTCTL_FOR_RULES | AGENTCTL_FOR_GROUP | AGENTCTL_FOR_FILE | AGENTCTL_FOR_SAVING,
	  agentctl_rules_install, NULL, NULL },
	{ "rules", "remove", NULL, "take them back (root)", AGENTCTL_FOR_FILE,
	  agentctl_rules_remove, NULL, NULL },
	{ "rules", "status", NULL, "which rules log, and whether to the agent's group (root)",
	  LIST | AGENTCTL_FOR_GROUP, agentctl_rules_status, "show-sources", rule_columns },
	{ NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL },
};

/* How well a word fits: 0 not, 1 as a prefix, 2 exactly. */
static int fit(const char *word, const char *name)
{
	if (strcmp(word, name) == 0)
		return 2;
	return *word && strncmp(word, name, strlen(word)) == 0 ? 1 : 0;
}

/* The verb that a word stands for. NULL with 'error' filled if none, or several. */
static const char *find_verb(const char *word, struct error_text *error)
{
	const char *found = NULL;

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		int quality = fit(word, row->verb);

		if (quality == 2)
			return row->verb;
		if (quality == 0 || (found && strcmp(found, row->verb) == 0))
			continue;
		if (found) {
			error_text_set(error, "command \"%s\" is ambiguous: %s or %s", word, found,
				       row->verb);
			return NULL;
		}
		found = row->verb;
	}
	if (!found) {
		char quote[ERROR_QUOTE_SIZE];

		error_text_set(error, "unknown command \"%s\"",
			       error_text_quote(word, strlen(word), quote));
	}
	return found;
}

/* What may follow a verb, as a hint. */
static void list_nouns(const char *verb, struct error_text *error)
{
	char list[200] = "";
	size_t length = 0;

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++)
		if (row->noun && strcmp(row->verb, verb) == 0 && length < sizeof(list))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
						   length ? ", " : "", row->noun);
	error_text_hint(error, "agentctl %s: %s", verb, list);
}

static const struct agentctl_command *find_noun(const char *verb, const char *word,
						struct error_text *error)
{
	const struct agentctl_command *found = NULL;

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		int quality = strcmp(row->verb, verb) == 0 ? fit(word, row->noun) : 0;

		if (quality == 2)
			return row;
		if (quality == 0)
			continue;
		if (found) {
			error_text_set(error, "command \"%s %s\" is ambiguous: %s or %s", verb,
				       word, found->noun, row->noun);
			return NULL;
		}
		found = row;
	}
	if (!found) {
		char quote[ERROR_QUOTE_SIZE];

		error_text_set(error, "unknown command \"%s %s\"", verb,
			       error_text_quote(word, strlen(word), quote));
		list_nouns(verb, error);
	}
	return found;
}

const struct agentctl_command *agentctl_command_find(const char *const *words, size_t word_count,
						     size_t *used, struct error_text *error)
{
	const char *verb = find_verb(words[0], error);

	if (!verb)
		return NULL;
	*used = 1;
	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++)
		if (!row->noun && strcmp(row->verb, verb) == 0)
			return row;
	if (word_count < 2) {
		error_text_set(error, "\"%s\" what?", verb);
		list_nouns(verb, error);
		return NULL;
	}
	*used = 2;
	return find_noun(verb, words[1], error);
}
