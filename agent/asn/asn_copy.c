/* asn_copy.c - see asn_copy.h. */
#include "asn_copy.h"

#include "asn_image.h"
#include "asn_input.h"
#include "asn_table.h"
#include "asn_table_file.h"
#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool asn_copy_is_table(const char *path)
{
	char begin[sizeof(ASN_IMAGE_MAGIC)];

	return asn_input_peek(path, ASN_INPUT_BEGIN, begin, sizeof(begin)) == sizeof(begin) &&
	       memcmp(begin, ASN_IMAGE_MAGIC, sizeof(begin)) == 0;
}

int asn_copy_write(const char *from, const struct asn_output *output, struct asn_messages *messages,
		   struct error_text *error)
{
	struct asn_image image = { .bytes = NULL };
	struct asn_table *table;
	size_t counts[2];
	int result;

	if (output->networks_path) {
		error_text_set(error, "%.200s: a table; --networks-file wants what it was made of",
			       from);
		return -EINVAL;
	}
	image.bytes = text_file_read(from, ASN_TABLE_FILE_LIMIT, &image.size, error);
	if (!image.bytes)
		return -EIO;
	table = asn_table_open(from, image.bytes, image.size, NULL, error);
	if (!table) {
		free(image.bytes);
		return -EINVAL;
	}
	counts[0] = asn_table_count(table, 4);
	counts[1] = asn_table_count(table, 6);
	asn_table_destroy(table);
	result = asn_output_image(output, &image, counts, messages, error);
	free(image.bytes);
	return result;
}
