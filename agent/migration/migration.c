/* migration.c - what is written and said about another probe's configuration; command
 * lines of single letters. */
#include "migration.h"

#include "flow_cache.h"
#include "flow_expiry.h"
#include "printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_FIRST 64 /* texts; then twice as many each time */

/* A line of text without characters that would end it. */
static char *line_print(struct migration *migration, const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	if (text)
		printable_make(text);
	return migration_keep(migration, text);
}

char *migration_keep(struct migration *migration, char *text)
{
	static char nothing[1];

	if (migration->kept_count == migration->kept_room) {
		const size_t room = migration->kept_room ? 2 * migration->kept_room : KEPT_FIRST;
		char **grown = reallocarray(migration->kept, room, sizeof(*grown));

		if (grown) {
			migration->kept = grown;
			migration->kept_room = room;
		}
	}
	if (migration->kept_count == migration->kept_room || !text) {
		free(text);
		migration->is_out_of_memory = true;
		return nothing;
	}
	migration->kept[migration->kept_count++] = text;
	return text;
}

void migration_end(struct migration *migration)
{
	for (size_t i = 0; i < migration->kept_count; i++)
		free(migration->kept[i]);
	free(migration->kept);
}

#define LINE_OF(migration, format, line)                         \
	do {                                                     \
		va_list arguments;                               \
		va_start(arguments, format);                     \
		line = line_print(migration, format, arguments); \
		va_end(arguments);                               \
	} while (0)

char *migration_print(struct migration *migration, const char *format, ...)
{
	char *line;

	LINE_OF(migration, format, line);
	return line;
}

void migration_option(struct migration *migration, const char *name, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	(void)fprintf(migration->out, "%s = %s\n", name, line);
}

const char *migration_saying_text(enum migration_saying saying)
{
	switch (saying) {
	case MIGRATION_SAYS_lost: return "not carried over";
	case MIGRATION_SAYS_wrong: return "wrong in the source";
	case MIGRATION_SAYS_warning: return "warning";
	case MIGRATION_SAYS_not_needed: return "not needed";
	case MIGRATION_SAYS_note: break;
	}
	return "note";
}

static void say(struct migration *migration, enum migration_saying saying, const char *line)
{
	if (migration->out)
		(void)fprintf(migration->out, "# %s: %s\n", migration_saying_text(saying), line);
	migration->wrong_count += saying == MIGRATION_SAYS_wrong;
	if (migration->say)
		migration->say(migration, saying, line);
}

void migration_lost(struct migration *migration, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	say(migration, MIGRATION_SAYS_lost, line);
}

void migration_wrong(struct migration *migration, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	say(migration, MIGRATION_SAYS_wrong, line);
}

void migration_warn(struct migration *migration, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	say(migration, MIGRATION_SAYS_warning, line);
}

void migration_not_needed(struct migration *migration, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	say(migration, MIGRATION_SAYS_not_needed, line);
}

void migration_note(struct migration *migration, const char *format, ...)
{
	const char *line;

	LINE_OF(migration, format, line);
	say(migration, MIGRATION_SAYS_note, line);
}

static const struct migration_letter *find_letter(const struct migration_letter *letters,
						  char letter)
{
	for (; letters->letter; letters++)
		if (letters->letter == letter)
			return letters;
	return NULL;
}

void migration_letter_say(struct migration *migration, const struct migration_letter *row,
			  const char *value)
{
	const char *blank = row->has_value ? " " : "";

	if (row->fate == MIGRATION_LOST)
		migration_lost(migration, "-%c%s%s: %s", row->letter, blank, value, row->text);
	else
		migration_not_needed(migration, "-%c%s%s: %s", row->letter, blank, value,
				     row->text);
}

static void take_letter(struct migration *migration, const struct migration_letter *row,
			const char *value, migration_take *take, void *context)
{
	if (row->fate == MIGRATION_CARRIED)
		take(migration, context, row->letter, value);
	else
		migration_letter_say(migration, row, value);
}

void migration_letters(struct migration *migration, const struct migration_letter *letters,
		       const char *const *words, size_t count, migration_take *take, void *context)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = words[i];

		if (*at != '-' || !at[1]) {
			take(migration, context, '\0', at);
			continue;
		}
		while (*++at) {
			const struct migration_letter *row = find_letter(letters, *at);

			if (!row) {
				migration_wrong(migration, "%s has no option -%c (in \"%s\")",
						migration->peer, *at, words[i]);
				break;
			}
			if (!row->has_value) {
				take_letter(migration, row, "", take, context);
				continue;
			}
			if (!at[1] && i + 1 == count)
				migration_wrong(migration, "-%c wants a value", *at);
			else
				take_letter(migration, row, at[1] ? at + 1 : words[++i], take,
					    context);
			break;
		}
	}
}

