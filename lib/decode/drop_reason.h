/* drop_reason.h - why a packet was read but not accounted to a flow. The rows are in
 * drop_reasons.def.
 *
 * Place: decoder or worker -> here -> `packets_ignored` of the ledger. */
#ifndef DROP_REASON_H
#define DROP_REASON_H

enum drop_reason {
	DROP_NONE = 0, /* accounted */
#define DROP_REASON(suffix, key, text) DROP_##suffix,
#include "drop_reasons.def"
#undef DROP_REASON
	DROP_REASON_COUNT
};

/* Key in JSON, such as "not_ip"; static storage. "none" for DROP_NONE. */
const char *drop_reason_name(enum drop_reason reason);

/* One line of explanation; static storage. */
const char *drop_reason_text(enum drop_reason reason);

#endif
