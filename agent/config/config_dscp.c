/* config_dscp.c - differentiated services code points by their names.
 *
 * Place: a type of config_keys.h. */
#include "config_keys.h"

#include <errno.h>
#include <string.h>

/* IANA "Differentiated Services Field Codepoints": RFC 2474, 2597, 3246, 5865, 8622. */
static const struct {
	const char *name;
	uint8_t number;
} code_points[] = {
	{ "cs0", 0 },   { "cs1", 8 },   { "cs2", 16 },  { "cs3", 24 },         { "cs4", 32 },
	{ "cs5", 40 },  { "cs6", 48 },  { "cs7", 56 },  { "af11", 10 },        { "af12", 12 },
	{ "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 },        { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 },        { "af43", 38 },
	{ "ef", 46 },   { "le", 1 },    { "be", 0 },    { "voice-admit", 44 },
};

#define CODE_POINT_COUNT (sizeof(code_points) / sizeof(code_points[0]))

static int dscp_parse(void *object, const struct config_key *key, const char *value,
		      struct error_text *error)
{
	uint8_t *dscp = (uint8_t *)object + key->member;
	uint64_t number;

	for (size_t i = 0; i < CODE_POINT_COUNT; i++) {
		if (strcmp(code_points[i].name, value) != 0)
			continue;
		*dscp = code_points[i].number;
		return 0;
	}
	if (units_number_parse(value, &number) || number > key->range.maximum) {
		error_text_set(error,
			       "expected a number from 0 to %u, or a name such as cs1, af11 or ef",
			       (unsigned int)key->range.maximum);
		return -EINVAL;
	}
	*dscp = (uint8_t)number;
	return 0;
}

static const char *dscp_format(const void *object, const struct config_key *key,
			       char text[static UNITS_TEXT_SIZE])
{
	const uint8_t dscp = *((const uint8_t *)object + key->member);

	if (!dscp)
		return NULL;
	for (size_t i = 0; i < CODE_POINT_COUNT; i++)
		if (code_points[i].number == dscp)
			return code_points[i].name;
	return units_format(UNIT_NUMBER, dscp, text);
}

const struct config_key_type config_key_type_dscp = { dscp_parse, dscp_format, NULL, NULL, false };
