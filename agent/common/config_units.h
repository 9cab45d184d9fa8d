/* config_units.h - numbers, sizes and times as people write them. Pure. */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include "error_text.h"

#include <stdint.h>

#define CONFIG_UNITS_SIZE 48 /* of any number with its unit as text, or two with their words */

enum config_unit {
	UNIT_NONE, /* no number */
	UNIT_NUMBER,
	UNIT_SIZE, /* bytes; k, M, G are powers of 1024 */
	UNIT_TIME, /* milliseconds */
};

struct config_range {
	enum config_unit unit;
	uint64_t minimum, maximum;
};

/* Decimal digits only. Returns 0, -EINVAL, or -ERANGE beyond 64 bits. */
int config_number_parse(const char *text, uint64_t *number);

/* Parse in the unit of 'range'. Numbers may have k, M, G as well. Returns 0, or -EINVAL or -ERANGE
 * with what was expected in 'error'. */
int config_range_parse(const struct config_range *range, const char *text, uint64_t *value,
		       struct error_text *error);
/* "a number from 1 to 65535" and the like; static texts are not used, so 'error' takes it. */
void config_range_expect(const struct config_range *range, struct error_text *error);
/* One value in the unit: "65536", "16M", "1h30m". Returns 'text'. */
const char *config_unit_format(enum config_unit unit, uint64_t value,
			       char text[static CONFIG_UNITS_SIZE]);

#endif
