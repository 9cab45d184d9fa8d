/* config_source.c - packet sources: the options of capture_sources.def, and [source "NAME"].
 *
 * A source is known by its type and name ("nflog:40", "eth0", a file). Named again, by an option or
 * by its section, it is the same one and takes over what is said of it. Invariant: what a source
 * is, only its struct capture_type knows. */
#include "config_source.h"

#include "capture_sources.h"
#include "config_apply.h"
#include "config_pairs.h"
#include "cpu_list.h"
#include "defaults.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What each option reads; NULL: no packets. */
static const struct capture_type *const types[CONFIG_OPTION_COUNT] = {
#define CAPTURE_SOURCE(option, type, ...) [OPTION_##option] = &capture_##type,
#include "capture_sources.def"
};

enum config_option_id config_source_option(const struct capture_type *type)
{
	int option = 0;

	while (option < CONFIG_OPTION_COUNT && types[option] != type)
		option++;
	return (enum config_option_id)option;
}

/* "auto": the first of several groups on the first CPU that is online, and so on, around when there
 * are more groups. So `agentctl rules --per-cpu` numbers them, too. */
static void cpu_resolve(struct source_config *source, size_t position)
{
	struct cpu_list list;

	if (source->cpu != CONFIG_CPU_AUTO)
		return;
	cpu_list_online(&list);
	source->cpu = list.numbers[position % list.count] + 1u;
}

static struct source_config *source_find(struct source_config *sources, size_t count,
					 const struct capture_type *type, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (sources[i].type == type && !strcmp(sources[i].name, name))
			return &sources[i];
	return NULL;
}

static int source_append(struct config *config, const struct source_config *added,
			 struct error_text *error)
{
	struct source_config *sources;

	if (config->source_count == SOURCES_MAX) {
		error_text_set(error, "expected at most %d sources in all", SOURCES_MAX);
		return -EINVAL;
	}
	sources = realloc(config->sources, (config->source_count + 1) * sizeof(*sources));
	if (!sources) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	config->sources = sources;
	sources[config->source_count++] = *added;
	return 0;
}

/* Add, with what the file says of it, where that names it. */
static int source_add(struct config *config, const struct source_config *source,
		      struct error_text *error)
{
	const struct source_config *aside =
		source_find(config->set_aside, config->set_aside_count, source->type, source->name);
	struct source_config added = aside ? *aside : *source;
	int result = 0;

	added.name = source->name;
	added.also = NULL;
	added.also_count = 0;
	if (aside)
		result = config_keys_take(&added, source, SECTION_source, error);
	return result ? result : source_append(config, &added, error);
}

/* The source that further names of this type are part of, as its packets have their own time; NULL:
 * each name is a source. */
static struct source_config *source_of_names(const struct config *config,
					     const struct capture_type *type)
{
	for (size_t i = 0; !type->is_live && i < config->source_count; i++)
		if (config->sources[i].type == type)
			return &config->sources[i];
	return NULL;
}

/* One more name of a source. The name is taken, unless this fails. */
static int source_join(struct source_config *source, char *name, struct error_text *error)
{
	char **also = realloc(source->also, (source->also_count + 1) * sizeof(*also));

	if (!also) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	source->also = also;
	also[source->also_count++] = name;
	return 0;
}

/* Find or add, with what it says. Its name is taken, also on failure. */
static int source_take(struct config *config, struct source_config *source,
		       struct error_text *error)
{
	struct source_config *joined = source_of_names(config, source->type);
	struct source_config *known =
		source_find(config->sources, config->source_count, source->type, source->name);
	int result;

	if (joined)
		result = source_join(joined, source->name, error);
	else if (known)
		result = config_keys_take(known, source, SECTION_source, error);
	else
		result = source_add(config, source, error);
	if ((known && !joined) || result)
		free(source->name);
	return result;
}

static int source_check(const struct source_config *source, struct error_text *error)
{
	return source->type->check ? source->type->check(source, error) : 0;
}

/* All that 'text' means, with 'settings'. */
static int sources_add(struct config *config, const char *text,
		       const struct source_config *settings, struct error_text *error)
{
	for (size_t index = 0;; index++) {
		struct source_config source = *settings;
		int result = source.type->parse(text, index, &source, error);

		if (result <= 0)
			return result;
		cpu_resolve(&source, index);
		result = source_check(&source, error);
		if (result)
			free(source.name);
		else
			result = source_take(config, &source, error);
		if (result)
			return result;
	}
}

/* A key that makes sense for this type of source. */
static int source_key_parse(struct source_config *source, enum config_key_id key, const char *value,
			    struct error_text *error)
{
	if (!(config_keys[key].needs & ~source->type->keys))
		return config_key_parse(source, key, value, error);
	error_text_set(error, "a %s has no %s", source->type->noun, config_keys[key].name);
	return -EINVAL;
}

/* The same for a key after a comma: the error begins with its name. */
static int source_key_set(void *object, enum config_key_id key, const char *value,
			  struct error_text *error)
{
	struct error_text why = { .text = "" };
	const int result = source_key_parse(object, key, value, &why);

	if (result)
		error_text_set(error, "%s: %s", config_keys[key].name, why.text);
	return result;
}

/* Values may have commas: keys begin at the first one with the name of a key and '=' after it. NULL
 * if there are none. */
static char *keys_find(char *value)
{
	char guess[CONFIG_GUESS_SIZE];

	for (char *comma = strchr(value, ','); comma; comma = strchr(comma + 1, ',')) {
		const size_t length = strcspn(comma + 1, "=,");
		char name[UNITS_TEXT_SIZE];

		if (comma[1 + length] != '=' || length >= sizeof(name))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)length, comma + 1);
		if (config_key_find(SECTION_source, name, true, guess) < 0)
			continue;
		*comma = '\0';
		return comma + 1;
	}
	return NULL;
}

