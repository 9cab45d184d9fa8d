/* asn_mrt.h - bytes of an MRT routing table dump -> routes.
 *
 * Place: after an input was unpacked (asn_input.h), before routes are filtered (asn_routes.h).
 * Bytes come in as an argument, as much at a time as there is.
 *
 * Read are TABLE_DUMP, TABLE_DUMP_V2 (unicast, with and without path identifiers) and
 * BGP4MP_ENTRY; any number of peer tables, of which each one replaces the one before it. Other
 * records of MRT are skipped and counted. What is no MRT, or does not fit into itself, is an error.
 * Sources: RFC 6396, RFC 8050; BGP4MP_ENTRY as OpenBGPD writes it (it is in no RFC). */
#ifndef ASN_MRT_H
#define ASN_MRT_H

#include "asn_routes.h"
#include "error_text.h"

#define ASN_MRT_HEADER_SIZE 12
/* Largest record, with its header: the largest seen have a megabyte. */
#define ASN_MRT_RECORD_MAX ((size_t)16 << 20)

struct asn_mrt; /* opaque: defined in asn_mrt.c */

/* Whether bytes from the begin of a file can be MRT. */
bool asn_mrt_is_it(const uint8_t *bytes, size_t size);

/* 'name' is the input's, for errors as "NAME: byte N: ..."; it and 'routes' are borrowed. */
struct asn_mrt *asn_mrt_create(const char *name, struct asn_routes *routes);
void asn_mrt_destroy(struct asn_mrt *mrt);

/* Read the whole records at the begin of 'bytes', which follow on those that were read. '*used' is
 * their size; give the rest again, with more after it: ASN_MRT_RECORD_MAX bytes are enough for a
 * record. Returns 0, or a negative errno with 'error' filled. */
int asn_mrt_read(struct asn_mrt *mrt, const uint8_t *bytes, size_t size, size_t *used,
		 struct error_text *error);

/* No more bytes come, and 'left' were not used. Returns 0, or -EINVAL with 'error' filled: the dump
 * is cut, has no routes, or too many of them are damaged. */
int asn_mrt_end(const struct asn_mrt *mrt, size_t left, struct error_text *error);

/* Peers that were listed, or that had a route. */
uint32_t asn_mrt_peers(const struct asn_mrt *mrt);
/* The latest time stamp of a record, Unix time; 0 without any. */
uint32_t asn_mrt_time_s(const struct asn_mrt *mrt);

#endif
