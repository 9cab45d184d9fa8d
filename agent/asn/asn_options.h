/* asn_options.h - the command line of flowagent-asn.
 *
 * Place: flowagent_asn.c calls it first. */
#ifndef ASN_OPTIONS_H
#define ASN_OPTIONS_H

#include "asn_routes.h"
#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>

struct asn_options {
	const char *output;        /* the table; NULL: not wanted */
	const char *names_file;    /* with names of AS numbers; NULL: none */
	const char *networks_file; /* "-" is standard output; NULL: not wanted */
	struct asn_rules rules;
	bool is_forced;
	bool is_quiet;
	bool wants_help, wants_version;
	char *const *inputs; /* borrowed from argv; in order of priority */
	size_t input_count;
};

/* Returns 0, or -EINVAL with 'error' filled. argv is put into another order. */
int asn_options_parse(int argc, char **argv, struct asn_options *options, struct error_text *error);

/* On standard output. */
void asn_options_print_help(void);

#endif
