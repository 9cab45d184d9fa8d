/* asn_options.c - see asn_options.h. */
#include "asn_options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { OPTION_NETWORKS_FILE = ASN_ARGUMENT_OWN };

static const struct asn_argument rows[] = {
	ASN_ARGUMENT_OUTPUT,
	{ "networks-file", OPTION_NETWORKS_FILE, "PATH",
	  "write the table as text for nfacctd; - is standard output" },
	ASN_ARGUMENTS_OF_TABLE,
	{ "quiet", 'q', NULL, "say only what is wrong" },
	ASN_ARGUMENTS_OF_PROGRAM,
};

static int set(void *context, const struct asn_argument *row, const char *value,
	       struct error_text *error __attribute__((unused)))
{
	struct asn_options *options = context;

	if (row->code == OPTION_NETWORKS_FILE)
		options->networks_file = value;
	else
		options->is_quiet = true;
	return 0;
}

const struct asn_command asn_options_command = {
	.program = "flowagent-asn",
	.beginning =
		"usage: flowagent-asn [OPTION...] INPUT...\n\n"
		"Make the table from address to AS number that flowagent and nfacctd use, out\n"
		"of routing table dumps (MRT) and texts, plain or packed. What an earlier INPUT\n"
		"says of a prefix counts.\n\n",
	.end = "\nMasks, peers, bogons and default routes are checked in routing table dumps\n"
	       "only. Exit status: 0 done, 1 failed (what was there stays), 2 usage.\n"
	       "Manual: flowagent-asn(1).\n",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.set = set,
};

static int check_options(const struct asn_options *options, struct error_text *error)
{
	const struct asn_arguments *table = &options->table;
	size_t standard_inputs = 0;

	if (table->wants_help || table->wants_version)
		return 0;
	for (size_t i = 0; i < options->input_count; i++)
		standard_inputs += strcmp(options->inputs[i], "-") == 0;
	if (!options->input_count)
		error_text_set(error, "no input; expected files, or - for standard input");
	else if (standard_inputs > 1)
		error_text_set(error, "standard input (-) is given %zu times", standard_inputs);
	else if (!table->output && !options->networks_file)
		error_text_set(error,
			       "nothing to write; expected --output, --networks-file or both");
	else if (!table->output && table->names_file)
		error_text_set(error, "--names is for a table: expected --output as well");
	else
		return 0;
	return -EINVAL;
}

int asn_options_parse(int argc, char **argv, struct asn_options *options, struct error_text *error)
{
	int result;

	*options = (struct asn_options){ .input_count = 0 };
	result = asn_arguments_parse(&asn_options_command, argc, argv, &options->table, options,
				     error);
	if (result < 0)
		return result;
	options->inputs = argv + optind;
	options->input_count = (size_t)(argc - optind);
	return check_options(options, error);
}
