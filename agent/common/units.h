/* units.h - numbers, sizes and times as people write them. Pure.
 *
 * Place: values of options -> here -> numbers, and back for `agentctl show config`. */
#ifndef UNITS_H
#define UNITS_H

#include "error_text.h"

#include <stdint.h>

#define UNITS_TEXT_SIZE 48 /* of any number with its unit as text, or two with their words */

enum units_unit {
	UNIT_NONE, /* no number */
	UNIT_NUMBER,
	UNIT_SIZE, /* bytes; k, M, G are powers of 1024 */
	UNIT_TIME, /* milliseconds */
};

struct units_range {
	enum units_unit unit;
	uint64_t minimum, maximum;
};

/* Decimal digits only. Returns 0, -EINVAL, or -ERANGE beyond 64 bits. */
int units_number_parse(const char *text, uint64_t *number);

/* "90", "90s", "1h30m", "500ms" -> milliseconds. Returns 0 or -EINVAL. */
int units_duration_parse(const char *text, uint32_t *milliseconds);
/* "65536", "16M", "64k" (powers of 1024 for k, M, G) -> number. Returns 0, -EINVAL or -ERANGE. */
int units_size_parse(const char *text, uint64_t *size);

/* Parse in the unit of 'range'. Numbers may have k, M, G as well. Returns 0, or -EINVAL or -ERANGE
 * with what was expected in 'error'. */
int units_range_parse(const struct units_range *range, const char *text, uint64_t *value,
		      struct error_text *error);
/* "a number from 1 to 65535" and the like; static texts are not used, so 'error' takes it. */
void units_range_expect(const struct units_range *range, struct error_text *error);
/* One value in the unit: "65536", "16M", "1h30m". Returns 'text'. */
const char *units_format(enum units_unit unit, uint64_t value, char text[static UNITS_TEXT_SIZE]);

#endif
