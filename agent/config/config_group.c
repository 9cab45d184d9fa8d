/* config_group.c - how collectors share the records, and which of them each wants: mode, group,
 * priority, filter, sampling.
 *
 * A value alone is checked when it is read, what must fit together when everything is known. */
#include "config_group.h"

#include "config_apply.h"
#include "config_keys.h"
#include "config_text.h"
#include "record_selection.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int mode_parse(void *object, const struct config_key *key, const char *value,
		      struct error_text *error)
{
	struct config_collector *collector = object;

	(void)key;
	if (collector_mode_find(value, &collector->mode) == 0)
		return 0;
	error_text_set(error, "expected mirror, balance, round-robin or failover");
	return -EINVAL;
}

static const char *mode_format(const void *object, const struct config_key *key,
			       char text[static UNITS_TEXT_SIZE])
{
	const struct config_collector *collector = object;

	(void)key;
	(void)text;
	return collector->mode == COLLECTOR_mirror ? NULL : collector_mode_name(collector->mode);
}

const struct config_key_type config_key_type_mode = { mode_parse, mode_format, NULL, NULL, false };

static int group_parse(void *object, const struct config_key *key, const char *value,
		       struct error_text *error)
{
	struct config_collector *collector = object;
	size_t length = strlen(value);

	(void)key;
	for (const char *next = value; *next; next++)
		if (!isalnum((unsigned char)*next) && !strchr("-._", *next))
			length = COLLECTOR_GROUP_SIZE;
	if (length < COLLECTOR_GROUP_SIZE)
		return config_text_replace(&collector->group, value, error);
	error_text_set(error, "expected a name of at most %d letters, digits and -._",
		       COLLECTOR_GROUP_SIZE - 1);
	return -EINVAL;
}

const struct config_key_type config_key_type_group = { group_parse, config_key_text_format,
						       config_key_text_clear, NULL, false };

/* Interfaces may come later than the agent. */
static bool any_interface(const void *context, uint32_t number, const char *name)
{
	(void)context;
	(void)number;
	(void)name;
	return true;
}

static int filter_parse(void *object, const struct config_key *key, const char *value,
			struct error_text *error)
{
	struct config_collector *collector = object;
	struct record_selection selection;
	struct error_text why = { .text = "" };
	const struct flow_filter_names names = { .interface_is = any_interface };
	const struct hash_key no_secret = { 0 };
	static const char prefix[] = "filter: "; /* the key's name stands before it already */

	(void)key;
	if (record_selection_init(&selection, value, &names, 0, no_secret, &why) == 0) {
		record_selection_clear(&selection);
		return config_text_replace(&collector->filter, value, error);
	}
	error_text_set(error, "%s",
		       why.text + (strncmp(why.text, prefix, strlen(prefix)) ? 0 : strlen(prefix)));
	return -EINVAL;
}

const struct config_key_type config_key_type_filter = { filter_parse, config_key_text_format,
							config_key_text_clear, NULL, true };

static const char *group_name(const struct config_collector *collector)
{
	return collector->group ? collector->group : collector_mode_name(collector->mode);
}

/* What a collector says of its group must agree with its mode, and with the others of it. */
static int check_group(const struct config *config, const struct config_collector *collector,
		       struct error_text *error)
{
	if (collector->mode == COLLECTOR_mirror && collector->group) {
		config_fail(error, config_key_origin(collector, KEY_collector_group),
			    "collector %s: group %s needs a mode: it gets every flow without one",
			    collector->name, collector->group);
		error_text_hint(error, "add mode=balance, round-robin or failover");
		return -EINVAL;
	}
	if (collector->mode != COLLECTOR_failover && collector->priority) {
		config_fail(error, config_key_origin(collector, KEY_collector_priority),
			    "collector %s: a priority means nothing but with mode=failover",
			    collector->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->collector_count && &config->collectors[i] != collector;
	     i++) {
		const struct config_collector *other = &config->collectors[i];

		if (other->mode == COLLECTOR_mirror || collector->mode == COLLECTOR_mirror ||
		    other->mode == collector->mode ||
		    strcmp(group_name(other), group_name(collector)) != 0)
			continue;
		config_fail(error, config_key_origin(collector, KEY_collector_mode),
			    "collector %s: group %s has one mode, and collector %s has %s there",
			    collector->name, group_name(collector), other->name,
			    collector_mode_name(other->mode));
		return -EINVAL;
	}
	return 0;
}

/* Without a table every AS number is 0, and a filter for others would match nothing at all. */
static int check_filter(const struct config *config, const struct config_collector *collector,
			struct error_text *error)
{
	const struct flow_filter_names names = { .interface_is = any_interface };
	struct flow_filter *filter;
	unsigned int needs;

	if (!collector->filter || config->asn_table || config->networks_file)
		return 0;
	filter = flow_filter_parse_text(collector->filter, &names, error);
	if (!filter)
		return -EINVAL;
	needs = flow_filter_needs(filter);
	flow_filter_destroy(filter);
	if (!(needs & FLOW_FILTER_needs_as_numbers))
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_filter),
		    "collector %s: its filter asks for AS numbers, which only an asn-table or a "
		    "networks-file gives",
		    collector->name);
	return -EINVAL;
}

int config_groups_finish(struct config *config, struct error_text *error)
{
	for (size_t i = 0; i < config->collector_count; i++) {
		int result = check_group(config, &config->collectors[i], error);

		if (!result)
			result = check_filter(config, &config->collectors[i], error);
		if (result)
			return result;
	}
	return 0;
}
