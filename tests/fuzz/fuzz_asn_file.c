/* fuzz_asn_file.c - the text of a networks_file, then look-ups of addresses made of the same bytes.
 */
#include "asn_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct asn_file_report report;
	struct error_text error;
	struct asn_table *table =
		asn_file_parse("fuzz", (const char *)data, size, 0, &report, &error);

	for (size_t i = 0; table && i + 16 <= size; i += 16) {
		struct asn_entry ipv4, ipv6;

		asn_table_find(table, 4, data + i, &ipv4);
		asn_table_find(table, 6, data + i, &ipv6);
		if (ipv4.prefix_length > 32 || ipv6.prefix_length > 128)
			abort();
	}
	if (!table && strncmp(error.text, "fuzz:", 5) != 0)
		abort(); /* no error without its place */
	asn_table_destroy(table);
	return 0;
}
