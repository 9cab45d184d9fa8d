/* flow_columns.h - optional data of flows: one array for each column, beside the flows.
 *
 * A flow has no spare byte, and grows for nobody: a column is allocated only if it is asked for,
 * and costs its own bytes then. Rows of flow_columns.def say what there is. */
#ifndef FLOW_COLUMNS_H
#define FLOW_COLUMNS_H

#include "flow.h"

enum flow_column {
#define FLOW_COLUMN(name, type, update, note) FLOW_COLUMN_##name,
#include "flow_columns.def"
#undef FLOW_COLUMN
	FLOW_COLUMN_COUNT
};

/* Sets of columns are bits. */
#define FLOW_COLUMN_BIT(column) (1u << (column))

/* What one packet brings for the columns: packet_note_of(). */
struct packet_note {
	uint8_t ttl; /* IPv4 Time to Live, IPv6 Hop Limit */
};

/* Note what is in an IP header whose fixed part is there. RFC 791 section 3.1, RFC 8200 section 3.
 */
static inline struct packet_note packet_note_of(const uint8_t *ip_header)
{
	return (struct packet_note){ .ttl = ip_header[ip_header[0] >> 4 == 4 ? 8 : 7] };
}

/* The column that fills the member at 'offset' of struct flow_record, as a bit; 0: none, every flow
 * has it. */
unsigned int flow_column_at(size_t offset);

#endif
