/* configured.h - a configuration from a command line or from the text of a file, held against what
 * it should be. */
#ifndef CONFIGURED_H
#define CONFIGURED_H

#include "check.h"

#include "config_file.h"
#include "config_life.h"
#include "config_load.h"
#include "config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX 40

/* Parse a command line whose words are separated by single spaces. */
static inline enum config_result parse(struct config *config, const char *line,
				       struct error_text *error)
{
	static char copy[4096];
	static char program[] = "flowagent";
	char *words[WORDS_MAX + 1] = { program };
	int count = 1;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		words[count++] = word;
	return config_load(config, count, words, error);
}

static inline void check_error(const char *line, enum config_result result, const char *text)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, line, &error), result);
	CHECK_TEXT(error.text, text);
	config_clear(&config);
}

static const char *value_of(const struct config *config, const char *name,
			    struct config_value *value)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		CHECK_EQ(config_value(config, i, value), 0);
		if (!strcmp(value->name, name))
			return value->value;
		config_value_clear(value);
	}
	fail_msg("no option %s", name);
	return NULL;
}

static inline void check_value(const struct config *config, const char *name, const char *text,
			       const char *origin)
{
	struct config_value value;

	CHECK_TEXT(value_of(config, name, &value) ? value.value : "(unset)", text);
	CHECK_TEXT(value.origin, origin);
	CHECK_EQ(value.is_default, !strcmp(origin, "default"));
	config_value_clear(&value);
}

/* Parse text of a file from a block of exactly its size. */
static inline int parse_bytes(struct config *config, const char *text, size_t size,
			      struct error_text *error)
{
	uint8_t *bytes = malloc(size ? size : 1);
	int result;

	CHECK(bytes);
	(void)memcpy(bytes, text, size);
	CHECK_EQ(config_init(config, error), 0);
	result = config_file_parse(config, "f.conf", bytes, size, error);
	if (!result)
		result = config_finish(config, error);
	free(bytes);
	return result;
}

static inline void check_file_error(const char *text, const char *message)
{
	struct error_text error;
	struct config config;

	CHECK(parse_bytes(&config, text, strlen(text), &error) < 0);
	CHECK_TEXT(error.text, message);
	config_clear(&config);
}

/* A directory with a file and drop-ins, removed at the end of the test. */
struct tree {
	char directory[32], file[64], drop_ins[64];
};

static inline void tree_write(const char *directory, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	CHECK(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static inline void tree_create(struct tree *tree, const char *text)
{
	(void)snprintf(tree->directory, sizeof(tree->directory), "/tmp/test_config.XXXXXX");
	CHECK(mkdtemp(tree->directory));
	(void)snprintf(tree->file, sizeof(tree->file), "%s/a.conf", tree->directory);
	(void)snprintf(tree->drop_ins, sizeof(tree->drop_ins), "%s/conf.d", tree->directory);
	CHECK(mkdir(tree->drop_ins, 0700) == 0);
	tree_write(tree->directory, "a.conf", text);
}

static inline void tree_remove(struct tree *tree)
{
	static const char *const names[] = { "10-a.conf", "9-b.conf", ".c.conf", "d.txt" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", tree->drop_ins, names[i]);
		(void)unlink(path);
	}
	(void)unlink(tree->file);
	(void)rmdir(tree->drop_ins);
	CHECK(rmdir(tree->directory) == 0);
}

#endif
