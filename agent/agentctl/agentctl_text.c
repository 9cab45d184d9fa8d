/* agentctl_text.c - numbers as a person reads them. */
#include "agentctl_text.h"

#include "ip_protocol.h"
#include "tcp_flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A number and its unit, with three digits at least. */
static const char *with_unit(uint64_t number, const char *unit,
			     char text[static AGENTCTL_TEXT_SIZE])
{
	static const char prefixes[] = "kMGTPE";
	size_t prefix = 0;
	uint64_t tenths;

	if (number < 10000) {
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%" PRIu64 " %s", number, unit);
		return text;
	}
	while (number >= 1000000) {
		number /= 1000;
		prefix++;
	}
	tenths = number / 100; /* of the next unit: at least 10.0 or, after a division, 1.0 */
	(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%" PRIu64 ".%" PRIu64 " %c%s", tenths / 10,
		       tenths % 10, prefixes[prefix], unit);
	return text;
}

const char *agentctl_text_bytes(uint64_t bytes, char text[static AGENTCTL_TEXT_SIZE])
{
	return with_unit(bytes, "B", text);
}

const char *agentctl_text_bitrate(uint64_t bits_per_s, char text[static AGENTCTL_TEXT_SIZE])
{
	return with_unit(bits_per_s, "b/s", text);
}

const char *agentctl_text_duration(int64_t milliseconds, char text[static AGENTCTL_TEXT_SIZE])
{
	const char *sign = milliseconds < 0 ? "-" : "";
	uint64_t ms = milliseconds < 0 ? -(uint64_t)milliseconds : (uint64_t)milliseconds;
	uint64_t s = ms / 1000;

	if (s < 10)
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%s%" PRIu64 ".%03" PRIu64 "s", sign, s,
			       ms % 1000);
	else if (s < 60)
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%s%" PRIu64 ".%" PRIu64 "s", sign, s,
			       ms % 1000 / 100);
	else if (s < 3600)
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%s%" PRIu64 "m%02" PRIu64 "s", sign,
			       s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%s%" PRIu64 "h%02" PRIu64 "m", sign,
			       s / 3600, s / 60 % 60);
	else
		(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%s%" PRIu64 "d%02" PRIu64 "h", sign,
			       s / 86400, s / 3600 % 24);
	return text;
}

const char *agentctl_text_time(int64_t unix_ms, bool is_utc, char text[static AGENTCTL_TEXT_SIZE])
{
	int64_t milliseconds = unix_ms % 1000;
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm broken_down;
	size_t length = 0;

	if (milliseconds < 0) {
		milliseconds += 1000;
		seconds--;
	}
	if (is_utc ? gmtime_r(&seconds, &broken_down) : localtime_r(&seconds, &broken_down))
		length = strftime(text, AGENTCTL_TEXT_SIZE - 8, "%Y-%m-%d %H:%M:%S", &broken_down);
	(void)snprintf(text + length, AGENTCTL_TEXT_SIZE - length, ".%03d%s", (int)milliseconds,
		       is_utc ? "Z" : "");
	return text;
}

const char *agentctl_text_protocol(int64_t protocol, char text[static AGENTCTL_TEXT_SIZE])
{
	const char *name =
		protocol >= 0 && protocol <= UINT8_MAX ? ip_protocol_name((uint8_t)protocol) : NULL;

	if (name)
		return name;
	(void)snprintf(text, AGENTCTL_TEXT_SIZE, "%" PRId64, protocol);
	return text;
}

const char *agentctl_text_flags(int64_t flags, char text[static AGENTCTL_TEXT_SIZE])
{
	static const char letters[] = TCP_FLAG_LETTERS;

	for (unsigned int i = 0; i < 8; i++)
		text[7 - i] = flags & (1 << i) ? letters[i] : '.';
	text[8] = '\0';
	return text;
}

void agentctl_text_fold(FILE *out, const char *line, size_t width, size_t indent)
{
	size_t length = strlen(line);
	size_t used = 0; /* by the indent */

	while (width > 2 * indent && used + length > width) {
		size_t end = width - used;

		while (end > 0 && line[end] != ' ')
			end--;
		if (end == 0)
			break; /* one word that is wider than the terminal */
		(void)fprintf(out, "%*s%.*s\n", (int)used, "", (int)end, line);
		while (line[end] == ' ')
			end++;
		line += end;
		length -= end;
		used = indent;
	}
	(void)fprintf(out, "%*s%s\n", (int)used, "", line);
}
