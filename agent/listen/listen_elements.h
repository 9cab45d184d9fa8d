/* listen_elements.h - names of information elements and kinds of their values.
 *
 * Place: names for agentctl_listen_rows.c; decoding needs none. */
#ifndef LISTEN_ELEMENTS_H
#define LISTEN_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#define LISTEN_REVERSE_ENTERPRISE 29305 /* RFC 5103 section 6.1 */
#define LISTEN_NAME_SIZE          64

enum listen_kind {
	LISTEN_OCTETS, /* also of elements without a row: hexadecimal */
	LISTEN_UNSIGNED,
	LISTEN_ADDRESS, /* 4 or 16 bytes */
	LISTEN_MAC,
	LISTEN_TEXT, /* up to the first NUL */
	LISTEN_FLOAT,
};

/* Write the name of an element: "octetDeltaCount", "reverseOctetDeltaCount", or "element_4242",
 * "enterprise_8741_element_1". Returns the kind of its value. */
enum listen_kind listen_element_name(uint32_t enterprise, uint16_t element,
				     char name[static LISTEN_NAME_SIZE]);

/* Name of a scope of NetFlow v9 (RFC 3954 section 6.1): "system", "interface", ...; NULL if there
 * is none. Static. */
const char *listen_scope_name(uint16_t type);

#endif
