/* collector_parts.h - the members of a collector, by the file that changes them.
 *
 * Place: included by collector*.c and their headers, and no other. */
#ifndef COLLECTOR_PARTS_H
#define COLLECTOR_PARTS_H

#include "collector_config.h"
#include "encoder.h"
#include "outbox.h"
#include "record_journal.h"
#include "record_selection.h"
#include "sampler_walk.h"

/* collector_options.c: the templates of records. */
struct collector_templates {
	struct template_choice choice;
	struct template_set current;
	struct template_set old; /* of records that may still wait */
	bool has_old;
};

/* collector_datagram.c: the datagram under construction; collector_records.c adds to it. */
struct collector_building {
	bool is_open;
	bool carries_templates;
	struct message message;
	struct amount amount;  /* of its records */
	uint64_t first_record; /* number in the journal */
	uint32_t opened_ms;    /* uptime */
	unix_ms opened_unix_ms;
};

/* collector_options.c: what is repeated. Others may make it due, and collector_records.c reports
 * records. Times are uptime. */
struct collector_refresh {
	bool is_due;
	bool are_templates_due; /* with sessions: on request only */
	bool is_withdrawal_due; /* of the old templates; with sessions only */
	bool is_announcing;     /* templates from 'next_template' on go before anything else */
	size_t next_template;
	bool are_statistics_due;
	uint32_t last_ms;
	bool has_begun; /* the first time; live, the second one comes after a part of the interval
			 */
	uint32_t datagrams_since;
	bool has_records_since;
	uint64_t records_then; /* 'taken' at the last statistics */
};

/* collector_options.c: names of interfaces and applications; collector_records.c announces an
 * application before its first record. */
struct collector_names {
	struct interface_walk walk;    /* through the interface names */
	bool repeats_few;              /* the walk stops where the next few were announced */
	size_t applications_announced; /* of the list, from the front, before their first record */
	size_t next_application;       /* of these, to be repeated next */
	uint32_t announced_ms;         /* when the last ones were announced; uptime */
	uint32_t repeated_ms;          /* when all were to be repeated; uptime */
};

struct collector {
	/* collector.c, once. */
	char name[COLLECTOR_NAME_SIZE];
	uint8_t version;
	const struct encoder_type *encoder;
	const struct collector_terms *terms; /* borrowed for life */
	size_t datagram_size;
	struct collector_role role; /* 'group' is 'group_name' */
	char group_name[COLLECTOR_GROUP_SIZE];
	struct record_selection selection;
	bool needs_care; /* its protocol does not carry every record as it is, or it has a journal
			  */
	struct record_journal journal; /* collector_records.c; where others may get its records */

	struct outbox outbox;
	struct collector_templates templates;
	struct collector_building building;
	struct collector_refresh refresh;
	struct collector_names names;

	/* collector_records.c and collector_datagram.c: which samplers were announced. */
	struct sampling_terms sampling;
	struct sampler_walk samplers;

	/* collector_datagram.c. */
	struct rotation rotation;
	struct export_time time; /* the last that came in */
	bool has_time;
};

/* collector.c: what a configuration makes of the choice of templates, and of the priority. */
struct template_choice collector_make_choice(const struct collector *collector,
					     const struct collector_config *config);
uint32_t collector_priority(const struct collector_config *config);
/* collector.c: what a configuration makes of filter and sampling; how many datagrams of templates
 * there are at most; whether a datagram holds any record. Return 0 or true, else 'error' is filled.
 */
int collector_make_selection(const struct collector *collector,
			     const struct collector_config *config,
			     struct record_selection *selection, struct error_text *error);
int collector_count_templates(const struct collector *collector, struct outbox_config *config,
			      struct error_text *error);
bool collector_is_large_enough(const struct collector *collector, struct error_text *error);

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

/* In a session templates hold until its end, so they are announced once, at its beginning (RFC 7011
 * section 8.1), ahead of all that waits. */
static inline bool collector_has_sessions(const struct collector *collector)
{
	return outbox_has_sessions(&collector->outbox);
}

/* collector_datagram.c: bytes that a datagram may have now: those of the configuration, or fewer
 * where the path takes no more. */
size_t collector_fitting_size(const struct collector *collector);

/* The uptime wraps after 49 days; differences do not mind. */
static inline uint32_t collector_since(const struct collector *collector, uint32_t uptime_ms)
{
	return collector->time.uptime_ms - uptime_ms;
}

#endif
