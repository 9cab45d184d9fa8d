/* collector_options.h - templates, statistics and names of a collector, which go with the records.
 *
 * Place: collector_records, collector_datagram -> here -> encoder. */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include "collector_parts.h"

#define COLLECTOR_NAMES_AT_ONCE     12  /* names in one go: 720 bytes of interfaces */
#define COLLECTOR_NAMES_INTERVAL_MS 100 /* a thousand names take 9 s */

/* Make the templates that the choice asks for. */
void collector_options_make_templates(struct collector *collector);
/* The ledger as of a datagram that overtakes what is queued. */
void collector_options_sent(const struct collector *collector,
			    struct export_statistics *statistics);
/* After how many milliseconds, more than a datagram may wait, all is repeated for the first time:
 * at most the interval 'refresh_ms', spread over it by the agent's seed and collector. */
uint32_t collector_options_first_ms(uint32_t seed, const char *name, uint32_t refresh_ms);
/* The interval is another one: count it from now on, as at the start. */
void collector_options_respread(struct collector *collector);
/* Options data are due from now on, and templates where they are repeated. */
void collector_options_begin_refresh(struct collector *collector);
/* Add templates to the empty message: as many as it holds, the rest goes into the next. */
void collector_options_add_templates(struct collector *collector);
/* Add statistics; they stay due if the message has no room. */
void collector_options_add_statistics(struct collector *collector);
/* Where an announcement of the templates of all that waits is: numbers of the next ones. */
struct collector_announcement {
	size_t old_template, template;
};
/* Add the templates of all that waits, as many as the message holds, and after the last what their
 * samplers are, as far as there is room. Returns whether there is more to announce. */
bool collector_options_add_all_templates(const struct collector *collector, struct message *message,
					 struct collector_announcement *announcement);
/* Messages of 'size' bytes that templates of the collector take at most: its own, or as
 * collector_options_add_all_templates() announces them. Returns a number, or -ENOMEM. */
int collector_options_count_messages(const struct collector *collector, size_t size, bool with_old);
/* Options again, and templates where they are repeated. */
void collector_options_refresh(struct collector *collector);
/* Records have other templates from now on, and those that wait keep the old ones. */
void collector_options_change(struct collector *collector, const struct template_choice *choice);
/* From now on records carry the number of their sampler. */
void collector_options_carry_samplers(struct collector *collector);
/* Names of interfaces and applications: whether some may be announced now; announce a few; announce
 * all again, or a few. */
bool collector_options_are_names_due(struct collector *collector);
void collector_options_add_names(struct collector *collector);
void collector_options_repeat_names(struct collector *collector);
void collector_options_repeat_few_names(struct collector *collector);
/* Whether names of applications must be repeated. */
bool collector_options_has_applications(const struct collector *collector);
/* Announce application 'number' of the list. Returns false if the message is full. */
bool collector_options_add_application(struct collector *collector, size_t number);

#endif
