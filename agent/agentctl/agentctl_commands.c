/* agentctl_commands.c - the table of commands; finding one by unique prefixes of its words.
 *
 * Place: agentctl_main.c -> here -> the function of a command. */
#include "agentctl.h"

#include "agentctl_bug_report.h"
#include "agentctl_check_config.h"
#include "agentctl_doctor.h"
#include "agentctl_listen.h"
#include "agentctl_metrics.h"
#include "agentctl_migrate.h"
#include "agentctl_reload.h"
#include "agentctl_rules.h"
#include "agentctl_selftest.h"
#include "agentctl_setup.h"
#include "agentctl_show.h"
#include "agentctl_table.h"
#include "agentctl_top.h"
#include "agentctl_watch.h"
#include "word_distance.h"

#include <stdio.h>
#include <string.h>

#define OBJECT   (AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS | AGENTCTL_FOR_REPEAT)
#define LIST     (OBJECT | AGENTCTL_FOR_LISTS)
#define ANYTHING (~0u) /* help stands beside any option */

static const struct agentctl_column flow_columns[] = {
#include "agentctl_flow_columns.def"
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column watch_columns[] = {
#include "agentctl_flow_columns.def"
	{ "end_reason", NULL, COLUMN_TEXT, 3 },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column source_columns[] = {
	{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "label", NULL, COLUMN_TEXT, 7 },
	{ "state", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "packets_read", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "packets_lost_kernel", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "overruns", NULL, COLUMN_NUMBER, 8 },
	{ "packets_ignored_total", NULL, COLUMN_NUMBER, 3 },
	{ "sampling", NULL, COLUMN_TEXT, 6 },
	{ "flows_cached", NULL, COLUMN_NUMBER, 5 },
	{ "receive_buffer_bytes", NULL, COLUMN_BYTES, 9 },
	{ "last_packet_age_ms", "age", COLUMN_DURATION, 2 },
	{ "failure", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "live", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "flows_created", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_cached", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_expired", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "records_expired_total", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "messages", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "messages_truncated", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "messages_malformed", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_truncated", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_length_unknown", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_rate_unknown", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_super", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_super_uncounted", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_split", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "bytes_split", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "packets_unstamped", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_seen", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_foreign", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_counted", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "flows_counted", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_without_room", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "receive_buffer_wanted", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "duplicates_sampled", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_seen_twice", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "duplicates_suspected", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "loss_unknown", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "single_packets", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "rules", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "rules_gone", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column collector_columns[] = {
	{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "remote", NULL, COLUMN_TEXT, 8 },
	{ "version", NULL, COLUMN_NUMBER, 3 },
	{ "transport", NULL, COLUMN_TEXT, 4 },
	{ "mode", NULL, COLUMN_TEXT, 7 },
	{ "up", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "active", NULL, COLUMN_TEXT, 9 },
	{ "records_sent", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "records_waiting", NULL, COLUMN_NUMBER, 3 },
	{ "records_lost", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "records_excluded", NULL, COLUMN_NUMBER, 6 },
	{ "datagrams_sent", NULL, COLUMN_NUMBER, 5 },
	{ "last_sent_age_ms", "age", COLUMN_DURATION, 4 },
	{ "last_error", NULL, COLUMN_TEXT, 2 },
	{ "sequence", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "records_taken", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_sent", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_waiting", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_lost", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "packets_excluded", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "bytes_excluded", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "group", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "priority", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "sampling", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "bytes_sent", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "datagrams_queued", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "datagrams_lost", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "datagrams_unconfirmed", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "records_spooled", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "spool_bytes", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "spool_size", NULL, COLUMN_BYTES, COLUMN_HIDDEN },
	{ "sessions", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "session_failures", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "send_errors", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column drop_columns[] = {
	{ "reason", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "packets", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "source", NULL, COLUMN_TEXT, 3 },
	{ "last", NULL, COLUMN_TIME, 4 },
	{ "link", NULL, COLUMN_TEXT, 5 },
	{ "captured_bytes", "captured", COLUMN_NUMBER, 7 },
	{ "original_bytes", "original", COLUMN_NUMBER, 8 },
	{ "example", NULL, COLUMN_TEXT, 9 },
	{ "text", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "last_unix_ms", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column interface_columns[] = {
	{ "number", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "alias", NULL, COLUMN_TEXT, 5 },
	{ "mtu", NULL, COLUMN_NUMBER, 4 },
	{ "state", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "index", NULL, COLUMN_NUMBER, 3 },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column asn_columns[] = {
	{ "address", NULL, COLUMN_ADDRESS, COLUMN_SHOWN },
	{ "as", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "name", NULL, COLUMN_TEXT, 5 },
	{ "prefix", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "peers", NULL, COLUMN_NUMBER, 4 },
	{ "source", NULL, COLUMN_TEXT, 3 },
	{ "age_ms", "age", COLUMN_DURATION, 2 },
	{ "peers_in_all", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "peer_as", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "next_hop", NULL, COLUMN_ADDRESS, COLUMN_HIDDEN },
	{ "created_unix_ms", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column template_columns[] = {
	{ "version", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "template", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "family", NULL, COLUMN_NUMBER, 3 },
	{ "position", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "field", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "element", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "size", NULL, COLUMN_NUMBER, 4 },
	{ "record_size", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "enterprise", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "collectors", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column config_columns[] = {
	{ "name", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "value", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "default", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "origin", NULL, COLUMN_TEXT, 2 },
	{ "needs_restart", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "settable", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column rule_columns[] = {
	{ "firewall", NULL, COLUMN_TEXT, 5 },
	{ "family", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "table", NULL, COLUMN_TEXT, 4 },
	{ "chain", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "hook", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "interfaces", NULL, COLUMN_TEXT, 3 },
	{ "group", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "snaplen", NULL, COLUMN_NUMBER, 6 },
	{ "packets", NULL, COLUMN_NUMBER, COLUMN_SHOWN },
	{ "bytes", NULL, COLUMN_BYTES, 7 },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column listen_columns[] = {
	{ "proto", NULL, COLUMN_PROTOCOL, COLUMN_SHOWN },
	{ "src", NULL, COLUMN_ADDRESS, COLUMN_SHOWN },
	{ "src_port", "sport", COLUMN_NUMBER, COLUMN_SHOWN },
	{ "dst", NULL, COLUMN_ADDRESS, COLUMN_SHOWN },
	{ "dst_port", "dport", COLUMN_NUMBER, COLUMN_SHOWN },
	{ "dir", NULL, COLUMN_TEXT, 5 },
	{ "tcp_flags", "flags", COLUMN_FLAGS, 6 },
	{ "packets", NULL, COLUMN_COUNTED, 2 },
	{ "bytes", NULL, COLUMN_BYTES, COLUMN_SHOWN },
	{ "start", NULL, COLUMN_TIME, 8 },
	{ "duration_ms", "duration", COLUMN_DURATION, 4 },
	{ "src_as", NULL, COLUMN_NUMBER, 7 },
	{ "dst_as", NULL, COLUMN_NUMBER, 7 },
	{ "exporter", NULL, COLUMN_ADDRESS, 9 },
	{ "end", NULL, COLUMN_TIME, COLUMN_HIDDEN },
	{ "end_reason", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "v", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "tos", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "vlan", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "sampling", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "in_if", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "out_if", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "transport", NULL, COLUMN_TEXT, COLUMN_HIDDEN },
	{ "version", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "domain", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "sequence", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "template", NULL, COLUMN_NUMBER, COLUMN_HIDDEN },
	{ "received", NULL, COLUMN_TIME, COLUMN_HIDDEN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

static const struct agentctl_column selftest_columns[] = {
	{ "result", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "step", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ "text", NULL, COLUMN_TEXT, COLUMN_SHOWN },
	{ NULL, NULL, COLUMN_TEXT, COLUMN_HIDDEN },
};

const struct agentctl_command agentctl_commands[] = {
	{ "setup", NULL, NULL, "configuration, rules and service in one go; then doctor (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_SETUP | AGENTCTL_FOR_JSON, agentctl_setup, NULL, NULL },
	{ "doctor", NULL, NULL, "why no packets arrive, or nothing reaches a collector",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_JSON | AGENTCTL_FOR_GROUP | AGENTCTL_FOR_DOCTOR,
	  agentctl_doctor, NULL, NULL },
	{ "show", "flows", "[FILTER...]", "flows in the cache",
	  LIST | AGENTCTL_FOR_FLOWS | AGENTCTL_FOR_TIMES, agentctl_show_flows, "show-flows",
	  flow_columns },
	{ "show", "status", NULL, "one screen: sources, cache, collectors, problems",
	  OBJECT | AGENTCTL_FOR_TIMES, agentctl_show_status, "show-status", NULL },
	{ "show", "stats", NULL, "the loss ledger; exit status 1 if it does not add up",
	  OBJECT | AGENTCTL_FOR_STATS, agentctl_show_stats, "show-stats", NULL },
	{ "show", "sources", NULL, "where packets come from", LIST, agentctl_show_list,
	  "show-sources", source_columns },
	{ "show", "collectors", NULL, "where records go", LIST, agentctl_show_list,
	  "show-collectors", collector_columns },
	{ "show", "interfaces", NULL, "interfaces: the numbers exported for them, and their names",
	  LIST, agentctl_show_list, "show-interfaces", interface_columns },
	{ "show", "asn", "ADDRESS|ASN...",
	  "what the AS table has for an address; the name of an AS number", LIST,
	  agentctl_show_list, "show-asn", asn_columns },
	{ "show", "drops", NULL, "packets that were ignored: why, how many, and the last one",
	  LIST | AGENTCTL_FOR_TIMES, agentctl_show_drops, "show-drops", drop_columns },
	{ "show", "templates", NULL, "fields of the exported records", LIST, agentctl_show_list,
	  "show-templates", template_columns },
	{ "show", "config", NULL, "options, their values and where these come from",
	  LIST | AGENTCTL_FOR_CONFIG, agentctl_show_list, "show-config", config_columns },
	{ "top", NULL, "[FILTER...]", "what passes now, by host, AS, port, protocol or interface",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_TOP, agentctl_top, NULL, NULL },
	{ "watch", NULL, "[FILTER...]", "flows as they expire",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS | AGENTCTL_FOR_STREAM | AGENTCTL_FOR_TIMES,
	  agentctl_watch, "watch", watch_columns },
	{ "flush", NULL, "[FILTER...]", "export now what is cached, all or what matches (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_request_change, "flush", NULL },
	{ "drop", NULL, "[FILTER...]",
	  "forget what is cached, all or what matches: no record (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_request_change, "drop", NULL },
	{ "send-template", NULL, "[COLLECTOR]",
	  "send templates to all collectors, or one, now (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_send_template, "send-template", NULL },
	{ "reload", NULL, NULL, "have the agent read its configuration again (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_reload, "reload", NULL },
	{ "set", NULL, "NAME VALUE", "change an option until the next reload or start (root)",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_ROWS, agentctl_set, "set", NULL },
	{ "check-config", NULL, "[FILE]", "whether the agent would take its configuration",
	  AGENTCTL_FOR_ALL, agentctl_check_config, NULL, NULL },
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
	{ "migrate", NULL, "PEER [-- OPTION...]",
	  "print the configuration that does what another probe does", AGENTCTL_FOR_ALL,
	  agentctl_migrate, NULL, NULL },
	{ "listen", NULL, "[ADDRESS:PORT]",
	  "print what exporters send here, and what is wrong with it",
	  AGENTCTL_FOR_ROWS | AGENTCTL_FOR_STREAM | AGENTCTL_FOR_TIMES, agentctl_listen, NULL,
	  listen_columns },
	{ "selftest", NULL, NULL,
	  "known packets through an agent of its own: are they counted and exported?",
	  AGENTCTL_FOR_ROWS, agentctl_selftest, NULL, selftest_columns },
	{ "metrics", NULL, NULL, "the counters, as Prometheus reads them",
	  AGENTCTL_FOR_AGENT | AGENTCTL_FOR_METRICS, agentctl_metrics, NULL, NULL },
	{ "bug-report", NULL, "[FILE]", "what a report of a fault needs, in one archive",
	  AGENTCTL_FOR_AGENT, agentctl_bug_report, NULL, NULL },
	{ "help", NULL, "[COMMAND]", "print this text, or that of one command", ANYTHING,
	  agentctl_help, NULL, NULL },
	{ NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL },
};

/* How well a word fits: 0 not, 1 as a prefix, 2 exactly. */
static int fit(const char *word, const char *name)
{
	if (strcmp(word, name) == 0)
		return 2;
	return *word && strncmp(word, name, strlen(word)) == 0 ? 1 : 0;
}

/* No verb: one letter may be wrong, or the verb before it is missing. */
static void fail_verb(const char *word, struct error_text *error)
{
	const struct agentctl_command *by_noun = NULL;
	struct word_nearest nearest = word_distance_begin(word, strlen(word));
	char quote[ERROR_QUOTE_SIZE];

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		word_distance_offer(&nearest, row->verb);
		if (!by_noun && row->noun && strcmp(row->noun, word) == 0)
			by_noun = row;
	}
	error_text_quote(word, strlen(word), quote);
	if (strcmp(word, "reset") == 0) {
		error_text_set(error, "counters are never set back: the ledger, and whoever "
				      "watches it, count on them");
		error_text_hint(error, "agentctl show stats --reset-view shows what was counted "
				       "since its last view");
		return;
	}
	if (by_noun)
		error_text_set(error, "unknown command \"%s\" (did you mean \"%s %s\"?)", quote,
			       by_noun->verb, by_noun->noun);
	else if (nearest.best)
		error_text_set(error, "unknown command \"%s\" (did you mean \"%s\"?)", quote,
			       nearest.best);
	else
		error_text_set(error, "unknown command \"%s\"", quote);
}

const char *agentctl_verb_find(const char *word, struct error_text *error)
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
	if (!found)
		fail_verb(word, error);
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

static void fail_noun(const char *verb, const char *word, struct error_text *error)
{
	struct word_nearest nearest = word_distance_begin(word, strlen(word));
	char quote[ERROR_QUOTE_SIZE];

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++)
		if (row->noun && strcmp(row->verb, verb) == 0)
			word_distance_offer(&nearest, row->noun);
	error_text_quote(word, strlen(word), quote);
	if (nearest.best)
		error_text_set(error, "unknown command \"%s %s\" (did you mean \"%s %s\"?)", verb,
			       quote, verb, nearest.best);
	else
		error_text_set(error, "unknown command \"%s %s\"", verb, quote);
	list_nouns(verb, error);
}

static const struct agentctl_command *find_noun(const char *verb, const char *word,
						struct error_text *error)
{
	const struct agentctl_command *found = NULL;

	for (const struct agentctl_command *row = agentctl_commands; row->verb; row++) {
		int quality = row->noun && strcmp(row->verb, verb) == 0 ? fit(word, row->noun) : 0;

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
	if (!found)
		fail_noun(verb, word, error);
	return found;
}

const struct agentctl_command *agentctl_command_find(const char *const *words, size_t word_count,
						     size_t *used, struct error_text *error)
{
	const char *verb = agentctl_verb_find(words[0], error);

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
