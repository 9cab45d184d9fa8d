/* fuzz_asn_names.c - the text of a file with names of AS numbers, to the names in a table. */
#include "asn_name_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct asn_build_facts facts = { .created_s = 1 };
	struct asn_builder *builder = asn_builder_create();
	struct asn_name_file_result result;
	struct error_text error = { .text = "" };
	struct asn_table *table;

	if (asn_name_file_add(builder, "fuzz", (const char *)data, size, &result, &error) < 0) {
		if (strncmp(error.text, "fuzz:", 5) != 0)
			abort(); /* no error without its place */
	} else {
		table = asn_builder_table(builder, "fuzz", &facts, NULL, &error);
		if (!table || asn_table_name_count(table) > result.names)
			abort();
		asn_table_destroy(table);
	}
	asn_builder_destroy(builder);
	return 0;
}
