/* loss_reason.h - why a record did not reach a collector. The rows are in loss_reasons.def.
 *
 * Place: collector or outbox -> here -> `records_lost` of the ledger. */
#ifndef LOSS_REASON_H
#define LOSS_REASON_H

enum loss_reason {
#define LOSS_REASON(suffix, key, text) LOSS_##suffix,
#include "loss_reasons.def"
#undef LOSS_REASON
	LOSS_REASON_COUNT
};

/* Key in JSON and metrics, such as "spool_full"; static storage. */
const char *loss_reason_name(enum loss_reason reason);

/* One line of explanation, of which the subject is a collector; static storage. */
const char *loss_reason_text(enum loss_reason reason);

#endif
