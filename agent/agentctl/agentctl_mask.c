/* agentctl_mask.c - secrets out of a text. */
#include "agentctl_mask.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const words[] = { "password", "passphrase", "passwd",   "secret",
				     "token",    "credential", "community" };

/* Where the first such word of a line begins; 'length' characters. NULL: there is none. */
static char *find_word(char *line, size_t length)
{
	for (size_t at = 0; at < length; at++)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i]) <= length - at &&
			    strncasecmp(line + at, words[i], strlen(words[i])) == 0)
				return line + at;
	return NULL;
}

static void star(char *from, const char *end)
{
	for (; from < end; from++)
		if (*from != ' ' && *from != '\t' && *from != '\r')
			*from = '*';
}

/* All after the word and its sign, to the end of the line: a value may have blanks. */
static void mask_line(char *line, size_t length)
{
	char *const end = line + length;
	char *value = find_word(line, length);

	if (!value)
		return;
	value += strcspn(value, "=: \t\n");
	value += strspn(value, "=: \t");
	star(value, end);
}

void agentctl_mask(char *text)
{
	bool is_pem = false;

	while (*text) {
		const size_t length = strcspn(text, "\n");

		if (strncmp(text, "-----", 5) == 0)
			is_pem = strncmp(text, "-----BEGIN", 10) == 0;
		else if (is_pem)
			star(text, text + length);
		else
			mask_line(text, length);
		text += length;
		text += *text == '\n';
	}
}
