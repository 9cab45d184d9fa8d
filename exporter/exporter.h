/* exporter.h - export_record -> datagrams -> collectors: batches, sequence numbers, refresh of
 * templates, pacing, ledger.
 *
 * Place: flow cache -> exporter -> encoder -> transport. Single-threaded; time comes in as an
 * argument. Several collectors each get every record, or share the records. Never blocks: what a
 * collector cannot take now waits in a bounded queue, and exporter_has_room() asks the caller to
 * stop taking records from the rings. */
#ifndef EXPORTER_H
#define EXPORTER_H

#include "collector.h"
#include "encoder.h"
#include "export_remote.h"
#include "hash.h"
#include "transport.h"

struct exporter; /* opaque: defined in exporter.c */

#define EXPORTER_DATAGRAM_SIZE \
	1400 /* default payload: fits any path MTU of 1448 and more, over IPv6 too */
#define EXPORTER_MESSAGE_SIZE         8192 /* the same in a session, where no packet limits it */
#define EXPORTER_DATAGRAMS_PER_SECOND 6000

struct exporter_config {
	const struct collector_config *collectors; /* borrowed until exporter_create() returns */
	size_t collector_count;                    /* 0: records are counted as LOSS_NO_COLLECTOR */
	uint32_t source_id; /* observation domain, the same for all collectors */
	uint32_t seed;      /* another one for each agent: a fleet repeats at different moments */
	uint32_t template_refresh_ms;        /* 0: never by time */
	uint32_t template_refresh_datagrams; /* 0: never by count */
	struct template_choice choice;
	struct hash_key secret; /* of samples of flows, and of shares (connection_hash.h) */
	bool is_live;           /* one of many: repetitions are spread, and travel with records */
	size_t record_size;     /* export_record_size() of the records given; 0: whole ones */
	void (*on_event)(void *context, const struct collector_event *event); /* may be NULL */
	void *event_context;
};

/* Returns the exporter, owned by the caller, or NULL with 'error' filled. */
struct exporter *exporter_create(const struct exporter_config *config, struct error_text *error);
void exporter_destroy(struct exporter *exporter);

/* When the export process began, for options data; with --read that is the first packet's time,
 * which is not known before. Call before the first message. */
void exporter_set_start(struct exporter *exporter, unix_ms start);

/* Applications that records point to: a table borrowed for life. A name is announced to collectors
 * when a record has it. Call before the first message. Returns 0 or -ENOMEM. */
int exporter_set_applications(struct exporter *exporter, const struct application_table *table);

/* What the numbers of samplers in records mean; borrowed for life. Call before the first message:
 * samplers in the table by then are announced from the start, others before their first record. */
void exporter_set_samplers(struct exporter *exporter, const struct samplers *samplers);

/* The ledger of a collector continues from here, where nothing waits; with the number of collectors
 * in place of one of them, that of records that no collector got. Call before the first record. */
void exporter_continue(struct exporter *exporter, size_t collector,
		       const struct collector_ledger *before);
/* The ledger of one of them, likewise. */
const struct collector_ledger *exporter_collector_ledger(const struct exporter *exporter,
							 size_t collector);

/* The port that datagrams for a collector leave from, host order, 0 if there is none; and the one
 * that they should leave from: call that before the first message. */
uint16_t exporter_port(const struct exporter *exporter, size_t collector);
void exporter_set_port(struct exporter *exporter, size_t collector, uint16_t port);

/* Sequence numbers continue from here: call before the first message. */
void exporter_set_sequence(struct exporter *exporter, size_t collector, uint32_t sequence);

/* From now on the number of the next datagram stands in '*place', big-endian, at any moment: before
 * the datagrams go, the number after them; afterwards, the number after those that went. Borrowed
 * for life; NULL: nowhere. Not for a collector with sessions, whose numbers begin with each. */
void exporter_keep_sequence(struct exporter *exporter, size_t collector, _Atomic uint32_t *place);

/* Have what waits for a collector in memory that outlives the process, which is borrowed for life:
 * this many bytes, a multiple of 64. 'turn' is 0 for new, zeroed memory, to which what waits moves;
 * else the exporter
 * continues from the notes of that turn, which another process has made there: its ledger, its
 * sequence number, and what waited. Call before the first record. Returns how many records are in
 * doubt: they may have been sent, and are not sent again. */
uint64_t exporter_kept_size(const struct exporter *exporter, size_t collector);
uint64_t exporter_keep(struct exporter *exporter, size_t collector, void *memory, uint64_t turn);
/* Counters begin with 0: what waits is sent, and counted nowhere. Before the first record. */
void exporter_uncount(struct exporter *exporter);
/* Number 'index' of the datagrams that wait for a collector, but for those in a spool and those
 * that a session has been handed; NULL: there are no more. And one that another process had: it
 * waits after the others, and counts; its bytes are copied. Before the first record. */
struct queued_datagram;
const struct queued_datagram *exporter_waiting(const struct exporter *exporter, size_t collector,
					       size_t index);
