/* reload.c - a new configuration beside the old one, compared, and put in its place.
 *
 * Invariant: 'config' is what holds at any moment. It is replaced in its place, because others
 * point to it. */
#include "reload.h"

#include "config_life.h"
#include "config_rights.h"
#include "config_source_id.h"
#include "log.h"
#include "pipeline.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define SETTINGS_MAX 64

struct reload {
	struct reload_config config;
	struct config_override settings[SETTINGS_MAX]; /* owned; in the order in which they came */
	size_t setting_count;
	struct reload_status status;
};

struct reload *reload_create(const struct reload_config *config)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload)
		reload->config = *config;
	return reload;
}

static void setting_clear(struct config_override *setting)
{
	free(setting->name);
	free(setting->value);
}

static void forget_settings(struct reload *reload)
{
	while (reload->setting_count)
		setting_clear(&reload->settings[--reload->setting_count]);
}

void reload_destroy(struct reload *reload)
{
	if (!reload)
		return;
	forget_settings(reload);
	free(reload);
}

struct reload_status reload_status(const struct reload *reload)
{
	return reload->status;
}

static void log_change(const struct config_change *change)
{
	const char *before = change->before ? change->before : "nothing";
	const char *after = change->after ? change->after : "nothing";

	if (change->needs_restart)
		log_warning("%s: needs a restart (%s -> %s)", change->name, before, after);
	else
		log_notice("%s: %s -> %s", change->name, before, after);
}

static void log_changes(const struct config_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		log_change(&changes->changes[i]);
	if (!changes->count)
		log_info("the configuration was read again: nothing is another");
}

/* Let 'next' hold; it is taken, also on failure. */
static int take(struct reload *reload, struct config *next, struct error_text *error)
{
	struct config *config = reload->config.config;
	struct config before;
	int result;

	config_changes_keep(next, config);
	result = pipeline_reload(reload->config.pipeline, config, next, error);
	if (result) {
		config_changes_keep(config, next); /* what was exchanged goes back */
		config_clear(next);
		return result;
	}
	log_set_level(next->log_level);
	before = *config;
	*config = *next;
	config->holds_sources = false;
	config_clear(&before);
	return 0;
}

static bool has_source(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (strcmp(config->sources[i].name, name) == 0)
			return true;
	return false;
}

/* Capabilities that no source needs later were given up. One that is new is opened now, also where
 * it needs none later (wait=off). */
static bool can_open(const struct config *config, const struct config *next)
{
	if (config_rights(next) & ~config_rights(config))
		return false;
	for (size_t i = 0; i < next->source_count; i++)
		if (!has_source(config, next->sources[i].name) &&
		    !rights_are_kept(next->sources[i].type->rights))
			return false;
	return true;
}

static void hold_sources(const struct config *config, struct config *next,
			 struct config_changes *changes)
{
	bool is_live = true;

	for (size_t i = 0; i < next->source_count; i++)
		is_live &= next->sources[i].type->is_live;
	if (!is_live || !can_open(config, next))
		config_changes_hold_sources(next, changes);
}

/* Columns of the flow cache are those of the start. */
static int hold_back(struct reload *reload, struct config *next, struct config_changes *changes,
		     struct error_text *error)
{
	int result = 0;

	hold_sources(reload->config.config, next, changes);
	for (size_t i = next->collector_count; !result && i-- > 0;)
		if (pipeline_lacks_columns(reload->config.pipeline, &next->collectors[i]))
			result = config_changes_hold_back(next, i, reload->config.config, changes,
							  error);
	return result;
}

/* Read, compare, take over; the log is the caller's. */
static int read_again(struct reload *reload, const struct config_again *again,
		      struct config_changes *changes, struct error_text *error)
{
	struct config next;
	int result = 0;

	*changes = (struct config_changes){ .count = 0 };
	if (config_load_again(&next, again, error) != CONFIG_run)
		result = -EIO;
	if (!result)
		result = reload->config.complete(reload->config.context, &next, error);
	if (!result)
		config_source_id_continue(&next, reload->config.config);
	if (!result && config_changes_find(reload->config.config, &next, changes)) {
		error_text_set(error, "out of memory");
		result = -ENOMEM;
	}
	if (!result)
		result = hold_back(reload, &next, changes, error);
	if (result) {
		config_clear(&next);
		return result;
	}
	return take(reload, &next, error);
}

static struct config_again begin(const struct reload *reload)
{
	return (struct config_again){ .argc = reload->config.argc, .argv = reload->config.argv };
}

