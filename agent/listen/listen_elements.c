/* listen_elements.c - the table of elements. */
#include "listen_elements.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

static const struct element_row {
	uint16_t number;
	uint8_t kind; /* enum listen_kind */
	const char *name;
} rows[] = {
#define LISTEN_ELEMENT(number, name, kind) { number, LISTEN_##kind, #name },
#include "listen_elements.def"
};

static const struct element_row *find(uint16_t number)
{
	size_t low = 0, high = sizeof(rows) / sizeof(rows[0]);

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (rows[middle].number == number)
			return &rows[middle];
		if (rows[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum listen_kind listen_element_name(uint32_t enterprise, uint16_t element,
				     char name[static LISTEN_NAME_SIZE])
{
	const struct element_row *row =
		enterprise == 0 || enterprise == LISTEN_REVERSE_ENTERPRISE ? find(element) : NULL;

	if (row && enterprise)
		(void)snprintf(name, LISTEN_NAME_SIZE, "reverse%c%s",
			       toupper((unsigned char)row->name[0]), row->name + 1);
	else if (row)
		(void)snprintf(name, LISTEN_NAME_SIZE, "%s", row->name);
	else if (enterprise)
		(void)snprintf(name, LISTEN_NAME_SIZE, "enterprise_%" PRIu32 "_element_%u",
			       enterprise, element);
	else
		(void)snprintf(name, LISTEN_NAME_SIZE, "element_%u", element);
	return row ? (enum listen_kind)row->kind : LISTEN_OCTETS;
}

const char *listen_scope_name(uint16_t type)
{
	static const char *const names[] = { NULL,        "system", "interface",
					     "line_card", "cache",  "template" };

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
