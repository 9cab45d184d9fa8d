/* fuzz_application_file.c - the text of an applications file, then look-ups of the same bytes. */
#include "application_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error_text error;
	struct application_table *table =
		application_file_parse("fuzz", (const char *)data, size, &error);

	for (size_t i = 0; table && i + 5 <= size; i += 5) {
		const struct application *found = application_table_find(
			table, data[i], (uint16_t)(data[i + 1] << 8 | data[i + 2]),
			(uint16_t)(data[i + 3] << 8 | data[i + 4]));

		if (found &&
		    (!found->name[0] || found->name[APPLICATION_NAME_SIZE - 1] ||
		     application_table_at(table, application_table_index(table, found)) != found))
			abort();
	}
	if (!table && strncmp(error.text, "fuzz:", 5) != 0)
		abort(); /* no error without its place */
	application_table_destroy(table);
	return 0;
}
