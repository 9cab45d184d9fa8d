/* config_source_keys.c - what may be said of a source: label, direction, sampling, CPU, switches.
 *
 * Place: rows of config_options.def -> types here -> struct source_config. */
#include "capture_filter.h"
#include "config_keys.h"
#include "config_source.h"
#include "config_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Any word, without what would be taken apart where several sources stand in one line. */
static int label_parse(void *object, const struct config_key *key, const char *value,
		       struct error_text *error)
{
	struct source_config *source = object;
	bool is_word = *value && strlen(value) < sizeof(source->label);

	(void)key;
	for (const char *next = value; is_word && *next; next++)
		is_word = *next != ',' && (isgraph((unsigned char)*next) || (*next & 0x80));
	if (!is_word) {
		error_text_set(error,
			       "expected a word of at most %zu bytes, without blanks and commas",
			       sizeof(source->label) - 1);
		return -EINVAL;
	}
	(void)snprintf(source->label, sizeof(source->label), "%s", value);
	return 0;
}

static const char *label_format(const void *object, const struct config_key *key,
				char text[static UNITS_TEXT_SIZE])
{
	const struct source_config *source = object;

	(void)key;
	(void)text;
	return source->label[0] ? source->label : NULL;
}

const struct config_key_type config_key_type_label = { label_parse, label_format, NULL, NULL,
						       false };

/* In quotes where it stands in a line with other keys: so it has none itself. */
static int packet_filter_parse(void *object, const struct config_key *key, const char *value,
			       struct error_text *error)
{
	struct source_config *source = object;

	(void)key;
	if (strlen(value) >= sizeof(source->filter) || strchr(value, '"')) {
		error_text_set(error,
			       "expected a filter of libpcap, of at most %zu bytes and without "
			       "double quotes",
			       sizeof(source->filter) - 1);
		return -EINVAL;
	}
	if (capture_filter_check(value, error))
		return -EINVAL;
	(void)snprintf(source->filter, sizeof(source->filter), "%s", value);
	return 0;
}

static const char *packet_filter_format(const void *object, const struct config_key *key,
					char text[static UNITS_TEXT_SIZE])
{
	const struct source_config *source = object;

	(void)key;
	(void)text;
	return source->filter[0] ? source->filter : NULL;
}

const struct config_key_type config_key_type_packet_filter = { packet_filter_parse,
							       packet_filter_format, NULL, NULL,
							       true };

static int direction_parse(void *object, const struct config_key *key, const char *value,
			   struct error_text *error)
{
	struct source_config *source = object;

	(void)key;
	if (strcmp(value, "in") != 0 && strcmp(value, "out") != 0) {
		error_text_set(error, "expected in or out");
		return -EINVAL;
	}
	source->has_side = true;
	source->side = !strcmp(value, "in") ? SIDE_ingress : SIDE_egress;
	return 0;
}

static const char *direction_format(const void *object, const struct config_key *key,
				    char text[static UNITS_TEXT_SIZE])
{
	const struct source_config *source = object;

	(void)key;
	(void)text;
	if (!source->has_side)
		return NULL;
	return source->side == SIDE_ingress ? "in" : "out";
}

const struct config_key_type config_key_type_direction = { direction_parse, direction_format, NULL,
							   NULL, false };

/* One "METHOD:N". */
static int sampling_part_set(struct sampling_choice *choice, const char *part)
{
	static const struct units_range range = { UNIT_NUMBER, 1, SAMPLING_INTERVAL_MAX };
	const char *colon = strchr(part, ':');
	const size_t length = colon ? (size_t)(colon - part) : 0;
	struct error_text ignored;
	uint64_t number;

	if (!colon || units_range_parse(&range, colon + 1, &number, &ignored))
		return -EINVAL;
	if (length == strlen("rule") && !strncmp(part, "rule", length)) {
		if (choice->rule_interval)
			return -EINVAL;
		choice->rule_interval = (uint32_t)number;
		return 0;
	}
	for (int method = SAMPLING_random; method < SAMPLING_METHOD_COUNT; method++) {
		const char *name = sampling_method_name((enum sampling_method)method);

		if (strlen(name) != length || strncmp(part, name, length) != 0)
			continue;
		if (choice->method)
			return -EINVAL;
		choice->method = (uint8_t)method;
		choice->interval = (uint32_t)number;
		return 0;
	}
	return -EINVAL;
}

