/* agentctl_ruleset_iptables.c - the default rules for iptables, as a script that may run any number
 * of times.
 *
 * Chains of our own hold all rules, interfaces included. iptables-restore replaces their content in
 * one transaction per table. A hook has one rule that jumps to them, which the script adds only
 * where it is missing: so nothing is ever there twice. agentctl_ruleset.c has the reasons of the
 * rules themselves. iptables has no chain after source NAT: there, mangle POSTROUTING shows the
 * addresses from before it. */
#include "agentctl_ruleset_iptables.h"

#include "defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN RULESET_IPTABLES_CHAINS

/* The kernel's rates are at most this many per second, and so is its burst. */
#define RATE_MAX 1000000u
/* --probability is a number of 31 bits: with more packets per sampled one, it is inexact. */
#define SAMPLE_MAX 1000000u

bool ruleset_iptables_check(const struct ruleset *ruleset, struct error_text *error)
{
	for (size_t i = 0; i < ruleset->interface_count; i++) {
		const char *name = ruleset->interfaces[i];

		if (name[strlen(name) - 1] == '+' || *name == '!') {
			error_text_set(error,
				       "interface \"%s\": iptables reads \"%s\" as a pattern", name,
				       *name == '!' ? "!" : "+");
			error_text_hint(error, "--firewall nft takes it as it is");
			return false;
		}
	}
	if (ruleset->sample > SAMPLE_MAX) {
		error_text_set(error, "--sample %u: expected at most %u with iptables",
			       ruleset->sample, SAMPLE_MAX);
		return false;
	}
	if (ruleset_rate(ruleset) > RATE_MAX) {
		error_text_set(error,
			       "--max-rate %u: iptables counts at most %u packets per second, "
			       "before sampling",
			       ruleset->max_rate, RATE_MAX);
		return false;
	}
	return true;
}

/* What iptables of one family understands. */
struct family {
	const char *program;
	const char *group_destination, *group_source; /* of a broadcast or multicast of our own */
};

static const struct family families[] = {
	{ "iptables", "BROADCAST,MULTICAST", "LOCAL,BROADCAST" },
	{ "ip6tables", "MULTICAST", "LOCAL" },
};

#define FAMILY_COUNT (sizeof(families) / sizeof(families[0]))

static void write_own_group(FILE *file, const struct family *family)
{
	(void)fprintf(file, "-m addrtype --dst-type %s -m addrtype --src-type %s ",
		      family->group_destination, family->group_source);
}

/* The packets of each interface continue in another chain. */
static void write_interfaces(FILE *file, const struct ruleset *ruleset, const char *chain,
			     const char *option, const char *target)
{
	for (size_t i = 0; i < ruleset->interface_count; i++)
		(void)fprintf(file, "-A " CHAIN "%s %s \"%s\" -g " CHAIN "%s\n", chain, option,
			      ruleset->interfaces[i], target);
}

static void write_log(FILE *file, const struct ruleset *ruleset, const char *chain,
		      const char *match, unsigned int group)
{
	(void)fprintf(file, "-A " CHAIN "%s %s", chain, match);
	if (ruleset->sample > 1)
		(void)fprintf(file, "-m statistic --mode random --probability %.11f ",
			      1.0 / ruleset->sample);
	(void)fprintf(file,
		      "-m comment --comment \"" RULESET_IPTABLES_COMMENT
		      "\" -j NFLOG --nflog-group %u --nflog-size %u",
		      group, ruleset->snaplen);
	if (ruleset->sample > 1)
		(void)fprintf(file, " --nflog-prefix \"s=%u\"", ruleset->sample);
	(void)fputc('\n', file);
}

/* A CPU that comes online later goes to the first group, as with nft. Each packet matches one rule:
 * a match on the CPU follows the goto that has chosen it. */
static void write_cpus(FILE *file, const struct ruleset *ruleset, const char *chain)
{
	for (size_t i = 1; i < ruleset->cpus->count; i++) {
		const unsigned int cpu = ruleset->cpus->numbers[i];

		(void)fprintf(file, "-A " CHAIN "%s -m cpu --cpu %u -g " CHAIN "%s%u\n", chain, cpu,
			      chain, cpu);
	}
}

static void declare_cpus(FILE *file, const struct ruleset *ruleset, const char *chain)
{
	for (size_t i = 1; ruleset->cpus && i < ruleset->cpus->count; i++)
		(void)fprintf(file, ":" CHAIN "%s%u - [0:0]\n", chain, ruleset->cpus->numbers[i]);
}

