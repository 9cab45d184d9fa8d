/* listen_types.h - messages and records of any exporter, as they are on the wire.
 *
 * Place: bytes -> listen_record. Nothing here comes from exporter/: what reads a stream in order to
 * check it must not share the mistakes of what wrote it. */
#ifndef LISTEN_TYPES_H
#define LISTEN_TYPES_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTEN_FIELDS_MAX 512 /* of one record, scopes included */

/* RFC 7011 section 3.2, RFC 3954 section 8. */
struct listen_specifier {
	uint32_t enterprise; /* 0: IANA's, or a v9 field */
	uint16_t element;    /* of a v9 scope: its type */
	uint16_t size;       /* 65535 in IPFIX: each value says its own */
};

/* One value of a record. */
struct listen_field {
	uint32_t enterprise;
	uint16_t element;
	uint16_t size;
	const uint8_t *bytes; /* borrowed from the message; NULL if the size is 0 */
};

struct listen_record {
	uint16_t template_id; /* 0: NetFlow v1, v5, v7, which have none */
	bool is_options;
	bool has_v9_scopes;   /* the elements of the scopes are types of RFC 3954 section 6.1 */
	uint16_t scope_count; /* the first fields are scopes */
	uint16_t field_count; /* scopes included */
	struct listen_field fields[LISTEN_FIELDS_MAX];
};

/* Header of a message, of any version; what a version does not have is 0. */
struct listen_header {
	uint16_t version;
	uint16_t count;      /* not in IPFIX */
	uint32_t uptime_ms;  /* likewise */
	unix_ms exported_ms; /* v9, IPFIX: a full second */
	uint32_t sequence;
	uint32_t domain;   /* source id, observation domain, engine type and number */
	uint16_t sampling; /* v5: mode and interval */
	bool has_uptime;
	bool has_sequence; /* all but v1 */
};

/* Where a message came from. */
struct listen_source {
	uint8_t ip_version; /* 4 or 6 */
	bool is_session;    /* TCP: templates hold until its end, nothing comes late */
	uint16_t port;
	uint8_t address[16]; /* 4 or 16 bytes, the rest 0 */
};

/* Start and end of a flow; false if the record has none. Milliseconds since 1970. */
bool listen_times(const struct listen_header *header, const struct listen_record *record,
		  unix_ms *start, unix_ms *end);

/* The first value of an IANA element, which is not a v9 scope; NULL if there is none. */
const struct listen_field *listen_field_find(const struct listen_record *record, uint16_t element);

/* A value as a number, most significant byte first; values of more than 8 bytes give 0. */
uint64_t listen_field_number(const struct listen_field *field);

#endif
