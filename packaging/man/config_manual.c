/* config_manual.c - fills the tables of options, keys and reasons into manuals and completions.
 *
 * Runs at build time only: "config_manual TEMPLATE OUTPUT". A line of the template that is "@NAME@"
 * is replaced by what the list at the end of this file makes of the tables; all other lines are
 * copied. */
#include "config_keys.h"
#include "config_options.h"
#include "drop_reason.h"
#include "log_event.h"
#include "loss_reason.h"
#include "template_rows.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Text for scdoc(5): what it would take for markup is escaped. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_[]<>~#|", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_default_and_range(FILE *out, const char *default_text,
				  const struct units_range *range, bool needs_restart)
{
	char minimum[UNITS_TEXT_SIZE];
	char maximum[UNITS_TEXT_SIZE];

	if (default_text) {
		(void)fputs(" Default: ", out);
		put_escaped(out, default_text);
		(void)fputc('.', out);
	}
	if (range->unit != UNIT_NONE)
		(void)fprintf(out, " Range: %s to %s.",
			      units_format(range->unit, range->minimum, minimum),
			      units_format(range->unit, range->maximum, maximum));
	(void)fputs(needs_restart ? " Needs a restart.\n\n" : "\n\n", out);
}

/* Options with their letters, for flowagent(8). */
static void put_options(FILE *out)
{
	for (int group = 0; group < CONFIG_GROUP_COUNT; group++) {
		(void)fprintf(out, "## %s\n\n", config_group_titles[group]);
		for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
			const struct config_option *option = &config_options[i];

			if (option->group != (enum config_group)group)
				continue;
			if (option->letter)
				(void)fprintf(out, "*-%c*, ", option->letter);
			(void)fprintf(out, "*--%s*", option->name);
			if (option->argument) {
				(void)fputs(" _", out);
				put_escaped(out, option->argument);
				(void)fputc('_', out);
			}
			(void)fputs("\n\t", out);
			put_escaped(out, option->help);
			put_default_and_range(out, option->default_text, &option->range,
					      option->needs_restart &&
						      !(option->flags & OPTION_LINE));
		}
	}
}

/* Options as keys of the file, for flowagent.conf(5). */
static void put_agent_keys(FILE *out)
{
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];

		if (option->flags & OPTION_LINE)
			continue;
		(void)fprintf(out, "*%s* = _", option->name);
		put_escaped(out, option->argument);
		(void)fputs("_\n\t", out);
		put_escaped(out, option->help);
		put_default_and_range(out, option->default_text, &option->range,
				      option->needs_restart);
	}
}

/* 'is_inline': as they stand after a comma. */
static void put_keys(FILE *out, enum config_section section, bool is_inline)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section != section || (is_inline && !key->inline_name))
			continue;
		(void)fprintf(out, is_inline ? "*%s*=_" : "*%s* = _",
			      is_inline ? key->inline_name : key->name);
		put_escaped(out, key->argument);
		(void)fputs("_\n\t", out);
		put_escaped(out, key->help);
		put_default_and_range(out, key->default_text, &key->range, key->needs_restart);
	}
}

static void put_source_words(FILE *out)
{
	put_keys(out, SECTION_source, true);
}

static void put_collector_words(FILE *out)
{
	put_keys(out, SECTION_collector, true);
}

static void put_source_keys(FILE *out)
{
	put_keys(out, SECTION_source, false);
}

static void put_collector_keys(FILE *out)
{
	put_keys(out, SECTION_collector, false);
}

static void put_control_keys(FILE *out)
{
	put_keys(out, SECTION_control, false);
}

static void put_timeouts(FILE *out)
{
	for (int i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		(void)fprintf(
			out, "*%s*\n\t%s. Default: %s%s.\n\n", config_timeouts[i].name,
			config_timeouts[i].help, config_timeouts[i].default_text,
			strcmp(config_timeouts[i].default_text, "inactive") != 0 ? "" : " timeout");
}

/* Each field by its names, with what takes its place in templates for IPv6. */
static void put_fields(FILE *out)
{
	for (size_t row = 0; row < template_row_count(); row++) {
		const struct export_field *ipv4 = template_row_field(row, 4);
		const struct export_field *ipv6 = template_row_field(row, 6);

		(void)fprintf(out, "*%s* (%u)", ipv4->name, ipv4->id);
		if (ipv6 != ipv4)
			(void)fprintf(out, ", IPv6: *%s* (%u)", ipv6->name, ipv6->id);
		if (!(ipv4->protocols & EXPORT_IPFIX))
			(void)fputs(", NetFlow v9 only", out);
		if (!(ipv4->protocols & EXPORT_V9))
			(void)fputs(", IPFIX only", out);
		(void)fputs(row + 1 < template_row_count() ? "++\n" : "\n", out);
	}
}

static void put_term(FILE *out, const char *name, const char *text)
{
	(void)fputc('*', out);
	put_escaped(out, name);
	(void)fputs("*\n\t", out);
	put_escaped(out, text);
	(void)fputs("\n\n", out);
}

static void put_drop_reasons(FILE *out)
{
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++) {
		put_term(out, drop_reason_name((enum drop_reason)i),
			 drop_reason_text((enum drop_reason)i));
	}
}

