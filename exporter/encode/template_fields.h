/* template_fields.h - which fields the records of one collector have, as its operator writes it.
 *
 * "octetDeltaCount+packetDeltaCount" is these and no other, "-vlanId" the default without one,
 * "all+..." everything; see template_fields_parse(). Pure. */
#ifndef TEMPLATE_FIELDS_H
#define TEMPLATE_FIELDS_H

#include "error_text.h"
#include "export_fields.h"
#include "flow_key_choice.h"

#include <stdbool.h>
#include <stdint.h>

enum template_base {
	TEMPLATE_BASE_default, /* what flow key and tables bring in */
	TEMPLATE_BASE_all,     /* also what would come from tables that are not loaded: 0 */
	TEMPLATE_BASE_none,
};

/* All 0 is the default. Bits are rows of the table in template_rows.c: a field of IPv4 and the one
 * of IPv6 that takes its place are one row. */
struct template_fields {
	uint64_t added;
	uint64_t removed; /* never in 'added' */
	uint8_t base;     /* enum template_base */
};

static inline bool template_fields_is_default(const struct template_fields *fields)
{
	return fields->base == TEMPLATE_BASE_default && !fields->added && !fields->removed;
}

/* Words with + or - before them, or with blanks or commas between them, which count as +. A word is
 * the IANA name or number of a field, or its name in agentctl (flow_names.h), in upper or lower
 * case; the first may be "default" or "all". A list that begins with a sign begins with the
 * default. Returns 0, or -EINVAL with 'error' filled. */
int template_fields_parse(const char *text, struct template_fields *fields,
			  struct error_text *error);

/* Whether they have addresses or ports as the kernel translates them. */
bool template_fields_have_translation(const struct template_fields *fields);

/* Whether records of this set can be exported by a protocol and understood. Returns 0, or -EINVAL
 * with 'error' saying which field is wrong: one that the protocol or the flow key does not have, or
 * a counter that is missing. */
int template_fields_check(const struct template_fields *fields, enum export_protocol protocol,
			  const struct flow_key_choice *key, struct error_text *error);

#endif
