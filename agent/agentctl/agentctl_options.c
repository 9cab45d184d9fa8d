/* agentctl_options.c - the table of options, parsed by getopt_long.
 *
 * Place: agentctl_main.c -> here -> struct agentctl_options, which each command reads.
 *
 * One table for all commands, so that options may stand before and after the command; which option
 * is for which command is a column. */
#include "agentctl.h"

#include "defaults.h"
#include "long_options.h"
#include "sampling.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_TIMEOUT = 256,
	OPTION_WAIT,
	OPTION_COLLECTOR,
	OPTION_UNDO,
	OPTION_SOURCE,
	OPTION_UTC,
	OPTION_SORT,
	OPTION_TOP,
	OPTION_BY,
	OPTION_SNAPLEN,
	OPTION_FILE,
	OPTION_NO_SAVE,
	OPTION_FORCE,
	OPTION_PER_CPU,
	OPTION_SAMPLE,
	OPTION_MAX_RATE,
	OPTION_FIREWALL,
	OPTION_FOR,
	OPTION_COUNT,
	OPTION_HTTP,
	OPTION_DIFF,
	OPTION_NO_COLOUR,
	OPTION_WATCH,
	OPTION_RESET_VIEW,
	OPTION_NO_HEADINGS, /* of top, where -n is --count */
};

