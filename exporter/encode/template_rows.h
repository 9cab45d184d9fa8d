/* template_rows.h - all that a template may have, in the order of the fields: one row for a field
 * of IPv4 and the one of IPv6 that takes its place.
 *
 * Place: export_fields -> here -> template, template_fields. */
#ifndef TEMPLATE_ROWS_H
#define TEMPLATE_ROWS_H

#include "export_fields.h"
#include "flow_key_choice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_ROWS_MAX 64 /* a row is a bit of struct template_fields */

/* What brings a field in, beside the flow key; bits. */
enum template_part {
	PART_always = 0,
	PART_as_numbers = 1,
	PART_peers = 2,
	PART_next_hop = 4,
	PART_masks = 8,
	PART_ip_version = 16, /* no address shows it; in JSON lines always */
	PART_milliseconds = 32,
	PART_uptime = 64,
	PART_sampler_id = 128,  /* v9 and IPFIX */
	PART_selector_id = 256, /* IPFIX and JSON lines */
	PART_biflow = 512,      /* brings in biflowDirection; for the id */
	PART_application = 1024,
	PART_chosen = 2048, /* somebody names it, or all: it costs every packet something */
	/* Somebody names it: the kernel has more to do for it. Of flows that are one direction of
	 * one connection. */
	PART_translation = 4096,
	PART_owner = 16384, /* likewise */
	PART_tcp = 32768,   /* likewise, the agent */
	PART_named = 8192,  /* somebody names it: 0 in it says something else than no field */
};

struct template_row {
	enum template_part part;
	unsigned int key; /* parts of the flow key that it says something of: all must count */
	uint16_t ipv4;
	uint16_t ipv6; /* a protocol that does not know this one gets 'ipv4' here too */
};

/* Row 'row', below template_row_count(); static storage. */
const struct template_row *template_row_at(size_t row);
/* Rows there are. */
size_t template_row_count(void);
const struct export_field *template_row_field(size_t row, uint8_t ip_version);
/* Whether the flow key has what the row is about. */
bool template_row_is_in_key(size_t row, const struct flow_key_choice *key);

#endif