bool migration_number(const char *text, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

/* ",KEY=NUMBER" with a number of 'unit' bytes between bounds. */
static const char *bounded_key(struct migration *migration, const char *key, const char *text,
			       unsigned long long unit, const unsigned long long bounds[static 2])
{
	unsigned long number;
	unsigned long long bytes;

	if (!text)
		return "";
	if (!migration_number(text, &number)) {
		migration_wrong(migration, "%s %s: expected a number of bytes", key, text);
		return "";
	}
	bytes = number > bounds[1] ? bounds[1] : number * unit;
	bytes = bytes < bounds[0] ? bounds[0] : bytes > bounds[1] ? bounds[1] : bytes;
	if (bytes / unit != number)
		migration_lost(migration,
			       "%s of %s: flowagent takes %llu to %llu bytes; %llu is "
			       "written",
			       key, text, bounds[0], bounds[1], bytes);
	return migration_print(migration, ",%s=%llu", key, bytes);
}

const char *migration_snaplen(struct migration *migration, const char *text)
{
	static const unsigned long long bounds[] = { 64, 65535 };

	return bounded_key(migration, "snaplen", text, 1, bounds);
}

const char *migration_buffer(struct migration *migration, const char *text, unsigned long unit)
{
	static const unsigned long long bounds[] = { 65536, 1073741824 };

	return bounded_key(migration, "buffer", text, unit, bounds);
}

const char *migration_packet_filter(struct migration *migration, const char *filter)
{
	if (!filter || !*filter)
		return "";
	if (!strchr(filter, '"'))
		return migration_print(migration, ",filter=\"%s\"", filter);
	migration_lost(migration, "filter '%s': it has double quotes", filter);
	return "";
}

const char *migration_link_fields(struct migration *migration, const char *option,
				  const char *version, const char *names)
{
	if (!*names)
		return "";
	if (strcmp(version, "9") != 0 && strcmp(version, "10") != 0) {
		migration_lost(migration, "%s: MAC addresses: NetFlow v%s has no field for them",
			       option, version);
		return "";
	}
	migration_note(migration,
		       "%s: MAC addresses are fields and no part of the key: a record has those of "
		       "its last packet",
		       option);
	return names;
}

void migration_active_timeout(struct migration *migration, unsigned long long seconds)
{
	const unsigned long long most = EXPIRY_TIMEOUT_MAX_MS / 1000;

	if (seconds > most)
		migration_lost(migration, "active timeout %llu s: more than flowagent's longest",
			       seconds);
	if (seconds == 0 || seconds > most)
		migration_option(migration, "active-timeout", "off");
	else
		migration_option(migration, "active-timeout", "%llus", seconds);
}

unsigned long long migration_timeout(struct migration *migration, const char *name,
				     unsigned long long seconds)
{
	const unsigned long long most = EXPIRY_TIMEOUT_MAX_MS / 1000;

	if (seconds <= most)
		return seconds;
	migration_lost(migration, "%s of %llu s: flowagent's longest, %llu s, is written", name,
		       seconds, most);
	return most;
}

void migration_max_flows(struct migration *migration, unsigned long flows)
{
	const unsigned long most = FLOW_CACHE_MAX_FLOWS;

	if (flows > most)
		migration_lost(migration, "%lu flows: flowagent's most, %lu, is written", flows,
			       most);
	migration_option(migration, "max-flows", "%lu", flows > most ? most : flows);
}

void migration_inactive_timeout(struct migration *migration, const char *zero,
				unsigned long seconds, unsigned long otherwise)
{
	unsigned long long written;

	if (seconds == 0) {
		migration_lost(migration, "%s (off): %lu s is written", zero, otherwise);
		seconds = otherwise;
	}
	written = migration_timeout(migration, "inactive timeout", seconds);
	migration_option(migration, "inactive-timeout", "%llus", written);
	migration_note(migration, "FIN and RST end nothing early in %s", migration->peer);
	migration_option(migration, "timeout", "tcp.fin=%llus,tcp.rst=%llus", written, written);
}
