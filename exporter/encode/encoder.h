/* encoder.h - records -> messages of one export protocol. Implementations: encoder_<name>.c; list:
 * encoder.c.
 *
 * Place: exporter -> encoder -> transport. Pure: time and storage come in as arguments. A message
 * is begun, filled with sets and records in the caller's buffer, and finished; its sequence number
 * is stored when it is sent. */
#ifndef ENCODER_H
#define ENCODER_H

#include "bytes.h"
#include "clock.h"
#include "export_record.h"
#include "export_time.h"
#include "interface_name.h"
#include "ledger.h"
#include "record_ring.h"
#include "samplers.h"
#include "template.h"

#include <stdbool.h>

/* What the exporter statistics of options data are made of: the ledger of the workers and of this
 * collector. */
struct export_statistics {
	struct ring_mark workers; /* sum over the workers of their last marks */
	struct collector_ledger collector;
	unix_ms system_init_ms; /* systemInitTimeMilliseconds (160) */
};

/* What the numbers of samplers in records mean for one collector. */
struct sampling_terms {
	const struct samplers *samplers; /* borrowed; NULL: records have none */
	uint32_t flows; /* this collector gets one flow in this many of all; 0 and 1: all */
};

/* The sampler of a number; interval 0 if it is not known, or beyond 32 bits. */
static inline struct sampler sampling_terms_look(const struct sampling_terms *terms, uint8_t number)
{
	struct sampler sampler = { SAMPLING_none, 1 };
	uint64_t interval;

	if (terms->samplers)
		sampler = samplers_at(terms->samplers, number);
	if (terms->flows <= 1)
		return sampler;
	interval = (uint64_t)sampler.interval * terms->flows;
	sampler.interval = interval > UINT32_MAX ? 0 : (uint32_t)interval;
	if (sampler.method == SAMPLING_none)
		sampler.method = SAMPLING_flows;
	return sampler;
}

/* A message under construction. The encoder's own state between calls; no member is for callers but
 * 'writer', 'records' and 'data_records'. */
struct message {
	struct writer writer;  /* over the caller's buffer: size = the largest datagram allowed */
	uint32_t records;      /* templates, options and data records so far */
	uint32_t data_records; /* flow records and options data records so far */
	uint16_t set_id;       /* v9, IPFIX: set that is open (message_set.c) */
	uint8_t *set_start;    /* of that set, if there is one */
	struct record_sender sender; /* of its records; addresses are set after begin() */
	bool has_uptime;             /* v9: records have times on that clock; set after begin() */
	unix_ms export_ms;           /* JSON: present time, of lines that are not flows */
	uint32_t source_id;          /* JSON: of the lines; set after begin() */
	struct sampling_terms sampling; /* v5, JSON: set after begin() */
	uint8_t sampler;                /* v5: of its records */
};

/* Stands for JSON lines among the version numbers of protocols: 1, 5, 7, 9, 10. */
#define ENCODER_VERSION_JSON 255

struct encoder_type {
	const char *name; /* "netflow9" */
	uint8_t version;  /* 1, 5, 7, 9, 10, ENCODER_VERSION_JSON */
	uint8_t protocol; /* enum export_protocol: fields of its templates, 0 without any */
	/* Where a finished message has its sequence number: 4 bytes, most significant first. 0: it
	 * has none. */
	uint8_t sequence_offset;
	bool is_delimited;    /* its messages show where they end: fit for a stream */
	bool has_ipv6;        /* carries IPv6 flows; else add_record is for IPv4 only */
	uint64_t counter_max; /* packets and octets of a record are at most this */

	/* Bytes of the smallest message that holds anything that may be added to it. NULL: no more
	 * than COLLECTOR_DATAGRAM_SIZE_MIN. */
	size_t (*size_min)(const struct template_set *templates);

	/* Start a message at the front of message->writer, whose other members are set here. 'time'
	 * is the present. */
	void (*begin)(struct message *message, const struct export_time *time);

	/* NULL for a protocol without templates.
	 *
	 * Add templates and options templates from number '*next' on, as many as there is room for;
	 * 0 is the first. '*next' becomes the number of the first that is not in the message.
	 * Returns 0 if all are, else -EMSGSIZE: the rest goes into the next message. An empty
	 * message of COLLECTOR_DATAGRAM_SIZE_MIN takes any one. */
	int (*add_templates)(struct message *message, const struct template_set *templates,
			     size_t *next);
	/* This and the next are NULL for a protocol without options.
	 *
	 * Add the statistics as options data. Returns 0 or -EMSGSIZE with the message unchanged. */
	int (*add_statistics)(struct message *message, const struct export_statistics *statistics,
			      uint32_t source_id);
	/* Add the name of one interface as options data. Returns 0 or -EMSGSIZE with the message
	 * unchanged. */
	int (*add_interface)(struct message *message, const struct interface_name *interface);
	/* NULL if the protocol has no place for it.
	 *
	 * Add how packets were chosen: the one rate of all records, and what a number in records
	 * means. Return 0 or -EMSGSIZE with the message unchanged. */
	int (*add_rate)(struct message *message, struct sampler rate);
	int (*add_sampler)(struct message *message, uint8_t number, struct sampler sampler);
	/* NULL if records have the name itself, or no application.
	 *
	 * Add the name of an application. Returns 0 or -EMSGSIZE with the message unchanged. */
	int (*add_application)(struct message *message, const struct application *application);
	/* NULL if the protocol does not know it.
	 *
	 * Say that data templates do not hold any more; for sessions only. Returns 0 or -EMSGSIZE
	 * with the message unchanged. */
	int (*withdraw_templates)(struct message *message, const struct template_set *templates);
	/* Add one flow. Returns 0 or -EMSGSIZE with the message unchanged. */
	int (*add_record)(struct message *message, const struct template_set *templates,
			  const struct export_record *record);
	/* Add both directions of a flow as one record, if templates->has_biflows; NULL if the
	 * protocol has no such records. Returns 0 or -EMSGSIZE with the message unchanged. */
	int (*add_biflow)(struct message *message, const struct template_set *templates,
			  const struct export_record *forward, const struct export_record *reverse);
	/* Close the open set, pad, and fill in the header but for the sequence number, which is 0.
	 * Returns the message's size in bytes. */
	size_t (*finish)(struct message *message, const struct export_time *time,
			 uint32_t source_id);
	/* By how much the sequence number grows with this finished message; NULL: there is none. */
	uint32_t (*sequence_step)(const struct message *message);
};

/* Find by version number (1, 5, 7, 9, 10, ENCODER_VERSION_JSON); NULL if there is none. */
const struct encoder_type *encoder_find(uint8_t version);
/* A version as it is written in a configuration: "9", "json". Returns 'text'. */
#define ENCODER_VERSION_TEXT_SIZE 8
const char *encoder_version_format(uint8_t version, char text[static ENCODER_VERSION_TEXT_SIZE]);

/* The implementations. */
extern const struct encoder_type encoder_netflow1;
extern const struct encoder_type encoder_netflow5;
extern const struct encoder_type encoder_netflow7;
extern const struct encoder_type encoder_netflow9;
extern const struct encoder_type encoder_ipfix;
extern const struct encoder_type encoder_json;

#endif