static void put_loss_reasons(FILE *out)
{
	for (int i = 0; i < LOSS_REASON_COUNT; i++)
		put_term(out, loss_reason_name((enum loss_reason)i),
			 loss_reason_text((enum loss_reason)i));
}

static void put_source_counters(FILE *out)
{
#define WORKER_COUNTER(name, member, text) put_term(out, #name, text);
#define WORKER_SUM(name, function, text)   put_term(out, #name, text);
#include "counters.def"
}

static void put_capture_counters(FILE *out)
{
#define CAPTURE_COUNTER(name, text) put_term(out, #name, text);
#include "capture_counters.def"
#undef CAPTURE_COUNTER
}

static void put_fragment_counters(FILE *out)
{
#define FRAGMENT_COUNTER(name, member, text) put_term(out, #name, text);
#include "counters.def"
}

static void put_collector_counters(FILE *out)
{
#define COLLECTOR_AMOUNT(name, value, text) \
	put_term(out, "records_" #name ", packets_" #name ", bytes_" #name, text);
#define COLLECTOR_COUNTER(name, member, text) put_term(out, #name, text);
#include "counters.def"
}

/* Patterns of a case statement: option words whose argument is completed alike. */
static void put_bash_arguments(FILE *out)
{
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];
		const char *completion = option->type->completion;

		if (!option->argument)
			continue;
		(void)fprintf(out, "\t--%s", option->name);
		if (option->letter)
			(void)fprintf(out, "|-%c", option->letter);
		if (!completion)
			(void)fputs(") ;;\n", out);
		else if (!strcmp(completion, "FILE"))
			(void)fputs(") _flowagent_files ;;\n", out);
		else if (!strcmp(completion, "INTERFACE"))
			(void)fputs(") _flowagent_words \"$(ls /sys/class/net 2>/dev/null)\" ;;\n",
				    out);
		else
			(void)fprintf(out, ") _flowagent_words '%s' ;;\n", completion);
	}
}

/* Patterns of a case statement: "collector version", whose values are those of its argument. */
static void put_bash_values(FILE *out)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->inline_name && key->type && key->type->completion) {
			(void)fprintf(out, "\t'collector %s') %s ;;\n", key->inline_name,
				      !strcmp(key->type->completion, "FILE")
					      ? "_flowagent_files"
					      : "_flowagent_words \"$(ls /sys/class/net "
						"2>/dev/null)\"");
			continue;
		}
		/* "on|off" are values, "METHOD:N" is not. */
		if (!key->inline_name || !strchr(key->argument, '|') ||
		    strpbrk(key->argument, "[]:ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
			continue;
		(void)fprintf(out, "\t'%s %s') _flowagent_words '",
			      key->section == SECTION_source ? "source" : "collector",
			      key->inline_name);
		for (const char *c = key->argument; *c; c++)
			(void)fputc(*c == '|' ? ' ' : *c, out);
		(void)fputs("' ;;\n", out);
	}
}

static void put_bash_keys(FILE *out, enum config_section section)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++)
		if (config_keys[i].section == section && config_keys[i].inline_name)
			(void)fprintf(out, "\t\t%s=\n", config_keys[i].inline_name);
}

static void put_bash_source_keys(FILE *out)
{
	put_bash_keys(out, SECTION_source);
}

static void put_bash_collector_keys(FILE *out)
{
	put_bash_keys(out, SECTION_collector);
}

static void put_bash_options(FILE *out)
{
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++)
		(void)fprintf(out, "\t\t--%s\n", config_options[i].name);
}

