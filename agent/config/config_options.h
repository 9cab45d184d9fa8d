/* config_options.h - the table config_options.def in memory.
 *
 * Place: argv and file text -> (option, value, origin) -> config_apply() -> struct config. Only
 * config_*.c and the generator of manuals and completions include this. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config.h"
#include "config_guess.h"
#include "units.h"

#include <stdio.h>

enum config_group {
	GROUP_sources,
	GROUP_export,
	GROUP_flows,
	GROUP_running,
	GROUP_actions,
	CONFIG_GROUP_COUNT
};

enum config_option_flags {
	OPTION_LIST = 1,   /* may repeat, values add up */
	OPTION_LINE = 2,   /* command line only, no key of the file */
	OPTION_ACTION = 8, /* has no value to show */
};

struct config_option;

/* How the value of an option is read and written. */
struct config_type {
	/* Take over 'value' (not empty). Returns 0, or a negative errno with 'error' saying what
	 * was expected; the caller puts option and value before it. -EOPNOTSUPP: right usage that
	 * cannot be served. */
	int (*parse)(struct config *config, const struct config_option *option, const char *value,
		     struct error_text *error);
	/* Write the current value; nothing if it is unset. NULL for actions. */
	void (*format)(const struct config *config, const struct config_option *option, FILE *out);
	/* What a shell may offer: words, or one of "FILE" and "INTERFACE"; NULL for nothing. */
	const char *completion;
};

struct config_option {
	const char *name;     /* long name; key of the file */
	const char *argument; /* NULL: takes none */
	const struct config_type *type;
	struct units_range range;
	size_t member;            /* offset in struct config, for the types that are shared */
	size_t size;              /* of that member */
	const char *default_text; /* NULL: none */
	const char *help;         /* sentences; the first one is enough for --help */
	enum config_group group;
	unsigned int flags; /* enum config_option_flags */
	bool needs_restart; /* a running agent keeps its value when it reads the files again */
	char letter;        /* 0: none */
};

enum config_option_id {
#define CONFIG_OPTION(identifier, ...) OPTION_##identifier,
#include "config_options.def"
	CONFIG_OPTION_COUNT
};

extern const struct config_option config_options[CONFIG_OPTION_COUNT];
extern const char *const config_group_titles[CONFIG_GROUP_COUNT];

struct config_timeout {
	const char *name;
	enum expiry_class class;
	const char *default_text;
	const char *help;
};

#define CONFIG_TIMEOUT_COUNT EXPIRY_CLASS_COUNT
extern const struct config_timeout config_timeouts[CONFIG_TIMEOUT_COUNT];

/* Find an option by its long name. Returns its number, or -ENOENT with ' (did you mean "..."?)' in
 * 'guess', or "" if nothing is near. With 'for_file' only what may stand in a file is found. */
int config_option_find(const char *name, bool for_file, char guess[static CONFIG_GUESS_SIZE]);
/* Whether an option, by its number, says sources or collectors: things with keys of their own. */
bool config_option_is_of_objects(int option);

/* Types: config_types.c, config_source.c, config_collector.c, config_timeout.c,
 * config_flow_key.c. */
extern const struct config_type config_type_text, config_type_path, config_type_control,
	config_type_address, config_type_number, config_type_duration, config_type_rate,
	config_type_refresh, config_type_start_delay, config_type_version, config_type_level,
	config_type_flag, config_type_owner, config_type_superpackets, config_type_switch;
#define CAPTURE_SOURCE(option, type, ...) extern const struct config_type config_type_source_##type;
#include "capture_sources.def"
extern const struct config_type config_type_collector;
extern const struct config_type config_type_timeout, config_type_active;
extern const struct config_type config_type_if_map;
extern const struct config_type config_type_flow_key, config_type_prefix;

#endif