void exporter_give(struct exporter *exporter, size_t collector,
		   const struct queued_datagram *datagram);
/* Note all that waits as of a turn: between this and the next one nothing is added, what is sent is
 * noted by itself. */
void exporter_note(struct exporter *exporter, uint64_t turn);

/* How many times exporter_add(), exporter_add_pair() and exporter_advance() may be called, in any
 * order, before asking again. This many times every collector can take what they give it, if that
 * is no record with more than 32 bits of packets or octets, or exporter_splits() says no. */
size_t exporter_room(const struct exporter *exporter);
/* Whether some collector gets such records in parts (NetFlow v5), which may make many datagrams:
 * then ask before each of them. */
bool exporter_splits(const struct exporter *exporter);

static inline bool exporter_has_room(const struct exporter *exporter)
{
	return exporter_room(exporter) != 0;
}

/* Encode a record for every collector, or one of each group that shares the records. A full
 * datagram is finished and queued with 'time' in its header. */
void exporter_add(struct exporter *exporter, const struct export_record *record,
		  const struct export_time *time);

/* The same for both directions of a flow, the forward one first, which go to a collector together:
 * in one record if its protocol has that, else one after the other. */
void exporter_add_pair(struct exporter *exporter, const struct export_record *record,
		       const struct export_record *reverse, const struct export_time *time);

/* Do what time asks for: templates and options, datagrams that have waited long enough. Call it
 * when exporter_next() says (live), or whenever the packets' clock has moved (files; then only
 * while exporter_has_room(), or what happens when depends on how fast the network takes it). Doing
 * it twice at one time changes nothing. */
void exporter_advance(struct exporter *exporter, const struct export_time *time);
/* In how many milliseconds exporter_advance() will have something to do, -1 if time alone does not
 * bring it. Holds until another function is called. */
int64_t exporter_next(const struct exporter *exporter);

/* Send nothing before 'begin_us', monotonic, as long as all that comes has room to wait. */
void exporter_set_begin(struct exporter *exporter, int64_t begin_us);
/* Likewise, until it is said again that it may: what another process has left is not this one's
 * yet, and would be sent by a third one as well. */
void exporter_hold(struct exporter *exporter, bool is_held);

/* Look what the network and the transports say: after it exporter_remotes() has the ends that the
 * next exporter_send() uses. That does it by itself if nobody has called it before. */
void exporter_poll(struct exporter *exporter, int64_t now_us);

/* Send what is queued, as far as pacing allows. 'now_us' is monotonic real time, also when reading
 * a file. Returns in how many microseconds there is more to do, or -1 if nothing is queued; then
 * too, call once a second at least: names are looked up and reports of the network read here. */
int64_t exporter_send(struct exporter *exporter, int64_t now_us);

/* The name of the collector that one of these two calls is busy with, NULL outside of them. For any
 * thread. Borrowed from the exporter. */
const char *exporter_serving(const struct exporter *exporter);

/* Fill in up to 'max' descriptors that end the wait which exporter_send() returned, at most
 * EXPORTER_DESCRIPTORS for each collector. Returns how many. */
#define EXPORTER_DESCRIPTORS OUTBOX_DESCRIPTORS
struct pollfd;
size_t exporter_descriptors(const struct exporter *exporter, struct pollfd *descriptors,
			    size_t max);

/* Finish what is under construction so that everything added gets sent, and add statistics that
 * cover it. */
void exporter_finish(struct exporter *exporter, const struct export_time *time);

/* Give up what is queued and count it as lost: the last resort when a stop may not take longer. */
void exporter_abandon(struct exporter *exporter);

/* Templates are repeated after this time, or this many datagrams, from now on; 0: never. */
void exporter_set_refresh(struct exporter *exporter, uint32_t refresh_ms, uint32_t datagrams);

/* Templates and options go out with the next message of each collector. */
void exporter_send_template(struct exporter *exporter);
/* The same for those of this name alone. Returns how many there are. */
size_t exporter_send_template_to(struct exporter *exporter, const char *name);

/* What options data say from now on: the workers' counters summed up. */
void exporter_set_workers(struct exporter *exporter, const struct ring_mark *workers);
/* The name of an interface, copied: announced to every collector soon, and again with its
 * templates. The same again is no news. Returns 0 or -ENOMEM. */
int exporter_set_interface(struct exporter *exporter, const struct interface_name *name);
/* No more of this index; nothing happens if it has no name. */
void exporter_remove_interface(struct exporter *exporter, uint32_t index);

size_t exporter_collector_count(const struct exporter *exporter);
void exporter_collector_status(const struct exporter *exporter, size_t collector,
			       struct collector_status *status);

/* The ledger that stands for all: that of the collector that got the most packets, those that share
 * the records taken as one; with none, LOSS_NO_COLLECTOR. */
void exporter_ledger(const struct exporter *exporter, struct collector_ledger *ledger);

/* Up to 'count'. Returns how many there are. */
size_t exporter_remotes(const struct exporter *exporter, struct export_remote *remotes,
			size_t count);

#endif
