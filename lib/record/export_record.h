/* export_record.h - a flow_record with what is looked up per flow, ready to be encoded.
 *
 * Place: worker -> ring -> exporter, which fills in the rest -> encoder.
 *
 * What comes last is optional, and most records do not have it: then they end before it, and nobody
 * copies more than export_record_size(). */
#ifndef EXPORT_RECORD_H
#define EXPORT_RECORD_H

#include "application_table.h"
#include "asn_table.h"
#include "flow.h"
#include "flow_columns.h"
#include "nat_table.h"

struct export_record {
	struct asn_entry source; /* of the source address; all 0 without a table or a match */
	struct asn_entry destination;
	const struct application *application; /* borrowed; NULL: none, or not known */
	struct flow_record flow;
	struct nat_translation nat;     /* all 0: none is known */
	_Alignas(8) char user_name[32]; /* of flow.user, with NUL up to the end; "" if that is not
					   known */
};

/* Beside the columns of flows, what is looked up: records have 'nat'; they have 'user_name' and all
 * before it. */
#define EXPORT_RECORD_NAT       (1u << 31)
#define EXPORT_RECORD_USER_NAME (1u << 30)
#define EXPORT_RECORD_LOOKUPS   (EXPORT_RECORD_NAT | EXPORT_RECORD_USER_NAME)

/* Every record has as much as this. */
#define EXPORT_RECORD_BASE_SIZE (offsetof(struct export_record, flow) + FLOW_RECORD_BASE_SIZE)

/* Bytes of records with 'columns': FLOW_COLUMN_BIT(), EXPORT_RECORD_LOOKUPS. */
static inline size_t export_record_size(unsigned int columns)
{
	if (columns & EXPORT_RECORD_USER_NAME)
		return sizeof(struct export_record);
	if (columns & EXPORT_RECORD_NAT)
		return offsetof(struct export_record, user_name);
	return columns & FLOW_COLUMNS_BEYOND_BASE ? offsetof(struct export_record, nat)
						  : EXPORT_RECORD_BASE_SIZE;
}

#endif
