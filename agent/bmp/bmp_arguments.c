/* bmp_arguments.c - see bmp_arguments.h. One table has names, values and help. */
#include "bmp_arguments.h"

#include "long_options.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_NAMES = 256,
	OPTION_STATUS,
	OPTION_INTERVAL,
	OPTION_STALE,
	OPTION_MOST_ROUTES,
	OPTION_VRFS,
	OPTION_LEAST_PEERS,
	OPTION_LONGEST_IPV4,
	OPTION_LONGEST_IPV6,
	OPTION_BOGONS,
	OPTION_DEFAULT_ROUTE,
	OPTION_FORCE,
	OPTION_LOG_LEVEL,
};

static const struct {
	const char *name;
	int code; /* the letter, or above 255 without one */
	const char *argument;
	const char *text;
} rows[] = {
	{ "output", 'o', "PATH", "write the AS table, which flowagent maps" },
	{ "router", 'r', "PREFIX", "take sessions of this router, or of these; again for more" },
	{ "listen", 'l', "ADDRESS:PORT", "where routers connect to, [::]:1790; again for more" },
	{ "interval", OPTION_INTERVAL, "TIME", "least time between two tables, 1m" },
	{ "stale", OPTION_STALE, "TIME", "keep the routes of a lost session so long, 5m" },
	{ "most-routes", OPTION_MOST_ROUTES, "N", "routes that are kept at most, 4000000" },
	{ "vrfs", OPTION_VRFS, NULL, "take routes of VRFs and of other instances as well" },
	{ "status", OPTION_STATUS, "PATH", "write counters, in Prometheus' text format" },
	{ "names", OPTION_NAMES, "FILE", "names of AS numbers, for agentctl" },
	{ "least-peers", OPTION_LEAST_PEERS, "N", "peers that must have a prefix, 1" },
	{ "longest-ipv4", OPTION_LONGEST_IPV4, "BITS", "longest mask of IPv4, 24" },
	{ "longest-ipv6", OPTION_LONGEST_IPV6, "BITS", "longest mask of IPv6, 48" },
	{ "bogons", OPTION_BOGONS, NULL, "keep private and reserved prefixes and AS numbers" },
	{ "default-route", OPTION_DEFAULT_ROUTE, NULL, "keep 0.0.0.0/0 and ::/0" },
	{ "force", OPTION_FORCE, NULL, "replace a table by a much smaller one, or an empty one" },
	{ "log-level", OPTION_LOG_LEVEL, "LEVEL", "error, warning, notice, info or debug: info" },
	{ "version", 'V', NULL, "print the version" },
	{ "help", 'h', NULL, "print this text" },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static int fail(struct error_text *error, const char *name, const char *value, const char *expected)
{
	error_text_set(error, "--%s %.100s: expected %s", name, value, expected);
	return -EINVAL;
}

static int parse_number(const char *name, const char *text, uint64_t least, uint64_t most,
			uint64_t *number, struct error_text *error)
{
	if (units_number_parse(text, number) == 0 && *number >= least && *number <= most)
		return 0;
	error_text_set(error, "--%s %.100s: expected a number from %llu to %llu", name, text,
		       (unsigned long long)least, (unsigned long long)most);
	return -EINVAL;
}

/* "ADDRESS:PORT", "[ADDRESS]:PORT", ":PORT" or "PORT". */
static int parse_listen(const char *text, struct bmp_arguments *arguments, struct error_text *error)
{
	static const char *const expected = "at most 4 of [ADDRESS:]PORT, IPv6 in brackets";
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	size_t length = colon ? (size_t)(colon - text) : 0;
	struct bmp_listen *listen = &arguments->listen[arguments->listen_count];
	uint64_t number;

	if (arguments->listen_count == BMP_LISTENERS_MAX ||
	    units_number_parse(port, &number) != 0 || number > UINT16_MAX)
		return fail(error, "listen", text, expected);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return fail(error, "listen", text, expected);
	}
	if (length >= sizeof(listen->address))
		return fail(error, "listen", text, expected);
	memcpy(listen->address, text, length);
	listen->address[length] = '\0';
	(void)snprintf(listen->port, sizeof(listen->port), "%u", (unsigned int)(uint16_t)number);
	arguments->listen_count++;
	return 0;
}

static int parse_router(const char *text, struct bmp_arguments *arguments, struct error_text *error)
{
	if (arguments->allowed_count == BMP_ALLOWED_MAX ||
	    prefix_parse(text, &arguments->allowed[arguments->allowed_count]) < 0)
		return fail(error, "router", text, "at most 64 of ADDRESS or NETWORK/MASK");
	arguments->allowed_count++;
	return 0;
}

static int parse_time(const char *name, const char *text, uint32_t *milliseconds,
		      struct error_text *error)
{
	if (units_duration_parse(text, milliseconds) == 0 && *milliseconds >= 100)
		return 0;
	return fail(error, name, text, "a time as 90s or 5m, 100ms at least");
}

