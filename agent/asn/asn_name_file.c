/* asn_name_file.c - see asn_name_file.h. Place: an input of flowagent-asn; names go into the table
 * and come out in agentctl. */
#include "asn_name_file.h"

#include "address.h"
#include "printable.h"
#include "utf8.h"

#include <errno.h>
#include <string.h>

#define LINE_SIZE 1024 /* the longest names have some 220 bytes */

/* Where a line is, and what is made of it. */
struct name_line {
	uint32_t as_number;
	char name[2 * LINE_SIZE]; /* UTF-8; Latin-1 may double */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* The first field of a CSV file: '"' stands around it if it has a comma, and twice for itself. */
static char *unquote(char *field)
{
	char *to = field;

	if (*field != '"') {
		field[strcspn(field, ",")] = '\0';
		return field;
	}
	for (const char *from = field + 1; *from; from++) {
		if (*from == '"' && *++from != '"')
			break;
		*to++ = *from;
	}
	*to = '\0';
	return field;
}

static bool is_utf8(const char *text)
{
	const size_t length = strlen(text);

	for (size_t i = 0; i < length;) {
		const size_t size = utf8_character_size((const uint8_t *)text + i, length - i);

		if (size == 0)
			return false;
		i += size;
	}
	return true;
}

/* Copy a name as UTF-8, cut after a whole character. 'name' has twice the room of 'text'. */
static void copy_name(char *name, const char *text)
{
	const bool is_latin1 = !is_utf8(text);
	size_t length = 0;

	for (const unsigned char *next = (const unsigned char *)text; *next; next++) {
		if (is_latin1 && *next >= 0x80) {
			name[length++] = (char)(0xc0 | *next >> 6);
			name[length++] = (char)(0x80 | (*next & 0x3f));
		} else {
			name[length++] = (char)*next;
		}
	}
	if (length >= ASN_NAME_SIZE)
		for (length = ASN_NAME_SIZE - 1; ((unsigned char)name[length] & 0xc0) == 0x80;)
			length--;
	name[length] = '\0';
	printable_make(name);
}

/* Cut a line. Returns false if it cannot be read. */
static bool parse_line(char *line, struct name_line *parsed)
{
	const size_t length = strcspn(line, " \t,");
	const char separator = line[length];
	char *name;

	if (!separator)
		return false;
	line[length] = '\0';
	if (as_number_parse(line, &parsed->as_number) < 0)
		return false;
	name = trim(line + length + 1);
	if (separator == ',')
		name = trim(unquote(name));
	if (*name == '\0')
		return false;
	copy_name(parsed->name, name);
	return true;
}

/* Headings of a CSV file stand in its first line. */
static bool is_passed_over(const char *line, size_t number)
{
	return *line == '\0' || strchr("#!;", *line) ||
	       (number == 1 && strncasecmp(line, "as", 2) == 0 && !strpbrk(line, "0123456789"));
}

static void note_wrong(struct asn_name_file_result *result, const char *name, size_t number,
		       const char *line, size_t length)
{
	char quote[ERROR_QUOTE_SIZE];

	if (result->wrong_lines++ == 0)
		error_text_set(&result->first_wrong,
			       "%.200s:%zu: \"%s\", expected an AS number and a name", name, number,
			       error_text_quote(line, length, quote));
}

static int add_line(struct asn_builder *builder, const char *name, size_t number, const char *text,
		    size_t length, struct asn_name_file_result *result)
{
	struct name_line parsed;
	char line[LINE_SIZE];
	char *content;

	if (length >= sizeof(line))
		length = sizeof(line) - 1; /* a name is cut shorter still */
	memcpy(line, text, length);
	line[length] = '\0';
	content = trim(line);
	if (is_passed_over(content, number))
		return 0;
	if (!parse_line(content, &parsed)) {
		note_wrong(result, name, number, text, length);
		return 0;
	}
	result->names++;
	return asn_builder_name(builder, parsed.as_number, parsed.name);
}

int asn_name_file_add(struct asn_builder *builder, const char *name, const char *text, size_t size,
		      struct asn_name_file_result *result, struct error_text *error)
{
	size_t number = 0;

	*result = (struct asn_name_file_result){ .names = 0 };
	for (size_t start = 0, end; start < size; start = end + 1) {
		const char *line_end = memchr(text + start, '\n', size - start);

		end = line_end ? (size_t)(line_end - text) : size;
		if (add_line(builder, name, ++number, text + start, end - start, result) < 0) {
			error_text_set(error, "%.200s: out of memory", name);
			return -ENOMEM;
		}
	}
	if (result->wrong_lines > result->names / ASN_NAME_FILE_LINES_PER_WRONG) {
		*error = result->first_wrong;
		error_text_hint(error,
				"lines that cannot be read: %zu, beside %zu names; at most one in "
				"%d is passed over",
				result->wrong_lines, result->names, ASN_NAME_FILE_LINES_PER_WRONG);
		return -EINVAL;
	}
	return 0;
}
