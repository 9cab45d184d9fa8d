/* json_text.c - strings and times as JSON values. */
#include "json_text.h"

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
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The library has the check of UTF-8; what is not ASCII is rare. */
static bool is_utf8(const char *text)
{
	json_t *value = is_ascii(text) ? NULL : json_string(text);
	const bool is_valid = value || is_ascii(text);

	json_decref(value);
	return is_valid;
}

char *json_text_write(char *to, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const bool is_valid = is_utf8(text);

	*to++ = '"';
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			memcpy(to, "\\u00", 4);
			to[4] = digits[c >> 4];
			to[5] = digits[c & 0x0f];
			to += 6;
			continue;
		}
		if (c == '"' || c == '\\')
			*to++ = '\\';
		*to++ = c >= 0x80 && !is_valid ? '?' : (char)c;
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
