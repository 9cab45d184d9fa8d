/* config_changes.c - walks the table of options, and that of keys for each source and collector.
 *
 * Values are compared as texts: what is shown the same is the same. Sources and collectors are kept
 * as a whole: so a row of the table whose word is RESTART keeps its value wherever it stands. */
#include "config_changes.h"

#include "config_apply.h"
#include "config_collector.h"
#include "config_keys.h"
#include "config_options.h"
#include "config_source.h"
#include "config_text.h"
#include "config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Take 'before' and 'after' over, also on failure. Nothing happens if they are the same. */
static int add(struct config_changes *changes, const char *name, char *before, char *after,
	       bool needs_restart)
{
	struct config_change *grown = NULL;

	if (!config_text_is_same(before, after))
		grown = realloc(changes->changes, (changes->count + 1) * sizeof(*grown));
	if (!grown) {
		const int result = config_text_is_same(before, after) ? 0 : -ENOMEM;

		free(before);
		free(after);
		return result;
	}
	changes->changes = grown;
	grown += changes->count++;
	*grown = (struct config_change){
		.before = before,
		.after = after,
		.needs_restart = needs_restart,
	};
	(void)snprintf(grown->name, sizeof(grown->name), "%s", name);
	return 0;
}

/* ---- options ---- */

/* What neither file nor command line says follows from the machine, and is no change. */
static bool is_default(const struct config *before, const struct config *after, int option)
{
	return !before->origins[option].file && !after->origins[option].file;
}

static int compare_option(const struct config *before, const struct config *after, int option,
			  struct config_changes *changes)
{
	const struct config_option *row = &config_options[option];
	struct config_value old = { .value = NULL };
	struct config_value new = { .value = NULL };
	int result = config_value(before, (size_t)option, &old);

	if (!result)
		result = config_value(after, (size_t)option, &new);
	if (!result)
		return add(changes, row->name, old.value, new.value, row->needs_restart);
	config_value_clear(&old);
	config_value_clear(&new);
	return result;
}

/* ---- sources and collectors ---- */

/* How one kind of object is walked. */
struct kind {
	enum config_section section;
	const char *noun;
	const void *(*at)(const struct config *config, size_t index);
	const char *(*name)(const void *object);
	bool (*is_same)(const void *one, const void *other); /* by what it is known */
	bool (*needs_restart)(const void *object);           /* to come or go */
};

static const void *source_at(const struct config *config, size_t index)
{
	return index < config->source_count ? &config->sources[index] : NULL;
}

static const char *name_of_source(const void *object)
{
	return ((const struct source_config *)object)->name;
}

static bool source_is_same(const void *one, const void *other)
{
	const struct source_config *source = one;

	return source->type == ((const struct source_config *)other)->type &&
	       !strcmp(source->name, name_of_source(other));
}

static bool source_needs_restart(const void *object)
{
	const struct source_config *source = object;

	return config_options[config_source_option(source->type)].needs_restart;
}

static const void *collector_at(const struct config *config, size_t index)
{
	return index < config->collector_count ? &config->collectors[index] : NULL;
}

static const char *name_of_collector(const void *object)
{
	return ((const struct config_collector *)object)->name;
}

static bool collector_is_same(const void *one, const void *other)
{
	return !strcmp(name_of_collector(one), name_of_collector(other));
}

static bool collector_needs_restart(const void *object)
{
	(void)object;
	return config_options[OPTION_collector].needs_restart;
}

static const struct kind kinds[] = {
	{ SECTION_source, "source", source_at, name_of_source, source_is_same,
	  source_needs_restart },
	{ SECTION_collector, "collector", collector_at, name_of_collector, collector_is_same,
	  collector_needs_restart },
};

static const void *find(const struct kind *kind, const struct config *config, const void *object)
{
	const void *other = NULL;

	for (size_t i = 0; (other = kind->at(config, i)); i++)
		if (kind->is_same(other, object))
			return other;
	return NULL;
}

/* The value of a key, with what belongs to it; NULL: nothing is said. Owned by the caller. */
static char *key_text(const void *object, int key)
{
	char text[UNITS_TEXT_SIZE];
	const char *value = config_keys[key].type->format(object, &config_keys[key], text);
	const struct config_collector *collector = object;
	char *all = NULL;

	if (value && key == KEY_collector_address && collector->port)
		return asprintf(&all, "%s port %u", value, (unsigned int)collector->port) < 0 ? NULL
											      : all;
	return value ? strdup(value) : NULL;
}

static int compare_keys(const struct kind *kind, const void *before, const void *after,
			struct config_changes *changes)
{
	int result = 0;

	for (int i = 0; !result && i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		char name[CONFIG_CHANGE_NAME_SIZE];

		if (key->section != kind->section || !key->type)
			continue;
		(void)snprintf(name, sizeof(name), "%s %s: %s", kind->noun, kind->name(after),
			       key->name);
		result = add(changes, name, key_text(before, i), key_text(after, i),
			     key->needs_restart);
	}
	return result;
}

/* An object that is only in one of the two. */
static int add_object(const struct kind *kind, const void *object, bool is_new,
		      struct config_changes *changes)
{
	char name[CONFIG_CHANGE_NAME_SIZE];
	char *present = strdup("there");

