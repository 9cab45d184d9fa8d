/* asn_file.c - text of pmacct's networks_file -> asn_table.
 *
 * Comes before the exporter: the agent reads the file at start and on reload. One line is one
 * prefix; each is copied into a buffer on the stack and cut there, so 'text' is never written and
 * need not end in NUL. The first wrong line ends the parsing: half a table would misattribute
 * traffic without anybody noticing. */
#include "asn_file.h"

#include "address.h"

#include <errno.h>
#include <string.h>

/* Next hop, two AS numbers, prefix and generous blanks; comments do not count. */
#define LINE_SIZE 256

struct line_fields {
	char *next_hop; /* NULL if not given */
	char *as_numbers;
	char *prefix;
};

/* Where we are, for errors. */
struct position {
	const char *name;
	size_t line;
};

static int fail(struct error_text *error, const struct position *position, const char *what,
		const char *value, const char *expected)
{
	char quote[ERROR_QUOTE_SIZE];

	error_text_set(error, "%.100s:%zu: %s \"%s\", expected %s", position->name, position->line,
		       what, error_text_quote(value, strlen(value), quote), expected);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static char *trim(char *text)
{
	size_t length;

	while (is_blank(*text))
		text++;
	length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* Cut a line at its commas. With two fields the first is a next hop if it is an address: an AS
 * number has neither a colon nor three dots. */
static int split_fields(char *line, struct line_fields *fields)
{
	uint8_t address[16];
	char *parts[3];
	size_t count = 0;

	for (char *rest = line; rest; count++) {
		char *part = strsep(&rest, ",");

		if (count == 3)
			return -EINVAL;
		parts[count] = trim(part);
	}
	*fields = (struct line_fields){ .prefix = parts[count - 1] };
	if (count == 3) {
		fields->next_hop = parts[0];
		fields->as_numbers = parts[1];
	} else if (count == 2 && address_parse(parts[0], address) > 0) {
		fields->next_hop = parts[0];
	} else if (count == 2) {
		fields->as_numbers = parts[0];
	}
	return 0;
}

/* "ORIGIN" or "PEER_ORIGIN". */
static int parse_as_numbers(char *text, struct asn_entry *entry)
{
	char *origin = strchr(text, '_');

	if (!origin)
		return as_number_parse(text, &entry->as_number);
	*origin++ = '\0';
	if (as_number_parse(text, &entry->peer_as_number) < 0)
		return -EINVAL;
	return as_number_parse(origin, &entry->as_number);
}

static int parse_line(struct asn_table *table, char *line, const struct position *position,
		      struct error_text *error)
{
	struct asn_entry entry = { 0 };
	struct line_fields fields;
	struct prefix prefix;
	char whole[LINE_SIZE];
	int result;

	(void)strcpy(whole, line); /* splitting cuts 'line'; the error shows all of it */
	if (split_fields(line, &fields) < 0)
		return fail(error, position, "too many commas in", whole,
			    "[NEXTHOP,][[PEERAS_]ORIGINAS,]NETWORK/MASK");
	if (prefix_parse(fields.prefix, &prefix) < 0)
		return fail(error, position, "bad prefix", fields.prefix,
			    "NETWORK/MASK with a mask of at most 32 (IPv4) or 128 (IPv6)");
	entry.prefix_length = prefix.length;

	if (fields.as_numbers && parse_as_numbers(fields.as_numbers, &entry) < 0)
		return fail(error, position, "bad AS number in", whole,
			    "ORIGINAS or PEERAS_ORIGINAS, each 0 to 4294967295");
	if (fields.next_hop) {
		entry.has_next_hop = true;
		if (address_parse(fields.next_hop, entry.next_hop) != prefix.ip_version)
			return fail(error, position, "bad next hop", fields.next_hop,
				    prefix.ip_version == 4 ? "an IPv4 address" : "an IPv6 address");
	}
	result = asn_table_add(table, prefix.ip_version, prefix.address, &entry);
	if (result < 0)
		error_text_set(error, "%.100s:%zu: out of memory for the table", position->name,
			       position->line);
	return result;
}

/* The part of a line before its comment and line end, without blanks around it. Returns its start
 * and sets the length. */
static const char *line_content(const char *line, size_t *length)
{
	size_t end = 0;

	while (end < *length && line[end] != '!' && line[end] != '#')
		end++;
	while (end > 0 && is_blank(line[end - 1]))
		end--;
	while (end > 0 && is_blank(*line)) {
		line++;
		end--;
	}
	*length = end;
	return line;
}

static int parse_lines(struct asn_table *table, const char *name, const char *text, size_t size,
		       struct error_text *error)
{
	struct position position = { .name = name };

	for (size_t start = 0, end; start < size; start = end + 1) {
		const char *line_end = memchr(text + start, '\n', size - start);
		const char *content;
		char line[LINE_SIZE];
		size_t length;
		int result;

		end = line_end ? (size_t)(line_end - text) : size;
		length = end - start;
		content = line_content(text + start, &length);
		position.line++;
		if (length == 0)
			continue;
		if (length >= sizeof(line) || memchr(content, '\0', length)) {
			error_text_set(error, "%.100s:%zu: line of %zu characters, %s", name,
				       position.line, length,
				       length >= sizeof(line) ? "expected a single prefix"
							      : "expected text, found a NUL byte");
			return -EINVAL;
		}
		memcpy(line, content, length);
		line[length] = '\0';
		result = parse_line(table, line, &position, error);
		if (result < 0)
			return result;
	}
	return 0;
}

struct asn_table *asn_file_parse(const char *name, const char *text, size_t size,
				 struct error_text *error)
{
	struct asn_table *table = asn_table_create();

	if (!table) {
		error_text_set(error, "%.100s: out of memory for the table", name);
		return NULL;
	}
	if (parse_lines(table, name, text, size, error) < 0)
		goto failed;
	if (asn_table_freeze(table) < 0) {
		error_text_set(error, "%.100s: out of memory for the table", name);
		goto failed;
	}
	return table;

failed:
	asn_table_destroy(table);
	return NULL;
}
