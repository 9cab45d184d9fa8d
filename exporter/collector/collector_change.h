/* collector_change.h - a collector that continues with other settings: its socket, queue, sequence
 * numbers and ledger stay.
 *
 * Place: exporter -> here -> collector. In two steps, so that several collectors change together or
 * none does. */
#ifndef COLLECTOR_CHANGE_H
#define COLLECTOR_CHANGE_H

#include "collector.h"
#include "record_selection.h"

/* What collector_change_take() brings in. */
struct collector_change {
	struct record_selection selection; /* owned */
	struct template_choice choice;
	bool has_other_templates;
	size_t template_datagrams, ahead_datagrams;
	uint32_t sampling;
	uint32_t datagrams_per_second;
	uint32_t priority;
};

/* Whether other templates can be brought in now: in a session, those of two generations at most may
 * wait. */
bool collector_change_is_possible(const struct collector *collector);

/* Check what of 'config' may be another without a new collector: fields, uptime, filter, sampling,
 * rate, priority; and the choice of templates, which the terms have already. Returns 0, or a
 * negative errno with 'error' filled and nothing to clear. */
int collector_change_prepare(const struct collector *collector,
			     const struct collector_config *config, struct collector_change *change,
			     struct error_text *error);
/* Do it; records that were added before stay as they are. */
void collector_change_take(struct collector *collector, struct collector_change *change);
void collector_change_clear(struct collector_change *change);

/* The applications of the terms are others: what was announced of them is void. */
void collector_change_applications(struct collector *collector);

/* A collector takes the place of another: the ledger of that one, of which nothing waits any more,
 * goes on in this one. */
void collector_change_merge(struct collector *collector, const struct collector_ledger *before);
/* Whether what one has built can be read by what the other announces. */
bool collector_change_has_same_templates(const struct collector *one,
					 const struct collector *other);
/* Forget where its sequence number stands for the next run, and return that. */
uint32_t collector_change_leave(struct collector *collector);

#endif
