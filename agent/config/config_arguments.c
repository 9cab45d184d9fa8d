/* config_arguments.c - getopt_long() over the table of options, with messages of our own. */
#include "config_arguments.h"

#include "config_apply.h"
#include "config_collector.h"
#include "config_source.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BASE 256 /* getopt_long() returns LONG_BASE + option for a long name */

/* What getopt_long() works on, made of the table. */
struct tables {
	struct option names[CONFIG_OPTION_COUNT + 1];
	char letters[2 * CONFIG_OPTION_COUNT + 3];
};

static void make_tables(struct tables *tables)
{
	char *letters = tables->letters;

	(void)memset(tables, 0, sizeof(*tables));
	/* '+': stop at the first word that is no option; ':': report a missing argument as such. */
	*letters++ = '+';
	*letters++ = ':';
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];

		tables->names[i].name = option->name;
		tables->names[i].has_arg = option->argument ? required_argument : no_argument;
		tables->names[i].val = LONG_BASE + i;
		if (!option->letter)
			continue;
		*letters++ = option->letter;
		if (option->argument)
			*letters++ = ':';
	}
}

/* The option that getopt_long() means by a number; CONFIG_OPTION_COUNT if there is none. */
static enum config_option_id find_option(int code)
{
	if (code >= LONG_BASE)
		return (enum config_option_id)(code - LONG_BASE);
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (code && config_options[i].letter == code)
			return (enum config_option_id)i;
	return CONFIG_OPTION_COUNT;
}

/* A long option that is unknown, or short for several. */
static void fail_long(const char *word, struct error_text *error)
{
	char name[CONFIG_GUESS_SIZE];
	char matches[200] = "";
	size_t used = 0;
	int count = 0;
	char guess[CONFIG_GUESS_SIZE];

	word += strspn(word, "-");
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		if (strncmp(config_options[i].name, name, strlen(name)) != 0 ||
		    used >= sizeof(matches) - 40)
			continue;
		used += (size_t)snprintf(matches + used, sizeof(matches) - used, "%s--%s",
					 count++ ? ", " : "", config_options[i].name);
	}
	if (count > 1) {
		error_text_set(error, "--%s: may stand for %s", name, matches);
		return;
	}
	(void)config_option_find(name, false, guess);
	error_text_set(error, "--%s: unknown option%s", name, guess);
	error_text_hint(error, "flowagent --help lists all options");
}

static void fail_word(int code, const char *word, struct error_text *error)
{
	enum config_option_id option = find_option(optopt);

	if (code == ':') {
		error_text_set(error, "--%s: expected a value: %s", config_options[option].name,
			       config_options[option].argument);
	} else if (optopt >= LONG_BASE) {
		error_text_set(error, "--%s: expected no value", config_options[option].name);
	} else if (optopt) {
		error_text_set(error, "-%c: unknown option", isprint(optopt) ? optopt : '?');
		error_text_hint(error, "flowagent --help lists all options");
	} else {
		fail_long(word, error);
	}
}

/* getopt_long(), or -1 also for each word after "--", which it looks at once only. */
static int next_option(const struct tables *tables, int argc, char *const *argv, bool *has_ended)
{
	const int at = optind ? optind : 1;
	int code;

	if (*has_ended)
		return -1;
	code = getopt_long(argc, argv, tables->letters, tables->names, NULL);
	*has_ended = code == -1 && optind == at + 1 && strcmp(argv[at], "--") == 0;
	return code;
}

/* A word that is no option. After a capture file it is one more: so the shell names several.
 * Returns false if there is none, or it has no place. */
static bool take_word(struct config_arguments *arguments, int argc, char *const *argv)
{
	if (optind >= argc || !config_arguments_find(arguments, OPTION_read))
		return false;
	arguments->settings[arguments->count].option = OPTION_read;
	arguments->settings[arguments->count++].value = argv[optind++];
	return true;
}

int config_arguments_parse(struct config_arguments *arguments, int argc, char *const *argv,
			   struct error_text *error)
{
	struct tables tables;
	bool has_ended = false;
	int code;

	arguments->count = 0;
	arguments->settings = calloc((size_t)argc + 1, 2 * sizeof(*arguments->settings));
	if (!arguments->settings) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	make_tables(&tables);
	optind = 0; /* glibc: start anew, also for a second call in one process */
	opterr = 0;
	while ((code = next_option(&tables, argc, argv, &has_ended)) != -1 ||
	       take_word(arguments, argc, argv)) {
		enum config_option_id option = find_option(code);

		if (code == -1)
			continue;
		if (code == '?' || code == ':') {
			fail_word(code, argv[optind - 1], error);
			return -EINVAL;
		}
		arguments->settings[arguments->count].option = option;
		arguments->settings[arguments->count++].value = optarg ? optarg : "";
		if (option == OPTION_help || option == OPTION_version)
			return 0;
	}
	if (optind >= argc)
		return 0;
	error_text_set(error, "unexpected word \"%.100s\": flowagent takes options only",
		       argv[optind]);
	error_text_hint(error, "flowagent --help lists all options");
	return -EINVAL;
}

void config_arguments_clear(struct config_arguments *arguments)
{
	free(arguments->settings);
	arguments->settings = NULL;
	arguments->count = 0;
}

const char *config_arguments_find(const struct config_arguments *arguments,
				  enum config_option_id option)
{
	for (size_t i = arguments->count; i-- > 0;)
		if (arguments->settings[i].option == option)
			return arguments->settings[i].value;
	return NULL;
}

static bool is_source(enum config_option_id option)
{
	return config_options[option].group == GROUP_sources;
}

/* The sources of the file, or its collectors, go if the command line says something. */
static void forget_file(const struct config_arguments *arguments, struct config *config)
{
	static const struct config_origin none = { .file = NULL };
	bool has_source = false;
	bool has_collector = false;

	for (size_t i = 0; i < arguments->count; i++) {
		has_source |= is_source(arguments->settings[i].option);
		has_collector |= arguments->settings[i].option == OPTION_collector;
	}
	if (has_source)
		config_sources_set_aside(config);
	if (has_collector)
		config_collectors_clear(config);
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++)
		if ((has_source && is_source((enum config_option_id)i)) ||
		    (has_collector && i == OPTION_collector))
			config->origins[i] = none;
}

int config_arguments_apply(const struct config_arguments *arguments, struct config *config,
			   struct error_text *error)
{
	static const struct config_origin origin = { .file = "command line" };
	int result = 0;

	forget_file(arguments, config);
	for (size_t i = 0; !result && i < arguments->count; i++)
		result = config_apply(config, arguments->settings[i].option,
				      arguments->settings[i].value, &origin, error);
	return result;
}
