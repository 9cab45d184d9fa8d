/* export_record.h - a flow_record with what is looked up per flow, ready to be encoded.
 *
 * Place: worker -> ring -> exporter, which fills in the rest -> encoder. */
#ifndef EXPORT_RECORD_H
#define EXPORT_RECORD_H

#include "application_table.h"
#include "asn_table.h"
#include "flow.h"

struct export_record {
	struct flow_record flow;
	struct asn_entry source; /* of the source address; all 0 without a table or a match */
	struct asn_entry destination;
	const struct application *application; /* borrowed; NULL: none, or not known */
};

#endif
