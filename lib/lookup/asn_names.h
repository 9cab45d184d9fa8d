/* asn_names.h - names of AS numbers while an AS table is made. For asn_builder.c.
 *
 * Place: parsers -> asn_builder.c -> here -> a section of the image. */
#ifndef ASN_NAMES_H
#define ASN_NAMES_H

#include "asn_pool.h"

/* Names as they are in the image, once they are sorted. */
struct asn_names {
	struct asn_vector names; /* of struct asn_name */
	struct asn_vector bytes; /* their texts, each with its NUL */
};

void asn_names_init(struct asn_names *names);
void asn_names_clear(struct asn_names *names);

/* Add a name, cut to ASN_NAME_SIZE - 1 bytes. Returns 0 or -ENOMEM. */
int asn_names_add(struct asn_names *names, uint32_t as_number, const char *text);

/* Put them in the order of AS numbers; of several names of a number the last one stays. */
void asn_names_sort(struct asn_names *names);

#endif