/* "random:10", "rule:10" or "random:10+rule:10". */
static int sampling_parse(void *object, const struct config_key *key, const char *value,
			  struct error_text *error)
{
	struct source_config *source = object;
	struct sampling_choice choice = { 0 };
	char copy[UNITS_TEXT_SIZE * 2];
	char *next = copy;
	char *part;
	int result = 0;

	(void)key;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", value) >= sizeof(copy))
		result = -EINVAL;
	while (!result && (part = strsep(&next, "+")))
		result = sampling_part_set(&choice, part);
	if (result) {
		error_text_set(error,
			       "expected random:N, deterministic:N, hash:N, flows:N or rule:N, or "
			       "one of the first four and +rule:N, with N from 1 to %d",
			       SAMPLING_INTERVAL_MAX);
		return result;
	}
	source->sampling = choice;
	return 0;
}

static const char *sampling_format(const void *object, const struct config_key *key,
				   char text[static UNITS_TEXT_SIZE])
{
	const struct sampling_choice *choice = &((const struct source_config *)object)->sampling;
	size_t length = 0;

	(void)key;
	if (choice->method)
		length =
			(size_t)snprintf(text, UNITS_TEXT_SIZE, "%s:%" PRIu32,
					 sampling_method_name((enum sampling_method)choice->method),
					 choice->interval);
	if (choice->rule_interval)
		(void)snprintf(text + length, UNITS_TEXT_SIZE - length, "%srule:%" PRIu32,
			       length ? "+" : "", choice->rule_interval);
	return length || choice->rule_interval ? text : NULL;
}

const struct config_key_type config_key_type_sampling = { sampling_parse, sampling_format, NULL,
							  NULL, false };

static int cpu_parse(void *object, const struct config_key *key, const char *value,
		     struct error_text *error)
{
	struct source_config *source = object;
	struct error_text why;
	uint64_t number;

	if (!strcmp(value, "auto")) {
		source->cpu = CONFIG_CPU_AUTO;
		return 0;
	}
	if (units_range_parse(&key->range, value, &number, &why)) {
		error_text_set(error, "%s, or auto", why.text);
		return -EINVAL;
	}
	source->cpu = (uint32_t)number + 1;
	return 0;
}

static const char *cpu_format(const void *object, const struct config_key *key,
			      char text[static UNITS_TEXT_SIZE])
{
	const struct source_config *source = object;

	if (!source->cpu)
		return NULL;
	if (source->cpu == CONFIG_CPU_AUTO)
		return "auto";
	return units_format(key->range.unit, source->cpu - 1, text);
}

const struct config_key_type config_key_type_cpu = { cpu_parse, cpu_format, NULL, NULL, false };

/* A switch that may also not have been touched: enum source_switch. */
static int choice_parse(void *object, const struct config_key *key, const char *value,
			struct error_text *error)
{
	uint8_t *member = (uint8_t *)object + key->member;
	bool is_on;
	const int result = config_text_switch(&is_on, value, error);

	if (!result)
		*member = is_on ? SOURCE_SWITCH_on : SOURCE_SWITCH_off;
	return result;
}

static const char *choice_format(const void *object, const struct config_key *key,
				 char text[static UNITS_TEXT_SIZE])
{
	const uint8_t member = *((const uint8_t *)object + key->member);

	(void)text;
	if (!member)
		return NULL;
	return member == SOURCE_SWITCH_on ? "on" : "off";
}

const struct config_key_type config_key_type_choice = { choice_parse, choice_format, NULL, NULL,
							false };

static int packets_parse(void *object, const struct config_key *key, const char *value,
			 struct error_text *error)
{
	uint8_t *member = (uint8_t *)object + key->member;

	if (strcmp(value, "wire") == 0) {
		*member = SOURCE_PACKETS_wire;
	} else if (strcmp(value, "as-seen") == 0) {
		*member = SOURCE_PACKETS_as_seen;
	} else {
		error_text_set(error, "value \"%.60s\": expected wire or as-seen", value);
		return -EINVAL;
	}
	return 0;
}

static const char *packets_format(const void *object, const struct config_key *key,
				  char text[static UNITS_TEXT_SIZE])
{
	const uint8_t member = *((const uint8_t *)object + key->member);

	(void)text;
	if (!member)
		return NULL;
	return member == SOURCE_PACKETS_wire ? "wire" : "as-seen";
}

const struct config_key_type config_key_type_packets = { packets_parse, packets_format, NULL, NULL,
							 false };
