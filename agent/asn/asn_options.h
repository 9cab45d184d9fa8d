/* asn_options.h - the command line of flowagent-asn.
 *
 * Place: flowagent_asn.c calls it first. */
#ifndef ASN_OPTIONS_H
#define ASN_OPTIONS_H

#include "asn_arguments.h"

struct asn_options {
	struct asn_arguments table;
	const char *networks_file; /* "-" is standard output; NULL: not wanted */
	bool is_quiet;
	char *const *inputs; /* borrowed from argv; in order of priority */
	size_t input_count;
};

extern const struct asn_command asn_options_command;

/* Returns 0, or -EINVAL with 'error' filled. argv is put into another order. */
int asn_options_parse(int argc, char **argv, struct asn_options *options, struct error_text *error);

#endif
