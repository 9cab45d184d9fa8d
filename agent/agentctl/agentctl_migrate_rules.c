/* agentctl_migrate_rules.c - `migrate rules`: rules with the targets ULOG and NETFLOW, as
 * iptables-save, a script or nft list ruleset has them, with NFLOG in their place. All other lines
 * stay as they are.
 *
 * Place: a row in the table of agentctl_migrate.c; writes rules, not options.
 *
 * Source: iptables-extensions(8), ULOG and NFLOG. */
#include "agentctl_migrate.h"

#include <stdlib.h>
#include <string.h>

#define ULOG_GROUP   1  /* of a rule that names none; NFLOG's is 0 */
#define PORTS_BYTES  48 /* IPv6 header and ports; less than this cuts some ports off */
#define HEADER_BYTES 20
#define GROUPS       32
#define BLANKS       " \t"

struct rules {
	const char *table; /* of iptables-save; "" before the first */
	unsigned long groups[GROUPS];
	size_t group_count;
	bool has_input, has_output;                      /* rules of nft on iifname, on oifname */
	bool has_ufw, has_new, has_raw, has_postrouting; /* it was said */
};

static void note_group(struct rules *rules, unsigned long group)
{
	for (size_t i = 0; i < rules->group_count; i++)
		if (rules->groups[i] == group)
			return;
	if (rules->group_count < GROUPS)
		rules->groups[rules->group_count++] = group;
}

/* Where a word begins in a line; NULL if it is not there as a word. */
static char *find_word(char *line, const char *word)
{
	const size_t length = strlen(word);

	for (char *at = strstr(line, word); at; at = strstr(at + 1, word))
		if ((at == line || strchr(BLANKS, at[-1])) && strchr(BLANKS "\r;", at[length]))
			return at;
	return NULL;
}

/* Length of a word that may be in quotes. */
static size_t word_length(const char *at)
{
	size_t length = 0;
	char quote = '\0';

	for (; at[length] && (quote || !strchr(BLANKS "\r", at[length])); length++)
		if (quote ? at[length] == quote : at[length] == '"' || at[length] == '\'')
			quote = quote ? '\0' : at[length];
	return length;
}

/* Take an option and its value out of a line. Returns the value, "" if the option is not there. */
static const char *take_option(struct migration *migration, char *line, const char *option)
{
	char *at = find_word(line, option);
	char *value;
	const char *kept;
	size_t length;

	if (!at)
		return "";
	value = at + strlen(option);
	value += strspn(value, BLANKS);
	length = word_length(value);
	kept = migration_print(migration, "%.*s", (int)length, value);
	value += length;
	value += strspn(value, BLANKS);
	memmove(at, value, strlen(value) + 1);
	while (at > line && !*at && strchr(BLANKS, at[-1]))
		*--at = '\0';
	return kept;
}

static unsigned long number_or(struct migration *migration, const char *text,
			       unsigned long otherwise)
{
	unsigned long number;

	if (!*text)
		return otherwise;
	if (migration_number(text, &number))
		return number;
	migration_wrong(migration, "\"%s\": expected a number; %lu is taken", text, otherwise);
	return otherwise;
}

/* What a person should know about a rule that logs. */
static void note_rule(struct migration *migration, struct rules *rules, char *line)
{
	if (strcmp(rules->table, "raw") == 0 && strstr(line, "PREROUTING") &&
	    strstr(line, "NETFLOW") && !rules->has_raw) {
		rules->has_raw = true;
		migration_note(migration, "raw PREROUTING knows no output interface; the module "
					  "looked the route up itself");
	}
	if (find_word(line, "POSTROUTING") && !rules->has_postrouting) {
		rules->has_postrouting = true;
		migration_note(migration, "POSTROUTING sees what leaves only");
	}
	if (strstr(line, " ufw-") && !rules->has_ufw) {
		rules->has_ufw = true;
		migration_note(migration, "ufw: this goes into /etc/ufw/before.rules, and for IPv6 "
					  "into before6.rules; then ufw reload");
	}
}

/* The end of a rule with ULOG, whose options are taken out of 'line'. */
static const char *from_ulog(struct migration *migration, struct rules *rules, char *line)
{
	const char *group = take_option(migration, line, "--ulog-nlgroup");
	const char *range = take_option(migration, line, "--ulog-cprange");
	const char *prefix = take_option(migration, line, "--ulog-prefix");
	const unsigned long number = number_or(migration, group, ULOG_GROUP);
	const unsigned long bytes = number_or(migration, range, 0);

	(void)take_option(migration, line, "--ulog-qthreshold");
	note_group(rules, number);
	if (bytes == HEADER_BYTES)
		migration_note(migration,
			       "%lu bytes are the IP header only: ports were unknown before",
			       bytes);
	else if (bytes > 0 && bytes < PORTS_BYTES)
		migration_note(migration, "%lu bytes cut ports or TCP flags off", bytes);
	return migration_print(migration, "--nflog-group %lu --nflog-size %lu%s%s", number,
			       bytes > DEFAULT_SNAPLEN ? bytes : DEFAULT_SNAPLEN,
			       *prefix ? " --nflog-prefix " : "", prefix);
}

