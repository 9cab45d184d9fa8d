/* asn_bogons.h - AS numbers and prefixes that nobody on the internet has. Pure. */
#ifndef ASN_BOGONS_H
#define ASN_BOGONS_H

#include "address.h"

/* AS 0, AS_TRANS, and numbers for private use, for documentation, or reserved. Source: IANA,
 * "Special-Purpose AS Numbers" (RFC 7607, 6793, 5398, 6996, 7300). */
bool asn_bogons_as(uint32_t as_number);

/* Whether a prefix lies in a block that is for private use, for documentation, for one network
 * only, or not given out. Source: IANA, special-purpose address registries (RFC 6890). */
bool asn_bogons_prefix(const struct prefix *prefix);

#endif
