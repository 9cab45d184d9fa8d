/* json_version.c - a number, or the name where the version has none. */
#include "json_version.h"

#include "encoder.h"

json_t *json_version(uint8_t version)
{
	char name[ENCODER_VERSION_TEXT_SIZE];

	if (version == ENCODER_VERSION_JSON)
		return json_string(encoder_version_format(version, name));
	return json_integer(version);
}
