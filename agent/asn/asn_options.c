/* asn_options.c - see asn_options.h. One table has names, values and help. */
#include "asn_options.h"

#include "long_options.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_NETWORKS_FILE = 256,
	OPTION_NAMES,
	OPTION_LEAST_PEERS,
	OPTION_LONGEST_IPV4,
	OPTION_LONGEST_IPV6,
	OPTION_BOGONS,
	OPTION_DEFAULT_ROUTE,
	OPTION_FORCE,
};

static const struct {
	const char *name;
	int code; /* the letter, or above 255 without one */
	const char *argument;
	const char *text;
} rows[] = {
	{ "output", 'o', "PATH", "write the AS table, which flowagent maps" },
	{ "networks-file", OPTION_NETWORKS_FILE, "PATH",
	  "write the table as text for nfacctd; - is standard output" },
	{ "names", OPTION_NAMES, "FILE", "names of AS numbers, for agentctl" },
	{ "least-peers", OPTION_LEAST_PEERS, "N", "peers that must have a prefix, 1" },
	{ "longest-ipv4", OPTION_LONGEST_IPV4, "BITS", "longest mask of IPv4, 24" },
	{ "longest-ipv6", OPTION_LONGEST_IPV6, "BITS", "longest mask of IPv6, 48" },
	{ "bogons", OPTION_BOGONS, NULL, "keep private and reserved prefixes and AS numbers" },
	{ "default-route", OPTION_DEFAULT_ROUTE, NULL, "keep 0.0.0.0/0 and ::/0" },
	{ "force", OPTION_FORCE, NULL, "replace a table by a much smaller one, or an empty one" },
	{ "quiet", 'q', NULL, "say only what is wrong" },
	{ "version", 'V', NULL, "print the version" },
	{ "help", 'h', NULL, "print this text" },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static int parse_number(const char *name, const char *text, uint64_t least, uint64_t most,
			uint64_t *number, struct error_text *error)
{
	if (units_number_parse(text, number) == 0 && *number >= least && *number <= most)
		return 0;
	error_text_set(error, "--%s %.100s: expected a number from %llu to %llu", name, text,
		       (unsigned long long)least, (unsigned long long)most);
	return -EINVAL;
}

static int set_option(struct asn_options *options, int code, const char *value,
		      struct error_text *error)
{
	uint64_t number = 0;
	int result = 0;

	switch (code) {
	case 'o': options->output = value; break;
	case OPTION_NETWORKS_FILE: options->networks_file = value; break;
	case OPTION_NAMES: options->names_file = value; break;
	case OPTION_LEAST_PEERS:
		result = parse_number("least-peers", value, 1, UINT16_MAX, &number, error);
		options->rules.least_peers = (uint32_t)number;
		break;
	case OPTION_LONGEST_IPV4:
		result = parse_number("longest-ipv4", value, 1, 32, &number, error);
		options->rules.longest_ipv4 = (uint8_t)number;
		break;
	case OPTION_LONGEST_IPV6:
		result = parse_number("longest-ipv6", value, 1, 128, &number, error);
		options->rules.longest_ipv6 = (uint8_t)number;
		break;
	case OPTION_BOGONS: options->rules.has_bogons = true; break;
	case OPTION_DEFAULT_ROUTE: options->rules.has_default_route = true; break;
	case OPTION_FORCE: options->is_forced = true; break;
	case 'q': options->is_quiet = true; break;
	case 'V': options->wants_version = true; break;
	default: options->wants_help = true; break;
	}
	return result;
}

/* Fill in what getopt_long() wants, from the table. */
static void getopt_tables(struct option long_options[static ROW_COUNT + 1],
			  char letters[static LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)])
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		long_options[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = rows[i].code,
		};
	long_options[ROW_COUNT] = (struct option){ .name = NULL };
	long_options_letters(long_options, letters);
}

static int fail_option(const struct option *long_options, const char *word,
		       struct error_text *error)
{
	const char *const nearest = long_options_nearest(long_options, word);

	if (optopt > 0 && optopt < 256) {
		error_text_set(error, "unknown option -%c", optopt);
		return -EINVAL;
	}
	error_text_set(error, "unknown or ambiguous option %.100s", word);
	if (nearest)
		error_text_hint(error, "did you mean --%s?", nearest);
	return -EINVAL;
}

static int check_options(const struct asn_options *options, struct error_text *error)
{
	size_t standard_inputs = 0;

	if (options->wants_help || options->wants_version)
		return 0;
	for (size_t i = 0; i < options->input_count; i++)
		standard_inputs += strcmp(options->inputs[i], "-") == 0;
	if (!options->input_count)
		error_text_set(error, "no input; expected files, or - for standard input");
	else if (standard_inputs > 1)
		error_text_set(error, "standard input (-) is given %zu times", standard_inputs);
	else if (!options->output && !options->networks_file)
		error_text_set(error,
			       "nothing to write; expected --output, --networks-file or both");
	else if (!options->output && options->names_file)
		error_text_set(error, "--names is for a table: expected --output as well");
	else
		return 0;
	return -EINVAL;
}

int asn_options_parse(int argc, char **argv, struct asn_options *options, struct error_text *error)
{
	struct option long_options[ROW_COUNT + 1];
	char letters[LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)];
	int code, result;

	*options = (struct asn_options){
		.rules = { .least_peers = 1, .longest_ipv4 = 24, .longest_ipv6 = 48 },
	};
	*error = (struct error_text){ .text = "" };
	getopt_tables(long_options, letters);
	optind = 0; /* glibc: start anew, also when a test parses twice */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

		if (code == ':') {
			error_text_set(error, "option %.100s wants a value", word);
			return -EINVAL;
		}
		if (code == '?')
			return fail_option(long_options, word, error);
		result = set_option(options, code, optarg, error);
		if (result < 0)
			return result;
	}
	options->inputs = argv + optind;
	options->input_count = (size_t)(argc - optind);
	return check_options(options, error);
}

void asn_options_print_help(void)
{
	(void)printf(
		"usage: flowagent-asn [OPTION...] INPUT...\n\n"
		"Make the table from address to AS number that flowagent and nfacctd use, out\n"
		"of routing table dumps (MRT) and texts, plain or packed. What an earlier INPUT\n"
		"says of a prefix counts.\n\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		char left[40];

		(void)snprintf(
			left, sizeof(left), "%c%c%c --%s%s%s", rows[i].code < 256 ? '-' : ' ',
			rows[i].code < 256 ? (char)rows[i].code : ' ',
			rows[i].code < 256 ? ',' : ' ', rows[i].name, rows[i].argument ? " " : "",
			rows[i].argument ? rows[i].argument : "");
		(void)printf("  %-27s %s\n", left, rows[i].text);
	}
	(void)printf(
		"\nMasks, peers, bogons and default routes are checked in routing table dumps\n"
		"only. Exit status: 0 done, 1 failed (what was there stays), 2 usage.\n"
		"Manual: flowagent-asn(1).\n");
}
