/* template.h - which fields a record of each shape carries, in which order.
 *
 * Place: made once per collector, then read by its encoder. Source: RFC 3954 section 5.2, RFC 7011
 * section 3.4.1. */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include "flow_key_choice.h"
#include "ip_protocol.h"
#include "packet.h"
#include "record.h"
#include "template_fields.h"

#include <stdbool.h>

/* Which fields the templates carry beside those that are always there. Decided before the first
 * message; only has_samplers may come later. */
struct template_choice {
	bool has_as_numbers; /* AS numbers and masks */
	bool has_next_hop;
	bool has_peers;
	bool has_uptime; /* v9: times as SysUptime (21, 22) instead of milliseconds since 1970 */
	bool has_applications;
	bool has_samplers;          /* the number of the sampler that chose a flow's packets */
	bool has_biflows;           /* IPFIX, JSON: both directions of a flow in one record */
	struct flow_key_choice key; /* what is not in the key is not in a record */
	struct template_fields fields;
};

/* Shapes that a record may have, bits: each has a template of its own. Most records are compact:
 * their counters fit into 4 bytes, the numbers of their interfaces into 2, and they have no VLAN
 * and no ICMP type. Where the direction is not known there is no flowDirection: the registry has no
 * value for that. */
enum template_shape {
	TEMPLATE_ipv6 = 1,
	TEMPLATE_wide = 2,
	TEMPLATE_sideless = 4,
	TEMPLATE_SHAPES = 8
};

/* Template ids. Those of data records are even for IPv4 and odd for IPv6, and differ with shape and
 * choice: a collector that remembers the templates of an earlier run never reads new records by
 * them. */
#define TEMPLATE_ID_FIRST        260   /* to 387: the default flow key, wide with flowDirection */
#define TEMPLATE_ID_INTERFACE    400   /* options: interface names */
#define TEMPLATE_ID_STATISTICS   401   /* options: the loss ledger */
#define TEMPLATE_ID_RATE         402   /* options: one sampling rate for all records */
#define TEMPLATE_ID_SAMPLER      403   /* options: a sampler by samplerId */
#define TEMPLATE_ID_APPLICATION  404   /* options: an application */
#define TEMPLATE_ID_COUNT        405   /* options, IPFIX: a sampler that counts packets */
#define TEMPLATE_ID_CHANCE       406   /* options, IPFIX: a sampler that chooses by chance */
#define TEMPLATE_ID_HASH         407   /* options, IPFIX: a sampler that chooses by a hash */
#define TEMPLATE_ID_ELEMENT      408   /* options, IPFIX: what an enterprise's element is */
#define TEMPLATE_ID_SHAPES       512   /* to 895: the default flow key, the other shapes */
#define TEMPLATE_ID_OTHER_KEY    1024  /* to 50175: any other flow key, wide with flowDirection */
#define TEMPLATE_ID_FIELDS       50176 /* to 65535: all others, by a hash of the fields */
#define TEMPLATE_ID_FIELDS_PAIRS 3840

struct template
{
	uint16_t id;
	bool is_alias;        /* the same as that of another shape: not announced again */
	uint16_t record_size; /* bytes of an encoded record */
	size_t field_count;
	const struct export_field *fields[RECORD_FIELDS_MAX]; /* static storage */
	struct record_plan plan;

	/* Of biflows: what comes before, of the reverse direction, as elements of enterprise
	 * EXPORT_REVERSE_ENTERPRISE. */
	size_t reverse_count; /* 0: not of biflows */
	const struct export_field *reverse_fields[RECORD_FIELDS_MAX];
	struct record_plan reverse_plan;
	uint16_t reverse_size; /* bytes of them in the record */
};

/* Templates by shape. */
struct template_set {
	struct template records[TEMPLATE_SHAPES];
	struct template biflows[TEMPLATE_SHAPES]; /* these are there if has_biflows */
	bool has_biflows;
	bool has_uptime;       /* records have times on the clock of export_clock.h */
	bool has_exporter;     /* records have the address that they are sent from */
	bool has_samplers;     /* options templates of samplers go with them */
	bool has_applications; /* likewise */
	bool has_enterprise;   /* records have elements that are not IANA's */
};

/* The shape of a record; that of a biflow has the bits of both directions. */
static inline unsigned int template_shape_of(const struct flow_record *flow)
{
	/* A look-up: this is asked of each record. */
	static const uint8_t wide_protocols[256] = {
		[PROTOCOL_ICMP] = 1,
		[PROTOCOL_IPv6_ICMP] = 1,
	};
	const struct flow_key *key = &flow->key;
	const uint32_t more = (uint32_t)(flow->octets >> 32) | (uint32_t)(flow->packets >> 32) |
			      (key->input_interface | key->output_interface) >> 16 | key->vlan_id |
			      wide_protocols[key->protocol];
	return (key->ip_version == 4 ? 0u : TEMPLATE_ipv6) | (more ? TEMPLATE_wide : 0u) |
	       (key->side == SIDE_unknown ? TEMPLATE_sideless : 0u);
}

/* Make the templates for one export protocol. */
void template_set_init(struct template_set *set, enum export_protocol protocol,
		       const struct template_choice *choice);

/* Whether two sets of one protocol have the same templates. */
bool template_set_is_same(const struct template_set *one, const struct template_set *other);

/* The columns of the flow cache that its records are of: FLOW_COLUMN_BIT(); EXPORT_RECORD_NAT if
 * they have a translation. */
unsigned int template_set_columns(const struct template_set *set);

#endif
