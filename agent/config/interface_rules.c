/* interface_rules.c - the rules of if-map: text -> list, name -> number.
 *
 * Place: config -> here <- interfaces. A name that is BASE without a number, or with more after it
 * (eth0.100), is no interface of that base: a VLAN must not pass for the device below it. */
#include "interface_rules.h"

#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool interface_rules_are_same(const struct interface_rules *one,
			      const struct interface_rules *other)
{
	bool same = one->count == other->count;

	for (size_t i = 0; same && i < one->count; i++)
		same = !strcmp(one->rules[i].name, other->rules[i].name) &&
		       one->rules[i].number == other->rules[i].number &&
		       one->rules[i].is_base == other->rules[i].is_base;
	return same;
}

void interface_rules_clear(struct interface_rules *rules)
{
	free(rules->rules);
	*rules = (struct interface_rules){ 0 };
}

/* The character between name and number: the last one, because '=' may stand in a name. */
static const char *find_separator(const char *text, size_t length)
{
	for (size_t i = length; i-- > 0;)
		if (text[i] == ':' || text[i] == '=')
			return text + i;
	return NULL;
}

static int number_parse(const char *text, size_t length, uint32_t *number, struct error_text *error)
{
	char digits[UNITS_TEXT_SIZE];
	uint64_t value = 0;

	(void)snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
	if (length >= sizeof(digits) || units_number_parse(digits, &value) || value > UINT32_MAX) {
		error_text_set(error, "\"%.*s\": expected a number from 1 to 4294967295",
			       length > 30 ? 30 : (int)length, text);
		return -EINVAL;
	}
	if (!value) {
		error_text_set(error, "\"0\": expected a number from 1 up: 0 stands for no "
				      "interface");
		return -EINVAL;
	}
	*number = (uint32_t)value;
	return 0;
}

static int rule_parse(struct interface_rule *rule, const char *text, size_t length,
		      struct error_text *error)
{
	const char *separator = find_separator(text, length);
	const size_t name_length = separator ? (size_t)(separator - text) : 0;

	if (!separator || !name_length) {
		error_text_set(error,
			       "\"%.*s\": expected BASE:N or NAME=N, such as eth:100 or wg0=7",
			       length > 60 ? 60 : (int)length, text);
		return -EINVAL;
	}
	if (name_length >= sizeof(rule->name)) {
		error_text_set(error, "\"%.*s\": an interface's name has at most %zu characters",
			       name_length > 60 ? 60 : (int)name_length, text,
			       sizeof(rule->name) - 1);
		return -EINVAL;
	}
	*rule = (struct interface_rule){ .is_base = *separator == ':' };
	(void)memcpy(rule->name, text, name_length);
	return number_parse(separator + 1, length - name_length - 1, &rule->number, error);
}

/* Two rules for one name: the second would never be used. */
static int check_unique(const struct interface_rules *rules, const struct interface_rule *rule,
			struct error_text *error)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->rules[i].is_base != rule->is_base ||
		    strcmp(rules->rules[i].name, rule->name) != 0)
			continue;
		error_text_set(error, "\"%s%c\": given twice", rule->name,
			       rule->is_base ? ':' : '=');
		return -EINVAL;
	}
	return 0;
}

int interface_rules_parse(struct interface_rules *rules, const char *text, struct error_text *error)
{
	struct interface_rules parsed = {
		.rules = calloc(INTERFACE_RULES_MAX, sizeof(*parsed.rules)),
	};
	int result = 0;

	if (!parsed.rules) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	for (bool has_more = true; has_more && !result;) {
		const size_t length = strcspn(text, ",");
		struct interface_rule rule;

		if (parsed.count == INTERFACE_RULES_MAX) {
			error_text_set(error, "expected at most %d rules", INTERFACE_RULES_MAX);
			result = -EINVAL;
			break;
		}
		result = rule_parse(&rule, text, length, error);
		if (!result)
			result = check_unique(&parsed, &rule, error);
		if (!result)
			parsed.rules[parsed.count++] = rule;
		has_more = text[length] == ',';
		text += length + has_more;
	}
	if (result) {
		interface_rules_clear(&parsed);
		return result;
	}
	interface_rules_clear(rules);
	*rules = parsed;
	return 0;
}

void interface_rules_format(const struct interface_rules *rules, FILE *out)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct interface_rule *rule = &rules->rules[i];

		(void)fprintf(out, "%s%s%c%" PRIu32, i ? "," : "", rule->name,
			      rule->is_base ? ':' : '=', rule->number);
	}
}

/* The number that a rule gives a name, 0 if it does not fit. */
static uint32_t apply(const struct interface_rule *rule, const char *name)
{
	const size_t length = strlen(rule->name);
	uint64_t offset;

	if (!rule->is_base)
		return strcmp(rule->name, name) == 0 ? rule->number : 0;
	if (strncmp(rule->name, name, length) != 0 || units_number_parse(name + length, &offset) ||
	    offset > UINT32_MAX - rule->number)
		return 0;
	return rule->number + (uint32_t)offset;
}

uint32_t interface_rules_number(const struct interface_rules *rules, const char *name,
				uint32_t index)
{
	uint32_t found = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct interface_rule *rule = &rules->rules[i];
		const uint32_t number = found && rule->is_base ? 0 : apply(rule, name);

		if (number && !rule->is_base)
			return number;
		if (number)
			found = number;
	}
	return found ? found : index;
}
