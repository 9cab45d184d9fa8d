/* config_key_types.c - types of keys that say nothing but what is in their row.
 *
 * Place: config_options.def -> here. A value lands in the member that the row names. */
#include "config_keys.h"
#include "config_options.h"
#include "config_text.h"

#include <stdlib.h>

static void *member_of(void *object, const struct config_key *key)
{
	return (char *)object + key->member;
}

static const void *member_read(const void *object, const struct config_key *key)
{
	return (const char *)object + key->member;
}

static int text_parse(void *object, const struct config_key *key, const char *value,
		      struct error_text *error)
{
	return config_text_replace(member_of(object, key), value, error);
}

const char *config_key_text_format(const void *object, const struct config_key *key,
				   char text[static UNITS_TEXT_SIZE])
{
	const char *const *member = member_read(object, key);

	(void)text;
	return *member;
}

void config_key_text_clear(void *object, const struct config_key *key)
{
	char **member = member_of(object, key);

	free(*member);
	*member = NULL;
}

const struct config_key_type config_key_type_text = { text_parse, config_key_text_format,
						      config_key_text_clear, NULL, false };
const struct config_key_type config_key_type_file = { text_parse, config_key_text_format,
						      config_key_text_clear, "FILE", false };

static const char *range_format(const struct config_key *key, uint64_t value,
				char text[static UNITS_TEXT_SIZE])
{
	return units_format(key->range.unit, value, text);
}

/* Numbers of each size; 'unsaid' is the value that stands for nothing. */
#define NUMBER_TYPE(name, type, unsaid)                                                            \
	static int name##_parse(void *object, const struct config_key *key, const char *value,     \
				struct error_text *error)                                          \
	{                                                                                          \
		type *member = member_of(object, key);                                             \
		uint64_t number;                                                                   \
		const int result = units_range_parse(&key->range, value, &number, error);          \
                                                                                                   \
		if (!result)                                                                       \
			*member = (type)number;                                                    \
		return result;                                                                     \
	}                                                                                          \
	static const char *name##_format(const void *object, const struct config_key *key,         \
					 char text[static UNITS_TEXT_SIZE])                        \
	{                                                                                          \
		const type *member = member_read(object, key);                                     \
                                                                                                   \
		return *member == (type)(unsaid) ? NULL                                            \
						 : range_format(key, (uint64_t)*member, text);     \
	}                                                                                          \
	const struct config_key_type config_key_type_##name = { name##_parse, name##_format, NULL, \
								NULL, false }

NUMBER_TYPE(number, uint32_t, 0);
NUMBER_TYPE(byte, uint8_t, 0);
NUMBER_TYPE(large, uint64_t, 0);
NUMBER_TYPE(optional, int64_t, -1);

static int switch_parse(void *object, const struct config_key *key, const char *value,
			struct error_text *error)
{
	return config_text_switch(member_of(object, key), value, error);
}

static const char *switch_format(const void *object, const struct config_key *key,
				 char text[static UNITS_TEXT_SIZE])
{
	const bool *member = member_read(object, key);

	(void)text;
	return *member ? "on" : NULL;
}

const struct config_key_type config_key_type_switch = { switch_parse, switch_format, NULL, NULL,
							false };

static int unless_parse(void *object, const struct config_key *key, const char *value,
			struct error_text *error)
{
	bool *member = member_of(object, key);
	bool is_on;
	const int result = config_text_switch(&is_on, value, error);

	if (!result)
		*member = !is_on;
	return result;
}

static const char *unless_format(const void *object, const struct config_key *key,
				 char text[static UNITS_TEXT_SIZE])
{
	const bool *member = member_read(object, key);

	(void)text;
	return *member ? "off" : NULL;
}

const struct config_key_type config_key_type_unless = { unless_parse, unless_format, NULL, NULL,
							false };
