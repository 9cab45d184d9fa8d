/* kept_config.c - texts of files into a sealed memory file, and out of one.
 *
 * With them go the variables that stand in them: those of the environment are others when a mistake
 * is in the file that the service takes them from.
 *
 * Invariant: what is kept has once been accepted, and is replaced only by what is accepted. */
#include "kept_config.h"

#include "config_life.h"
#include "defaults.h"
#include "fault_text.h"
#include "handover_state.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE_NAME "config"
#define TEXTS_MAX  256 /* files of a configuration */

static int out_of_memory(struct error_text *error)
{
	error_text_set(error, "out of memory");
	return -ENOMEM;
}

/* The texts of a state, which they borrow but for their names; 'count' says how many. Returns 0 or
 * -ENOMEM with 'error' filled. */
static int find_texts(const struct handover_state *state, struct config_text *texts, size_t *count,
		      struct error_text *error)
{
	struct handover_section section;
	size_t cursor = 0;

	for (*count = 0; *count < TEXTS_MAX &&
			 handover_state_next(state->bytes, state->size, &cursor, &section);) {
		struct config_text *text = &texts[*count];

		if (section.kind != HANDOVER_text)
			continue;
		text->name = strndup(section.name, section.name_length);
		if (!text->name) /* a configuration that lacks a file is another one */
			return out_of_memory(error);
		text->bytes = (uint8_t *)(uintptr_t)section.body.next;
		text->size = reader_left(&section.body);
		(*count)++;
	}
	return 0;
}

/* Returns 0 or -ENOMEM with 'error' filled. */
static int find_variables(const struct handover_state *state, struct config_variables *variables,
			  struct error_text *error)
{
	struct handover_section section;
	size_t cursor = 0;
	int result = 0;

	while (!result && handover_state_next(state->bytes, state->size, &cursor, &section)) {
		char *name, *value;

		if (section.kind != HANDOVER_variable)
			continue;
		name = strndup(section.name, section.name_length);
		value = strndup((const char *)section.body.next, reader_left(&section.body));
		result = name && value ? config_variables_add(variables, name, value, error)
				       : out_of_memory(error);
		free(name);
		free(value);
	}
	return result;
}

static enum config_result load_kept(struct config *config, int argc, char *const *argv,
				    const struct handover_state *state, struct error_text *error)
{
	struct config_text texts[TEXTS_MAX];
	size_t count;
	struct config_variables variables = { .count = 0 };
	enum config_result result = CONFIG_failed;

	if (find_texts(state, texts, &count, error) == 0 &&
	    find_variables(state, &variables, error) == 0)
		result = config_load_texts(config, argc, argv, texts, count, &variables, error);
	config_variables_clear(&variables);
	for (size_t i = 0; i < count; i++)
		free(texts[i].name);
	return result;
}

enum config_result kept_config_load(struct config *config, int argc, char *const *argv,
				    struct descriptor_store *store, struct error_text *error)
{
	const int descriptor = descriptor_store_take(store, STORE_NAME);
	enum config_result result = config_load(config, argc, argv, error);
	struct handover_state state = { .bytes = NULL };
	struct error_text mistake = *error;

	if (result == CONFIG_invalid && descriptor >= 0 &&
	    handover_state_map(&state, descriptor) == 0) {
		config_clear(config);
		result = load_kept(config, argc, argv, &state, error);
	}
	if (descriptor >= 0)
		(void)close(descriptor);
	if (!state.bytes)
		return result;
	handover_state_clear(&state);
	if (result == CONFIG_run) {
		log_use_journal(DEFAULT_JOURNAL_SOCKET);
		log_problem(
			LOG_LEVEL_error, "config", "config", "configuration",
			"%s; the agent runs with the configuration that was accepted last: mend "
			"this, then restart it",
			mistake.text);
	} else {
		*error = mistake;
	}
	return result;
}

void kept_config_put(const struct config *config, struct descriptor_store *store)
{
	struct handover_writer writer;
	int descriptor;
	int result;

	if (!descriptor_store_is_there(store))
		return;
	handover_write_begin(&writer);
	for (size_t i = 0; i < config->text_count && i < TEXTS_MAX; i++)
		handover_write_section(&writer, HANDOVER_text, config->texts[i].name,
				       config->texts[i].bytes, config->texts[i].size);
	for (size_t i = 0; i < config->variables.count; i++)
		handover_write_section(&writer, HANDOVER_variable, config->variables.items[i].name,
				       config->variables.items[i].value,
				       strlen(config->variables.items[i].value));
	descriptor = handover_write_end(&writer);
	result = descriptor < 0 ? descriptor : descriptor_store_put(store, STORE_NAME, descriptor);
	if (descriptor >= 0)
		(void)close(descriptor);
	if (result)
		log_warning("the service manager cannot keep the configuration: %s; a restart with "
			    "a mistake in it will fail",
			    fault_text(-result));
}
