/* agentctl_drop.c - a row of show-drops -> reason, count, and a dump of the last packet.
 *
 * Place: agentctl_show.c gives it each row of `show drops`. */
#include "agentctl_show.h"

#include "agentctl_text.h"
#include "count_text.h"
#include "printable.h"

#include <stdio.h>
#include <string.h>

#define DUMP_LINE_BYTES 16
#define SOURCE_SIZE     300
#define INTEGER         "%" JSON_INTEGER_FORMAT

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

static int hex_digit(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : 0;
}

/* One line: offset, bytes, and what they are as text. */
static void print_dump_line(const char *hex, size_t offset, size_t count)
{
	(void)printf("    %04zx ", offset);
	for (size_t i = 0; i < DUMP_LINE_BYTES; i++) {
		if (i < count)
			(void)printf(" %c%c", hex[2 * i], hex[2 * i + 1]);
		else
			(void)printf("   ");
	}
	(void)printf("  ");
	for (size_t i = 0; i < count; i++) {
		int byte = hex_digit(hex[2 * i]) * 16 + hex_digit(hex[2 * i + 1]);

		(void)putchar(byte >= ' ' && byte <= '~' ? byte : '.');
	}
	(void)putchar('\n');
}

static void print_dump(const char *hex)
{
	size_t size = strlen(hex) / 2;

	for (size_t offset = 0; offset < size; offset += DUMP_LINE_BYTES) {
		size_t left = size - offset;

		print_dump_line(hex + 2 * offset, offset,
				left < DUMP_LINE_BYTES ? left : DUMP_LINE_BYTES);
	}
}

void agentctl_print_drop(const json_t *drop, bool is_utc)
{
	const json_t *original = json_object_get(drop, "original_bytes");
	char last[AGENTCTL_TEXT_SIZE];
	char packets[AGENTCTL_TEXT_SIZE];
	char source[SOURCE_SIZE]; /* a file may have any name */

	(void)snprintf(source, sizeof(source), "%s", text(drop, "source"));
	printable_make(source);
	(void)printf("%-16s  %s: %s\n", text(drop, "reason"),
		     count_text((uint64_t)json_integer_value(json_object_get(drop, "packets")),
				"packet", packets),
		     text(drop, "text"));
	(void)printf("    last %s  from %s  link %s  captured " INTEGER,
		     agentctl_text_time(json_integer_value(json_object_get(drop, "last_unix_ms")),
					is_utc, last),
		     source, text(drop, "link"),
		     json_integer_value(json_object_get(drop, "captured_bytes")));
	if (json_is_integer(original))
		(void)printf(" of " INTEGER, json_integer_value(original));
	(void)printf(" bytes\n");
	print_dump(text(drop, "example"));
}
