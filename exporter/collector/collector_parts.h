/* collector_parts.h - what the files collector*.c share. Internal to them.
 *
 * collector.c has its beginning, its end and what people see of it; collector_records.c what
 * becomes of a record; collector_datagram.c when a datagram is begun, finished and sent;
 * collector_options.c templates, statistics and names, which go with the records. */
#ifndef COLLECTOR_PARTS_H
#define COLLECTOR_PARTS_H

#include "collector.h"
#include "sampler_walk.h"

#define COLLECTOR_NAMES_AT_ONCE     12  /* names in one go: 720 bytes of interfaces */
#define COLLECTOR_NAMES_INTERVAL_MS 100 /* a thousand names take 9 s */

struct collector {
	char name[280];
	uint8_t version;
	const struct encoder_type *encoder;
	const struct collector_terms *terms; /* borrowed for life */
	struct template_choice choice;
	struct template_set templates;
	struct template_set old_templates; /* of records that may still wait */
	bool has_old_templates;
	size_t datagram_size;
	struct outbox outbox;
	struct rotation rotation;
	struct collector_role role; /* 'group' is 'group_name' */
	char group_name[COLLECTOR_GROUP_SIZE];
	struct record_selection selection;

	/* The datagram under construction. */
	bool is_open;
	bool carries_templates;
	struct message message;
	struct amount amount; /* of its records */
	uint32_t opened_ms;   /* uptime */
	unix_ms opened_unix_ms;

	struct export_time time; /* the last that came in */
	bool has_time;
	bool has_limits; /* its protocol does not carry every record as it is */

	/* Refresh; times are uptime. */
	bool is_refresh_due;
	bool are_templates_due; /* with sessions: on request only */
	bool is_withdrawal_due; /* of old_templates; with sessions only */
	bool is_announcing;     /* templates from 'next_template' on go before anything else */
	size_t next_template;
	bool are_statistics_due;
	struct sampling_terms sampling;
	struct sampler_walk samplers;
	uint32_t refreshed_ms;
	uint32_t datagrams_since_refresh;
	bool has_records_since_refresh;
	uint64_t records_at_refresh; /* 'taken' then */
	struct interface_walk walk;  /* through the interface names */
	bool repeats_few;            /* the walk stops where the next few were told */
	size_t applications_told;    /* of the list, from the front, before their first record */
	size_t next_application;     /* of these, to be repeated next */
	uint32_t names_ms;           /* when the last ones were told */
	uint32_t names_repeated_ms;  /* when all were to be repeated */
};

/* Whether the protocol has templates. */
static inline bool collector_has_templates(const struct collector *collector)
{
	return collector->encoder->add_templates != NULL;
}

/* Whether it has statistics and interface names. */
static inline bool collector_has_options(const struct collector *collector)
{
	return collector->encoder->add_statistics != NULL;
}

/* In a session templates hold until its end, so they are told once, at its beginning (RFC 7011
 * section 8.1), ahead of all that waits. */
static inline bool collector_has_sessions(const struct collector *collector)
{
	return outbox_has_sessions(&collector->outbox);
}

/* The uptime wraps after 49 days; differences do not mind. */
static inline uint32_t collector_since(const struct collector *collector, uint32_t uptime_ms)
{
	return collector->time.uptime_ms - uptime_ms;
}

/* collector_datagram.c */
/* Begin a datagram with what is due in it: templates, options. There must be none open. */
void collector_datagram_open(struct collector *collector);
/* Finish the open datagram and queue it. */
void collector_datagram_close(struct collector *collector);

/* collector_options.c */
/* Make the templates that the choice asks for. */
void collector_options_make_templates(struct collector *collector);
/* The ledger as of a datagram that overtakes what is queued. */
void collector_options_sent(const struct collector *collector,
			    struct export_statistics *statistics);
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
int collector_options_count_messages(const struct collector *collector, bool with_old);
/* Options again, and templates where they are repeated. */
void collector_options_refresh(struct collector *collector);
/* From now on records carry the number of their sampler. */
void collector_options_carry_samplers(struct collector *collector);
/* Names of interfaces and applications: whether some may be told now; tell a few; tell all again,
 * or a few. */
bool collector_options_are_names_due(struct collector *collector);
void collector_options_add_names(struct collector *collector);
void collector_options_repeat_names(struct collector *collector);
void collector_options_repeat_few_names(struct collector *collector);
/* Whether names of applications are to be repeated. */
bool collector_options_has_applications(const struct collector *collector);
/* Tell application 'number' of the list. Returns false if the message is full. */
bool collector_options_add_application(struct collector *collector, size_t number);

#endif