/* Print a line of iptables with the target from 'at' on replaced. */
static void convert(struct migration *migration, struct rules *rules, char *line, char *at,
		    const char *target)
{
	const bool is_ulog = strcmp(target, "ULOG") == 0;
	const char *end;
	char *rest;

	note_rule(migration, rules, line);
	rest = at + strlen(target);
	rest += strspn(rest, BLANKS);
	if (is_ulog) {
		end = from_ulog(migration, rules, rest);
	} else {
		note_group(rules, MIGRATION_NETFLOW_GROUP);
		end = migration_print(migration, "--nflog-group %d --nflog-size %d",
				      MIGRATION_NETFLOW_GROUP, DEFAULT_SNAPLEN);
	}
	(void)fprintf(migration->out, "%.*sNFLOG %s%s%s\n", (int)(at - line), line, end,
		      *rest ? " " : "", rest);
}

/* NFLOG as it is, but for --nflog-range, which has never had an effect. */
static void convert_nflog(struct migration *migration, struct rules *rules, char *line)
{
	const bool has_range = find_word(line, "--nflog-range") != NULL;

	note_group(rules, number_or(migration,
				    take_option(migration, migration_print(migration, "%s", line),
						"--nflog-group"),
				    0));
	if (has_range) {
		const char *range = take_option(migration, line, "--nflog-range");

		migration_warn(migration,
			       "--nflog-range %s has no effect, the whole packet is copied: "
			       "--nflog-size %d is written",
			       range, DEFAULT_SNAPLEN);
		(void)fprintf(migration->out, "%s --nflog-size %d\n", line, DEFAULT_SNAPLEN);
		return;
	}
	(void)fprintf(migration->out, "%s\n", line);
}

/* A line of nft: log group stays, the target of a module that nft cannot load is replaced. */
static bool convert_nft(struct migration *migration, struct rules *rules, char *line)
{
	static const char target[] = "xt target \"NETFLOW\"";
	char *log = strstr(line, "log group ");
	char *at = strstr(line, target);

	if (at) {
		note_group(rules, MIGRATION_NETFLOW_GROUP);
		(void)fprintf(migration->out, "%.*slog group %d snaplen %d%s\n", (int)(at - line),
			      line, MIGRATION_NETFLOW_GROUP, DEFAULT_SNAPLEN, at + strlen(target));
		return true;
	}
	if (!log)
		return false;
	note_group(rules, strtoul(log + strlen("log group "), NULL, 10));
	rules->has_input |= strstr(line, "iifname") != NULL;
	rules->has_output |= strstr(line, "oifname") != NULL;
	(void)fprintf(migration->out, "%s\n", line);
	return true;
}

static void take_line(struct migration *migration, struct rules *rules, char *line)
{
	static const char *const targets[] = { "ULOG", "NETFLOW" };
	const bool has_new = strstr(line, "state NEW ") || strstr(line, "ctstate NEW ");

	if (*line == '*')
		rules->table = line + 1;
	if (has_new && !rules->has_new) {
		rules->has_new = true;
		migration_warn(migration, "a rule matches --state NEW: only first packets are "
					  "logged, and bytes are not those of connections");
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char *at = find_word(line, targets[i]);
		const char *before = at;

		while (before && before > line && strchr(BLANKS, before[-1]))
			before--;
		if (!at || *line == '#')
			continue;
		if (before - line >= 2 && strncmp(before - 2, "-j", 2) == 0) {
			convert(migration, rules, line, at, targets[i]);
			return;
		}
		if (before - line < 4 || strncmp(before - 4, "jump", 4) != 0)
			continue;
		if (before - line >= 6 && strncmp(before - 6, "--jump", 6) == 0) {
			convert(migration, rules, line, at, targets[i]);
			return;
		}
		migration_wrong(migration,
				"\"%s\" is of ferm, which is not read here; write there: NFLOG "
				"nflog-group %d nflog-range %d;",
				line, i ? MIGRATION_NETFLOW_GROUP : ULOG_GROUP, DEFAULT_SNAPLEN);
	}
	if (find_word(line, "NFLOG") && *line != '#')
		convert_nflog(migration, rules, line);
	else if (!convert_nft(migration, rules, line))
		(void)fprintf(migration->out, "%s\n", line);
}

void migrate_rules(struct migration *migration, const char *const *words, size_t count, char *text)
{
	struct rules rules = { .table = "" };
	char *end;

	for (size_t i = 0; i < count; i++)
		migration_wrong(migration, "\"%s\": rules are read from standard input", words[i]);
	for (char *line = text; line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		take_line(migration, &rules, line);
	}
	for (size_t i = 0; i < rules.group_count; i++)
		migration_note(migration, "flowagent reads these packets with nflog = %lu",
			       rules.groups[i]);
	if (rules.has_input && rules.has_output)
		migration_warn(migration,
			       "a packet that comes in and leaves by these interfaces is "
			       "logged twice");
	if (rules.group_count == 0)
		migration_wrong(migration, "no rule has the target ULOG, NETFLOW or NFLOG");
}
