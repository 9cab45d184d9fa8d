/* config_rights.c - see config_rights.h. */
#include "config_rights.h"

uint64_t config_rights(const struct config *config)
{
	uint64_t needed = 0;

	for (size_t i = 0; i < config->source_count; i++)
		needed |= capture_rights_later(&config->sources[i]);
	return needed;
}
