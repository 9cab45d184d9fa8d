/* config_options.c - the rows of config_options.def, and how a name is found in them. */
#include "config_options.h"

#include "defaults.h"
#include "flow_cache.h"

#include <stdint.h>
#include <string.h>

/* The words of the table's columns. */
#define LIST    OPTION_LIST
#define LINE    OPTION_LINE
#define ACTION  OPTION_ACTION
#define RELOAD  false
#define RESTART true

/* clang-format off */
const struct config_option config_options[CONFIG_OPTION_COUNT] = {
#define CONFIG_OPTION(identifier_, group_, name_, letter_, argument_, type_, member_, unit_, minimum_, maximum_,      \
		      default_, flags_, reload_, help_)                                                               \
	[OPTION_##identifier_] = {                                                                                     \
		.name = name_, .argument = argument_, .type = &config_type_##type_,                                    \
		.range = { .unit = UNIT_##unit_, .minimum = minimum_, .maximum = maximum_ },                           \
		.member = offsetof(struct config, member_), .size = sizeof(((struct config *)NULL)->member_),          \
		.default_text = default_, .help = help_, .group = GROUP_##group_, .flags = flags_,                     \
		.needs_restart = reload_, .letter = letter_,                                                           \
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

bool config_option_is_of_objects(int option)
{
	return config_options[option].group == GROUP_sources || option == OPTION_collector;
}

int config_option_find(const char *name, bool for_file, char guess[static CONFIG_GUESS_SIZE])
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		if (for_file && (config_options[i].flags & OPTION_LINE))
			continue;
		if (!strcmp(config_options[i].name, name))
			return i;
		config_guess_offer(&nearest, config_options[i].name);
	}
	return config_guess_write(&nearest, guess);
}
