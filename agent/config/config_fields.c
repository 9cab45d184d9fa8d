/* config_fields.c - which fields the records of a collector have: fields=LIST.
 *
 * A list is kept as text too, with + in the place of blanks, as it may stand after a comma. */
#include "config_fields.h"

#include "config_apply.h"
#include "config_keys.h"
#include "config_options.h"
#include "config_text.h"
#include "encoder.h"

#include <errno.h>
#include <string.h>

#define SIGNS  "+-"
#define BLANKS " \t,"

/* One sign between two words. */
static void tidy(char *list)
{
	char *to = list;

	for (const char *from = list; *from; from++) {
		if (!strchr(BLANKS, *from)) {
			*to++ = *from;
			continue;
		}
		from += strspn(from, BLANKS) - 1;
		if (to > list && !strchr(SIGNS, to[-1]) && from[1] && !strchr(SIGNS, from[1]))
			*to++ = '+';
	}
	*to = '\0';
}

static int fields_parse(void *object, const struct config_key *key, const char *value,
			struct error_text *error)
{
	struct config_collector *collector = object;
	int result = template_fields_parse(value, &collector->field_set, error);

	(void)key;
	if (!result)
		result = config_text_replace(&collector->fields, value, error);
	if (!result)
		tidy(collector->fields);
	return result;
}

const struct config_key_type config_key_type_fields = { fields_parse, config_key_text_format,
							config_key_text_clear, NULL, false };

static int fields_check(const struct config *config, const struct config_collector *collector,
			struct error_text *error)
{
	const struct encoder_type *encoder = encoder_find(collector->version);
	struct error_text why = { .text = "" };
	int result;

	if (!collector->fields)
		return 0;
	if (!encoder->protocol) {
		config_fail(error, config_key_origin(collector, KEY_collector_fields),
			    "collector %s: records of NetFlow v5 always have the same fields",
			    collector->name);
		error_text_hint(error, "give it version 9 or 10, or no fields");
		return -EINVAL;
	}
	result = template_fields_check(&collector->field_set, encoder->protocol, &config->flow_key,
				       &why);
	if (result) {
		config_fail(error, config_key_origin(collector, KEY_collector_fields),
			    "collector %s: fields: %s", collector->name, why.text);
		error_text_hint(error, "%s", why.hint);
	}
	return result;
}

/* Only v9 has a choice of times: v5 has no other clock, IPFIX and JSON have no such clock. */
static int uptime_check(const struct config_collector *collector, struct error_text *error)
{
	char version[ENCODER_VERSION_TEXT_SIZE];

	if (!collector->uptime || encoder_find(collector->version)->protocol == EXPORT_V9)
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_uptime),
		    "collector %s: uptime=on is for NetFlow v9, not for version=%s",
		    collector->name, encoder_version_format(collector->version, version));
	error_text_hint(error, "give it version 9, or no uptime");
	return -EINVAL;
}

int config_fields_finish(const struct config *config, struct error_text *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < config->collector_count; i++) {
		result = fields_check(config, &config->collectors[i], error);
		if (!result)
			result = uptime_check(&config->collectors[i], error);
	}
	return result;
}
