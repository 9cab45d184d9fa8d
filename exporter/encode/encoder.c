/* encoder.c - the list of export protocols. */
#include "encoder.h"

#include <stdio.h>

static const struct encoder_type *const encoders[] = {
	&encoder_netflow1, &encoder_netflow5, &encoder_netflow7,
	&encoder_netflow9, &encoder_ipfix,    &encoder_json,
};

const struct encoder_type *encoder_find(uint8_t version)
{
	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		if (encoders[i]->version == version)
			return encoders[i];
	return NULL;
}

const char *encoder_version_format(uint8_t version, char text[static ENCODER_VERSION_TEXT_SIZE])
{
	if (version == ENCODER_VERSION_JSON)
		(void)snprintf(text, ENCODER_VERSION_TEXT_SIZE, "json");
	else
		(void)snprintf(text, ENCODER_VERSION_TEXT_SIZE, "%u", (unsigned int)version);
	return text;
}