/* First sentence, as it may stand between brackets in a word for zsh's _arguments. */
static void put_zsh_text(FILE *out, const char *text)
{
	for (; *text && !(text[0] == '.' && (text[1] == ' ' || !text[1])); text++) {
		if (*text == '\'') {
			(void)fputs("'\\''", out);
			continue;
		}
		if (strchr("[]:\\", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_zsh_completion(FILE *out, const struct config_option *option)
{
	const char *completion = option->type->completion;

	if (!option->argument)
		return;
	(void)fprintf(out, ":%s:", option->name);
	if (!completion)
		return;
	if (!strcmp(completion, "FILE"))
		(void)fputs("_files", out);
	else if (!strcmp(completion, "INTERFACE"))
		(void)fputs("_net_interfaces", out);
	else
		(void)fprintf(out, "(%s)", completion);
}

/* One specification for _arguments for each option: '(-m --max-flows)'{-m+,--max-flows=}'[text]:..'
 */
static void put_zsh_options(FILE *out)
{
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];
		bool is_list = (option->flags & OPTION_LIST) != 0;

		(void)fputs("\t", out);
		if (option->letter && !is_list)
			(void)fprintf(out, "'(-%c --%s)'", option->letter, option->name);
		else if (is_list)
			(void)fputs("'*'", out);
		if (option->letter)
			(void)fprintf(out, "{-%c%s,--%s%s}'[", option->letter,
				      option->argument ? "+" : "", option->name,
				      option->argument ? "=" : "");
		else
			(void)fprintf(out, "'--%s%s[", option->name, option->argument ? "=" : "");
		put_zsh_text(out, option->help);
		(void)fputc(']', out);
		put_zsh_completion(out, option);
		(void)fputs("' \\\n", out);
	}
}

/* The events of the log, for flowagent(8). */
static void put_log_events(FILE *out)
{
	const struct log_event_row *row;

	for (size_t i = 0; (row = log_event_row(i)) != NULL; i++) {
		(void)fputs("*", out);
		put_escaped(out, row->name);
		(void)fputs("*, ", out);
		put_escaped(out, row->object_field);
		(void)fputs("\n\t", out);
		put_escaped(out, row->title);
		(void)fputs(".\n\n", out);
	}
}

/* The same as catalog(7) has it. */
static void put_catalog(FILE *out)
{
	const struct log_event_row *row;

	for (size_t i = 0; (row = log_event_row(i)) != NULL; i++) {
		(void)fprintf(out, "-- %s\nSubject: %s\nDefined-By: flowagent\n", row->id,
			      row->title);
		(void)fputs("Documentation: man:flowagent(8)\n\n", out);
		for (const char *letter = row->text; *letter; letter++)
			(void)fputs(*letter == '\n' ? "\n\n" : (char[]){ *letter, '\0' }, out);
		(void)fputs(*row->text ? "\n\n" : "", out);
	}
}

static const struct {
	const char *line;
	void (*put)(FILE *out);
} parts[] = {
	{ "@OPTIONS@", put_options },
	{ "@AGENT_KEYS@", put_agent_keys },
	{ "@SOURCE_WORDS@", put_source_words },
	{ "@COLLECTOR_WORDS@", put_collector_words },
	{ "@SOURCE_KEYS@", put_source_keys },
	{ "@COLLECTOR_KEYS@", put_collector_keys },
	{ "@CONTROL_KEYS@", put_control_keys },
	{ "@TIMEOUTS@", put_timeouts },
	{ "@FIELDS@", put_fields },
	{ "@DROP_REASONS@", put_drop_reasons },
	{ "@LOSS_REASONS@", put_loss_reasons },
	{ "@SOURCE_COUNTERS@", put_source_counters },
	{ "@CAPTURE_COUNTERS@", put_capture_counters },
	{ "@FRAGMENT_COUNTERS@", put_fragment_counters },
	{ "@COLLECTOR_COUNTERS@", put_collector_counters },
	{ "@LOG_EVENTS@", put_log_events },
	{ "@CATALOG@", put_catalog },
	{ "@BASH_ARGUMENTS@", put_bash_arguments },
	{ "@BASH_VALUES@", put_bash_values },
	{ "@BASH_SOURCE_KEYS@", put_bash_source_keys },
	{ "@BASH_COLLECTOR_KEYS@", put_bash_collector_keys },
	{ "@BASH_OPTIONS@", put_bash_options },
	{ "@ZSH_OPTIONS@", put_zsh_options },
};

/* Whether a line is one of the parts, which is then put out. */
static bool put_part(FILE *out, const char *line)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t length = strlen(parts[i].line);

		if (strncmp(line, parts[i].line, length) != 0 || strcmp(line + length, "\n") != 0)
			continue;
		parts[i].put(out);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
	FILE *out = in ? fopen(argv[2], "w") : NULL;
	int status = EXIT_SUCCESS;
	size_t capacity = 0;
	char *line = NULL;

	if (!in || !out) {
		perror(argc == 3 ? "config_manual" : "usage: config_manual TEMPLATE OUTPUT");
		if (in)
			(void)fclose(in);
		return EXIT_FAILURE;
	}
	while (getline(&line, &capacity, in) > 0) {
		if (put_part(out, line))
			continue;
		if (line[0] == '@' && isupper((unsigned char)line[1])) {
			(void)fprintf(stderr, "%s: no such part: %s", argv[1], line);
			status = EXIT_FAILURE;
		}
		(void)fputs(line, out);
	}
	free(line);
	(void)fclose(in);
	if (fclose(out))
		status = EXIT_FAILURE;
	return status;
}
