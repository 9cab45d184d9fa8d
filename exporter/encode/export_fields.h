/* export_fields.h - the table of exportable fields (export_fields.def) as data.
 *
 * Place: none; read by template_rows.c and record.c. Integers are in host order. */
#ifndef EXPORT_FIELDS_H
#define EXPORT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

/* How a member of export_record becomes bytes. */
enum export_kind {
	EXPORT_UNSIGNED,          /* most significant byte first */
	EXPORT_ADDRESS,           /* bytes as they are */
	EXPORT_MILLISECONDS,      /* unix_ms; a time before 1970 is 0 */
	EXPORT_SYSUPTIME,         /* unix_ms; 32 bits of the clock of export_clock.h */
	EXPORT_APPLICATION,       /* a pointer to it; its id on the wire, 0 without one */
	EXPORT_WIDENED,           /* 1 byte in the record, 8 on the wire */
	EXPORT_ICMP_TYPE_CODE,    /* 0 unless the protocol is ICMP or ICMPv6 */
	EXPORT_MAC,               /* a link address, as packet_note.h has it */
	EXPORT_LEAVING_MAC,       /* likewise; 0 if the frame was not on its way out */
	EXPORT_TEXT,              /* bytes up to a NUL, and NUL up to the end */
	EXPORT_TCP_PACKETS,       /* of struct tcp_quality; 0 if that is not known */
	EXPORT_HALF_MILLISECONDS, /* half a time of struct tcp_quality, 1 at least; 0: not known */
	EXPORT_HALF_SECONDS,      /* likewise: whole seconds, and */
	EXPORT_HALF_MICROSECONDS, /* what is beside them */
	EXPORT_EXPORTER,          /* not of the record: where its message is sent from */
	EXPORT_REDUCED,           /* a number of half as many bytes as the member has, which fits */
};

/* Which export protocols know a field; bits. JSON lines have the fields of IPFIX. */
enum export_protocol { EXPORT_V9 = 1, EXPORT_IPFIX = 2, EXPORT_JSON = 4 | EXPORT_IPFIX };
/* Beside them: the reverse of a biflow has a value of its own. */
#define EXPORT_REVERSE 0x80
/* Likewise: compact records have half as many bytes of it. */
#define EXPORT_COMPACT 0x40
/* Likewise: compact records do not have it. */
#define EXPORT_OMITTED 0x20

/* Private enterprise number of reverse elements: RFC 5103 section 6.1. */
#define EXPORT_REVERSE_ENTERPRISE 29305

/* Private enterprise number of ntop, and its first number in v9: element 0 in IPFIX. */
#define EXPORT_NTOP_ENTERPRISE 35632
#define EXPORT_NTOP_FIRST      57472

/* Element ids by their IANA names. */
enum {
#define EXPORT_FIELD(name, id, size, kind, member, protocols) IE_##name = (id),
#include "export_fields.def"
#undef EXPORT_FIELD
};

#define EXPORT_KEY_SIZE 40

struct export_field {
	const char *name; /* IANA name; static */
	uint16_t id;      /* of the element, or of the v9 field */
	uint8_t size;     /* bytes on the wire */
	uint8_t kind;     /* enum export_kind */
	uint16_t offset;  /* of the member in struct export_record */
	uint8_t protocols;
	uint8_t key_size;          /* bytes of 'key' that count */
	char key[EXPORT_KEY_SIZE]; /* ,"name": as JSON lines have it, then zeros */
};

size_t export_field_count(void);
/* Row number 'index' of the table. */
const struct export_field *export_field_at(size_t index);
/* The row as compact records have it: itself if they have it as it is. */
const struct export_field *export_field_compact(const struct export_field *field);
/* Its enterprise in IPFIX; 0: it is IANA's. */
static inline uint32_t export_field_enterprise(const struct export_field *field)
{
	return field->id >= EXPORT_NTOP_FIRST ? EXPORT_NTOP_ENTERPRISE : 0;
}

/* Its number in IPFIX. */
static inline uint16_t export_field_element(const struct export_field *field)
{
	return (uint16_t)(export_field_enterprise(field) ? field->id - EXPORT_NTOP_FIRST
							 : field->id);
}

/* Row of an element; NULL if the table has none. */
const struct export_field *export_field_find(uint16_t id);

#endif
