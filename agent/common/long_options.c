/* long_options.c - see long_options.h. */
#include "long_options.h"

#include "word_distance.h"

#include <string.h>

void long_options_letters(const struct option *options, char *letters)
{
	*letters++ = ':';
	for (; options->name; options++) {
		if (options->val >= 256)
			continue;
		*letters++ = (char)options->val;
		if (options->has_arg == required_argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

const char *long_options_nearest(const struct option *options, const char *word)
{
	const char *const name = word + strspn(word, "-");
	struct word_nearest nearest = word_distance_begin(name, strcspn(name, "="));

	for (; options->name; options++)
		word_distance_offer(&nearest, options->name);
	return nearest.best;
}
