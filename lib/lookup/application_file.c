/* application_file.c - lines of words.
 *
 * Comes before the exporter: the agent reads the file at start. The first wrong line ends the
 * parsing: half a table would misname traffic without anybody noticing. */
#include "application_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LINE_SIZE 512 /* without comment */
#define BLANKS    " \t\r\v\f"

struct ports {
	unsigned int protocols;
	uint16_t first, last;
};

static unsigned int protocols_of(const char *text, size_t length)
{
	static const char *const names[] = { "tcp", "udp", "sctp", "dccp", "udplite" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0)
			return 1u << i;
	return 0;
}

/* Take a port from the front of a text; '*text' moves past it. */
static bool take_port(const char **text, uint16_t *port)
{
	uint32_t number = 0;
	const char *next = *text;

	while (isdigit((unsigned char)*next) && number <= UINT16_MAX)
		number = number * 10 + (uint32_t)(*next++ - '0');
	if (next == *text || number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	*text = next;
	return true;
}

/* "443", "6000-6063", "tcp/443" */
static bool ports_parse(const char *text, struct ports *ports)
{
	const char *slash = strchr(text, '/');

	ports->protocols = APPLICATION_all;
	if (slash) {
		ports->protocols = protocols_of(text, (size_t)(slash - text));
		text = slash + 1;
	}
	if (!ports->protocols || !take_port(&text, &ports->first))
		return false;
	ports->last = ports->first;
	if (*text == '-') {
		text++;
		if (!take_port(&text, &ports->last) || ports->last < ports->first)
			return false;
	}
	return !*text;
}

/* "443/tcp"; no protocols if we do not know it. */
static bool service_parse(const char *text, struct ports *ports)
{
	if (!take_port(&text, &ports->first) || *text != '/' || !isalpha((unsigned char)text[1]))
		return false;
	ports->last = ports->first;
	ports->protocols = protocols_of(text + 1, strlen(text + 1));
	return true;
}

static bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	for (const char *next = name; *next; next++)
		if (!isgraph((unsigned char)*next) && !(*next & 0x80))
			return false;
	return length > 0 && length < APPLICATION_NAME_SIZE;
}

/* Words of a line. Returns how many, at most 'capacity'; the rest is left out. */
static size_t split(char *line, char **words, size_t capacity)
{
	size_t count = 0;
	char *word;

	while (count < capacity && (word = strsep(&line, BLANKS)))
		if (*word)
			words[count++] = word;
	return count;
}

static int add(struct application_table *table, const struct ports *ports, const char *name,
	       const char **expected)
{
	int result;

	if (!name_is_valid(name)) {
		*expected = "a name of at most 31 bytes";
		return -EINVAL;
	}
	if (!ports->protocols)
		return 0;
	result = application_table_add(table, ports->protocols, ports->first, ports->last, name);
	*expected = result == -ENOSPC ? "at most 65535 applications" : "more memory";
	return result;
}

/* 'line' is cut into words. '*expected' says what would have been right. */
static int parse_line(struct application_table *table, char *line, const char **expected)
{
	struct ports ports;
	char *words[3];
	const size_t count = split(line, words, 3);

	if (count == 0)
		return 0;
	*expected = "[PROTOCOL/]PORT[-PORT] NAME, or NAME PORT/PROTOCOL";
	if (count >= 2 && ports_parse(words[0], &ports))
		return count == 2 ? add(table, &ports, words[1], expected) : -EINVAL;
	if (count >= 2 && service_parse(words[1], &ports))
		return add(table, &ports, words[0], expected);
	return -EINVAL;
}

/* One line without its end; 'text' need not end in NUL. */
static int parse_text(struct application_table *table, const char *text, size_t length,
		      const char **expected)
{
	const char *comment = length ? memchr(text, '#', length) : NULL;
	char line[LINE_SIZE];

	if (comment)
		length = (size_t)(comment - text);
	if (length >= sizeof(line) || (length && memchr(text, 0, length))) {
		*expected = "a line of text of at most 511 bytes";
		return -EINVAL;
	}
	memcpy(line, text, length);
	line[length] = '\0';
	return parse_line(table, line, expected);
}

struct application_table *application_file_parse(const char *name, const char *text, size_t size,
						 struct error_text *error)
{
	struct application_table *table = application_table_create();
	const char *end = text + size;
	const char *expected = "more memory";
	int result = table ? 0 : -ENOMEM;
	size_t line = 1;

	for (; !result && text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const size_t length = (size_t)((newline ? newline : end) - text);

		result = parse_text(table, text, length, &expected);
		if (result) {
			char quote[ERROR_QUOTE_SIZE];

			error_text_set(error, "%.100s:%zu: \"%s\", expected %s", name, line,
				       error_text_quote(text, length, quote), expected);
		}
		text = newline ? newline + 1 : end;
	}
	if (!table)
		error_text_set(error, "%.100s:1: no memory", name);
	if (!result)
		return table;
	application_table_destroy(table);
	return NULL;
}
