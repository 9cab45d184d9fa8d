/* config_types.c - options with one plain value: text, path, address, number, time, level.
 *
 * Place: config_apply.c -> the type of an option's row -> member of struct config. */
#include "config.h"
#include "config_address.h"
#include "config_options.h"
#include "config_text.h"
#include "config_version.h"
#include "encoder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

static void *member_of(struct config *config, const struct config_option *option)
{
	return (char *)config + option->member;
}

static const void *member_read(const struct config *config, const struct config_option *option)
{
	return (const char *)config + option->member;
}

static int text_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	return config_text_replace(member_of(config, option), value, error);
}

static void text_format(const struct config *config, const struct config_option *option, FILE *out)
{
	const char *const *member = member_read(config, option);

	if (*member)
		(void)fputs(*member, out);
}

const struct config_type config_type_text = { text_parse, text_format, NULL };
const struct config_type config_type_path = { text_parse, text_format, "FILE" };

static int control_parse(struct config *config, const struct config_option *option,
			 const char *value, struct error_text *error)
{
	size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (strlen(value) > longest) {
		error_text_set(error, "expected a path of at most %zu characters", longest);
		return -EINVAL;
	}
	return text_parse(config, option, value, error);
}

const struct config_type config_type_control = { control_parse, text_format, "FILE" };

static int address_parse(struct config *config, const struct config_option *option,
			 const char *value, struct error_text *error)
{
	if (!config_address_ip_version(value)) {
		error_text_set(error, "expected an IPv4 or IPv6 address of this host");
		return -EINVAL;
	}
	return text_parse(config, option, value, error);
}

const struct config_type config_type_address = { address_parse, text_format, NULL };

/* uint32_t members, in the option's unit. */
static int number_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	uint32_t *member = member_of(config, option);
	uint64_t number;
	int result = units_range_parse(&option->range, value, &number, error);

	if (!result)
		*member = (uint32_t)number;
	return result;
}

static void number_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	const uint32_t *member = member_read(config, option);
	char text[UNITS_TEXT_SIZE];

	(void)fputs(units_format(option->range.unit, *member, text), out);
}

const struct config_type config_type_number = { number_parse, number_format, NULL };
const struct config_type config_type_duration = { number_parse, number_format, NULL };

/* int64_t, -1 for the default. */
static int rate_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	uint64_t number;
	int result = units_range_parse(&option->range, value, &number, error);

	if (!result)
		config->export_rate = (int64_t)number;
	return result;
}

static void rate_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	if (config->export_rate >= 0)
		(void)fprintf(out, "%" PRId64, config->export_rate);
}

const struct config_type config_type_rate = { rate_parse, rate_format, NULL };

/* "60s" or "60s,20". */
static int refresh_parse(struct config *config, const struct config_option *option,
			 const char *value, struct error_text *error)
{
	static const struct units_range datagrams = { UNIT_NUMBER, 0, 1000000 };
	const char *comma = strchrnul(value, ',');
	char time[UNITS_TEXT_SIZE];
	uint64_t milliseconds;
	uint64_t count = config->template_refresh_datagrams;
	int result;

	if ((size_t)(comma - value) >= sizeof(time)) {
		units_range_expect(&option->range, error);
		return -EINVAL;
	}
	(void)memcpy(time, value, (size_t)(comma - value));
	time[comma - value] = '\0';
	result = units_range_parse(&option->range, time, &milliseconds, error);
	if (!result && *comma)
		result = units_range_parse(&datagrams, comma + 1, &count, error);
	if (!result && !milliseconds && !count) {
		error_text_set(error, "expected a time or a number of datagrams other than 0: a "
				      "collector that restarts needs the templates again");
		result = -EINVAL;
	}
	if (result)
		return result;
	config->template_refresh_ms = (uint32_t)milliseconds;
	config->template_refresh_datagrams = (uint32_t)count;
	return 0;
}

static void refresh_format(const struct config *config, const struct config_option *option,
			   FILE *out)
{
	char time[UNITS_TEXT_SIZE];

	(void)fprintf(out, "%s,%" PRIu32,
		      units_format(option->range.unit, config->template_refresh_ms, time),
		      config->template_refresh_datagrams);
}

const struct config_type config_type_refresh = { refresh_parse, refresh_format, NULL };

#define RANDOM "random:"

