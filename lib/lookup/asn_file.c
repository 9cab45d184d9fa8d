/* asn_file.c - text of pmacct's networks_file -> asn_builder.
 *
 * Comes before the exporter: the agent reads the file at start and when it is replaced. One line is
 * one prefix; each is copied into a buffer on the stack and cut there, so 'text' is never written
 * and need not end in NUL. A wrong line is skipped, and the report has it: one typing error must
 * not cost the whole table. A file with many of them is none of ours, and refused: half a table
 * would misattribute traffic without anybody noticing. */
#include "asn_file.h"

#include "address.h"
#include "compression.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Next hop, two AS numbers, prefix and generous blanks; comments do not count. */
#define LINE_SIZE 256

struct line_fields {
	char *next_hop; /* NULL if not given */
	char *as_numbers;
	char *prefix;
};

/* Where we are, for errors, where prefixes go, and what was found. */
struct position {
	const char *name;
	size_t line;
	struct asn_builder *builder;    /* borrowed */
	struct asn_file_report *report; /* borrowed */
};

enum set_kind { SET_none, SET_of_one, SET_of_several, SET_malformed };

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

static bool is_between_members(char c)
{
	return c == ',' || is_blank(c);
}

/* Replace the AS set of a line, "{64501,64502}", by its first member, so that the rest can be
 * looked at. */
static enum set_kind take_set(char *line)
{
	char *open = strchr(line, '{');
	char *close = strchr(line, '}');
	char *first, *end, *next;

	if (!open && !close)
		return SET_none;
	if (!open || !close || close < open || strchr(open + 1, '{') || strchr(close + 1, '}'))
		return SET_malformed;
	for (first = open + 1; first < close && is_between_members(*first); first++)
		;
	for (end = first; end < close && !is_between_members(*end); end++)
		;
	for (next = end; next < close && is_between_members(*next); next++)
		;
	if (first == end)
		return SET_malformed;
	memmove(open, first, (size_t)(end - first));
	memmove(open + (end - first), close + 1, strlen(close + 1) + 1);
	return next < close ? SET_of_several : SET_of_one;
}

/* Columns: a run of blanks with a tab in it stands for a comma. */
static void tabs_to_commas(char *line)
{
	for (char *next = line; *next;) {
		const size_t length = strspn(next, " \t");

		if (memchr(next, '\t', length))
			*next = ',';
		next += length ? length : 1;
	}
}

/* Cut a line at its commas. With two fields the first is a next hop if it is an address: an AS
 * number has neither a colon nor three dots. */
