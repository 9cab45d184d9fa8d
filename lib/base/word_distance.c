/* word_distance.c - edit distance of two short words: Levenshtein's, with swapped neighbours as one
 * edit, because that is how fingers err. Fixed tables, no allocation. */
#include "word_distance.h"

#include <stdint.h>
#include <string.h>

#define WORD_LENGTH_MAX 31

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t word_distance(const char *typed, size_t length, const char *known)
{
	/* cost[i][j]: of turning the first i letters of 'typed' into the first j of 'known'. */
	size_t cost[WORD_LENGTH_MAX + 1][WORD_LENGTH_MAX + 1];
	size_t known_length = strlen(known);

	if (length > WORD_LENGTH_MAX || known_length > WORD_LENGTH_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= length; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= known_length; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= length; i++) {
		for (size_t j = 1; j <= known_length; j++) {
			size_t replaced = cost[i - 1][j - 1] + (typed[i - 1] != known[j - 1]);

			cost[i][j] = least(replaced, least(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && typed[i - 1] == known[j - 2] &&
			    typed[i - 2] == known[j - 1])
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[length][known_length];
}

struct word_nearest word_distance_begin(const char *typed, size_t length)
{
	return (struct word_nearest){ .typed = typed, .length = length, .distance = SIZE_MAX };
}

static void offer_at(struct word_nearest *nearest, const char *known, size_t distance)
{
	if (distance >= nearest->distance || distance > (strlen(known) + 1) / 3)
		return;
	nearest->best = known;
	nearest->distance = distance;
}

void word_distance_offer(struct word_nearest *nearest, const char *known)
{
	offer_at(nearest, known, word_distance(nearest->typed, nearest->length, known));
}

void word_distance_offer_alike(struct word_nearest *nearest, const char *known)
{
	offer_at(nearest, known, 1);
}
