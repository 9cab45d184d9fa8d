/* json_text.c - strings and times as JSON values. */
#include "json_text.h"

#include "printable.h"
#include "utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *json_text(const char *text)
{
	json_t *value;
	char *copy;

	if (!text)
		return json_null();
	value = json_string(text); /* refuses what is not UTF-8 */
	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (size_t i = 0, length = strlen(copy); i < length;) {
		const size_t size = utf8_character_size((const uint8_t *)copy + i, length - i);

		if (!size)
			copy[i] = '?';
		i += size ? size : 1;
	}
	value = json_string(copy);
	free(copy);
	return value;
}

/* One of ASCII. Returns the new end. */
static char *write_ascii(char *to, char character)
{
	if ((unsigned char)character < 0x20)
		return printable_escape(to, &character, 1);
	if (character == '"' || character == '\\')
		*to++ = '\\';
	*to++ = character;
	return to;
}

char *json_text_write(char *to, const char *text)
{
	size_t length = strlen(text);

	*to++ = '"';
	while (length) {
		size_t size = utf8_character_size((const uint8_t *)text, length);

		if (size == 1) {
			to = write_ascii(to, *text);
		} else if (size && !printable_size(text, length)) {
			to = printable_escape(to, text, size);
		} else if (size) {
			memcpy(to, text, size);
			to += size;
		} else {
			*to++ = '?';
			size = 1;
		}
		text += size;
		length -= size;
	}
	*to++ = '"';
	return to;
}

const char *json_time_format(unix_ms time, char text[static JSON_TIME_SIZE])
{
	int64_t milliseconds = time % 1000;
	time_t seconds = (time_t)(time / 1000);
	struct tm broken_down;

	/* Before 1970 the division must round down, so that the fraction is never negative. */
	if (milliseconds < 0) {
		milliseconds += 1000;
		seconds--;
	}
	if (!gmtime_r(&seconds, &broken_down) || broken_down.tm_year > 9999 - 1900 ||
	    broken_down.tm_year < -1900) {
		(void)snprintf(text, JSON_TIME_SIZE, "-"); /* RFC 3339 has years 0 to 9999 only */
		return text;
	}
	(void)snprintf(text, JSON_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		       (unsigned int)(broken_down.tm_year + 1900) % 10000u,
		       (unsigned int)(broken_down.tm_mon + 1) % 100u,
		       (unsigned int)broken_down.tm_mday % 100u,
		       (unsigned int)broken_down.tm_hour % 100u,
		       (unsigned int)broken_down.tm_min % 100u,
		       (unsigned int)broken_down.tm_sec % 100u, (unsigned int)milliseconds % 1000u);
	return text;
}
