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

/* What one value has set; each timeout may be there once, under any of its names. */
struct timeouts_seen {
	const uint32_t *members[CONFIG_TIMEOUT_COUNT + OTHER_COUNT];
	size_t count;
};

static int refuse_second(struct timeouts_seen *seen, const uint32_t *member, const char *name,
			 struct error_text *error)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->members[i] != member)
			continue;
		error_text_set(error, "%s: given twice", name);
		if (!strcmp(name, "active") || !strcmp(name, "maxlife"))
			error_text_hint(error, "active and maxlife are the same timeout");
		return -EINVAL;
	}
	seen->members[seen->count++] = member; /* one for each name at most: it fits */
	return 0;
}

static int pair_parse(struct config *config, const struct config_option *option, char *pair,
		      struct timeouts_seen *seen, struct error_text *error)
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
	if (refuse_second(seen, member, pair, error))
		return -EINVAL;
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
	struct timeouts_seen seen = { .count = 0 };
	char *pair;
	int result = 0;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	while (!result && (pair = strsep(&rest, ",")))
		result = pair_parse(config, option, pair, &seen, error);
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

void config_timeouts_finish(struct config *config)
{
	for (size_t i = 0; i < EXPIRY_CLASS_COUNT; i++)
		if (!config->expiry.idle_ms[i])
			config->expiry.idle_ms[i] = config->inactive_timeout_ms;
}
