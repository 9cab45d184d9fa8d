/* printable.c - which characters only show something. */
#include "printable.h"

#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Unicode: the ranges that do something else than show; all below U+10000. */
static const struct {
	uint32_t first, last;
} commands[] = {
	{ 0x00, 0x1f },     /* C0 */
	{ 0x7f, 0x9f },     /* DEL, C1 */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x200e, 0x200f }, /* left-to-right and right-to-left marks */
	{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings, overrides */
	{ 0x2066, 0x2069 }, /* isolates */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xfff9, 0xfffb }, /* interlinear annotation */
};

/* Of a character of UTF-8 that is whole and valid. */
static uint32_t code_point(const unsigned char *bytes, size_t size)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = bytes[0] & masks[size];

	for (size_t i = 1; i < size; i++)
		point = point << 6 | (bytes[i] & 0x3f);
	return point;
}

static bool is_command(uint32_t point)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (point >= commands[i].first && point <= commands[i].last)
			return true;
	return false;
}

size_t printable_size(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	const size_t size = length ? utf8_character_size(bytes, length) : 0;

	return size && !is_command(code_point(bytes, size)) ? size : 0;
}

char *printable_escape(char *to, const char *character, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint32_t point = code_point((const unsigned char *)character, size);

	*to++ = '\\';
	*to++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = digits[point >> shift & 0x0f];
	return to;
}

void printable_make(char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		size_t size = printable_size(text, length);

		if (!size) {
			*text = '?';
			size = 1;
		}
		text += size;
		length -= size;
	}
}
