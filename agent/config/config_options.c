/* config_options.c - the rows of config_options.def, and how a name is found in them. */
#include "config_options.h"

#include "defaults.h"
#include "flow_cache.h"
#include "word_distance.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The words of the table's columns. */
#define LIST   OPTION_LIST
#define LINE   OPTION_LINE
#define ACTION OPTION_ACTION

/* clang-format off */
const struct config_option config_options[CONFIG_OPTION_COUNT] = {
#define CONFIG_OPTION(identifier_, group_, name_, letter_, argument_, type_, member_, unit_, minimum_, maximum_,      \
		      default_, flags_, help_)                                                                        \
	[OPTION_##identifier_] = {                                                                                     \
		.name = name_, .argument = argument_, .type = &config_type_##type_,                                    \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.member = offsetof(struct config, member_), .default_text = default_, .help = help_,                   \
		.group = GROUP_##group_, .flags = flags_, .letter = letter_,                                           \
	},
#include "config_options.def"
};

const struct config_key config_keys[CONFIG_KEY_COUNT] = {
#define CONFIG_KEY(section_, identifier_, name_, inline_, argument_, unit_, minimum_, maximum_, help_)                \
	[KEY_##section_##_##identifier_] = {                                                                           \
		.section = SECTION_##section_, .name = name_, .inline_name = inline_, .argument = argument_,           \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ }, .help = help_,            \
	},
#define COLLECTOR_KEY(identifier_, name_, inline_, argument_, type_, member_, unit_, minimum_, maximum_, default_,    \
		      help_)                                                                                          \
	[KEY_collector_##identifier_] = {                                                                              \
		.section = SECTION_collector, .name = name_, .inline_name = inline_, .argument = argument_,            \
		.type = &config_key_type_##type_, .member = offsetof(struct config_collector, member_),                \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.default_text = default_, .help = help_,                                                               \
	},
#define SOURCE_KEY(identifier_, name_, inline_, argument_, type_, member_, needs_, unit_, minimum_, maximum_,         \
		   default_, help_)                                                                                    \
	[KEY_source_##identifier_] = {                                                                                 \
		.section = SECTION_source, .name = name_, .inline_name = inline_, .argument = argument_,               \
		.type = &config_key_type_##type_, .member = offsetof(struct source_config, member_),                   \
		.needs = CAPTURE_KEY_##needs_,                                                                         \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.default_text = default_, .help = help_,                                                               \
	},
#include "config_options.def"
};

const struct config_timeout config_timeouts[CONFIG_TIMEOUT_COUNT] = {
#define CONFIG_TIMEOUT(name_, class_, default_, help_)                                                                \
	[class_] = { .name = name_, .class = class_, .default_text = default_, .help = help_ },
#include "config_options.def"
};
/* clang-format on */

const char *const config_group_titles[CONFIG_GROUP_COUNT] = {
	[GROUP_sources] = "Where packets come from",
	[GROUP_export] = "Where flows go",
	[GROUP_flows] = "Flows",
	[GROUP_running] = "Running",
	[GROUP_actions] = "Instead of running",
};

/* The front half of a long name counts as alike: "active" for "active-timeout". */
static void offer_name(struct word_nearest *nearest, const char *known)
{
	if (nearest->length >= 3 && !strncmp(nearest->typed, known, nearest->length))
		word_distance_offer_alike(nearest, known);
	else
		word_distance_offer(nearest, known);
}

static int no_match(const struct word_nearest *nearest, char guess[static CONFIG_GUESS_SIZE])
{
	guess[0] = '\0';
	if (nearest->best)
		(void)snprintf(guess, CONFIG_GUESS_SIZE, " (did you mean \"%s\"?)", nearest->best);
	return -ENOENT;
}

int config_option_find(const char *name, bool for_file, char guess[static CONFIG_GUESS_SIZE])
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		if (for_file && (config_options[i].flags & OPTION_LINE))
			continue;
		if (!strcmp(config_options[i].name, name))
			return i;
		offer_name(&nearest, config_options[i].name);
	}
	return no_match(&nearest, guess);
}

int config_key_find(enum config_section section, const char *name, bool is_inline,
		    char guess[static CONFIG_GUESS_SIZE])
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section != section || (is_inline && !key->inline_name))
			continue;
		if (!strcmp(key->name, name) || (is_inline && !strcmp(key->inline_name, name)))
			return i;
		offer_name(&nearest, is_inline ? key->inline_name : key->name);
	}
	return no_match(&nearest, guess);
}

/* Cut the first KEY=VALUE off at its comma. Returns it, NULL at the end, with the quotes of its
 * value taken out; '*error_at' is where a quote has no other, or text follows it. */
static char *pair_next(char **keys, const char **error_at)
{
	char *pair = *keys;
	char *value = pair ? strchr(pair, '=') : NULL;
	char *comma = pair ? strchr(pair, ',') : NULL;
	char *quote;

	if (!value || value[1] != '"' || (comma && comma < value))
		return strsep(keys, ",");
	quote = strchr(value + 2, '"');
	if (!quote || (quote[1] && quote[1] != ',')) {
		*error_at = value + 1;
		return NULL;
	}
	*keys = quote[1] ? quote + 2 : NULL;
	*quote = '\0';
	(void)memmove(value + 1, value + 2, (size_t)(quote - value - 1));
	return pair;
}

int config_inline_keys(char *keys, enum config_section section,
		       int (*set)(void *object, enum config_key_id key, const char *value,
				  struct error_text *error),
		       void *object, struct error_text *error)
{
	const char *unbalanced = NULL;
	char *pair;

	while ((pair = pair_next(&keys, &unbalanced))) {
		char *value = strchr(pair, '=');
		char guess[CONFIG_GUESS_SIZE];
		int result;

		if (!value || !value[1]) {
			error_text_set(error, "expected KEY=VALUE behind the comma, not \"%.60s\"",
				       pair);
			return -EINVAL;
		}
		*value++ = '\0';
		result = config_key_find(section, pair, true, guess);
		if (result < 0) {
			error_text_set(error, "unknown key \"%.60s\"%s", pair, guess);
			return -EINVAL;
		}
		result = set(object, (enum config_key_id)result, value, error);
		if (result < 0)
			return result;
	}
	if (!unbalanced)
		return 0;
	error_text_set(error, "expected a quote at the end of the value %.60s", unbalanced);
	return -EINVAL;
}
