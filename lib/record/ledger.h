/* ledger.h - the loss ledger: every packet and every record is accounted for.
 *
 * Place: worker and exporter count -> here -> summary.c, control_rows.c, equalities.c.
 *
 * The parts are counted where things happen: worker_ledger by a worker (and its source),
 * collector_ledger by the exporter.
 *
 *     packets_read + packets_split = packets_ignored + packets_cached + packets_expired
 *     flows_created = records_expired + flows_cached
 *     records_expired = records sent + waiting + lost + excluded
 *
 * The last holds for each collector that gets every record, and for each group of collectors that
 * share them: what was there before a reload brought them is excluded (EXCLUDED_ABSENT); and the
 * same for the packets and octets of the records. Outside this program, the counter of a rule that
 * logs to a source has packets_read + packets_lost_kernel: the tests compare them. */
#ifndef LEDGER_H
#define LEDGER_H

#include "drop_reason.h"
#include "duplicate_detector.h"
#include "flow.h"
#include "flow_cache.h"
#include "fragment_table.h"
#include "loss_reason.h"

/* What one worker has seen. A consistent copy is made between two batches. */
struct worker_ledger {
	uint64_t packets_read;
	uint64_t packets_lost_kernel; /* gaps in NFULA_SEQ, or the packet socket's drop counter */
	uint64_t packets_ignored[DROP_REASON_COUNT];
	uint64_t octets_ignored; /* captured lengths of the frames ignored: their layer-3 length is
				    not known */
	uint64_t packets_length_unknown; /* accounted with fewer octets than they may have had */
	uint64_t packets_rate_unknown;   /* accounted under SAMPLER_UNKNOWN: too many rates */
	uint64_t packets_super; /* longer than the MTU of their interface, or known to be several */
	uint64_t packets_super_uncounted; /* of the latter, those whose number is not known */
	uint64_t packets_split;           /* added to packets_read where superpackets are split */
	uint64_t octets_split;            /* the same for octets */
	struct flow_cache_statistics cache;
	struct fragment_statistics fragments;
	struct duplicate_statistics duplicates;
};

/* Why a record was not meant for a collector: no loss. Names in collector_exclusion_name(). */
enum collector_exclusion {
	EXCLUDED_FILTER,   /* its filter does not match */
	EXCLUDED_SAMPLING, /* not in its sample of flows */
	EXCLUDED_ABSENT,   /* it came before the collector was there, or for one that is no more */
	EXCLUDED_DROPPED,  /* its flow was to be forgotten: FLOW_END_dropped */
	COLLECTOR_EXCLUSION_COUNT
};

const char *collector_exclusion_name(enum collector_exclusion exclusion);

struct amount {
	uint64_t records, packets, octets;
};

static inline void amount_add(struct amount *to, const struct amount *from)
{
	to->records += from->records;
	to->packets += from->packets;
	to->octets += from->octets;
}

static inline void amount_subtract(struct amount *to, const struct amount *from)
{
	to->records -= from->records;
	to->packets -= from->packets;
	to->octets -= from->octets;
}

/* What happened to the records for one collector, or for a group of them. Taken in total = sent +
 * waiting + sum of lost + sum of excluded. */
struct collector_ledger {
	struct amount taken;
	struct amount sent;
	struct amount waiting; /* in a datagram not sent yet */
	struct amount lost[LOSS_REASON_COUNT];
	struct amount excluded[COLLECTOR_EXCLUSION_COUNT];
	uint64_t datagrams_sent;
	uint64_t datagram_bytes_sent;
	uint64_t datagrams_lost;
	uint64_t send_errors; /* failed calls, those repeated with success included */
};

/* Add the ledgers of several workers: to += from. */
void worker_ledger_add(struct worker_ledger *to, const struct worker_ledger *from);

/* The same for collectors: those of a group. */
void collector_ledger_add(struct collector_ledger *to, const struct collector_ledger *from);

/* Whether the part of the equalities that one owner sees holds: at any moment in its own thread. */
bool worker_ledger_closes(const struct worker_ledger *ledger);
bool collector_ledger_closes(const struct collector_ledger *ledger);

/* Sums over reasons. */
uint64_t worker_ledger_ignored(const struct worker_ledger *ledger);
uint64_t worker_ledger_expired(const struct worker_ledger *ledger);
struct amount collector_ledger_lost(const struct collector_ledger *ledger);
struct amount collector_ledger_excluded(const struct collector_ledger *ledger);
/* Both together. */
struct amount collector_ledger_not_sent(const struct collector_ledger *ledger);

#endif
