/* units.c - pure text to number and back; every result of units_format() is read back
 * as the same number. */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t milliseconds;
} time_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

#define TIME_UNIT_COUNT (sizeof(time_units) / sizeof(time_units[0]))

/* Digits at the front of '*text', which moves past them. */
static int digits_take(const char **text, uint64_t *number)
{
	const char *next = *text;

	*number = 0;
	for (; *next >= '0' && *next <= '9'; next++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(*next - '0'), number))
			return -ERANGE;
	if (next == *text)
		return -EINVAL;
	*text = next;
	return 0;
}

int units_number_parse(const char *text, uint64_t *number)
{
	int result = digits_take(&text, number);

	return result ? result : *text ? -EINVAL : 0;
}

int units_size_parse(const char *text, uint64_t *size)
{
	static const char units[] = "kMG";
	int result = digits_take(&text, size);
	const char *unit;

	if (result || !*text)
		return result;
	unit = strchr(units, *text == 'K' ? 'k' : *text);
	if (!unit || text[1])
		return -EINVAL;
	return __builtin_mul_overflow(*size, 1ull << (10 * (unit - units + 1)), size) ? -ERANGE : 0;
}

/* The unit whose name is the run of letters at '*text', which moves past it. Returns its
 * number, or TIME_UNIT_COUNT. */
static size_t time_unit_take(const char **text)
{
	size_t length = strcspn(*text, "0123456789");

	for (size_t i = 0; i < TIME_UNIT_COUNT; i++) {
		if (strlen(time_units[i].name) != length ||
		    strncmp(time_units[i].name, *text, length) != 0)
			continue;
		*text += length;
		return i;
	}
	return TIME_UNIT_COUNT;
}

/* As units_duration_parse(), in 64 bits. Units come in falling order, so "1h30" (minutes or
 * seconds?) and "30s1h" are refused. */
static int duration_parse(const char *text, uint64_t *milliseconds)
{
	size_t units_from = 0;

	*milliseconds = 0;
	do {
		uint64_t number;
		int result = digits_take(&text, &number);
		size_t unit;

		if (result)
			return result;
		if (!*text && units_from == 0)
			return __builtin_mul_overflow(number, 1000, milliseconds) ? -ERANGE : 0;
		unit = time_unit_take(&text);
		if (unit < units_from || unit == TIME_UNIT_COUNT)
			return -EINVAL;
		units_from = unit + 1;
		if (__builtin_mul_overflow(number, time_units[unit].milliseconds, &number) ||
		    __builtin_add_overflow(*milliseconds, number, milliseconds))
			return -ERANGE;
	} while (*text);
	return 0;
}

int units_duration_parse(const char *text, uint32_t *milliseconds)
{
	uint64_t value;

	if (duration_parse(text, &value) || value > UINT32_MAX)
		return -EINVAL;
	*milliseconds = (uint32_t)value;
	return 0;
}

static void duration_format(uint64_t milliseconds, char text[static UNITS_TEXT_SIZE])
{
	size_t length = 0;

	/* Up to two minutes people think in seconds: 60s, 90s. */
	for (size_t i = milliseconds <= 120000 ? 3 : 0; i < TIME_UNIT_COUNT; i++) {
		uint64_t count = milliseconds / time_units[i].milliseconds;

		if (!count && (length || milliseconds || i != 3))
			continue;
		milliseconds -= count * time_units[i].milliseconds;
		length += (size_t)snprintf(text + length, UNITS_TEXT_SIZE - length, "%" PRIu64 "%s",
					   count, time_units[i].name);
		if (!milliseconds)
			return;
	}
}

const char *units_format(enum units_unit unit, uint64_t value, char text[static UNITS_TEXT_SIZE])
{
	size_t power = 0;

	if (unit == UNIT_TIME) {
		duration_format(value, text);
		return text;
	}
	while (unit == UNIT_SIZE && power < 3 && value && value % 1024 == 0) {
		value /= 1024;
		power++;
	}
	(void)snprintf(text, UNITS_TEXT_SIZE, "%" PRIu64 "%.*s", value, power ? 1 : 0,
		       &"-kMG"[power]);
	return text;
}

void units_range_expect(const struct units_range *range, struct error_text *error)
{
	static const char *const nouns[] = {
		[UNIT_NONE] = "value",
		[UNIT_NUMBER] = "number",
		[UNIT_SIZE] = "size",
		[UNIT_TIME] = "time",
	};
	static const char *const examples[] = {
		[UNIT_NONE] = "",
		[UNIT_NUMBER] = "",
		[UNIT_SIZE] = ", such as 65536, 64k or 16M",
		[UNIT_TIME] = ", such as 90, 90s or 1h30m",
	};
	char minimum[UNITS_TEXT_SIZE];
	char maximum[UNITS_TEXT_SIZE];

	error_text_set(error, "expected a %s from %s to %s%s", nouns[range->unit],
		       units_format(range->unit, range->minimum, minimum),
		       units_format(range->unit, range->maximum, maximum), examples[range->unit]);
}

int units_range_parse(const struct units_range *range, const char *text, uint64_t *value,
		      struct error_text *error)
{
	int result = range->unit == UNIT_TIME ? duration_parse(text, value)
					      : units_size_parse(text, value);

	if (!result && (*value < range->minimum || *value > range->maximum))
		result = -ERANGE;
	if (result)
		units_range_expect(range, error);
	return result;
}