/* The chain that logs a direction, and one for each CPU. */
static void write_side(FILE *file, const struct ruleset *ruleset, const char *chain)
{
	const uint64_t rate = ruleset_rate(ruleset);

	if (rate)
		(void)fprintf(file,
			      "-A " CHAIN "%s -m hashlimit --hashlimit-above %llu/sec "
			      "--hashlimit-burst %llu --hashlimit-name flowagent%llu -j RETURN\n",
			      chain, (unsigned long long)rate,
			      (unsigned long long)ruleset_burst(ruleset), (unsigned long long)rate);
	if (ruleset->cpus)
		write_cpus(file, ruleset, chain);
	write_log(file, ruleset, chain, "", ruleset->group);
	for (size_t i = 1; ruleset->cpus && i < ruleset->cpus->count; i++) {
		char of_cpu[32];

		(void)snprintf(of_cpu, sizeof(of_cpu), "%s%u", chain, ruleset->cpus->numbers[i]);
		write_log(file, ruleset, of_cpu, "", (unsigned int)(ruleset->group + i));
	}
}

static void write_raw(FILE *file, const struct ruleset *ruleset, const struct family *family)
{
	(void)fputs("*raw\n"
		    ":" CHAIN "in - [0:0]\n:" CHAIN "from_wire - [0:0]\n"
		    ":" CHAIN "looped - [0:0]\n:" CHAIN "log_in - [0:0]\n",
		    file);
	declare_cpus(file, ruleset, "log_in");
	write_interfaces(file, ruleset, "in", "-i", "from_wire");
	(void)fputs("-A " CHAIN "from_wire -m mark --mark " DEFAULT_MARK_TEXT " -j RETURN\n"
		    "-A " CHAIN "from_wire -m pkttype ! --pkt-type unicast ",
		    file);
	write_own_group(file, family);
	(void)fputs("-g " CHAIN "looped\n"
		    "-A " CHAIN "from_wire -m policy --dir in --pol ipsec -j RETURN\n"
		    "-A " CHAIN "from_wire -g " CHAIN "log_in\n"
		    "-A " CHAIN "looped -m mac ! --mac-source 00:00:00:00:00:00 -g " CHAIN
		    "log_in\n",
		    file);
	write_side(file, ruleset, "log_in");
	(void)fputs("COMMIT\n", file);
}

static void write_mangle(FILE *file, const struct ruleset *ruleset, const struct family *family)
{
	(void)fputs("*mangle\n"
		    ":" CHAIN "out - [0:0]\n:" CHAIN "to_wire - [0:0]\n"
		    ":" CHAIN "out_group - [0:0]\n:" CHAIN "group_to_wire - [0:0]\n"
		    ":" CHAIN "log_out - [0:0]\n",
		    file);
	declare_cpus(file, ruleset, "log_out");
	write_interfaces(file, ruleset, "out", "-o", "to_wire");
	(void)fputs("-A " CHAIN "to_wire -m mark --mark " DEFAULT_MARK_TEXT " -j RETURN\n"
		    "-A " CHAIN "to_wire -m policy --dir out --pol ipsec -j RETURN\n"
		    "-A " CHAIN "to_wire -m addrtype --dst-type UNICAST -g " CHAIN "log_out\n"
		    "-A " CHAIN "to_wire ",
		    file);
	write_own_group(file, family);
	(void)fputs("-j RETURN\n-A " CHAIN "to_wire -g " CHAIN "log_out\n", file);
	write_interfaces(file, ruleset, "out_group", "-o", "group_to_wire");
	(void)fputs("-A " CHAIN "group_to_wire -m mark --mark " DEFAULT_MARK_TEXT " -j RETURN\n"
		    "-A " CHAIN "group_to_wire -m policy --dir out --pol ipsec -j RETURN\n"
		    "-A " CHAIN "group_to_wire ",
		    file);
	write_own_group(file, family);
	(void)fputs("-g " CHAIN "log_out\n", file);
	write_side(file, ruleset, "log_out");
	(void)fputs("COMMIT\n", file);
}

static void write_script(FILE *file, const struct ruleset *ruleset, const char *suffix)
{
	(void)fputs("#!/bin/sh\n"
		    "# NFLOG rules for flowagent, made by agentctl rules. Load: sh THIS-FILE\n"
		    "# iptables-restore replaces the content of the chains in one transaction per "
		    "table. A rule that\n"
		    "# leads to them is added only where it is missing.\n"
		    "set -eu\n"
		    "PATH=$PATH:/usr/sbin:/sbin\n",
		    file);
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		(void)fprintf(file, "%s%s-restore -w 10 --noflush <<'END'\n", families[i].program,
			      suffix);
		write_raw(file, ruleset, &families[i]);
		write_mangle(file, ruleset, &families[i]);
		(void)fputs("END\n", file);
	}
	(void)fprintf(
		file,
		"for iptables in iptables%s ip6tables%s; do\n"
		"\twhile read -r table hook chain; do\n"
		"\t\t$iptables -w 10 -t \"$table\" -C \"$hook\" -j \"$chain\" 2>/dev/null ||\n"
		"\t\t\t$iptables -w 10 -t \"$table\" -I \"$hook\" -j \"$chain\"\n"
		"\tdone <<'END'\n"
		"raw PREROUTING " CHAIN "in\n"
		"mangle POSTROUTING " CHAIN "out\n"
		"mangle OUTPUT " CHAIN "out_group\n"
		"END\n"
		"done\n",
		suffix, suffix);
}