	if (!present)
		return -ENOMEM;
	(void)snprintf(name, sizeof(name), "%s %s", kind->noun, kind->name(object));
	/* cppcheck-suppress memleak ; add() takes it */
	return add(changes, name, is_new ? NULL : present, is_new ? present : NULL,
		   kind->needs_restart(object));
}

static int compare_objects(const struct kind *kind, const struct config *before,
			   const struct config *after, struct config_changes *changes)
{
	const void *object;
	int result = 0;

	for (size_t i = 0; !result && (object = kind->at(before, i)); i++)
		if (!find(kind, after, object))
			result = add_object(kind, object, false, changes);
	for (size_t i = 0; !result && (object = kind->at(after, i)); i++) {
		const void *old = find(kind, before, object);

		result = old ? compare_keys(kind, old, object, changes)
			     : add_object(kind, object, true, changes);
	}
	return result;
}

int config_changes_find(const struct config *before, const struct config *after,
			struct config_changes *changes)
{
	int result = 0;

	*changes = (struct config_changes){ .count = 0 };
	for (int i = 0; !result && i < (int)config_option_count(); i++)
		if (!config_option_is_of_objects(i) && !is_default(before, after, i))
			result = compare_option(before, after, i, changes);
	for (size_t i = 0; !result && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		result = compare_objects(&kinds[i], before, after, changes);
	return result;
}

void config_changes_clear(struct config_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->changes[i].before);
		free(changes->changes[i].after);
	}
	free(changes->changes);
	*changes = (struct config_changes){ .count = 0 };
}

/* ---- keeping what is ---- */

static void exchange(void *one, void *other, size_t size)
{
	uint8_t *a = one;
	uint8_t *b = other;

	for (size_t i = 0; i < size; i++) {
		const uint8_t byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* An origin names a file of its own configuration. */
static void keep_origin(struct config *config, struct config_origin *origin,
			const struct config_origin *from)
{
	*origin = *from;
	if (config_origin_is_file(from))
		origin->file = config_file_name(config, from->file);
	if (from->file && !origin->file)
		*origin = (struct config_origin){ .file = "a file" }; /* no memory for its name */
}

/* What needs a restart of a source that is in both. */
static void keep_source(struct source_config *source, struct source_config *running)
{
	for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section == SECTION_source && key->type && key->needs_restart)
			exchange((char *)source + key->member, (char *)running + key->member,
				 key->size);
	}
	if (config_keys[KEY_source_direction].needs_restart)
		exchange(&source->side, &running->side, sizeof(source->side));
}

/* Whether sources come or go that need a restart for that. */
static bool are_sources_held(const struct config *config, const struct config *running)
{
	bool held = config->holds_sources || running->holds_sources;

	for (size_t i = 0; i < config->source_count; i++)
		held |= source_needs_restart(&config->sources[i]);
	for (size_t i = 0; i < running->source_count; i++)
		held |= source_needs_restart(&running->sources[i]);
	return held;
}

static void keep_sources(struct config *config, struct config *running)
{
	if (are_sources_held(config, running)) {
		exchange(&config->sources, &running->sources, sizeof(config->sources));
		exchange(&config->source_count, &running->source_count,
			 sizeof(config->source_count));
		return;
	}
	for (size_t i = 0; i < config->source_count; i++)
		for (size_t j = 0; j < running->source_count; j++)
			if (source_is_same(&config->sources[i], &running->sources[j]))
				keep_source(&config->sources[i], &running->sources[j]);
}

void config_changes_keep(struct config *config, struct config *running)
{
	keep_sources(config, running);
	for (int i = 0; i < (int)config_option_count(); i++) {
		const struct config_option *row = &config_options[i];

		if (!row->needs_restart)
			continue;
		if (!config_option_is_of_objects(i))
			exchange((char *)config + row->member, (char *)running + row->member,
				 row->size);
		keep_origin(config, &config->origins[i], &running->origins[i]);
	}
	/* This follows from the flow key: config_flow_key_finish(). */
	config->expiry.ignored_flags = running->expiry.ignored_flags;
}

/* ---- what cannot be done at run time ---- */

void config_changes_hold_sources(struct config *config, struct config_changes *changes)
{
	config->holds_sources = true;
	for (size_t i = 0; i < changes->count; i++)
		if (!strncmp(changes->changes[i].name, "source ", strlen("source ")))
			changes->changes[i].needs_restart = true;
}

static void mark(struct config_changes *changes, const char *name, const char *key)
{
	char text[CONFIG_CHANGE_NAME_SIZE];

	(void)snprintf(text, sizeof(text), "collector %s%s", name, key);
	for (size_t i = 0; i < changes->count; i++)
		if (!strcmp(changes->changes[i].name, text))
			changes->changes[i].needs_restart = true;
}

int config_changes_hold_back(struct config *config, size_t collector, const struct config *running,
			     struct config_changes *changes, struct error_text *error)
{
	struct config_collector *held = &config->collectors[collector];
	const struct config_collector *before = find(&kinds[1], running, held);
	char *fields;

	mark(changes, held->name, before ? ": fields" : "");
	if (!before) {
		config_collector_drop(config, collector);
		return 0;
	}
	fields = before->fields ? strdup(before->fields) : NULL;
	if (before->fields && !fields) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	free(held->fields);
	held->fields = fields;
	held->field_set = before->field_set;
	return 0;
}
