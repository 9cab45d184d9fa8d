/* asn_names.c - see asn_names.h. */
#include "asn_names.h"

#include "asn_image.h"
#include "asn_table.h"

#include <errno.h>
#include <stdlib.h>

void asn_names_init(struct asn_names *names)
{
	*names = (struct asn_names){
		.names.element_size = sizeof(struct asn_name),
		.bytes.element_size = 1,
	};
}

void asn_names_clear(struct asn_names *names)
{
	asn_vector_clear(&names->names);
	asn_vector_clear(&names->bytes);
}

static int add_byte(struct asn_vector *bytes, char byte)
{
	char *added = asn_vector_add(bytes);

	if (!added)
		return -ENOMEM;
	*added = byte;
	return 0;
}

int asn_names_add(struct asn_names *names, uint32_t as_number, const char *text)
{
	const uint32_t first = (uint32_t)names->bytes.count;
	struct asn_name *name;
	int result = 0;

	for (size_t i = 0; result == 0 && text[i] && i < ASN_NAME_SIZE - 1; i++)
		result = add_byte(&names->bytes, text[i]);
	if (result == 0)
		result = add_byte(&names->bytes, '\0');
	name = result == 0 ? asn_vector_add(&names->names) : NULL;
	if (!name)
		return -ENOMEM;
	*name = (struct asn_name){ .as_number = as_number, .text = first };
	return 0;
}

/* Texts follow each other in the order of adding. */
static int compare(const void *one, const void *other)
{
	const struct asn_name *a = one;
	const struct asn_name *b = other;

	if (a->as_number != b->as_number)
		return a->as_number < b->as_number ? -1 : 1;
	return a->text < b->text ? -1 : 1;
}

void asn_names_sort(struct asn_names *names)
{
	struct asn_name *all = names->names.elements;
	const size_t count = names->names.count;
	size_t kept = 0;

	if (!count)
		return;
	qsort(all, count, sizeof(*all), compare);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || all[i].as_number != all[i + 1].as_number)
			all[kept++] = all[i];
	names->names.count = kept;
}