/* Hand a writer a file in memory and return what it has written; NULL if memory is short. */
static FILE *open_text(char **text, size_t *size)
{
	*text = NULL;
	return open_memstream(text, size);
}

static char *close_text(FILE *file, char **text)
{
	const bool is_written = !ferror(file);

	if (fclose(file) == 0 && is_written)
		return *text;
	free(*text);
	return NULL;
}

char *ruleset_iptables_format(const struct ruleset *ruleset, const char *suffix)
{
	char *text;
	size_t size;
	FILE *file = open_text(&text, &size);

	if (!file)
		return NULL;
	write_script(file, ruleset, suffix);
	return close_text(file, &text);
}

/* Copy the next line without what may stand before it in brackets, its counters. Returns what
 * follows it; NULL at the end. A longer line is cut: none of ours is. */
static const char *next_line(const char *text, char line[static 512])
{
	size_t length = strcspn(text, "\n");
	const char *from = text;

	if (!*text)
		return NULL;
	if (*from == '[' && memchr(from, ']', length)) {
		from = strchr(from, ']') + 1;
		from += *from == ' ';
	}
	(void)snprintf(line, 512, "%.*s", (int)(text + length - from), from);
	return text[length] ? text + length + 1 : text + length;
}

/* A line of iptables-save. */
enum line {
	LINE_other,
	LINE_table, /* *raw */
	LINE_chain, /* :flowagent_in - [0:0] */
	LINE_jump,  /* -A PREROUTING -j flowagent_in: in a chain that is not ours */
	LINE_rule,  /* -A flowagent_in ... */
	LINE_end,   /* COMMIT */
};

static enum line kind_of(const char *line)
{
	if (*line == '*')
		return LINE_table;
	if (strncmp(line, ":" CHAIN, sizeof(":" CHAIN) - 1) == 0)
		return LINE_chain;
	if (strncmp(line, "-A " CHAIN, sizeof("-A " CHAIN) - 1) == 0)
		return LINE_rule;
	if (strncmp(line, "-A ", 3) == 0 &&
	    (strstr(line, " -j " CHAIN) || strstr(line, " -g " CHAIN)))
		return LINE_jump;
	return strcmp(line, "COMMIT") == 0 ? LINE_end : LINE_other;
}

char *ruleset_iptables_own(const char *save_text)
{
	char *text;
	size_t size;
	FILE *file = open_text(&text, &size);
	char line[512];

	if (!file)
		return NULL;
	while ((save_text = next_line(save_text, line))) {
		const enum line kind = kind_of(line);

		if (kind == LINE_chain)
			(void)fprintf(file, "%.*s\n", (int)strcspn(line, " "), line);
		else if (kind == LINE_jump || kind == LINE_rule)
			(void)fprintf(file, "%s\n", line);
	}
	return close_text(file, &text);
}

bool ruleset_iptables_is_foreign(const char *save_text)
{
	bool has_rules = false;
	bool has_comment = false;
	char line[512];

	while ((save_text = next_line(save_text, line))) {
		if (kind_of(line) != LINE_rule)
			continue;
		has_rules = true;
		has_comment |= strstr(line, "\"" RULESET_IPTABLES_COMMENT "\"") != NULL;
	}
	return has_rules && !has_comment;
}

/* The chains of a table are emptied before any of them is deleted, as they lead to each other. */
static void write_deletions(FILE *file, const char *table_text)
{
	char line[512];

	while ((table_text = next_line(table_text, line)) && kind_of(line) != LINE_end)
		if (kind_of(line) == LINE_chain)
			(void)fprintf(file, "-X %.*s\n", (int)strcspn(line + 1, " "), line + 1);
}

char *ruleset_iptables_removal(const char *save_text)
{
	char *text;
	size_t size;
	FILE *file = open_text(&text, &size);
	const char *table_text = "";
	bool is_open = false;
	char line[512];
	char table[64] = "";

	if (!file)
		return NULL;
	while ((save_text = next_line(save_text, line))) {
		const enum line kind = kind_of(line);

		if (kind == LINE_table) {
			table_text = save_text;
			(void)snprintf(table, sizeof(table), "%.*s", 60, line);
		}
		if (!is_open && (kind == LINE_chain || kind == LINE_jump)) {
			(void)fprintf(file, "%s\n", table);
			is_open = true;
		}
		if (kind == LINE_chain) /* naming it empties it */
			(void)fprintf(file, ":%.*s - [0:0]\n", (int)strcspn(line + 1, " "),
				      line + 1);
		else if (kind == LINE_jump)
			(void)fprintf(file, "-D%s\n", line + 2);
		if (kind == LINE_end && is_open) {
			write_deletions(file, table_text);
			(void)fputs("COMMIT\n", file);
			is_open = false;
		}
	}
	return close_text(file, &text);
}
