/* asn_arguments.c - see asn_arguments.h. */
#include "asn_arguments.h"

#include "long_options.h"
#include "units.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

int asn_arguments_refuse(const struct asn_argument *row, const char *value, const char *expected,
			 struct error_text *error)
{
	error_text_set(error, "--%s %.100s: expected %s", row->name, value, expected);
	return -EINVAL;
}

int asn_arguments_number(const struct asn_argument *row, const char *text, uint64_t least,
			 uint64_t most, uint64_t *number, struct error_text *error)
{
	if (units_number_parse(text, number) == 0 && *number >= least && *number <= most)
		return 0;
	error_text_set(error, "--%s %.100s: expected a number from %llu to %llu", row->name, text,
		       (unsigned long long)least, (unsigned long long)most);
	return -EINVAL;
}

void asn_arguments_hint(const struct asn_command *command, struct error_text *error)
{
	if (!error->hint[0])
		error_text_hint(error, "%s --help shows all options", command->program);
}

static int set_number(struct asn_rules *rules, const struct asn_argument *row, const char *value,
		      struct error_text *error)
{
	uint64_t number = 0;
	int result;

	if (row->code == ASN_ARGUMENT_LEAST_PEERS) {
		result = asn_arguments_number(row, value, 1, UINT16_MAX, &number, error);
		rules->least_peers = (uint32_t)number;
	} else if (row->code == ASN_ARGUMENT_LONGEST_IPV4) {
		result = asn_arguments_number(row, value, 1, 32, &number, error);
		rules->longest_ipv4 = (uint8_t)number;
	} else {
		result = asn_arguments_number(row, value, 1, 128, &number, error);
		rules->longest_ipv6 = (uint8_t)number;
	}
	return result;
}

/* Returns 1 if the row is one of the program's own. */
static int set_argument(struct asn_arguments *arguments, const struct asn_argument *row,
			const char *value, struct error_text *error)
{
	switch (row->code) {
	case 'o': arguments->output = value; return 0;
	case 'V': arguments->wants_version = true; return 0;
	case 'h': arguments->wants_help = true; return 0;
	case ASN_ARGUMENT_NAMES: arguments->names_file = value; return 0;
	case ASN_ARGUMENT_LEAST_PEERS:
	case ASN_ARGUMENT_LONGEST_IPV4:
	case ASN_ARGUMENT_LONGEST_IPV6: return set_number(&arguments->rules, row, value, error);
	case ASN_ARGUMENT_BOGONS: arguments->rules.has_bogons = true; return 0;
	case ASN_ARGUMENT_DEFAULT_ROUTE: arguments->rules.has_default_route = true; return 0;
	case ASN_ARGUMENT_FORCE: arguments->is_forced = true; return 0;
	default: return 1;
	}
}

static const struct asn_argument *find_row(const struct asn_command *command, int code)
{
	size_t i = 0;

	while (command->rows[i].code != code)
		i++;
	return &command->rows[i]; /* getopt_long() knows no other codes */
}

/* What getopt_long() wants, from the table. */
static void fill_tables(const struct asn_command *command,
			struct option long_options[static ASN_ARGUMENTS_MAX + 1],
			char letters[static LONG_OPTIONS_LETTERS_SIZE(ASN_ARGUMENTS_MAX)])
{
	assert(command->row_count <= ASN_ARGUMENTS_MAX);
	for (size_t i = 0; i < command->row_count; i++)
		long_options[i] = (struct option){
			.name = command->rows[i].name,
			.has_arg = command->rows[i].value ? required_argument : no_argument,
			.val = command->rows[i].code,
		};
	long_options[command->row_count] = (struct option){ .name = NULL };
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

int asn_arguments_parse(const struct asn_command *command, int argc, char **argv,
			struct asn_arguments *arguments, void *context, struct error_text *error)
{
	struct option long_options[ASN_ARGUMENTS_MAX + 1];
	char letters[LONG_OPTIONS_LETTERS_SIZE(ASN_ARGUMENTS_MAX)];
	int code, result = 0;

	*arguments = (struct asn_arguments){
		.rules = { .least_peers = 1, .longest_ipv4 = 24, .longest_ipv6 = 48 },
	};
	*error = (struct error_text){ .text = "" };
	fill_tables(command, long_options, letters);
	optind = 0; /* glibc: start anew, also when a test parses twice */
	opterr = 0;
	while (result == 0 && (code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

		if (code == '?')
			return fail_option(long_options, word, error);
		if (code == ':') {
			error_text_set(error, "option %.100s wants a value", word);
			return -EINVAL;
		}
		result = set_argument(arguments, find_row(command, code), optarg, error);
		if (result > 0)
			result = command->set(context, find_row(command, code), optarg, error);
	}
	return result;
}

static void print_row(const struct asn_argument *row)
{
	char letter[] = "-?,";
	char left[40];

	letter[1] = (char)row->code;
	(void)snprintf(left, sizeof(left), "%3s --%s%s%s", row->code < 256 ? letter : "", row->name,
		       row->value ? " " : "", row->value ? row->value : "");
	(void)printf("  %-27s %s\n", left, row->text);
}

bool asn_arguments_answer(const struct asn_command *command, const struct asn_arguments *arguments)
{
	if (arguments->wants_help) {
		(void)fputs(command->beginning, stdout);
		for (size_t i = 0; i < command->row_count; i++)
			print_row(&command->rows[i]);
		(void)fputs(command->end, stdout);
	} else if (arguments->wants_version) {
		(void)printf("%s %s\n", command->program, FLOWAGENT_VERSION);
	}
	return arguments->wants_help || arguments->wants_version;
}