/* "random:30s" or "off". */
static int start_delay_parse(struct config *config, const struct config_option *option,
			     const char *value, struct error_text *error)
{
	uint64_t milliseconds = 0;
	int result = 0;

	if (strncmp(value, RANDOM, strlen(RANDOM)) == 0) {
		result = units_range_parse(&option->range, value + strlen(RANDOM), &milliseconds,
					   error);
	} else if (strcmp(value, "off") != 0) {
		error_text_set(error, "expected random:TIME, such as random:30s, or off");
		result = -EINVAL;
	}
	if (!result)
		config->start_delay_ms = (uint32_t)milliseconds;
	return result;
}

static void start_delay_format(const struct config *config, const struct config_option *option,
			       FILE *out)
{
	char time[UNITS_TEXT_SIZE];

	if (config->start_delay_ms)
		(void)fprintf(out, RANDOM "%s",
			      units_format(option->range.unit, config->start_delay_ms, time));
	else
		(void)fprintf(out, "off");
}

const struct config_type config_type_start_delay = { start_delay_parse, start_delay_format, NULL };

static int version_parse(struct config *config, const struct config_option *option,
			 const char *value, struct error_text *error)
{
	(void)option;
	return config_version_parse(value, &config->export_version, error);
}

static void version_format(const struct config *config, const struct config_option *option,
			   FILE *out)
{
	char name[ENCODER_VERSION_TEXT_SIZE];

	(void)option;
	(void)fputs(encoder_version_format(config->export_version, name), out);
}

const struct config_type config_type_version = { version_parse, version_format,
						 "1 5 7 9 10 ipfix json" };

static int level_parse(struct config *config, const struct config_option *option, const char *value,
		       struct error_text *error)
{
	int result = log_level_parse(value, &config->log_level);

	(void)option;
	if (result)
		error_text_set(error, "expected error, warning, notice, info or debug");
	return result;
}

static void level_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	(void)fputs(log_level_name(config->log_level), out);
}

const struct config_type config_type_level = { level_parse, level_format,
					       "error warning notice info debug" };

static int superpackets_parse(struct config *config, const struct config_option *option,
			      const char *value, struct error_text *error)
{
	(void)option;
	config->splits_superpackets = strcmp(value, "split") == 0;
	if (config->splits_superpackets || strcmp(value, "as-seen") == 0)
		return 0;
	error_text_set(error, "expected as-seen or split");
	return -EINVAL;
}

static void superpackets_format(const struct config *config, const struct config_option *option,
				FILE *out)
{
	(void)option;
	(void)fputs(config->splits_superpackets ? "split" : "as-seen", out);
}

const struct config_type config_type_superpackets = { superpackets_parse, superpackets_format,
						      "as-seen split" };

static const char *const owners[] = { "off", "uid", "unit" }; /* by enum config_owner */

static int owner_parse(struct config *config, const struct config_option *option, const char *value,
		       struct error_text *error)
{
	(void)option;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		if (strcmp(value, owners[i]) != 0)
			continue;
		config->owner = (uint8_t)i;
		return 0;
	}
	error_text_set(error, "expected off, uid or unit");
	return -EINVAL;
}

static void owner_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	(void)fputs(owners[config->owner], out);
}

const struct config_type config_type_owner = { owner_parse, owner_format, "off uid unit" };

static int if_map_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	(void)option;
	return interface_rules_parse(&config->if_map, value, error);
}

static void if_map_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	(void)option;
	interface_rules_format(&config->if_map, out);
}

const struct config_type config_type_if_map = { if_map_parse, if_map_format, NULL };

static int switch_parse(struct config *config, const struct config_option *option,
			const char *value, struct error_text *error)
{
	return config_text_switch(member_of(config, option), value, error);
}

static void switch_format(const struct config *config, const struct config_option *option,
			  FILE *out)
{
	const bool *is_on = (const bool *)(const void *)((const uint8_t *)config + option->member);

	(void)fputs(*is_on ? "on" : "off", out);
}

const struct config_type config_type_switch = { switch_parse, switch_format, "on off" };

/* Without argument, so 'value' does not matter. */
static int flag_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	bool *member = member_of(config, option);

	(void)value;
	(void)error;
	*member = true;
	return 0;
}

const struct config_type config_type_flag = { flag_parse, NULL, NULL };
