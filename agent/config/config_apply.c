/* config_apply.c - a value, from the file or the command line, to the type of its option.
 *
 * Place: config_file.c, config_arguments.c -> here -> config_types.c and the like. */
#include "config_apply.h"

#include "config_timeout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *config_file_name(struct config *config, const char *name)
{
	char **names = realloc(config->file_names, (config->file_name_count + 1) * sizeof(*names));
	char *copy = strdup(name);

	if (names)
		config->file_names = names;
	if (names && copy) {
		names[config->file_name_count++] = copy;
		return copy;
	}
	free(copy);
	return NULL;
}

void config_fail(struct error_text *error, const struct config_origin *origin, const char *format,
		 ...)
{
	char text[sizeof(error->text)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (config_origin_is_file(origin))
		error_text_set(error, "%s:%d: %s", origin->file, origin->line, text);
	else
		error_text_set(error, "%s", text);
}

void config_fail_hint(struct error_text *error, const struct config_origin *origin,
		      const char *value, const struct error_text *why)
{
	if (why && why->hint[0])
		error_text_hint(error, "%s", why->hint);
	else if (config_origin_is_file(origin) && (strstr(value, " #") || strstr(value, "\t#")))
		error_text_hint(error, "after a value a comment starts with ;");
}

static void fail_value(const struct config_option *option, const char *value,
		       const struct config_origin *origin, const struct error_text *why,
		       struct error_text *error)
{
	if (config_origin_is_file(origin))
		config_fail(error, origin, "%s: value \"%.100s\": %s", option->name, value,
			    why->text);
	else
		config_fail(error, origin, "--%s \"%.100s\": %s", option->name, value, why->text);
	config_fail_hint(error, origin, value, why);
}

/* What an option may change beside its own value: its origin must be known where that is shown. */
static void mark_others(struct config *config, const struct config *before,
			enum config_option_id id, const struct config_origin *origin)
{
	if (id == OPTION_collector)
		config->collectors[config->collector_count - 1].origin = *origin;
	if (id != OPTION_timeout)
		return;
	if (config->expiry.active_ms != before->expiry.active_ms)
		config->origins[OPTION_active_timeout] = *origin;
	if (config->inactive_timeout_ms != before->inactive_timeout_ms)
		config->origins[OPTION_inactive_timeout] = *origin;
}

/* Timeouts that an option has just set. */
static uint32_t timeouts_of(const struct config *config, enum config_option_id id)
{
	switch (id) {
	case OPTION_timeout: return config->timeouts_named;
	case OPTION_active_timeout: return 1u << CONFIG_TIMEOUT_ACTIVE;
	case OPTION_inactive_timeout: return 1u << CONFIG_TIMEOUT_INACTIVE;
	default: return 0;
	}
}

/* Refuse a timeout that this file has set before, by whatever option: the later one would win
 * without a word. The command line, and another file, may set it anew. */
static int refuse_second_timeout(struct config *config, enum config_option_id id,
				 const struct config_origin *origin, struct error_text *error)
{
	const uint32_t named = timeouts_of(config, id);

	for (unsigned int i = 0; i < CONFIG_TIMEOUT_NAMES; i++) {
		struct config_origin *last = &config->timeout_origins[i];

		if (!(named >> i & 1))
			continue;
		if (config_origin_is_file(origin) && last->file == origin->file) {
			config_fail(error, origin,
				    "%s: the timeout \"%s\" is set in line %d already",
				    config_options[id].name, config_timeout_name(i), last->line);
			return -EINVAL;
		}
		*last = *origin;
	}
	return 0;
}

int config_apply(struct config *config, enum config_option_id id, const char *value,
		 const struct config_origin *origin, struct error_text *error)
{
	const struct config_option *option = &config_options[id];
	const struct config before = *config;
	struct config_origin *last = &config->origins[id];
	struct error_text why = { .text = "" };
	int result = -EINVAL;

	if (!(option->flags & OPTION_LIST) && config_origin_is_file(origin) &&
	    last->file == origin->file) {
		config_fail(error, origin, "%s: set in line %d already", option->name, last->line);
		return -EINVAL;
	}
	if (option->argument && !*value)
		error_text_set(&why, "expected %s", option->argument);
	else
		result = option->type->parse(config, option, value, &why);
	if (result) {
		fail_value(option, value, origin, &why, error);
		return result;
	}
	result = refuse_second_timeout(config, id, origin, error);
	if (result)
		return result;
	*last = *origin;
	mark_others(config, &before, id, origin);
	return 0;
}

const struct config_origin *config_key_origin(const struct config_collector *collector,
					      enum config_key_id key)
{
	const struct config_origin *own =
		collector->key_origins ? &collector->key_origins[key] : NULL;

	return own && own->file ? own : &collector->origin;
}
