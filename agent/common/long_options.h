/* long_options.h - what getopt_long(3) needs beside its list of long options, and the option that a
 * wrong word is nearest to.
 *
 * Place: agentctl and the programs of AS tables, whose tables of options make the list. Codes below
 * 256 are letters. */
#ifndef LONG_OPTIONS_H
#define LONG_OPTIONS_H

#include <getopt.h>
#include <stddef.h>

/* Room for the letters of this many options. */
#define LONG_OPTIONS_LETTERS_SIZE(count) (2 * (count) + 2)

/* The letters of a list that an entry without a name ends, with ':' before them: the caller writes
 * the messages. */
void long_options_letters(const struct option *options, char *letters);

/* The name that the option of a word like "--otuput=x" is nearest to; NULL if none is near. */
const char *long_options_nearest(const struct option *options, const char *word);

#endif
