/* config_guess.h - "did you mean", for options and keys.
 *
 * Place: called where a name is unknown, for the hint of the message. */
#ifndef CONFIG_GUESS_H
#define CONFIG_GUESS_H

#include "word_distance.h"

#define CONFIG_GUESS_SIZE 64

/* As word_distance_offer(). The front half of a long name counts as alike: "active" for
 * "active-timeout". */
void config_guess_offer(struct word_nearest *nearest, const char *known);

/* ' (did you mean "..."?)', or "" if nothing is near. Returns -ENOENT. */
int config_guess_write(const struct word_nearest *nearest, char guess[static CONFIG_GUESS_SIZE]);

#endif
