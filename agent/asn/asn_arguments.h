/* asn_arguments.h - what the command lines of the programs that make AS tables have in common: a
 * table of options, which has names, values and help, and the options that each of them takes.
 *
 * Place: under asn_options.c (flowagent-asn) and bmp_arguments.c (flowagent-bmp). */
#ifndef ASN_ARGUMENTS_H
#define ASN_ARGUMENTS_H

#include "asn_rules.h"
#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of a program's table. */
struct asn_argument {
	const char *name;
	int code;          /* the letter, or above 255 without one */
	const char *value; /* what it is called in the help; NULL: the option takes none */
	const char *text;
};

enum {
	ASN_ARGUMENT_NAMES = 256,
	ASN_ARGUMENT_LEAST_PEERS,
	ASN_ARGUMENT_LONGEST_IPV4,
	ASN_ARGUMENT_LONGEST_IPV6,
	ASN_ARGUMENT_BOGONS,
	ASN_ARGUMENT_DEFAULT_ROUTE,
	ASN_ARGUMENT_FORCE,
	ASN_ARGUMENT_OWN, /* from here on: those of one program */
};

/* Rows that each program has, in the order of its help. */
#define ASN_ARGUMENT_OUTPUT                                                       \
	{                                                                         \
		"output", 'o', "PATH", "write the AS table, which flowagent maps" \
	}
#define ASN_ARGUMENTS_OF_TABLE                                                                     \
	{ "names", ASN_ARGUMENT_NAMES, "FILE", "names of AS numbers, for agentctl" },              \
		{ "least-peers", ASN_ARGUMENT_LEAST_PEERS, "N",                                    \
		  "peers that must have a prefix, 1" },                                            \
		{ "longest-ipv4", ASN_ARGUMENT_LONGEST_IPV4, "BITS", "longest mask of IPv4, 24" }, \
		{ "longest-ipv6", ASN_ARGUMENT_LONGEST_IPV6, "BITS", "longest mask of IPv6, 48" }, \
		{ "bogons", ASN_ARGUMENT_BOGONS, NULL,                                             \
		  "keep private and reserved prefixes and AS numbers" },                           \
		{ "default-route", ASN_ARGUMENT_DEFAULT_ROUTE, NULL, "keep 0.0.0.0/0 and ::/0" },  \
	{                                                                                          \
		"force", ASN_ARGUMENT_FORCE, NULL,                                                 \
			"replace a table by a much smaller one, or an empty one"                   \
	}
#define ASN_ARGUMENTS_OF_PROGRAM                       \
	{ "version", 'V', NULL, "print the version" }, \
	{                                              \
		"help", 'h', NULL, "print this text"   \
	}

#define ASN_ARGUMENTS_MAX 32 /* rows of a table */

/* What those rows set. */
struct asn_arguments {
	const char *output;     /* the table; NULL: not wanted */
	const char *names_file; /* with names of AS numbers; NULL: none */
	struct asn_rules rules;
	bool is_forced;
	bool wants_help, wants_version;
};

struct asn_command {
	const char *program;             /* "flowagent-asn" */
	const char *beginning, *end;     /* of the help: before and after the options */
	const struct asn_argument *rows; /* ASN_ARGUMENTS_MAX of them at most */
	size_t row_count;
	/* Takes the value of a row of the program's own. Returns 0, or -EINVAL with 'error' filled.
	 */
	int (*set)(void *context, const struct asn_argument *row, const char *value,
		   struct error_text *error);
};

/* Read all options; what is left of argv, which is put into another order, begins at 'optind'.
 * Strings are borrowed from argv. Returns 0, or -EINVAL with 'error' filled. */
int asn_arguments_parse(const struct asn_command *command, int argc, char **argv,
			struct asn_arguments *arguments, void *context, struct error_text *error);

/* Say what a value must be. Returns -EINVAL. */
int asn_arguments_refuse(const struct asn_argument *row, const char *value, const char *expected,
			 struct error_text *error);

/* A number between bounds. Returns 0, or -EINVAL with 'error' filled. */
int asn_arguments_number(const struct asn_argument *row, const char *text, uint64_t least,
			 uint64_t most, uint64_t *number, struct error_text *error);

/* Name the help as what to do about a wrong command line, unless the error has a hint. */
void asn_arguments_hint(const struct asn_command *command, struct error_text *error);

/* Print help or version on standard output if the arguments ask for it. Returns whether they do. */
bool asn_arguments_answer(const struct asn_command *command, const struct asn_arguments *arguments);

#endif
