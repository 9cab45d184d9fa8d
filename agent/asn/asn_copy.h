/* asn_copy.h - a table that another host made -> the same table here.
 *
 * Place: instead of the stages that make a table. It is checked whole, then put in place like a new
 * one: a cut or damaged copy changes nothing. */
#ifndef ASN_COPY_H
#define ASN_COPY_H

#include "asn_messages.h"
#include "asn_output.h"
#include "error_text.h"

/* Whether the file at 'path' begins like a table. */
bool asn_copy_is_table(const char *path);

/* Write the table at 'from' as 'output' says. Returns 0, or a negative errno with 'error' filled.
 */
int asn_copy_write(const char *from, const struct asn_output *output, struct asn_messages *messages,
		   struct error_text *error);

#endif
