/* config_help.c - texts for people at a terminal, made of the table of options. */
#include "config_help.h"

#include "config_options.h"
#include "config_overlap.h"
#include "count_text.h"
#include "defaults.h"

#include <string.h>

#define WIDTH       80
#define HELP_COLUMN 30

/* Bytes of memory that a flow takes in a full cache: 96 (IPv4) or 120 (IPv6) for the flow and 11
 * for its place in the index; flow_cache_layout.h. */
#define FLOW_BYTES_IPV4 107
#define FLOW_BYTES_IPV6 131

/* Words of 'text' from 'column' on, in lines of WIDTH. */
static void print_wrapped(FILE *out, const char *text, size_t length, int column)
{
	int used = 0;

	while (length) {
		size_t word = 0;

		while (word < length && text[word] != ' ')
			word++;
		if (used && column + used + 1 + (int)word > WIDTH) {
			(void)fprintf(out, "\n%*s", column, "");
			used = 0;
		}
		used += fprintf(out, "%s%.*s", used ? " " : "", (int)word, text);
		text += word;
		length -= word;
		while (length && *text == ' ') {
			text++;
			length--;
		}
	}
	(void)fputc('\n', out);
}

/* Length of the first sentence without its full stop. */
static size_t first_sentence(const char *text)
{
	const char *end = strstr(text, ". ");

	return end ? (size_t)(end - text) : strlen(text) - 1;
}

static void print_option(FILE *out, const struct config_option *option)
{
	char letter[8] = "    ";
	char help[400];
	int used;

	if (option->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	used = fprintf(out, "  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
		       option->argument ? option->argument : "");
	if (used < HELP_COLUMN - 1)
		(void)fprintf(out, "%*s", HELP_COLUMN - used, "");
	else
		(void)fprintf(out, "\n%*s", HELP_COLUMN, "");
	(void)snprintf(help, sizeof(help), "%.*s%s%s%s", (int)first_sentence(option->help),
		       option->help, option->default_text ? " (default " : "",
		       option->default_text ? option->default_text : "",
		       option->default_text ? ")" : "");
	print_wrapped(out, help, strlen(help), HELP_COLUMN);
}

void config_print_help(FILE *out)
{
	(void)fputs("Usage: flowagent [OPTION]...\n"
		    "       flowagent --read FILE [FILE | OPTION]...\n"
		    "Count the packets of netfilter log groups, interfaces or capture files as "
		    "flows,\nand export these as NetFlow.\n",
		    out);
	for (int group = 0; group < CONFIG_GROUP_COUNT; group++) {
		(void)fprintf(out, "\n%s:\n", config_group_titles[group]);
		for (int i = 0; i < CONFIG_OPTION_COUNT; i++)
			if (config_options[i].group == (enum config_group)group)
				print_option(out, &config_options[i]);
	}
	(void)fputs("\nTimes are 90, 90s, 1h30m or 500ms; sizes 65536, 64k or 16M. Every option of "
		    "the first\nfour groups but --config is also a key of flowagent.conf.\n"
		    "\nExamples:\n"
		    "  one NFLOG rule                        # or: agentctl rules install\n"
		    "  flowagent --nflog 40 --collector 192.0.2.10:3001\n"
		    "  flowagent --config " DEFAULT_CONFIG_FILE "\n"
		    "  flowagent --read file.pcap --collector 127.0.0.1:2055\n"
		    "  agentctl show flows\n"
		    "\nExit status: 0 done, 1 failed at run time, 2 wrong usage or "
		    "configuration.\n"
		    "Manuals: flowagent(8), flowagent.conf(5), agentctl(1).\n",
		    out);
}

void config_print_version(FILE *out)
{
	(void)fputs("flowagent " FLOWAGENT_VERSION "\n"
		    "Licence: GPL-2.0-or-later. There is no warranty, to the extent permitted by "
		    "law.\n",
		    out);
}

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1024 * 1024);
}

void config_print_check(const struct config *config, FILE *out)
{
	char flows[COUNT_TEXT_SIZE];

	for (size_t i = 0; i < config->file_name_count; i++)
		(void)fprintf(out, "%s: configuration is valid\n", config->file_names[i]);
	if (!config->file_name_count)
		(void)fputs("no configuration file is there: the options are valid\n", out);
	(void)fprintf(out,
		      "memory: up to %.1f MiB for %s (%d bytes a flow), %.1f MiB if all are IPv6 "
		      "(%d)\n",
		      mebibytes((uint64_t)config->max_flows * FLOW_BYTES_IPV4),
		      count_text(config->max_flows, "IPv4 flow", flows), FLOW_BYTES_IPV4,
		      mebibytes((uint64_t)config->max_flows * FLOW_BYTES_IPV6), FLOW_BYTES_IPV6);
	for (size_t i = 0; i < config->source_count; i++) {
		const char *other = config_overlap_find(config, i);

		if (other)
			(void)fprintf(out,
				      "note: %s and %s see the same packets, so their flows count "
				      "twice\n",
				      other, config->sources[i].name);
	}
	if (!config->collector_count)
		(void)fputs("note: no collector is configured, flows are kept for agentctl only\n",
			    out);
}