static const struct agentctl_option {
	const char *name;
	int code;             /* the letter, or above 255 without one */
	const char *argument; /* NULL: none; "[...]": it may be left out */
	unsigned int used_by;
	const char *text;
} rows[] = {
	{ "socket", 's', "PATH|NAME", AGENTCTL_FOR_AGENT,
	  "control socket, or NAME of flowagent@NAME; " DEFAULT_CONTROL_SOCKET },
	{ "json", 'J', NULL, AGENTCTL_FOR_ROWS | AGENTCTL_FOR_JSON, "one JSON object per row" },
	{ "raw", 'r', NULL, AGENTCTL_FOR_ROWS, "values separated by tabs, as they come" },
	{ "output", 'o', "COLUMN,...", AGENTCTL_FOR_LISTS | AGENTCTL_FOR_STREAM,
	  "these columns, in this order" },
	{ "wide", 'w', NULL, AGENTCTL_FOR_LISTS | AGENTCTL_FOR_STREAM,
	  "leave no column out, however narrow the terminal" },
	{ "no-headings", 'n', NULL, AGENTCTL_FOR_ROWS, "no line of headings" },
	{ "utc", OPTION_UTC, NULL, AGENTCTL_FOR_TIMES, "times in UTC, not in local time" },
	{ "watch", OPTION_WATCH, "[TIME]", AGENTCTL_FOR_REPEAT,
	  "show it again each TIME, 2s, until Ctrl-C" },
	{ "reset-view", OPTION_RESET_VIEW, NULL, AGENTCTL_FOR_STATS,
	  "what has been counted since the last time with this option" },
	{ "sort", OPTION_SORT, "COLUMN[:asc]", AGENTCTL_FOR_LISTS | AGENTCTL_FOR_TOP,
	  "order: numbers from the largest, texts from A" },
	{ "top", OPTION_TOP, "N", AGENTCTL_FOR_LISTS | AGENTCTL_FOR_TOP, "the first N rows" },
	{ "by", OPTION_BY, "KEY,...", AGENTCTL_FOR_FLOWS | AGENTCTL_FOR_TOP,
	  "sums per src, dst, host, as, port, proto, iface, dir, ..." },
	{ "timeout", OPTION_TIMEOUT, "TIME", AGENTCTL_FOR_AGENT,
	  "wait for this time: 10s for an answer, 30s for wait" },
	{ "for", OPTION_FOR, "TIME", AGENTCTL_FOR_STREAM, "end after this time" },
	{ "count", OPTION_COUNT, "N", AGENTCTL_FOR_STREAM | AGENTCTL_FOR_TOP,
	  "end after N flows; of top, after N screens: there -n as well" },
	{ "batch", 'b', NULL, AGENTCTL_FOR_TOP, "screens one after another, without a terminal" },
	{ "http", OPTION_HTTP, NULL, AGENTCTL_FOR_METRICS,
	  "answer the request of HTTP on standard input" },
	{ "diff", OPTION_DIFF, NULL, AGENTCTL_FOR_CONFIG, "only what is not the default" },
	{ "interface", 'i', "IF", AGENTCTL_FOR_RULES | AGENTCTL_FOR_SETUP,
	  "log packets of this interface, may repeat; default route's" },
	{ "group", 'g', "N", AGENTCTL_FOR_GROUP, "NFLOG group, 40" },
	{ "snaplen", OPTION_SNAPLEN, "BYTES", AGENTCTL_FOR_RULES, "bytes of each packet, 128" },
	{ "per-cpu", OPTION_PER_CPU, NULL, AGENTCTL_FOR_RULES,
	  "a group for each CPU, from --group on" },
	{ "sample", OPTION_SAMPLE, "N", AGENTCTL_FOR_RULES,
	  "log one packet in N, with the rate as prefix" },
	{ "max-rate", OPTION_MAX_RATE, "N", AGENTCTL_FOR_RULES,
	  "log at most N packets per second; the rest is counted" },
	{ "firewall", OPTION_FIREWALL, "NAME", AGENTCTL_FOR_RULES | AGENTCTL_FOR_SETUP,
	  "nft, iptables, iptables-nft, iptables-legacy; ufw and firewalld: as nft" },
	{ "file", OPTION_FILE, "PATH", AGENTCTL_FOR_FILE, "rules file, " DEFAULT_RULES_FILE },
	{ "no-save", OPTION_NO_SAVE, NULL, AGENTCTL_FOR_SAVING, "load the rules, write no file" },
	{ "force", OPTION_FORCE, NULL, AGENTCTL_FOR_SAVING,
	  "take over from other rules; accept an interface that is not there" },
	{ "wait", OPTION_WAIT, "TIME", AGENTCTL_FOR_DOCTOR | AGENTCTL_FOR_TOP,
	  "look twice, this long apart, for what moves; 2s" },
	{ "collector", OPTION_COLLECTOR, "HOST:PORT", AGENTCTL_FOR_SETUP,
	  "send NetFlow v9 there; keys may follow, such as ,version=10" },
	{ "source", OPTION_SOURCE, "nflog|bpf", AGENTCTL_FOR_SETUP,
	  "packets by rules of the firewall, or by a BPF program; nflog" },
	{ "undo", OPTION_UNDO, NULL, AGENTCTL_FOR_SETUP, "take back what setup has done" },
	{ "verbose", 'v', NULL, AGENTCTL_FOR_ALL,
	  "say on standard error how many rows there were" },
	{ "quiet", 'q', NULL, AGENTCTL_FOR_ALL,
	  "on standard error only what is wrong, not what was done" },
	{ "no-color", OPTION_NO_COLOUR, NULL, AGENTCTL_FOR_ALL,
	  "no colours, as with $NO_COLOR: only top has any" },
	{ "version", 'V', NULL, AGENTCTL_FOR_ALL, "print the version" },
	{ "help", 'h', NULL, AGENTCTL_FOR_ALL, "print this text" },
};

#define WATCH_MS       2000
#define WATCH_LEAST_MS 100

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT <= 64, "agentctl_options.given has a bit per option");

bool agentctl_option_text(size_t index, struct agentctl_option_text *text)
{
	if (index >= ROW_COUNT)
		return false;
	*text = (struct agentctl_option_text){
		.name = rows[index].name,
		.letter = rows[index].code < 256 ? (char)rows[index].code : '\0',
		.argument = rows[index].argument,
		.text = rows[index].text,
		.used_by = rows[index].used_by,
	};
	return true;
}

