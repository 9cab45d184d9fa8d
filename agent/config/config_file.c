/* config_file.c - the file's lines to options and keys.
 *
 * A line is a section, "KEY = VALUE" or "KEY: VALUE", a comment, or blank. A comment begins with ;
 * or # at the start of a line, and with ; alone after a blank: values may have a #. Blanks around
 * key and value do not count. Variables are replaced after that (config_environment.h): what the
 * environment has is a value, whatever characters are in it. */
#include "config_file.h"

#include "config_apply.h"
#include "config_collector.h"
#include "config_environment.h"
#include "config_keys.h"
#include "config_source.h"
#include "config_timeout.h"
#include "defaults.h"
#include "fault_text.h"
#include "text_file.h"
#include "word_distance.h"

#include "utf8.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTION_NAME_MAX 100
#define BLANKS           " \t"

/* A section that this file has had, to refuse it twice. */
struct section_seen {
	enum config_section section;
	char name[SECTION_NAME_MAX + 1];
	int line;
};

struct file_parser {
	struct config *config;
	struct error_text *error;
	int result;                  /* of the first error */
	const char *next, *end;      /* text not read yet */
	struct config_origin origin; /* file, and number of the line being read */
	enum config_section section;
	char section_name[SECTION_NAME_MAX + 1];
	int key_lines[CONFIG_KEY_COUNT]; /* where the keys of this section were; 0: nowhere */
	struct section_seen *seen;       /* owned */
	size_t seen_count;
};

static const struct {
	const char *word;
	enum config_section section;
	bool is_named;
} sections[] = {
	{ "agent", SECTION_agent, false },
	{ "source", SECTION_source, true },
	{ "collector", SECTION_collector, true },
	{ "control", SECTION_control, false },
};

#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

