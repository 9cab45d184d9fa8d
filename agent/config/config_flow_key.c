/* config_flow_key.c - flow-key, aggregate-ipv4, aggregate-ipv6: what makes two packets one flow. */
#include "config_flow_key.h"

#include "config_apply.h"
#include "config_options.h"
#include "flow_names.h"
#include "word_distance.h"

#include <errno.h>
#include <string.h>

/* Find a part by name; 0 if there is none, with the nearest name in 'guess' or NULL. */
static unsigned int find_part(const char *name, const char **guess)
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	for (unsigned int i = 0; i < FLOW_KEY_PART_COUNT; i++) {
		const char *known = flow_key_part_name((enum flow_key_part)(1u << i));

		if (flow_names_equal(name, strlen(name), known))
			return 1u << i;
		word_distance_offer(&nearest, known);
	}
	*guess = nearest.best;
	return 0;
}

static int flow_key_parse(struct config *config, const struct config_option *option,
			  const char *value, struct error_text *error)
{
	unsigned int parts = 0;

	(void)option;
	while (*value) {
		const char *comma = strchrnul(value, ',');
		char name[UNITS_TEXT_SIZE];
		const char *guess = NULL;
		unsigned int part = 0;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(comma - value), value);
		if (comma - value < (ptrdiff_t)sizeof(name))
			part = find_part(name, &guess);
		if (!part && guess) {
			error_text_set(error, "unknown part \"%s\" (did you mean \"%s\"?)", name,
				       guess);
			return -EINVAL;
		}
		if (!part || (*comma && !comma[1])) {
			error_text_set(error,
				       "expected some of addresses, ports, protocol, tos, "
				       "vlan, interfaces, side and mark, with commas between");
			return -EINVAL;
		}
		if (parts & part) {
			error_text_set(error, "%s: given twice", name);
			return -EINVAL;
		}
		parts |= part;
		value = *comma ? comma + 1 : comma;
	}
	config->flow_key.changed = (uint8_t)(parts ^ FLOW_KEY_DEFAULT);
	return 0;
}

static void flow_key_format(const struct config *config, const struct config_option *option,
			    FILE *out)
{
	const char *comma = "";

	(void)option;
	for (unsigned int i = 0; i < FLOW_KEY_PART_COUNT; i++) {
		enum flow_key_part part = (enum flow_key_part)(1u << i);

		if (!flow_key_has(&config->flow_key, part))
			continue;
		(void)fprintf(out, "%s%s", comma, flow_key_part_name(part));
		comma = ",";
	}
}

const struct config_type config_type_flow_key = {
	flow_key_parse, flow_key_format, "addresses ports protocol tos vlan interfaces side mark"
};

/* "/24" or "24" -> uint8_t; the whole address is kept as 0. */
static int prefix_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	uint8_t *member = (uint8_t *)config + option->member;
	uint64_t length;

	if (units_number_parse(value + (*value == '/'), &length) ||
	    length < option->range.minimum || length > option->range.maximum) {
		error_text_set(error, "expected a prefix length from /%u to /%u",
			       (unsigned int)option->range.minimum,
			       (unsigned int)option->range.maximum);
		if (!strcmp(value, "/0") || !strcmp(value, "0"))
			error_text_hint(error, "flow-key without addresses takes all as one");
		return -EINVAL;
	}
	*member = length == option->range.maximum ? 0 : (uint8_t)length;
	return 0;
}

static void prefix_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	uint8_t length = *((const uint8_t *)config + option->member);

	(void)fprintf(out, "/%u",
		      length ? (unsigned int)length : (unsigned int)option->range.maximum);
}

const struct config_type config_type_prefix = { prefix_parse, prefix_format, NULL };

int config_flow_key_finish(struct config *config, struct error_text *error)
{
	const struct flow_key_choice *key = &config->flow_key;
	bool is_ipv4 = key->ipv4_prefix_length != 0;

	/* FIN and RST end a flow only where it is one connection. */
	config->expiry.ignored_flags = flow_key_is_connection(key) ? 0 : UINT8_MAX;
	if (config->owner != CONFIG_OWNER_off && !flow_key_is_connection(key)) {
		config_fail(error, &config->origins[OPTION_owner],
			    "owner: the flow key has parts left out, so a flow may be of many "
			    "sockets");
		return -EINVAL;
	}
	if (flow_key_has(key, FLOW_KEY_addresses) || (!is_ipv4 && !key->ipv6_prefix_length))
		return 0;
	config_fail(error,
		    &config->origins[is_ipv4 ? OPTION_aggregate_ipv4 : OPTION_aggregate_ipv6],
		    "aggregate-ipv%d: there are no addresses in flow-key", is_ipv4 ? 4 : 6);
	return -EINVAL;
}