/* Parse a whole number between bounds. */
static bool number_parse(const char *option, const char *text, uint64_t least, uint64_t most,
			 uint64_t *number, struct error_text *error)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *text != '-' && *number >= least &&
	    *number <= most)
		return true;
	error_text_set(error, "--%s %s: expected a number from %llu to %llu", option, text,
		       (unsigned long long)least, (unsigned long long)most);
	return false;
}

static bool time_parse(const char *option, const char *text, int64_t *time_ms,
		       struct error_text *error)
{
	uint32_t milliseconds = 0;

	if (units_duration_parse(text, &milliseconds)) {
		error_text_set(error, "--%s %s: expected a time such as 30, 500ms or 2m", option,
			       text);
		return false;
	}
	*time_ms = milliseconds;
	return true;
}

/* A turn takes some milliseconds of the agent's time. */
static bool watch_parse(const char *text, int64_t *time_ms, struct error_text *error)
{
	*time_ms = WATCH_MS;
	if (text && !time_parse("watch", text, time_ms, error))
		return false;
	if (*time_ms >= WATCH_LEAST_MS)
		return true;
	error_text_set(error, "--watch %s: expected a time from 100ms on", text);
	return false;
}

/* --verbose and --quiet. */
static bool chatter_set(struct agentctl_options *options, bool is_quiet, struct error_text *error)
{
	options->is_quiet |= is_quiet;
	options->is_verbose |= !is_quiet;
	if (!options->is_quiet || !options->is_verbose)
		return true;
	error_text_set(error, "--verbose and --quiet exclude each other");
	return false;
}

static bool interface_add(struct agentctl_options *options, const char *name,
			  struct error_text *error)
{
	if (options->interface_count == AGENTCTL_INTERFACES) {
		error_text_set(error, "--interface %s: more than %d interfaces", name,
			       AGENTCTL_INTERFACES);
		return false;
	}
	options->interfaces[options->interface_count++] = name;
	return true;
}

static bool format_set(struct agentctl_options *options, enum agentctl_format format,
		       struct error_text *error)
{
	if (options->format != AGENTCTL_TABLE && options->format != format) {
		error_text_set(error, "--json and --raw exclude each other");
		return false;
	}
	options->format = format;
	return true;
}

static bool firewall_set(struct agentctl_options *options, const char *name,
			 struct error_text *error)
{
	/* Tables of others are nothing to ufw and firewalld: ours stands beside theirs. */
	static const struct {
		const char *name;
		enum agentctl_firewall firewall;
	} firewalls[] = {
		{ "nft", FIREWALL_nft },
		{ "iptables", FIREWALL_iptables },
		{ "iptables-nft", FIREWALL_iptables_nft },
		{ "iptables-legacy", FIREWALL_iptables_legacy },
		{ "ufw", FIREWALL_nft },
		{ "firewalld", FIREWALL_nft },
	};

	for (size_t i = 0; i < sizeof(firewalls) / sizeof(firewalls[0]); i++) {
		if (strcmp(firewalls[i].name, name) == 0) {
			options->firewall = firewalls[i].firewall;
			return true;
		}
	}
	error_text_set(error,
		       "--firewall %s: expected nft, iptables, iptables-nft, iptables-legacy, ufw "
		       "or firewalld",
		       name);
	return false;
}

static bool source_set(struct agentctl_options *options, const char *name, struct error_text *error)
{
	options->source = strcmp(name, "nflog") == 0 ? SOURCE_nflog
			  : strcmp(name, "bpf") == 0 ? SOURCE_bpf
						     : SOURCE_as_before;
	if (options->source != SOURCE_as_before)
		return true;
	error_text_set(error, "--source %s: expected nflog or bpf", name);
	return false;
}

/* A path, or what is none: the name of an instance. */
static void socket_set(struct agentctl_options *options, const char *value)
{
	char *const text = options->instance_socket;
	const int length = snprintf(text, sizeof(options->instance_socket), "%s%s%s",
				    INSTANCE_SOCKET_DIRECTORY, value, INSTANCE_SOCKET_NAME);
	const bool is_name =
		*value && !strchr(value, '/') && length < (int)sizeof(options->instance_socket);

	options->socket = is_name ? text : value;
}