/* First error of the file, at the line being read. Always returns false. */
static bool fail(struct file_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(struct file_parser *parser, const char *format, ...)
{
	char text[sizeof(parser->error->text)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	config_fail(parser->error, &parser->origin, "%s", text);
	parser->result = -EINVAL;
	return false;
}

/* JSON carries the values, and jansson takes nothing but UTF-8. */
static bool check_text(struct file_parser *parser, const char *line, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)line;

	for (size_t i = 0; i < length;) {
		size_t size = utf8_character_size(bytes + i, length - i);

		if (!size || (bytes[i] < 0x20 && bytes[i] != '\t'))
			return fail(parser, "byte 0x%02x in column %zu is not text in UTF-8",
				    bytes[i], i + 1);
		i += size;
	}
	return true;
}

/* Remember the section and refuse it twice: a second one is a copy forgotten, and which of two
 * values holds would be a riddle. */
static bool section_remember(struct file_parser *parser)
{
	struct section_seen seen = { .section = parser->section, .line = parser->origin.line };
	struct section_seen *all;

	for (size_t i = 0; i < parser->seen_count; i++)
		if (parser->seen[i].section == parser->section &&
		    !strcmp(parser->seen[i].name, parser->section_name))
			return fail(parser, "this section is in line %d already",
				    parser->seen[i].line);
	(void)memcpy(seen.name, parser->section_name, sizeof(seen.name));
	all = realloc(parser->seen, (parser->seen_count + 1) * sizeof(*all));
	if (!all) {
		fail(parser, "out of memory");
		parser->result = -ENOMEM;
		return false;
	}
	parser->seen = all;
	all[parser->seen_count++] = seen;
	return true;
}

static bool section_declare(struct file_parser *parser)
{
	struct error_text why = { .text = "" };
	int result = 0;

	if (parser->section == SECTION_collector)
		result = config_collector_declare(parser->config, parser->section_name,
						  &parser->origin, &why);
	else if (parser->section == SECTION_source)
		result = config_source_declare(parser->config, parser->section_name,
					       &parser->origin, &why);
	if (!result)
		return true;
	fail(parser, "%s", why.text);
	parser->result = result;
	return false;
}

/* Find the word, "agent" or the like, among the sections and enter it. */
static bool section_enter(struct file_parser *parser, const char *word, const char *name)
{
	struct word_nearest nearest = word_distance_begin(word, strlen(word));

	for (size_t i = 0; i < SECTION_COUNT; i++) {
		word_distance_offer(&nearest, sections[i].word);
		if (strcmp(word, sections[i].word) != 0)
			continue;
		if (sections[i].is_named && !name)
			return fail(parser, "expected a name: [%s \"NAME\"]", word);
		if (!sections[i].is_named && name)
			return fail(parser, "section [%s] has no name", word);
		if (name && (!*name || strlen(name) > SECTION_NAME_MAX))
			return fail(parser, "expected a name of 1 to %d bytes", SECTION_NAME_MAX);
		parser->section = sections[i].section;
		(void)snprintf(parser->section_name, sizeof(parser->section_name), "%s",
			       name ? name : "");
		(void)memset(parser->key_lines, 0, sizeof(parser->key_lines));
		return section_remember(parser) && section_declare(parser);
	}
	if (nearest.best)
		return fail(parser, "unknown section [%.60s] (did you mean [%s]?)", word,
			    nearest.best);
	return fail(parser, "unknown section [%.60s]; expected agent, source, collector or control",
		    word);
}

/* "[WORD]" or "[WORD "NAME"]", and a comment may follow. */
static bool section_begin(struct file_parser *parser, char *text)
{
	char *word = text + 1 + strspn(text + 1, BLANKS);
	size_t length = strcspn(word, BLANKS "\"]");
	char *rest = word + length + strspn(word + length, BLANKS);
	char *name = NULL;
	char *quote = NULL;

	if (*rest == '"') {
		name = rest + 1;
		quote = strchr(name, '"');
		rest = quote ? quote + 1 + strspn(quote + 1, BLANKS) : rest;
	}
	if (*rest != ']')
		return fail(parser, "expected [SECTION] or [SECTION \"NAME\"]");
	rest += 1 + strspn(rest + 1, BLANKS);
	if (*rest && !strchr(";#", *rest))
		return fail(parser, "expected nothing after the section");
	word[length] = '\0';
	if (quote)
		*quote = '\0';
	return section_enter(parser, word, name);
}

/* Copy the next line to 'line'. Returns false at the end, and where it cannot be text. */
static bool line_next(struct file_parser *parser, char line[static CONFIG_LINE_SIZE_MAX + 1])
{
	const size_t left = (size_t)(parser->end - parser->next);
	const char *end;
	size_t length;

	if (!left)
		return false;
	end = memchr(parser->next, '\n', left);
	length = end ? (size_t)(end - parser->next) : left;
	parser->origin.line++;
	if (length > CONFIG_LINE_SIZE_MAX)
		return fail(parser, "the line is longer than %d bytes", CONFIG_LINE_SIZE_MAX);
	(void)memcpy(line, parser->next, length);
	parser->next = end ? end + 1 : parser->end;
	if (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return check_text(parser, line, length);
}

/* "collector =": nothing that was said before is in the list any more, so that the file of one host
 * can replace what the file of all hosts says. */
static void list_clear(struct file_parser *parser, enum config_option_id option)
{
	switch (option) {
	case OPTION_collector: config_collectors_clear(parser->config); break;
	case OPTION_timeout: config_timeouts_clear(parser->config); break;
	default: config_sources_clear_option(parser->config, option); break;
	}
	parser->config->origins[option] = parser->origin;
}

static bool agent_pair(struct file_parser *parser, const char *name, const char *value)
{
	char guess[CONFIG_GUESS_SIZE];
	int option = config_option_find(name, true, guess);

	if (option < 0)
		return fail(parser, "unknown option \"%.60s\" in [agent]%s", name, guess);
	if (!*value && (config_options[option].flags & OPTION_LIST)) {
		list_clear(parser, (enum config_option_id)option);
		return true;
	}
	parser->result = config_apply(parser->config, (enum config_option_id)option, value,
				      &parser->origin, parser->error);
	return !parser->result;
}

static bool section_pair(struct file_parser *parser, const char *name, const char *value)
{
	struct error_text why = { .text = "" };
	char guess[CONFIG_GUESS_SIZE];
	int found = config_key_find(parser->section, name, false, guess);
	enum config_key_id key = (enum config_key_id)found;
	int result;

	if (found < 0)
		return fail(parser, "unknown key \"%.60s\" in this section%s", name, guess);
	if (parser->key_lines[key])
		return fail(parser, "%s: set in line %d already", name, parser->key_lines[key]);
	parser->key_lines[key] = parser->origin.line;
	if (key == KEY_control_socket)
		return agent_pair(parser, config_options[OPTION_control].name, value);
	if (!*value)
		return fail(parser, "%s: expected a value", name);
	if (parser->section == SECTION_source)
		result = config_source_set(parser->config, parser->section_name, key, value, &why);
	else
		result = config_collector_set(parser->config, parser->section_name, key, value,
					      &parser->origin, &why);
	if (!result)
		return true;
	fail(parser, "%s: value \"%.100s\": %s", name, value, why.text);
	config_fail_hint(parser->error, &parser->origin, value, &why);
	parser->result = result;
	return false;
}

static bool pair_take(struct file_parser *parser, const char *name, const char *text)
{
	char value[CONFIG_LINE_SIZE_MAX + 1];
	struct error_text why = { .text = "" };
	size_t length;
	const int result = config_environment_expand(&parser->config->variables, text, value,
						     sizeof(value), &why);

	if (result) {
		fail(parser, "%.60s: value \"%.100s\": %s", name, text, why.text);
		error_text_hint(parser->error, "%s", why.hint);
		parser->result = result;
		return false;
	}
	length = strlen(value);
	if (!check_text(parser, value, length))
		return false;
	if (parser->section == SECTION_none)
		return fail(parser,
			    "\"%.60s\" stands before the first section; expected [agent] "
			    "above it",
			    name);
	if (length > 1 && value[0] == '"' && value[length - 1] == '"')
		return fail(parser, "%.60s: expected the value without quotes", name);
	return parser->section == SECTION_agent ? agent_pair(parser, name, value)
						: section_pair(parser, name, value);
}

/* The first of 'ends', or the ; of a comment, or the end of the text. */
static char *find_end(char *text, const char *ends)
{
	bool is_after_blank = false;

	for (; *text && !strchr(ends, *text) && !(is_after_blank && *text == ';'); text++)
		is_after_blank = strchr(BLANKS, *text) != NULL;
	return text;
}

/* Without the blanks at both ends. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

static bool line_take(struct file_parser *parser, char *line)
{
	char *name = line + strspn(line, BLANKS);
	char *value;

	if (*name == '[')
		return section_begin(parser, name);
	if (!*name || strchr(";#", *name))
		return true;
	value = find_end(name, "=:");
	if (!*value || *value == ';')
		return fail(parser, "expected KEY = VALUE, a [section], or a comment");
	*value++ = '\0';
	*find_end(value, "") = '\0';
	return pair_take(parser, trim(name), trim(value));
}

int config_file_parse(struct config *config, const char *name, const uint8_t *bytes, size_t size,
		      struct error_text *error)
{
	static const uint8_t mark[] = { 0xef, 0xbb, 0xbf }; /* of UTF-8, as editors leave it */
	struct file_parser parser = { .config = config, .error = error };
	char line[CONFIG_LINE_SIZE_MAX + 1];

	if (size >= sizeof(mark) && !memcmp(bytes, mark, sizeof(mark))) {
		bytes += sizeof(mark);
		size -= sizeof(mark);
	}
	parser.next = (const char *)bytes;
	parser.end = parser.next + size;
	parser.origin.file = config_file_name(config, name);
	if (!parser.origin.file) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	while (!parser.result && line_next(&parser, line))
		(void)line_take(&parser, line);
	free(parser.seen);
	return parser.result;
}

/* All of a file, up to one byte more than CONFIG_FILE_SIZE_MAX. Returns bytes read or a negative
 * errno. */
static ssize_t read_whole(int descriptor, uint8_t *bytes)
{
	size_t size = 0;

	while (size <= CONFIG_FILE_SIZE_MAX) {
		ssize_t got = read(descriptor, bytes + size, CONFIG_FILE_SIZE_MAX + 1 - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

/* Parse a text and remember it. */
static int take_text(struct config *config, const char *name, const uint8_t *bytes, size_t size,
		     struct error_text *error)
{
	struct config_text *texts =
		realloc(config->texts, (config->text_count + 1) * sizeof(*texts));
	struct config_text text = { .name = strdup(name), .bytes = malloc(size + 1), .size = size };

	if (texts)
		config->texts = texts;
	if (!texts || !text.name || !text.bytes) {
		free(text.name);
		free(text.bytes);
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	if (size)
		(void)memcpy(text.bytes, bytes, size);
	texts[config->text_count++] = text;
	return config_file_parse(config, name, bytes, size, error);
}

int config_file_read_texts(struct config *config, const struct config_text *texts, size_t count,
			   struct error_text *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < count; i++)
		result = take_text(config, texts[i].name, texts[i].bytes, texts[i].size, error);
	return result;
}

static int read_one(struct config *config, const char *path, struct error_text *error)
{
	uint8_t *bytes = malloc(CONFIG_FILE_SIZE_MAX + 1);
	int descriptor = text_file_open(path);
	ssize_t size = descriptor < 0 ? descriptor : 0;
	int result;

	if (!bytes)
		size = -ENOMEM;
	if (size == 0)
		size = read_whole(descriptor, bytes);
	if (descriptor >= 0)
		(void)close(descriptor);
	result = (int)size;
	if (size < 0) {
		error_text_set(error, "cannot read the configuration file %.200s: %s", path,
			       text_file_fault((int)size));
	} else if ((size_t)size > CONFIG_FILE_SIZE_MAX) {
		error_text_set(error, "%.200s is larger than 1 MiB: not a configuration file",
			       path);
		result = -EINVAL;
	} else {
		result = take_text(config, path, bytes, (size_t)size, error);
	}
	free(bytes);
	return result;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

/* Byte by byte: the order does not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_ins(struct config *config, const char *path, struct error_text *error)
{
	const char *slash = strrchr(path, '/');
	int prefix = slash ? (int)(slash - path) + 1 : 0;
	struct dirent **entries = NULL;
	char directory[PATH_MAX];
	int result = 0;
	int count;

	(void)snprintf(directory, sizeof(directory), "%.*sconf.d", prefix, path);
	count = scandir(directory, &entries, is_drop_in, compare_names);
	if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
		result = -errno;
		error_text_set(error, "cannot read the directory %.200s: %s", directory,
			       fault_text(-result));
	}
	for (int i = 0; i < count; i++) {
		char file[PATH_MAX + NAME_MAX + 2];

		(void)snprintf(file, sizeof(file), "%s/%s", directory, entries[i]->d_name);
		if (!result)
			result = read_one(config, file, error);
		free(entries[i]);
	}
	free(entries);
	return result;
}

/* The service's own file need not be there: its settings stand in conf.d beside it. A file with
 * another name was asked for. */
static bool may_be_missing(const char *path)
{
	return !strcmp(path, DEFAULT_CONFIG_FILE) && access(path, F_OK) != 0 && errno == ENOENT;
}

int config_file_read(struct config *config, const char *path, struct error_text *error)
{
	int result = may_be_missing(path) ? 0 : read_one(config, path, error);

	return result ? result : read_drop_ins(config, path, error);
}