static int set_rule(struct asn_rules *rules, int code, const char *value, struct error_text *error)
{
	uint64_t number = 0;
	int result = 0;

	switch (code) {
	case OPTION_LEAST_PEERS:
		result = parse_number("least-peers", value, 1, UINT16_MAX, &number, error);
		rules->least_peers = (uint32_t)number;
		break;
	case OPTION_LONGEST_IPV4:
		result = parse_number("longest-ipv4", value, 1, 32, &number, error);
		rules->longest_ipv4 = (uint8_t)number;
		break;
	case OPTION_LONGEST_IPV6:
		result = parse_number("longest-ipv6", value, 1, 128, &number, error);
		rules->longest_ipv6 = (uint8_t)number;
		break;
	case OPTION_BOGONS: rules->has_bogons = true; break;
	case OPTION_DEFAULT_ROUTE: rules->has_default_route = true; break;
	default: break;
	}
	return result;
}

static int set_option(struct bmp_arguments *arguments, int code, const char *value,
		      struct error_text *error)
{
	uint64_t number = 0;
	int result = 0;

	switch (code) {
	case 'o': arguments->output = value; break;
	case 'r': return parse_router(value, arguments, error);
	case 'l': return parse_listen(value, arguments, error);
	case OPTION_INTERVAL: return parse_time("interval", value, &arguments->interval_ms, error);
	case OPTION_STALE: return parse_time("stale", value, &arguments->state.stale_ms, error);
	case OPTION_MOST_ROUTES:
		result = parse_number("most-routes", value, 1000, 100000000, &number, error);
		arguments->state.most_routes = (size_t)number;
		break;
	case OPTION_VRFS: arguments->state.has_vrfs = true; break;
	case OPTION_STATUS: arguments->status_file = value; break;
	case OPTION_NAMES: arguments->names_file = value; break;
	case OPTION_FORCE: arguments->is_forced = true; break;
	case OPTION_LOG_LEVEL:
		if (log_level_parse(value, &arguments->log_level) < 0)
			return fail(error, "log-level", value,
				    "error, warning, notice, info or debug");
		break;
	case 'V': arguments->wants_version = true; break;
	case 'h': arguments->wants_help = true; break;
	default: return set_rule(&arguments->state.rules, code, value, error);
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

	error_text_set(error, "unknown or ambiguous option %.100s", word);
	if (optopt > 0 && optopt < 256)
		error_text_set(error, "unknown option -%c", optopt);
	else if (nearest)
		error_text_hint(error, "did you mean --%s?", nearest);
	return -EINVAL;
}

static int check(const struct bmp_arguments *arguments, int rest, struct error_text *error)
{
	if (arguments->wants_help || arguments->wants_version)
		return 0;
	if (rest)
		error_text_set(error, "arguments without an option: none are expected");
	else if (!arguments->output)
		error_text_set(error, "nothing to write; expected --output");
	else if (!arguments->allowed_count)
		error_text_set(error, "no router may connect; expected --router");
	else
		return 0;
	return -EINVAL;
}

int bmp_arguments_parse(int argc, char **argv, struct bmp_arguments *arguments,
			struct error_text *error)
{
	struct option long_options[ROW_COUNT + 1];
	char letters[LONG_OPTIONS_LETTERS_SIZE(ROW_COUNT)];
	int code;

	*arguments = (struct bmp_arguments){
		.state = { .rules = { .least_peers = 1, .longest_ipv4 = 24, .longest_ipv6 = 48 },
			   .most_routes = BMP_DEFAULT_MAXIMUM },
		.log_level = LOG_LEVEL_info,
	};
	*error = (struct error_text){ .text = "" };
	(void)units_duration_parse(BMP_DEFAULT_INTERVAL, &arguments->interval_ms);
	(void)units_duration_parse(BMP_DEFAULT_STALE, &arguments->state.stale_ms);
	getopt_tables(long_options, letters);
	optind = 0; /* glibc: start anew, also when a test parses twice */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
		int result;

		if (code == '?')
			return fail_option(long_options, word, error);
		if (code == ':') {
			error_text_set(error, "option %.100s wants a value", word);
			return -EINVAL;
		}
		result = set_option(arguments, code, optarg, error);
		if (result < 0)
			return result;
	}
	if (arguments->listen_count == 0)
		(void)snprintf(arguments->listen[arguments->listen_count++].port,
			       BMP_PORT_TEXT_SIZE, "%d", BMP_DEFAULT_PORT);
	return check(arguments, argc - optind, error);
}

void bmp_arguments_print_help(void)
{
	(void)printf(
		"usage: flowagent-bmp --output TABLE --router ADDRESS [OPTION...]\n\n"
		"Receive the routes of a site's routers by BMP (RFC 7854), and keep the table\n"
		"from address to AS number current that flowagent uses.\n\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		char left[40];

		(void)snprintf(
			left, sizeof(left), "%c%c%c --%s%s%s", rows[i].code < 256 ? '-' : ' ',
			rows[i].code < 256 ? (char)rows[i].code : ' ',
			rows[i].code < 256 ? ',' : ' ', rows[i].name, rows[i].argument ? " " : "",
			rows[i].argument ? rows[i].argument : "");
		(void)printf("  %-27s %s\n", left, rows[i].text);
	}
	(void)printf("\nExit status: 0 ended by a signal, 1 failed, 2 usage.\n"
		     "Manual: flowagent-bmp(8).\n");
}
