/* capture_sources.c - the list of packet sources. */
#include "capture_sources.h"

static const struct capture_type *const types[] = {
	&capture_nflog,
	&capture_interface,
	&capture_file,
};

const struct capture_type *capture_find(enum source_kind kind)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->kind == kind)
			return types[i];
	return NULL;
}
