/* fuzz_asn_table.c - an AS table: opened as it is, and once more with the checksum that it would
 * have, with look-ups of random addresses in what is taken. */
#include "asn_image.h"
#include "asn_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct asn_table *table)
{
	uint64_t state = 1;
	char name[ASN_NAME_SIZE];
	uint8_t address[16];
	struct asn_entry entry;

	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof(address); k++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			address[k] = (uint8_t)(state >> 56);
		}
		if (i % 2)
			memset(address, 0, (size_t)i % 15); /* few bits: deep in small tables */
		asn_table_find(table, 4, address, &entry);
		asn_table_find(table, 6, address, &entry);
		if (asn_table_name(table, i % 2 ? entry.as_number : (uint32_t)i, name) &&
		    strlen(name) >= sizeof(name))
			abort();
	}
}

static void open_and_look(const uint8_t *image, size_t size)
{
	struct error_text error;
	struct asn_table *table = asn_table_open("fuzz", image, size, NULL, &error);

	if (table)
		look_up(table);
	else if (strncmp(error.text, "fuzz: ", 6) != 0)
		abort(); /* no error without the file's name */
	asn_table_destroy(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *image = calloc(1, size ? size : 1);

	if (!image)
		return 0;
	if (size)
		memcpy(image, data, size);
	open_and_look(image, size);
	if (size >= sizeof(struct asn_image_header) && size % 8 == 0) {
		const uint64_t checksum = asn_image_checksum(image, size);

		memcpy(image + offsetof(struct asn_image_header, checksum), &checksum,
		       sizeof(checksum));
		open_and_look(image, size);
	}
	free(image);
	return 0;
}
