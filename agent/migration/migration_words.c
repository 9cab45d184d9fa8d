/* migration_words.c - the files of other probes as words: what a shell reads, and what
 * OpenWrt reads. Nothing is run: of expansions there are only $NAME and ${NAME}.
 *
 * Place: a part of migration.h: file -> words -> the translation of a probe. */
#include "migration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"

void migration_words_add(struct migration *migration, struct migration_words *words,
			 const char *word)
{
	if (words->count < MIGRATION_WORDS)
		words->words[words->count++] = word;
	else
		migration_wrong(migration, "more than %d words: \"%s\" is left out",
				MIGRATION_WORDS, word);
}

void migration_words_split(struct migration *migration, struct migration_words *words,
			   const char *text)
{
	const char *at = text + strspn(text, BLANKS);

	while (*at) {
		char *word = migration_keep(migration, calloc(1, strlen(at) + 1));
		size_t length = 0;
		char quote = '\0';

		if (migration->is_out_of_memory)
			return;
		for (; *at && (quote || !strchr(BLANKS, *at)); at++) {
			if (quote ? *at == quote : *at == '"' || *at == '\'')
				quote = quote ? '\0' : *at;
			else
				word[length++] = *at;
		}
		migration_words_add(migration, words, word);
		at += strspn(at, BLANKS);
	}
}

const char *migration_variable(const struct migration_variables *variables, const char *name)
{
	for (size_t i = variables->count; i-- > 0;)
		if (strcasecmp(variables->names[i], name) == 0)
			return *variables->values[i] ? variables->values[i] : NULL;
	return NULL;
}

static void add(struct migration *migration, struct migration_variables *variables,
		const char *name, const char *value)
{
	if (variables->count == MIGRATION_VARIABLES) {
		migration_wrong(migration, "more than %d variables: %s is left out",
				MIGRATION_VARIABLES, name);
		return;
	}
	variables->names[variables->count] = name;
	variables->values[variables->count++] = value;
}

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length;
}

/* The value of the variable that '*at' begins with; '*at' is moved past it. */
static const char *expand(struct migration *migration, const struct migration_variables *variables,
			  const char **at)
{
	const bool has_brace = (*at)[1] == '{';
	const char *name = *at + 1 + has_brace;
	const size_t length = name_length(name);
	const char *end = name + length;
	const char *value = migration_variable(
		variables, migration_print(migration, "%.*s", (int)length, name));

	if (has_brace) {
		end += strcspn(end, "}");
		if (value && *(name + length) != '}') {
			migration_wrong(migration, "\"%.60s\": only $NAME and ${NAME} are expanded",
					*at);
			value = NULL;
		}
		end += *end == '}';
	}
	*at = end;
	return value ? value : "";
}

/* A value as a shell reads it up to a blank: quotes go, variables are put in. */
static const char *value_of(struct migration *migration,
			    const struct migration_variables *variables, const char *at)
{
	char *value = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&value, &size);
	char quote = '\0';

	while (file && *at && (quote || !strchr(BLANKS, *at))) {
		if (quote ? *at == quote : *at == '"' || *at == '\'') {
			quote = quote ? '\0' : *at;
			at++;
		} else if (*at == '$' && quote != '\'' && (at[1] == '{' || name_length(at + 1))) {
			(void)fputs(expand(migration, variables, &at), file);
		} else {
			(void)fputc(*at++, file);
		}
	}
	if (file && fclose(file) != 0) {
		free(value);
		value = NULL;
	}
	return migration_keep(migration, value);
}

void migration_variables_read(struct migration *migration, char *text,
			      struct migration_variables *variables)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length;

		line += strspn(line, BLANKS);
		if (strncmp(line, "export ", 7) == 0)
			line += 7;
		length = name_length(line);
		if (*line == '#' || *line == '!' || !*line)
			continue;
		if (length == 0 || line[length] != '=') {
			migration_wrong(migration, "\"%.60s\": expected NAME=VALUE", line);
			continue;
		}
		line[length] = '\0';
		add(migration, variables, line, value_of(migration, variables, line + length + 1));
	}
}

void migration_uci_read(struct migration *migration, char *text,
			struct migration_variables *variables)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct migration_words *words =
			(void *)migration_keep(migration, calloc(1, sizeof(*words)));

		if (migration->is_out_of_memory)
			return;
		line += strspn(line, BLANKS);
		if (*line == '#' || !*line)
			continue;
		migration_words_split(migration, words, line);
		if (words->count >= 1 && strcmp(words->words[0], "config") == 0)
			continue;
		if (words->count == 3 && strcmp(words->words[0], "option") == 0)
			add(migration, variables, words->words[1], words->words[2]);
		else
			migration_wrong(migration, "\"%.60s\": expected option NAME 'VALUE'", line);
	}
}
