/* encoder.c - the list of export protocols. */
#include "encoder.h"

static const struct encoder_type *const encoders[] = {
	&encoder_netflow5,
	&encoder_netflow9,
	&encoder_ipfix,
};

const struct encoder_type *encoder_find(uint8_t version)
{
	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		if (encoders[i]->version == version)
			return encoders[i];
	return NULL;
}
