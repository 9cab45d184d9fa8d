/* config_version.c - versions of the export protocol, by the names that people use. */
#include "config_version.h"

#include "encoder.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

int config_version_parse(const char *text, uint8_t *version, struct error_text *error)
{
	/* What people write before the number; the names of the protocols themselves. */
	static const char *const prefixes[] = { "netflow-v", "netflow", "nfv", "nf", "v" };
	char name[ENCODER_VERSION_TEXT_SIZE];

	if (strcasecmp(text, "ipfix") == 0)
		text = "10";
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const size_t length = strlen(prefixes[i]);

		if (strncasecmp(text, prefixes[i], length) == 0 &&
		    isdigit((unsigned char)text[length])) {
			text += length;
			break;
		}
	}
	for (unsigned int number = 0; number <= UINT8_MAX; number++) {
		if (!encoder_find((uint8_t)number) ||
		    strcmp(encoder_version_format((uint8_t)number, name), text) != 0)
			continue;
		*version = (uint8_t)number;
		return 0;
	}
	error_text_set(error,
		       "expected 1, 5, 7 or 9 (NetFlow; also v9, netflow9), 10 or ipfix, or json");
	return -EINVAL;
}
