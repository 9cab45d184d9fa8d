/* drop_reason.c - names and texts of drop_reasons.def. */
#include "drop_reason.h"

static const char *const names[DROP_REASON_COUNT] = {
	[DROP_NONE] = "none",
#define DROP_REASON(suffix, key, text) [DROP_##suffix] = #key,
#include "drop_reasons.def"
#undef DROP_REASON
};

static const char *const texts[DROP_REASON_COUNT] = {
	[DROP_NONE] = "accounted",
#define DROP_REASON(suffix, key, text) [DROP_##suffix] = text,
#include "drop_reasons.def"
#undef DROP_REASON
};

const char *drop_reason_name(enum drop_reason reason)
{
	return reason < DROP_REASON_COUNT ? names[reason] : "unknown";
}

const char *drop_reason_text(enum drop_reason reason)
{
	return reason < DROP_REASON_COUNT ? texts[reason] : "unknown";
}