/* Files are read once: what is left of them is of the configuration that they began with. */
static int refuse_files(const struct reload *reload, struct error_text *error)
{
	if (reload->config.config->sources[0].type->is_live)
		return 0;
	error_text_set(error, "the agent reads a file of packets: its configuration holds to the "
			      "end");
	return -EIO;
}

/* There is nothing to read again. */
static int refuse_fixed(const struct reload *reload, struct error_text *error)
{
	if (!reload->config.is_fixed)
		return 0;
	error_text_set(error, "the configuration is that of a command line: restart the agent with "
			      "another one");
	return -EIO;
}

int reload_files(struct reload *reload, struct config_changes *changes, struct error_text *error)
{
	const struct config_again again = begin(reload);
	int result = refuse_fixed(reload, error);

	*changes = (struct config_changes){ .count = 0 };
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long)time_now_us(CLOCK_MONOTONIC));
	if (!result)
		result = refuse_files(reload, error);
	if (!result)
		result = read_again(reload, &again, changes, error);
	reload->status = (struct reload_status){ .unix_ms = time_now_ms(CLOCK_REALTIME),
						 .has_failed = result != 0 };
	(void)sd_notify(0, "READY=1");
	if (result) {
		log_problem(LOG_LEVEL_error, "config", "config", "configuration",
			    "%s; the agent continues with the configuration that it has",
			    error->text);
		return result;
	}
	log_changes(changes);
	log_problem_over("config", "configuration");
	forget_settings(reload);
	reload->config.taken(reload->config.context);
	return 0;
}

/* Only what was asked for: what needs a restart was said at the reload. */
static void keep_changes_made(struct config_changes *changes)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->count; i++) {
		struct config_change *change = &changes->changes[i];

		if (!change->needs_restart) {
			changes->changes[kept++] = *change;
			continue;
		}
		free(change->before);
		free(change->after);
	}
	changes->count = kept;
}

/* The settings with one more. Another value of an option that has one takes the place of the last.
 * Returns how many, or 0 with 'error' filled; the last one is the caller's. */
static size_t add_setting(const struct reload *reload, struct config_override *tried,
			  const struct config_override *added, bool adds, struct error_text *error)
{
	struct config_override *last;
	size_t count = 0;

	for (size_t i = 0; i < reload->setting_count; i++)
		if (adds || strcmp(reload->settings[i].name, added->name) != 0)
			tried[count++] = reload->settings[i];
	if (count == SETTINGS_MAX) {
		error_text_set(error, "%d values were set since the last reload", SETTINGS_MAX);
		error_text_hint(error, "write them into a file, and reload");
		return 0;
	}
	last = &tried[count];
	*last = (struct config_override){ strdup(added->name), strdup(added->value) };
	if (last->name && last->value)
		return count + 1;
	setting_clear(last);
	error_text_set(error, "out of memory");
	return 0;
}

/* Those hold now: of the old ones, all but the one that was replaced are among them. */
static void keep_settings(struct reload *reload, const struct config_override *tried, size_t count)
{
	for (size_t i = 0, j = 0; i < reload->setting_count; i++) {
		if (j + 1 < count && tried[j].name == reload->settings[i].name)
			j++;
		else
			setting_clear(&reload->settings[i]);
	}
	memcpy(reload->settings, tried, count * sizeof(*tried));
	reload->setting_count = count;
}

int reload_set(struct reload *reload, const struct config_override *setting,
	       struct config_changes *changes, struct error_text *error)
{
	static const struct config_text none = { .name = NULL };
	const struct config *config = reload->config.config;
	struct config_override tried[SETTINGS_MAX];
	struct config_again again = begin(reload);
	bool adds;
	int result = config_override_check(setting->name, &adds, error);

	*changes = (struct config_changes){ .count = 0 };
	if (!result)
		result = refuse_files(reload, error);
	if (result)
		return result;
	again.texts = config->text_count ? config->texts : &none;
	again.text_count = config->text_count;
	again.variables = &config->variables;
	again.settings = tried;
	again.setting_count = add_setting(reload, tried, setting, adds, error);
	if (!again.setting_count)
		return -EIO;
	result = read_again(reload, &again, changes, error);
	if (result) {
		setting_clear(&tried[again.setting_count - 1]);
		return result;
	}
	keep_settings(reload, tried, again.setting_count);
	keep_changes_made(changes);
	log_changes(changes);
	return 0;
}
