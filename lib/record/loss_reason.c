/* loss_reason.c - names and texts of loss_reasons.def. */
#include "loss_reason.h"

static const char *const names[LOSS_REASON_COUNT] = {
#define LOSS_REASON(suffix, key, text) [LOSS_##suffix] = #key,
#include "loss_reasons.def"
#undef LOSS_REASON
};

static const char *const texts[LOSS_REASON_COUNT] = {
#define LOSS_REASON(suffix, key, text) [LOSS_##suffix] = text,
#include "loss_reasons.def"
#undef LOSS_REASON
};

const char *loss_reason_name(enum loss_reason reason)
{
	return reason < LOSS_REASON_COUNT ? names[reason] : "unknown";
}

const char *loss_reason_text(enum loss_reason reason)
{
	return reason < LOSS_REASON_COUNT ? texts[reason] : "unknown";
}