/* "WHAT,KEY=VALUE...". */
static int source_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	struct source_config settings = { .type = types[option - config_options] };
	char *copy = strdup(value);
	char *keys = copy;
	int result;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	if (settings.type->has_commas)
		keys = keys_find(copy);
	else
		(void)strsep(&keys, ",");
	if (keys && source_of_names(config, settings.type)) {
		error_text_set(error, "keys are given once, with the first %s: they hold for all",
			       settings.type->noun);
		free(copy);
		return -EINVAL;
	}
	result = config_pairs_set(keys, SECTION_source, source_key_set, &settings, error);
	if (!result)
		result = sources_add(config, copy, &settings, error);
	free(copy);
	return result;
}

static void source_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	const struct capture_type *type = types[option - config_options];
	const char *space = "";

	for (size_t i = 0; i < config->source_count; i++) {
		const struct source_config *source = &config->sources[i];

		if (source->type != type)
			continue;
		(void)fprintf(out, "%s%s", space, source->name + strlen(type->prefix));
		config_keys_format(source, SECTION_source, out);
		for (size_t name = 0; name < source->also_count; name++)
			(void)fprintf(out, " %s", source->also[name]);
		space = " ";
	}
}

#define CAPTURE_SOURCE(option_, type_, name_, letter_, argument_, completion_, ...)          \
	const struct config_type config_type_source_##type_ = { source_parse, source_format, \
								completion_ };
#include "capture_sources.def"

/* The type of a source that a section names. NULL: no type has such names. */
static const struct capture_type *section_type(const char *name)
{
	const struct capture_type *best = NULL;

	for (int option = 0; option < CONFIG_OPTION_COUNT; option++) {
		const struct capture_type *type = types[option];

		if (!type || !type->section ||
		    strncmp(name, type->prefix, strlen(type->prefix)) != 0)
			continue;
		if (!best || strlen(type->prefix) > strlen(best->prefix))
			best = type;
	}
	return best;
}

static int refuse_section(const char *name, struct error_text *error)
{
	char expected[sizeof(error->text)] = "";

	for (int option = 0; option < CONFIG_OPTION_COUNT; option++) {
		const size_t used = strlen(expected);

		if (types[option] && types[option]->section)
			(void)snprintf(expected + used, sizeof(expected) - used, "%s%s",
				       used ? ", or " : "", types[option]->section);
	}
	error_text_set(error, "source \"%.60s\": expected %.200s", name, expected);
	return -EINVAL;
}

int config_source_declare(struct config *config, const char *name,
			  const struct config_origin *origin, struct error_text *error)
{
	struct source_config source = { .type = section_type(name) };
	int result;

	if (!source.type)
		return refuse_section(name, error);
	config->origins[config_source_option(source.type)] = *origin;
	result = source.type->parse(name + strlen(source.type->prefix), 0, &source, error);
	if (result == -EINVAL)
		return refuse_section(name, error);
	if (result < 0)
		return result;
	/* One section, one source: its keys must find it by this name. */
	if (!strcmp(source.name, name))
		return source_take(config, &source, error);
	free(source.name);
	return refuse_section(name, error);
}

int config_source_set(struct config *config, const char *name, enum config_key_id key,
		      const char *value, struct error_text *error)
{
	struct source_config *source =
		source_find(config->sources, config->source_count, section_type(name), name);
	int result;

	assert(source); /* 'name' is one of them */
	result = source_key_parse(source, key, value, error);
	if (!result)
		result = source_check(source, error);
	cpu_resolve(source, 0);
	return result;
}

static void source_clear(struct source_config *source)
{
	for (size_t i = 0; i < source->also_count; i++)
		free(source->also[i]);
	free(source->also);
	free(source->name);
}

static void sources_free(struct source_config *sources, size_t count)
{
	for (size_t i = 0; i < count; i++)
		source_clear(&sources[i]);
	free(sources);
}

void config_sources_clear(struct config *config)
{
	sources_free(config->sources, config->source_count);
	sources_free(config->set_aside, config->set_aside_count);
	config->sources = config->set_aside = NULL;
	config->source_count = config->set_aside_count = 0;
}

void config_sources_clear_option(struct config *config, enum config_option_id option)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->source_count; i++) {
		if (config->sources[i].type == types[option])
			source_clear(&config->sources[i]);
		else
			config->sources[kept++] = config->sources[i];
	}
	config->source_count = kept;
}

void config_sources_set_aside(struct config *config)
{
	config->set_aside = config->sources;
	config->set_aside_count = config->source_count;
	config->sources = NULL;
	config->source_count = 0;
}

/* A source whose packets have their own time is the only one. */
static int check_alone(const struct config *config, struct error_text *error)
{
	for (size_t i = 0; config->source_count > 1 && i < config->source_count; i++) {
		const struct capture_type *type = config->sources[i].type;
		const enum config_option_id option = config_source_option(type);

		if (type->is_live)
			continue;
		config_fail(error, &config->origins[option],
			    "%s: a %s cannot be read together with other sources",
			    config_options[option].name, type->noun);
		error_text_hint(error,
				"its packets have their own time; run flowagent once for the %s "
				"and once for the rest",
				type->noun);
		return -EINVAL;
	}
	return 0;
}

int config_sources_finish(struct config *config, struct error_text *error)
{
	static const struct source_config settings = { .type = &capture_nflog };
	char group[UNITS_TEXT_SIZE];

	if (config->source_count)
		return check_alone(config, error);
	(void)snprintf(group, sizeof(group), "%d", DEFAULT_NFLOG_GROUP);
	return sources_add(config, group, &settings, error);
}