static bool option_set(struct agentctl_options *options, int code, const char *value,
		       struct error_text *error)
{
	uint64_t number = 0;

	switch (code) {
	case 's': socket_set(options, value); return true;
	case 'J': return format_set(options, AGENTCTL_JSON, error);
	case 'r': return format_set(options, AGENTCTL_RAW, error);
	case 'o': options->columns = value; return true;
	case 'n': options->no_headings = true; return true;
	case 'w': options->is_wide = true; return true;
	case 'v': return chatter_set(options, false, error);
	case 'q': return chatter_set(options, true, error);
	case OPTION_NO_COLOUR: options->has_no_colour = true; return true;
	case OPTION_WATCH: return watch_parse(value, &options->watch_ms, error);
	case OPTION_RESET_VIEW: options->resets_view = true; return true;
	case 'V': options->wants_version = true; return true;
	case 'h': options->wants_help = true; return true;
	case 'i': return interface_add(options, value, error);
	case OPTION_UTC: options->is_utc = true; return true;
	case OPTION_SORT: options->sort = value; return true;
	case OPTION_BY: options->by = value; return true;
	case OPTION_TOP: return number_parse("top", value, 1, 1000000000, &options->top, error);
	case OPTION_FILE: options->file = value; return true;
	case OPTION_FIREWALL: return firewall_set(options, value, error);
	case OPTION_MAX_RATE:
		if (!number_parse("max-rate", value, 1, 1000000000, &number, error))
			return false;
		options->max_rate = (uint32_t)number;
		return true;
	case OPTION_NO_SAVE: options->no_save = true; return true;
	case OPTION_FORCE: options->is_forced = true; return true;
	case OPTION_PER_CPU: options->per_cpu = true; return true;
	case OPTION_TIMEOUT: return time_parse("timeout", value, &options->timeout_ms, error);
	case OPTION_FOR: return time_parse("for", value, &options->for_ms, error);
	case 'b': options->is_batch = true; return true;
	case OPTION_HTTP: options->is_http = true; return true;
	case OPTION_DIFF: options->is_diff = true; return true;
	case OPTION_COUNT:
		return number_parse("count", value, 1, 1000000000000, &options->count, error);
	case OPTION_COLLECTOR: options->collector = value; return true;
	case OPTION_SOURCE: return source_set(options, value, error);
	case OPTION_UNDO: options->is_undo = true; return true;
	case OPTION_WAIT: return time_parse("wait", value, &options->wait_ms, error);
	case 'g':
		if (!number_parse("group", value, 0, UINT16_MAX, &number, error))
			return false;
		options->group = (uint16_t)number;
		return true;
	case OPTION_SNAPLEN:
		if (!number_parse("snaplen", value, 1, 65535, &number, error))
			return false;
		options->snaplen = (uint32_t)number;
		return true;
	case OPTION_SAMPLE:
		if (!number_parse("sample", value, 1, SAMPLING_INTERVAL_MAX, &number, error))
			return false;
		options->sample = (uint32_t)number;
		return true;
	default: return false;
	}
}

/* Change who has the letter n. */
static int code_for_top(int code)
{
	switch (code) {
	case 'n': return OPTION_NO_HEADINGS;
	case OPTION_NO_HEADINGS: return 'n';
	case OPTION_COUNT: return 'n';
	default: return code;
	}
}

/* Fill in what getopt_long wants, from the table. */
static void getopt_tables(bool for_top, struct option long_options[static ROW_COUNT + 1],
			  char letters[static LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)])
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		long_options[i] = (struct option){
			.name = rows[i].name,
			.has_arg = !rows[i].argument            ? no_argument
				   : rows[i].argument[0] == '[' ? optional_argument
								: required_argument,
			.val = for_top ? code_for_top(rows[i].code) : rows[i].code,
		};
	long_options[ROW_COUNT] = (struct option){ .name = NULL };
	long_options_letters(long_options, letters);
}