static int split_fields(char *line, struct line_fields *fields)
{
	uint8_t address[16];
	char *parts[3];
	size_t count = 0;

	if (!strchr(line, ','))
		tabs_to_commas(line);
	for (char *rest = line; rest; count++) {
		char *part = strsep(&rest, ",");

		if (count == 3)
			return -EINVAL;
		parts[count] = trim(part);
	}
	/* Tables of other programs have the prefix first. */
	/* cppcheck-suppress uninitvar ; count says how many there are */
	if (count == 2 && strchr(parts[0], '/') && !strchr(parts[1], '/')) {
		char *prefix = parts[0];

		parts[0] = parts[1];
		parts[1] = prefix;
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

static void note_skipped(const struct position *position)
{
	if (position->report->skipped_sets++ == 0)
		position->report->first_skipped = position->line;
}

/* Returns 0, or an error that ends it all. */
static int add_prefix(const struct position *position, const struct prefix *prefix,
		      struct asn_entry *entry, struct error_text *error)
{
	int result;

	entry->prefix_length = prefix->length;
	if (prefix->length == 0)
		position->report->default_routes[prefix->ip_version == 6] = position->line;
	result = asn_builder_add(position->builder, prefix->ip_version, prefix->address, entry);
	if (result < 0)
		error_text_set(error, "%.100s:%zu: %s", position->name, position->line,
			       result == -EOVERFLOW ? "too many different routes for a table"
						    : "out of memory for the table");
	return result;
}

/* CAIDA's form: network, mask and origins in three columns. */
static bool has_three_columns(const char *line)
{
	const char *tab = strchr(line, '\t');

	tab = tab ? strchr(tab + 1, '\t') : NULL;
	return tab && !strchr(tab + 1, '\t') && !strchr(line, '/');
}

/* Origins stand between underlines, the most frequent first; commas are between the members of an
 * AS set. The first one that is no set counts. Returns what parse_line() does. */
static int parse_columns(char *line, const struct position *position, struct error_text *error)
{
	struct asn_entry entry = { 0 };
	struct prefix prefix;
	char text[LINE_SIZE];
	char *network, *mask;

	network = trim(strsep(&line, "\t"));
	mask = trim(strsep(&line, "\t"));
	(void)snprintf(text, sizeof(text), "%s/%s", network, mask); /* shorter than the line */
	if (prefix_parse(text, &prefix) < 0)
		return fail(error, position, "bad prefix", text,
			    "NETWORK TAB MASK TAB AS, the mask at most 32 (IPv4) or 128 (IPv6)");
	while (line) {
		char *origin = trim(strsep(&line, "_"));

		if (strchr(origin, ','))
			continue;
		if (as_number_parse(origin, &entry.as_number) < 0)
			return fail(error, position, "bad AS number", origin,
				    "0 to 4294967295, or several with _ between them");
		return add_prefix(position, &prefix, &entry, error);
	}
	note_skipped(position);
	return 0;
}

/* Returns 0, -EINVAL for a line that cannot be read, or another error that ends it all. */
static int parse_line(char *line, const struct position *position, struct error_text *error)
{
	struct asn_entry entry = { 0 };
	struct line_fields fields;
	struct prefix prefix;
	char whole[LINE_SIZE];
	enum set_kind set;

	if (has_three_columns(line))
		return parse_columns(line, position, error);
	(void)strcpy(whole, line); /* splitting cuts 'line'; the error shows all of it */
	set = take_set(line);
	if (set == SET_malformed)
		return fail(error, position, "bad AS set in", whole,
			    "AS numbers in one pair of braces");
	if (split_fields(line, &fields) < 0)
		return fail(error, position, "too many commas in", whole,
			    "[NEXTHOP,][[PEERAS_]ORIGINAS,]NETWORK/MASK");
	if (prefix_parse(fields.prefix, &prefix) < 0)
		return fail(error, position, "bad prefix", fields.prefix,
			    "NETWORK/MASK with a mask of at most 32 (IPv4) or 128 (IPv6)");
	if (fields.as_numbers && parse_as_numbers(fields.as_numbers, &entry) < 0)
		return fail(error, position, "bad AS number in", whole,
			    "ORIGINAS or PEERAS_ORIGINAS, each 0 to 4294967295");
	if (fields.next_hop) {
		entry.has_next_hop = true;
		if (address_parse(fields.next_hop, entry.next_hop) != prefix.ip_version)
			return fail(error, position, "bad next hop", fields.next_hop,
				    prefix.ip_version == 4 ? "an IPv4 address" : "an IPv6 address");
	}
	if (set == SET_of_several) {
		note_skipped(position);
		return 0;
	}
	return add_prefix(position, &prefix, &entry, error);
}

/* The part of a line before its comment (a semicolon begins one at the begin of a line only) and
 * line end, without blanks around it. Returns its start and sets the length. */
static const char *line_content(const char *line, size_t *length)
{
	size_t end = 0;

	if (*length > 0 && line[0] == ';')
		*length = 0;
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

/* A line without its comment. */
static int parse_content(const char *content, size_t length, const struct position *position,
			 struct error_text *error)
{
	char line[LINE_SIZE];

	if (length >= sizeof(line) || memchr(content, '\0', length)) {
		error_text_set(error, "%.100s:%zu: line of %zu characters, %s", position->name,
			       position->line, length,
			       length >= sizeof(line) ? "expected a single prefix"
						      : "expected text, found a NUL byte");
		return -EINVAL;
	}
	memcpy(line, content, length);
	line[length] = '\0';
	return parse_line(line, position, error);
}

static int parse_lines(const char *text, size_t size, struct position *position,
		       struct error_text *error)
{
	struct asn_file_report *report = position->report;

	for (size_t start = 0, end; start < size; start = end + 1) {
		const char *line_end = memchr(text + start, '\n', size - start);
		struct error_text wrong;
		const char *content;
		size_t length;
		int result;

		end = line_end ? (size_t)(line_end - text) : size;
		length = end - start;
		content = line_content(text + start, &length);
		position->line++;
		if (length == 0)
			continue;
		report->lines++;
		result = parse_content(content, length, position, &wrong);
		if (result == -EINVAL && report->wrong_lines++ == 0)
			report->first_wrong = wrong;
		if (result < 0 && result != -EINVAL) {
			*error = wrong;
			return result;
		}
	}
	return 0;
}

static int check_share(const struct asn_file_report *report, struct error_text *error)
{
	if (report->wrong_lines <= report->lines / ASN_FILE_LINES_PER_WRONG)
		return 0;
	*error = report->first_wrong;
	error_text_hint(error,
			"lines that cannot be read: %zu of %zu; a file is taken without them if "
			"they are at most one in %d",
			report->wrong_lines, report->lines, ASN_FILE_LINES_PER_WRONG);
	return -EINVAL;
}

/* What is no text at all gets a message of its own. Returns the bytes of a byte order mark to pass
 * over, or -EINVAL. */
static int check_begin(const char *name, const char *text, size_t size, struct error_text *error)
{
	static const char utf8[] = "\xef\xbb\xbf";
	const struct compression *compression = compression_find(text, size);

	if (compression) {
		error_text_set(error, "%.100s: compressed with %s; expected text", name,
			       compression->name);
		error_text_hint(error, "%s FILE > NEWFILE", compression->program);
		return -EINVAL;
	}
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		error_text_set(error, "%.100s: UTF-16; expected plain text or UTF-8", name);
		error_text_hint(error, "iconv -f UTF-16 -t UTF-8 FILE > NEWFILE");
		return -EINVAL;
	}
	return size >= 3 && memcmp(text, utf8, 3) == 0 ? 3 : 0;
}

int asn_file_add(struct asn_builder *builder, const char *name, const char *text, size_t size,
		 struct asn_file_report *report, struct error_text *error)
{
	struct position position = { .name = name, .builder = builder, .report = report };
	const int skipped = check_begin(name, text, size, error);
	int result = 0;

	*report = (struct asn_file_report){ .lines = 0 };
	if (skipped < 0)
		return skipped;
	if (size)
		result = parse_lines(text + skipped, size - (size_t)skipped, &position, error);
	return result < 0 ? result : check_share(report, error);
}

struct asn_table *asn_file_parse(const char *name, const char *text, size_t size, int64_t created_s,
				 struct asn_file_report *report, struct error_text *error)
{
	const struct asn_build_facts facts = { .created_s = created_s, .source = name };
	struct asn_builder *builder = asn_builder_create();
	struct asn_table *table = NULL;

	if (!builder)
		error_text_set(error, "%.100s: out of memory for the table", name);
	else if (asn_file_add(builder, name, text, size, report, error) == 0)
		table = asn_builder_table(builder, name, &facts, &report->build, error);
	asn_builder_destroy(builder);
	return table;
}
