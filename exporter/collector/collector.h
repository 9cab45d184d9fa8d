/* collector.h - one collector: records -> datagrams, with templates and options among them, in its
 * own order and at its own pace.
 *
 * Stage: exporter -> collector -> encoder -> outbox -> transport. When something is sent follows
 * from export_time alone, so that a file gives the same datagrams at every run; how fast it is
 * handed to the network follows from monotonic real time. */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include "application_list.h"
#include "collector_mode.h"
#include "encoder.h"
#include "export_remote.h"
#include "interface_names.h"
#include "outbox.h"
#include "record_selection.h"
#include "transport.h"

struct collector; /* opaque: defined in collector_parts.h */

#define EXPORTER_RECORD_WAIT_MS 1000 /* at most, for its datagram to fill */

#define COLLECTOR_GROUP_SIZE 64 /* longest name of a group, with NUL */

#define COLLECTOR_DATAGRAM_SIZE_MIN 512   /* holds templates and statistics, or any record */
#define COLLECTOR_DATAGRAM_SIZE_MAX 65507 /* UDP over IPv4 */
#define COLLECTOR_MESSAGE_SIZE_MAX  65535 /* in a session: RFC 7011 section 3.1 */

struct collector_config {
	const char *name;      /* "HOST:PORT" as configured */
	const char *transport; /* "udp" */
	/* Instead of 'transport', if not NULL: for tests. */
	const struct transport_type *transport_type;
	uint8_t version; /* of the export protocol: 5, 9, 10 or ENCODER_VERSION_JSON */
	bool has_uptime; /* v9: times as SysUptime, for collectors that know no other */
	struct template_fields fields; /* of its records; the default in v5 */
	struct transport_config address;
	uint32_t datagram_size;        /* largest payload in bytes, 512 to 65507 */
	uint32_t datagrams_per_second; /* 0: no limit */
	uint64_t spool_size;           /* bytes, 0: none; else at least SPOOL_SIZE_MIN */
	const char *spool_directory;   /* NULL: in memory */
	bool is_patient;               /* wait for a slow reader, others too, as long as it takes */
	struct collector_role role;
	const char *filter; /* words of flow_filter.h; NULL: every flow */
	uint32_t sampling;  /* 1 in so many flows; 0 or 1: all */
};

/* What all collectors of an exporter share. */
struct collector_terms {
	uint32_t source_id;                  /* observation domain */
	uint32_t template_refresh_ms;        /* 0: never by time */
	uint32_t template_refresh_datagrams; /* 0: never by count */
	struct template_choice choice;
	void (*on_event)(void *context, const struct collector_event *event); /* may be NULL */
	void *event_context;

	/* What options data say; the exporter changes them as it is told. */
	struct ring_mark workers;
	unix_ms system_init_ms;
	struct interface_names names;
	struct application_list applications;
	const struct samplers *samplers; /* borrowed; NULL: records have none */
};

/* State of one collector, for people. Strings are copies. */
struct collector_status {
	char name[280]; /* as configured */
	enum collector_mode mode;
	char group[COLLECTOR_GROUP_SIZE]; /* "" for mirror */
	uint32_t priority;                /* 0: none */
	bool is_used;      /* its group gives it records at present: filled in by the exporter */
	uint32_t sampling; /* 1 in so many flows */
	char remote[TRANSPORT_ADDRESS_TEXT_SIZE]; /* where it sends to, "" if not resolved */
	const char *transport;                    /* static */
	uint8_t version;
	bool is_up;
	int last_error; /* positive errno, 0 if none since it is up */
	enum loss_reason last_loss;
	bool is_known_down;    /* and was a second ago already */
	bool waits_for_reader; /* has something for one that is there, and that it waits for */
	bool has_sequence;
	uint32_t sequence;         /* next sequence number */
	uint32_t queued_datagrams; /* finished, also those in the spool and those not confirmed */
	uint32_t unconfirmed_datagrams; /* of those: handed over */
	uint64_t spool_size;            /* bytes, 0: no spool */
	uint64_t spooled_bytes;         /* of messages in it */
	uint64_t spooled_records;       /* of those waiting: in the spool */
	bool has_sessions;
	uint64_t sessions; /* begun so far */
	uint64_t session_failures;
	char fault[200];      /* what more there is to say of 'last_error'; "": nothing */
	int64_t last_sent_ms; /* monotonic, -1 if never */
	struct collector_ledger ledger;
};

/* 'config' is borrowed until return, 'terms' for life. Returns the collector, owned by the caller,
 * or NULL with 'error' filled. */
struct collector *collector_create(const struct collector_config *config,
				   const struct collector_terms *terms, struct error_text *error);
void collector_destroy(struct collector *collector);

/* The terms have samplers now: before the first message. */
void collector_samplers_known(struct collector *collector);
void collector_set_sequence(struct collector *collector, uint32_t sequence);
/* As exporter_keep_sequence(). */
void collector_keep_sequence(struct collector *collector, _Atomic uint32_t *place);
/* How often collector_add() may be called before asking again, without dropping what waits. */
size_t collector_room(const struct collector *collector);
void collector_add(struct collector *collector, const struct export_record *record,
		   const struct export_time *time);
/* Both directions of a flow: one record if the protocol has that, but two in the ledger. */
void collector_add_pair(struct collector *collector, const struct export_record *forward,
			const struct export_record *reverse, const struct export_time *time);
void collector_advance(struct collector *collector, const struct export_time *time);
/* In how many ms collector_advance() has something to do, -1: not by time. */
int64_t collector_next(const struct collector *collector);
/* collector_poll() once before each collector_send(). */
void collector_poll(struct collector *collector, int64_t now_us);
int64_t collector_send(struct collector *collector);
void collector_finish(struct collector *collector, const struct export_time *time);
void collector_abandon(struct collector *collector);
void collector_send_template(struct collector *collector);

/* As configured; borrowed. */
const char *collector_name(const struct collector *collector);
/* Its role, with the name of its group (that of the mode unless another was given, "" for mirror),
 * and UINT32_MAX for no priority. */
const struct collector_role *collector_role(const struct collector *collector);
/* Known not to answer. */
bool collector_is_down(const struct collector *collector);

void collector_status(const struct collector *collector, struct collector_status *status);
const struct collector_ledger *collector_ledger(const struct collector *collector);
/* Where it sends to; false if not known yet, or nowhere on the network. */
bool collector_remote(const struct collector *collector, struct export_remote *remote);

/* What is wrong with a collector, for a person, where the transport has nothing to say of it:
 * static storage, or strerror()'s. 'error' is a positive errno, or 0. */
const char *collector_fault_text(enum loss_reason loss, int error);

#endif
