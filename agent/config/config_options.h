/* config_options.h - the table config_options.def in memory, and what the config_*.c files share.
 *
 * Stage: argv and file text -> (option, value, origin) -> config_apply() -> struct config. Only
 * config_*.c and the generator of manuals and completions include this. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config.h"
#include "config_keys.h"
#include "units.h"

#include <stdio.h>

#define CONFIG_PORT_NETFLOW 2055
#define CONFIG_CPU_AUTO     UINT32_MAX /* of source_config.cpu, until the source is added */

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
	const char *default_text; /* NULL: none */
	const char *help;         /* sentences; the first one is enough for --help */
	enum config_group group;
	unsigned int flags; /* enum config_option_flags */
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

/* Split "KEY=VALUE,KEY=VALUE" ('keys' is cut into pieces; NULL for none) and hand each pair to
 * 'set'. A value may stand in double quotes, and has then commas perhaps. Returns 0 or the first
 * error. */
int config_inline_keys(char *keys, enum config_section section,
		       int (*set)(void *object, enum config_key_id key, const char *value,
				  struct error_text *error),
		       void *object, struct error_text *error);

/* Types: config_types.c, config_source.c, config_collector.c, config_timeout.c,
 * config_flow_key.c. */
extern const struct config_type config_type_text, config_type_path, config_type_control,
	config_type_address, config_type_number, config_type_duration, config_type_rate,
	config_type_refresh, config_type_version, config_type_level, config_type_flag,
	config_type_superpackets, config_type_switch;
extern const struct config_type config_type_ulog;
#define CAPTURE_SOURCE(option, type, ...) extern const struct config_type config_type_source_##type;
#include "capture_sources.def"
extern const struct config_type config_type_collector;
extern const struct config_type config_type_timeout;
extern const struct config_type config_type_if_map;
extern const struct config_type config_type_flow_key, config_type_prefix;

/* "9" -> 9, "json" -> ENCODER_VERSION_JSON, if this build can send it. Returns 0 or -EINVAL with
 * 'error' naming what is there. */
int config_version_parse(const char *text, uint8_t *version, struct error_text *error);
/* 4 or 6 if 'text' is an address of that IP version (a zone such as %eth0 allowed), else 0. */
int config_ip_version(const char *text);
/* Whether 'text' is the address of a multicast group, which is another one on each interface. */
bool config_is_group(const char *text);
/* A numeric IPv6 address of one link only, without a zone that says of which. */
bool config_is_link_local(const char *text);
/* Replace an owned string by a copy of 'text'. Returns 0 or -ENOMEM with 'error' filled. */
int config_text_replace(char **member, const char *text, struct error_text *error);
/* "on" or "off". Returns 0, or -EINVAL with 'error' filled. */
int config_switch_parse(bool *is_on, const char *text, struct error_text *error);

/* Defaults, except what config_finish() derives. Returns 0 or -ENOMEM. */
int config_init(struct config *config, struct error_text *error);
/* Apply one value. Returns 0 or a negative errno with a complete 'error'. */
int config_apply(struct config *config, enum config_option_id option, const char *value,
		 const struct config_origin *origin, struct error_text *error);
/* Fill in what follows from other values, and check what must fit together. */
int config_finish(struct config *config, struct error_text *error);
/* "FILE:LINE: " of an origin, or "" for the command line, and the text behind it, into 'error'. */
void config_fail(struct error_text *error, const struct config_origin *origin, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));
/* Where a key of a collector stands: its own line, else where the collector does. */
const struct config_origin *config_key_origin(const struct config_collector *collector,
					      enum config_key_id key);
/* Keep a copy of a file's name for origins. Returns it, owned by the config, or NULL. */
const char *config_file_name(struct config *config, const char *name);

/* A [source "NAME"] or [collector "NAME"] section begins: make it or find it. */
int config_source_declare(struct config *config, const char *name,
			  const struct config_origin *origin, struct error_text *error);
int config_collector_declare(struct config *config, const char *name,
			     const struct config_origin *origin, struct error_text *error);
/* The option that means sources of a type. */
enum config_option_id config_source_option(const struct capture_type *type);
/* A key of it. */
int config_source_set(struct config *config, const char *name, enum config_key_id key,
		      const char *value, struct error_text *error);
int config_collector_set(struct config *config, const char *name, enum config_key_id key,
			 const char *value, const struct config_origin *origin,
			 struct error_text *error);
/* What follows from the transport of a collector, and what does not go with it. */
int config_transport_finish(const struct config *config, struct config_collector *collector,
			    struct error_text *error);
/* For --check-config: the files and the directory that its keys name can be used. */
int config_transport_check_files(const struct config_collector *collector,
				 struct error_text *error);
/* Collectors that are a path: config_path.c. */
bool config_path_is(const char *address);
int config_path_parse(struct config_collector *collector, const char *value,
		      struct error_text *error);
/* What follows from a path; then, once all is filled in, what does not go with it. */
int config_path_finish(struct config_collector *collector, struct error_text *error);
int config_path_check(const struct config *config, const struct config_collector *collector,
		      struct error_text *error);
void config_sources_clear(struct config *config);
void config_collectors_clear(struct config *config);
/* Their part of config_finish(). */
int config_sources_finish(struct config *config, struct error_text *error);
int config_collectors_finish(struct config *config, struct error_text *error);
int config_groups_finish(struct config *config, struct error_text *error);
int config_flow_key_finish(struct config *config, struct error_text *error);
/* Whether each collector can get the fields it is to get; call it behind these. */
int config_fields_finish(const struct config *config, struct error_text *error);
void config_timeouts_finish(struct config *config);

/* Source id of an instance on a machine; never 0. */
uint32_t config_source_id(const char *machine, const char *instance);

#endif
