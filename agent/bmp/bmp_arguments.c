/* bmp_arguments.c - see bmp_arguments.h. */
#include "bmp_arguments.h"

#include "units.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
	OPTION_STATUS = ASN_ARGUMENT_OWN,
	OPTION_SHOW,
	OPTION_INTERVAL,
	OPTION_STALE,
	OPTION_MOST_ROUTES,
	OPTION_VRFS,
	OPTION_LOG_LEVEL,
};

static const struct asn_argument rows[] = {
	ASN_ARGUMENT_OUTPUT,
	{ "router", 'r', "PREFIX", "take sessions of this router, or of these; again for more" },
	{ "listen", 'l', "ADDRESS:PORT", "where routers connect to, [::]:1790; again for more" },
	{ "interval", OPTION_INTERVAL, "TIME", "least time between two tables, 1m" },
	{ "stale", OPTION_STALE, "TIME", "keep the routes of a lost session so long, 5m" },
	{ "most-routes", OPTION_MOST_ROUTES, "N", "routes that are kept at most, 4000000" },
	{ "vrfs", OPTION_VRFS, NULL, "take routes of VRFs and of other instances as well" },
	{ "status", OPTION_STATUS, "PATH", "write counters, in Prometheus' text format" },
	{ "show", OPTION_SHOW, NULL, "print the status of the one that runs, and end" },
	ASN_ARGUMENTS_OF_TABLE,
	{ "log-level", OPTION_LOG_LEVEL, "LEVEL", "error, warning, notice, info or debug: info" },
	ASN_ARGUMENTS_OF_PROGRAM,
};

/* "ADDRESS:PORT", "[ADDRESS]:PORT", ":PORT" or "PORT". */
static int parse_listen(const struct asn_argument *row, const char *text,
			struct bmp_arguments *arguments, struct error_text *error)
{
	static const char *const expected = "at most 4 of [ADDRESS:]PORT, IPv6 in brackets";
	const char *const value = text;
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	size_t length = colon ? (size_t)(colon - text) : 0;
	struct bmp_listen *listen = &arguments->listen[arguments->listen_count];
	uint64_t number;

	if (arguments->listen_count == BMP_LISTENERS_MAX ||
	    units_number_parse(port, &number) != 0 || number > UINT16_MAX)
		return asn_arguments_refuse(row, value, expected, error);
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return asn_arguments_refuse(row, value, expected, error);
	}
	if (length >= sizeof(listen->address))
		return asn_arguments_refuse(row, value, expected, error);
	memcpy(listen->address, text, length);
	listen->address[length] = '\0';
	(void)snprintf(listen->port, sizeof(listen->port), "%u", (unsigned int)(uint16_t)number);
	arguments->listen_count++;
	return 0;
}

static int parse_router(const struct asn_argument *row, const char *text,
			struct bmp_arguments *arguments, struct error_text *error)
{
	if (arguments->allowed_count == BMP_ALLOWED_MAX ||
	    prefix_parse(text, &arguments->allowed[arguments->allowed_count]) < 0)
		return asn_arguments_refuse(row, text, "at most 64 of ADDRESS or NETWORK/MASK",
					    error);
	arguments->allowed_count++;
	return 0;
}

static int parse_time(const struct asn_argument *row, const char *text, uint32_t *milliseconds,
		      struct error_text *error)
{
	if (units_duration_parse(text, milliseconds) == 0 && *milliseconds >= 100)
		return 0;
	return asn_arguments_refuse(row, text, "a time as 90s or 5m, 100ms at least", error);
}

static int set(void *context, const struct asn_argument *row, const char *value,
	       struct error_text *error)
{
	struct bmp_arguments *arguments = context;
	uint64_t number = 0;
	int result = 0;

	switch (row->code) {
	case 'r': return parse_router(row, value, arguments, error);
	case 'l': return parse_listen(row, value, arguments, error);
	case OPTION_INTERVAL: return parse_time(row, value, &arguments->interval_ms, error);
	case OPTION_STALE: return parse_time(row, value, &arguments->state.stale_ms, error);
	case OPTION_MOST_ROUTES:
		result = asn_arguments_number(row, value, 1000, 100000000, &number, error);
		arguments->state.most_routes = (size_t)number;
		break;
	case OPTION_VRFS: arguments->state.has_vrfs = true; break;
	case OPTION_STATUS: arguments->status_file = value; break;
	case OPTION_SHOW: arguments->shows = true; break;
	default:
		if (log_level_parse(value, &arguments->log_level) < 0)
			return asn_arguments_refuse(row, value,
						    "error, warning, notice, info or debug", error);
	}
	return result;
}

const struct asn_command bmp_arguments_command = {
	.program = "flowagent-bmp",
	.beginning =
		"usage: flowagent-bmp --output TABLE --router ADDRESS [OPTION...]\n"
		"       flowagent-bmp --show [--status PATH]\n\n"
		"Receive the routes of a site's routers by BMP (RFC 7854), and keep the table\n"
		"from address to AS number current that flowagent uses.\n\n",
	.end = "\nExit status: 0 ended by a signal, 1 failed, 2 usage.\n"
	       "Manual: flowagent-bmp(8).\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.set = set,
};

static int check(const struct bmp_arguments *arguments, int rest, struct error_text *error)
{
	if (arguments->table.wants_help || arguments->table.wants_version)
		return 0;
	if (rest)
		error_text_set(error, "arguments without an option: none are expected");
	else if (arguments->shows)
		return 0;
	else if (!arguments->table.output)
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
	int result;

	*arguments = (struct bmp_arguments){
		.state = { .most_routes = BMP_DEFAULT_MAXIMUM },
		.log_level = LOG_LEVEL_info,
	};
	(void)units_duration_parse(BMP_DEFAULT_INTERVAL, &arguments->interval_ms);
	(void)units_duration_parse(BMP_DEFAULT_STALE, &arguments->state.stale_ms);
	result = asn_arguments_parse(&bmp_arguments_command, argc, argv, &arguments->table,
				     arguments, error);
	if (result < 0)
		return result;
	arguments->state.rules = arguments->table.rules;
	if (arguments->listen_count == 0)
		(void)snprintf(arguments->listen[arguments->listen_count++].port,
			       BMP_PORT_TEXT_SIZE, "%d", BMP_DEFAULT_PORT);
	return check(arguments, argc - optind, error);
}
