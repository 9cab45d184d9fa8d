/* flow_columns.h - optional data of flows: one array for each column, beside the flows.
 *
 * A flow has no spare byte, and grows for nobody: a column is allocated only if it is asked for,
 * and costs its own bytes then. Rows of flow_columns.def say what there is. */
#ifndef FLOW_COLUMNS_H
#define FLOW_COLUMNS_H

#include "flow.h"
#include "packet_note.h"

enum flow_column {
#define FLOW_COLUMN(name, type, update, note) FLOW_COLUMN_##name,
#define FLOW_TRACK(name, type)                FLOW_COLUMN_##name,
#include "flow_columns.def"
#undef FLOW_COLUMN
#undef FLOW_TRACK
	FLOW_COLUMN_COUNT
};

/* Sets of columns are bits. */
#define FLOW_COLUMN_BIT(column) (1u << (column))
#define FLOW_COLUMNS_OF_LINK \
	(FLOW_COLUMN_BIT(FLOW_COLUMN_source_mac) | FLOW_COLUMN_BIT(FLOW_COLUMN_destination_mac))

/* Records that end at FLOW_RECORD_BASE_SIZE do not have these. */
#define FLOW_COLUMNS_OF_OWNER \
	(FLOW_COLUMN_BIT(FLOW_COLUMN_user) | FLOW_COLUMN_BIT(FLOW_COLUMN_cgroup))
#define FLOW_COLUMNS_OF_TCP (FLOW_COLUMN_BIT(FLOW_COLUMN_tcp))
#define FLOW_COLUMNS_BEYOND_BASE \
	(FLOW_COLUMNS_OF_LINK | FLOW_COLUMNS_OF_OWNER | FLOW_COLUMNS_OF_TCP)
/* A flow that leaves and its reverse have these from each other. */
#define FLOW_COLUMNS_SHARED (FLOW_COLUMNS_OF_OWNER | FLOW_COLUMNS_OF_TCP)

/* The column that fills the member at 'offset' of struct flow_record, as a bit; 0: none, every flow
 * has it. */
unsigned int flow_column_at(size_t offset);

/* What of a packet the columns of a set are updated from: PACKET_NOTE_BIT(). */
unsigned int flow_columns_notes(unsigned int set);

#endif
