/* config_timeout.c - "--timeout udp=5s,tcp=1m": timeouts by the names that softflowd gave them.
 *
 * While options are read, 0 stands for a class that nobody has set; config_timeouts_finish() lets
 * these follow the inactive timeout. */
#include "config_timeout.h"

#include "config_options.h"
#include "word_distance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names beside those of the classes. */
static const struct {
	const char *name;
	size_t member;
} others[] = {
	{ "active", offsetof(struct config, expiry.active_ms) },
	{ "maxlife", offsetof(struct config, expiry.active_ms) }, /* softflowd's word for it */
	{ "inactive", offsetof(struct config, inactive_timeout_ms) },
};

#define OTHER_COUNT (sizeof(others) / sizeof(others[0]))

/* The member of 'config' that a name stands for; NULL if there is none. */
static uint32_t *find_member(struct config *config, const char *name)
{
	for (size_t i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		if (!strcmp(config_timeouts[i].name, name))
			return &config->expiry.idle_ms[config_timeouts[i].class];
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (!strcmp(others[i].name, name))
			return (uint32_t *)(void *)((char *)config + others[i].member);
	return NULL;
}

static void fail_name(const char *name, struct error_text *error)
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	if (!strcmp(name, "expint")) {
		error_text_set(error, "expint is not needed: flows are exported when they are due, "
				      "not at intervals; leave it out");
		return;
	}
	for (size_t i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		word_distance_offer(&nearest, config_timeouts[i].name);
	error_text_set(error,
		       "unknown timeout \"%.60s\"; expected active, inactive, tcp, tcp.rst, "
		       "tcp.fin, udp, icmp or general",
		       name);
	if (nearest.best)
		error_text_set(error, "unknown timeout \"%.60s\" (did you mean \"%s\"?)", name,
			       nearest.best);
}

/* The same member is the same bit of timeouts_named, under any of its names. */
static unsigned int bit_of(const struct config *config, const uint32_t *member)
{
	if (member == &config->expiry.active_ms)
		return CONFIG_TIMEOUT_ACTIVE;
	if (member == &config->inactive_timeout_ms)
		return CONFIG_TIMEOUT_INACTIVE;
	return (unsigned int)(member - config->expiry.idle_ms);
}
_Static_assert(CONFIG_TIMEOUT_NAMES == CONFIG_TIMEOUT_INACTIVE + 1, "a bit for each");

/* Each timeout may be in one value once. */
static int refuse_second(struct config *config, const uint32_t *member, const char *name,
			 struct error_text *error)
{
	const uint32_t bit = 1u << bit_of(config, member);

	if (config->timeouts_named & bit) {
		error_text_set(error, "%s: given twice", name);
		if (!strcmp(name, "active") || !strcmp(name, "maxlife"))
			error_text_hint(error, "active and maxlife are the same timeout");
		return -EINVAL;
	}
	config->timeouts_named |= bit;
	return 0;
}

const char *config_timeout_name(unsigned int bit)
{
	if (bit >= CONFIG_TIMEOUT_COUNT)
		return bit == CONFIG_TIMEOUT_ACTIVE ? "active" : "inactive";
	for (size_t i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		if ((unsigned int)config_timeouts[i].class == bit)
			return config_timeouts[i].name;
	return "";
}

static int active_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	uint64_t milliseconds = EXPIRY_ACTIVE_OFF;
	struct error_text why;

	if (strcmp(value, "off") != 0 &&
	    units_range_parse(&option->range, value, &milliseconds, &why)) {
		error_text_set(error, "%s, or off", why.text);
		return -EINVAL;
	}
	config->expiry.active_ms = (uint32_t)milliseconds;
	return 0;
}

static void active_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	const uint32_t milliseconds = config->expiry.active_ms;
	char text[UNITS_TEXT_SIZE];

	(void)fputs(milliseconds == EXPIRY_ACTIVE_OFF
			    ? "off"
			    : units_format(option->range.unit, milliseconds, text),
		    out);
}

const struct config_type config_type_active = { active_parse, active_format, "off" };

static int pair_parse(struct config *config, const struct config_option *option, char *pair,
		      struct error_text *error)
{
	char *value = strchr(pair, '=');
	struct error_text why = { .text = "" };
	uint64_t milliseconds;
	uint32_t *member;
	int result;

	if (!value) {
		error_text_set(error,
			       "expected NAME=TIME, such as tcp=60s; for all flows there are "
			       "--active-timeout and --inactive-timeout");
		return -EINVAL;
	}
	*value++ = '\0';
	member = find_member(config, pair);
	if (!member) {
		fail_name(pair, error);
		return -EINVAL;
	}
	if (refuse_second(config, member, pair, error))
		return -EINVAL;
	if (member == &config->expiry.active_ms)
		return active_parse(config, option, value, error);
	result = units_range_parse(&option->range, value, &milliseconds, &why);
	if (result)
		error_text_set(error, "%s: %s", pair, why.text);
	else
		*member = (uint32_t)milliseconds;
	return result;
}

static int timeout_parse(struct config *config, const struct config_option *option,
			 const char *value, struct error_text *error)
{
	char *copy = strdup(value);
	char *rest = copy;
	char *pair;
	int result = 0;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	config->timeouts_named = 0;
	while (!result && (pair = strsep(&rest, ",")))
		result = pair_parse(config, option, pair, error);
	free(copy);
	return result;
}

static void timeout_format(const struct config *config, const struct config_option *option,
			   FILE *out)
{
	char text[UNITS_TEXT_SIZE];

	for (size_t i = 0; i < CONFIG_TIMEOUT_COUNT; i++)
		(void)fprintf(out, "%s%s=%s", i ? "," : "", config_timeouts[i].name,
			      units_format(option->range.unit,
					   config->expiry.idle_ms[config_timeouts[i].class], text));
}

const struct config_type config_type_timeout = { timeout_parse, timeout_format, NULL };

void config_timeouts_clear(struct config *config)
{
	const struct config_option *option = &config_options[OPTION_timeout];
	struct error_text error;

	(void)memset(config->expiry.idle_ms, 0, sizeof(config->expiry.idle_ms));
	(void)memset(config->timeout_origins, 0,
		     CONFIG_TIMEOUT_COUNT * sizeof(config->timeout_origins[0]));
	(void)timeout_parse(config, option, option->default_text, &error);
}

void config_timeouts_finish(struct config *config)
{
	for (size_t i = 0; i < EXPIRY_CLASS_COUNT; i++)
		if (!config->expiry.idle_ms[i])
			config->expiry.idle_ms[i] = config->inactive_timeout_ms;
}
