/* config_keys.h - the table of keys: KEY=VALUE after the comma of a source or collector, and keys
 * of their sections.
 *
 * Place: config_options.def -> here -> config_pairs.c, config_file.c, config_value.c.
 *
 * One row of config_options.def says all of a key; parse, format, clear, manual and completion walk
 * the rows. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config_guess.h"
#include "error_text.h"
#include "units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config_collector;
struct config_key;

/* Sections of the file. */
enum config_section {
	SECTION_none, /* before the first one */
	SECTION_agent,
	SECTION_source,
	SECTION_collector,
	SECTION_control
};

/* How the value of a key is read, shown and freed. The object is what the key is of. */
struct config_key_type {
	/* Take over 'value' (not empty). Returns 0, or a negative errno with 'error' saying what
	 * was expected; the caller puts the key before it. */
	int (*parse)(void *object, const struct config_key *key, const char *value,
		     struct error_text *error);
	/* The value as it would be written. Returns 'text' or a text of the object; NULL where
	 * nothing was said. */
	const char *(*format)(const void *object, const struct config_key *key,
			      char text[static UNITS_TEXT_SIZE]);
	void (*clear)(void *object, const struct config_key *key); /* NULL: owns nothing */
	const char *completion; /* "FILE" or "INTERFACE"; NULL: the words of the argument */
	bool is_quoted;         /* values have blanks and commas */
};

struct config_key {
	enum config_section section;
	const char *name;
	const char *inline_name; /* NULL: not after a comma */
	const char *argument;
	const struct config_key_type *type; /* NULL: the section reads it */
	size_t member;                      /* offset in the object */
	size_t size;                        /* of that member; of a source only */
	unsigned int needs;                 /* of a source: enum capture_key */
	struct units_range range;
	const char *default_text; /* NULL: the help has it, or there is none */
	bool needs_restart;       /* as of an option */
	const char *help;
};

enum config_key_id {
#define CONFIG_KEY(section, identifier, ...) KEY_##section##_##identifier,
#define SOURCE_KEY(identifier, ...)          KEY_source_##identifier,
#define COLLECTOR_KEY(identifier, ...)       KEY_collector_##identifier,
#include "config_options.def"
	CONFIG_KEY_COUNT
};

extern const struct config_key config_keys[CONFIG_KEY_COUNT];

/* Shared types: config_key_types.c. A number that is 0, and a text that is NULL, was not said. */
extern const struct config_key_type config_key_type_text, config_key_type_file;
extern const struct config_key_type config_key_type_number;   /* uint32_t */
extern const struct config_key_type config_key_type_byte;     /* uint8_t */
extern const struct config_key_type config_key_type_large;    /* uint64_t */
extern const struct config_key_type config_key_type_optional; /* int64_t, -1: not said */
extern const struct config_key_type config_key_type_switch;   /* bool */
extern const struct config_key_type config_key_type_unless;   /* bool that "off" sets */
/* Their format and clear, for types whose member is a text that is read in a way of its own. */
const char *config_key_text_format(const void *object, const struct config_key *key,
				   char text[static UNITS_TEXT_SIZE]);
void config_key_text_clear(void *object, const struct config_key *key);
/* Types of one key: in the file that knows what it means. */
extern const struct config_key_type config_key_type_address, config_key_type_version,
	config_key_type_transport, config_key_type_own_address, config_key_type_interface,
	config_key_type_probe, config_key_type_dscp, config_key_type_fields, config_key_type_spool, config_key_type_mode,
	config_key_type_group, config_key_type_filter;
extern const struct config_key_type config_key_type_direction, config_key_type_label,
	config_key_type_packet_filter,
	config_key_type_sampling, config_key_type_cpu, config_key_type_choice,
	config_key_type_packets;

/* Find a key by its name, after a comma ('is_inline') or in the section. Returns its number, or
 * -ENOENT with ' (did you mean "..."?)' in 'guess', or "" if nothing is near. */
int config_key_find(enum config_section section, const char *name, bool is_inline,
		    char guess[static CONFIG_GUESS_SIZE]);

/* Take over, show (",key=value" for each key that was said), and free what the keys of a section
 * are of. */
int config_key_parse(void *object, enum config_key_id key, const char *value,
		     struct error_text *error);
/* The same for a key after a comma: the error begins with its name. */
int config_key_set(void *object, enum config_key_id key, const char *value,
		   struct error_text *error);
/* Let 'object' have what 'from' says, and keep the rest. Returns 0 or a negative errno. */
int config_keys_take(void *object, const void *from, enum config_section section,
		     struct error_text *error);
void config_keys_format(const void *object, enum config_section section, FILE *out);
void config_keys_clear(void *object, enum config_section section);

#endif
