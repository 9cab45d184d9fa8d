/* config_guess.c - "did you mean", for options and keys. */
#include "config_guess.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void config_guess_offer(struct word_nearest *nearest, const char *known)
{
	if (nearest->length >= 3 && !strncmp(nearest->typed, known, nearest->length))
		word_distance_offer_alike(nearest, known);
	else
		word_distance_offer(nearest, known);
}

int config_guess_write(const struct word_nearest *nearest, char guess[static CONFIG_GUESS_SIZE])
{
	guess[0] = '\0';
	if (nearest->best)
		(void)snprintf(guess, CONFIG_GUESS_SIZE, " (did you mean \"%s\"?)", nearest->best);
	return -ENOENT;
}
