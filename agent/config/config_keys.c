/* config_keys.c - the rows of config_options.def that are keys of sources and collectors, and the
 * walks over them. */
#include "config_keys.h"

#include "capture.h"
#include "config.h"
#include "config_options.h"

#include <string.h>

/* The words of the table's column. */
#define RELOAD  false
#define RESTART true

/* clang-format off */
const struct config_key config_keys[CONFIG_KEY_COUNT] = {
#define CONFIG_KEY(section_, identifier_, name_, inline_, argument_, unit_, minimum_, maximum_, help_)                \
	[KEY_##section_##_##identifier_] = {                                                                           \
		.section = SECTION_##section_, .name = name_, .inline_name = inline_, .argument = argument_,           \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.needs_restart = RESTART, .help = help_,                                                               \
	},
#define COLLECTOR_KEY(identifier_, name_, inline_, argument_, type_, member_, unit_, minimum_, maximum_, default_,    \
		      reload_, help_)                                                                                          \
	[KEY_collector_##identifier_] = {                                                                              \
		.section = SECTION_collector, .name = name_, .inline_name = inline_, .argument = argument_,            \
		.type = &config_key_type_##type_, .member = offsetof(struct config_collector, member_),                \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.default_text = default_, .needs_restart = reload_, .help = help_,                                     \
	},
#define SOURCE_KEY(identifier_, name_, inline_, argument_, type_, member_, needs_, unit_, minimum_, maximum_,         \
		   default_, reload_, help_)                                                                                 \
	[KEY_source_##identifier_] = {                                                                                 \
		.section = SECTION_source, .name = name_, .inline_name = inline_, .argument = argument_,               \
		.type = &config_key_type_##type_, .member = offsetof(struct source_config, member_),                   \
		.size = sizeof(((struct source_config *)NULL)->member_), .needs = CAPTURE_KEY_##needs_,                                                                         \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.default_text = default_, .needs_restart = reload_, .help = help_,                                     \
	},
#include "config_options.def"
};
/* clang-format on */

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
		config_guess_offer(&nearest, is_inline ? key->inline_name : key->name);
	}
	return config_guess_write(&nearest, guess);
}

int config_key_parse(void *object, enum config_key_id key, const char *value,
		     struct error_text *error)
{
	return config_keys[key].type->parse(object, &config_keys[key], value, error);
}

int config_key_set(void *object, enum config_key_id key, const char *value,
		   struct error_text *error)
{
	struct error_text why = { .text = "" };
	const int result = config_key_parse(object, key, value, &why);

	if (result)
		error_text_set(error, "%s: %s", config_keys[key].name, why.text);
	return result;
}

/* What is shown is what is read: so the one is the way of the other. */
int config_keys_take(void *object, const void *from, enum config_section section,
		     struct error_text *error)
{
	int result = 0;

	for (int i = 0; !result && i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		char text[UNITS_TEXT_SIZE];
		const char *value;

		if (key->section != section || !key->type)
			continue;
		value = key->type->format(from, key, text);
		if (value)
			result = config_key_set(object, (enum config_key_id)i, value, error);
	}
	return result;
}

void config_keys_format(const void *object, enum config_section section, FILE *out)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		char text[UNITS_TEXT_SIZE];
		const char *value;
		const char *quote;

		if (key->section != section || !key->inline_name || !key->type)
			continue;
		value = key->type->format(object, key, text);
		quote = key->type->is_quoted ? "\"" : "";
		if (value)
			(void)fprintf(out, ",%s=%s%s%s", key->inline_name, quote, value, quote);
	}
}

void config_keys_clear(void *object, enum config_section section)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++)
		if (config_keys[i].section == section && config_keys[i].type &&
		    config_keys[i].type->clear)
			config_keys[i].type->clear(object, &config_keys[i]);
}
