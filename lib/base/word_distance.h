/* word_distance.h - how far a mistyped word is from a known one, for "did you mean". */
#ifndef WORD_DISTANCE_H
#define WORD_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>

/* Letters to insert, remove, replace or swap with the next one to turn 'typed' (of 'length'
 * characters) into 'known'. SIZE_MAX for words longer than 31 characters. */
size_t word_distance(const char *typed, size_t length, const char *known);

/* Whether a word at this distance is worth suggesting: about a third of its letters may differ. */
bool word_distance_is_near(size_t distance, const char *known);

#endif
