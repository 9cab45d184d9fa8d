/* collector.h - one collector: records -> datagrams, with templates and options among them, in its
 * own order and at its own pace.
 *
 * Place: exporter -> collector -> encoder -> outbox -> transport. When something is sent follows
 * from export_time alone, so that a file gives the same datagrams at every run; how fast it is
 * handed to the network follows from monotonic real time. */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include "collector_config.h"
#include "export_clock.h"
#include "export_record.h"
#include "export_remote.h"
#include "ledger.h"

struct collector; /* opaque: defined in collector_parts.h */

/* State of one collector, for people. Strings are copies. */
struct collector_status {
	char name[COLLECTOR_NAME_SIZE]; /* as configured */
	enum collector_mode mode;
	char group[COLLECTOR_GROUP_SIZE]; /* "" for mirror */
	uint32_t priority;                /* 0: none */
	bool is_used;      /* its group gives it records at present: filled in by the exporter */
	uint32_t sampling; /* 1 in this many flows */
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
/* As exporter_set_port() and exporter_port(). */
void collector_set_port(struct collector *collector, uint16_t port);
uint16_t collector_port(const struct collector *collector);
/* As exporter_continue(). */
void collector_continue(struct collector *collector, const struct collector_ledger *before);
void collector_set_sequence(struct collector *collector, uint32_t sequence);
/* As exporter_keep_sequence(). */
void collector_keep_sequence(struct collector *collector, _Atomic uint32_t *place);
/* As exporter_kept_size(), exporter_keep(), exporter_uncount() and exporter_note(). */
uint64_t collector_kept_size(const struct collector *collector);
uint64_t collector_keep(struct collector *collector, void *memory, uint64_t turn);
const void *collector_kept_memory(const struct collector *collector);
/* As outbox_kept_succeed(); with outbox_give(), or not. */
uint64_t collector_succeed(struct collector *collector, void *memory, uint64_t size, uint64_t turn,
			   bool takes_datagrams, struct collector_ledger *ledger);
/* As exporter_waiting() and exporter_give(). */
struct queued_datagram;
const struct queued_datagram *collector_waiting(const struct collector *collector, size_t index);
void collector_give(struct collector *collector, const struct queued_datagram *datagram);
void collector_uncount(struct collector *collector);
void collector_note(struct collector *collector, uint64_t turn);
/* How often collector_add() may be called before asking again, without dropping what waits; once
 * for a record in parts, collector_splits(), which may make many datagrams. */
size_t collector_room(const struct collector *collector);
/* Whether its protocol has less than 64 bits for a counter, so that records may have parts. */
bool collector_splits(const struct collector *collector);
void collector_add(struct collector *collector, const struct export_record *record,
		   const struct export_time *time);
/* Count a record, or several, that this collector does not get. */
void collector_exclude(struct collector *collector, enum collector_exclusion reason,
		       const struct amount *amount);
/* A part of a record that is not the last one: in the ledger it is packets and octets only. */
void collector_add_part(struct collector *collector, const struct export_record *part,
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
/* As outbox_descriptors(): at most OUTBOX_DESCRIPTORS. */
struct pollfd;
size_t collector_descriptors(const struct collector *collector, struct pollfd *descriptors);
/* Whether it has connections over a network, which collector_poll() makes. */
bool collector_connects(const struct collector *collector);
void collector_finish(struct collector *collector, const struct export_time *time);
void collector_abandon(struct collector *collector);
void collector_send_template(struct collector *collector);
/* The terms have another interval of templates. */
void collector_respread(struct collector *collector);
/* It gets records after a while without: templates go first, for another program may listen by now.
 */
void collector_takes_over(struct collector *collector);

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
