/* word_distance.h - how far a mistyped word is from a known one, for "did you mean".
 *
 * Place: called where a word is unknown, never where one is known. */
#ifndef WORD_DISTANCE_H
#define WORD_DISTANCE_H

#include <stddef.h>

/* Letters to insert, remove, replace or swap with the next one to turn 'typed' (of 'length'
 * characters) into 'known'. SIZE_MAX for words longer than 31 characters. */
size_t word_distance(const char *typed, size_t length, const char *known);

/* The known word that is most like a mistyped one: begin, offer all known words, read 'best'. */
struct word_nearest {
	const char *typed; /* borrowed */
	size_t length;
	const char *best; /* borrowed from an offer; NULL: none is near */
	size_t distance;  /* of 'best' */
};

struct word_nearest word_distance_begin(const char *typed, size_t length);

/* Kept if nearer than all before, and near enough to be suggested: about a third of its letters may
 * differ. */
void word_distance_offer(struct word_nearest *nearest, const char *known);

/* The same for a word that the caller finds alike: as if one letter differed. */
void word_distance_offer_alike(struct word_nearest *nearest, const char *known);

#endif