/* Whether the command is top, where -n is the number of screens, as in top(1): the first word that
 * is neither an option nor its value. A number after -n is its value; no command is one. */
static bool is_top(int argc, char *const *argv)
{
	struct option long_options[ROW_COUNT + 1];
	char letters[1 + LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)] = "+"; /* end at the first word */
	struct error_text error;
	const char *verb;
	int code;

	getopt_tables(false, long_options, letters + 1);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	do {
		code = getopt_long(argc, argv, letters, long_options, NULL);
		if (code == 'n' && optind < argc && argv[optind][0] != '\0' &&
		    argv[optind][strspn(argv[optind], "0123456789")] == '\0')
			optind++;
	} while (code != -1);
	verb = optind < argc ? agentctl_verb_find(argv[optind], &error) : NULL;
	return verb && strcmp(verb, "top") == 0;
}

/* The value of an option that may have none: what follows "=", or a next word that is a time. Words
 * of commands that could be taken for one begin with a letter. */
static const char *optional_value(int argc, char *const *argv)
{
	uint32_t time_ms;

	if (!optarg && optind < argc && units_duration_parse(argv[optind], &time_ms) == 0)
		return argv[optind++];
	return optarg;
}

/* Bit of an option in agentctl_options.given. */
static uint64_t bit_of(int code)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].code == code)
			return UINT64_C(1) << i;
	return 0;
}

/* An option that is none; getopt_long() has left its letter in 'optopt'. */
static void fail_option(const struct option *long_options, const char *word,
			struct error_text *error)
{
	const char *const nearest = long_options_nearest(long_options, word);
	char quote[ERROR_QUOTE_SIZE];

	if (optopt > 0 && optopt < 256) {
		error_text_set(error, "unknown option -%c",
			       optopt > ' ' && optopt <= '~' ? optopt : '?');
		return;
	}
	error_text_quote(word, strlen(word), quote);
	if (nearest)
		error_text_set(error, "unknown or ambiguous option %s (did you mean --%s?)", quote,
			       nearest);
	else
		error_text_set(error, "unknown or ambiguous option %s", quote);
}

bool agentctl_options_parse(struct agentctl_options *options, int argc, char **argv,
			    struct error_text *error)
{
	struct option long_options[ROW_COUNT + 1];
	char letters[LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)];
	const bool for_top = is_top(argc, argv);
	int code;

	*options = (struct agentctl_options){
		.socket = DEFAULT_CONTROL_SOCKET,
		.timeout_ms = -1,
		.for_ms = -1,
		.wait_ms = -1,
		.watch_ms = -1,
		.group = DEFAULT_NFLOG_GROUP,
		.snaplen = DEFAULT_SNAPLEN,
	};
	*error = (struct error_text){ .text = "" };
	getopt_tables(for_top, long_options, letters);
	optind = 0; /* glibc: start anew, also when a test parses twice */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

		if (code == ':') {
			error_text_set(error, "option %s wants a value", word);
			return false;
		}
		if (code == '?') {
			fail_option(long_options, word, error);
			return false;
		}
		if (for_top)
			code = code == 'n' ? OPTION_COUNT : code_for_top(code);
		if (!option_set(options, code,
				code == OPTION_WATCH ? optional_value(argc, argv) : optarg, error))
			return false;
		options->given |= bit_of(code);
	}
	options->words = (const char *const *)argv + optind;
	options->word_count = (size_t)(argc - optind);
	return true;
}

bool agentctl_options_check(const struct agentctl_options *options,
			    const struct agentctl_command *command, struct error_text *error)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!(options->given & UINT64_C(1) << i) || !rows[i].used_by ||
		    rows[i].used_by & command->options)
			continue;
		error_text_set(error, "option --%s is not for \"%s%s%s\"", rows[i].name,
			       command->verb, command->noun ? " " : "",
			       command->noun ? command->noun : "");
		return false;
	}
	return true;
}
