/* ledger.c - sums and names of the loss ledger. */
#include "ledger.h"

const char *collector_exclusion_name(enum collector_exclusion exclusion)
{
	static const char *const names[COLLECTOR_EXCLUSION_COUNT] = {
		[EXCLUDED_FILTER] = "filter",
		[EXCLUDED_SAMPLING] = "sampling",
		[EXCLUDED_ABSENT] = "absent",
		[EXCLUDED_DROPPED] = "dropped",
	};

	return exclusion < COLLECTOR_EXCLUSION_COUNT ? names[exclusion] : "unknown";
}

void worker_ledger_add(struct worker_ledger *to, const struct worker_ledger *from)
{
#define WORKER_COUNTER(name, member, text)   to->member += from->member;
#define FRAGMENT_COUNTER(name, member, text) to->fragments.member += from->fragments.member;
#include "counters.def"

	for (int i = 0; i < DROP_REASON_COUNT; i++)
		to->packets_ignored[i] += from->packets_ignored[i];
	for (int i = 0; i < FLOW_END_COUNT; i++)
		to->cache.records_expired[i] += from->cache.records_expired[i];
	to->cache.packets_added += from->cache.packets_added;
	to->cache.octets_added += from->cache.octets_added;
	to->cache.flows_cached_peak += from->cache.flows_cached_peak;
	to->cache.memory_bytes += from->cache.memory_bytes;
	to->duplicates.sources_suspected += from->duplicates.sources_suspected;
}

void collector_ledger_add(struct collector_ledger *to, const struct collector_ledger *from)
{
	amount_add(&to->taken, &from->taken);
	amount_add(&to->sent, &from->sent);
	amount_add(&to->waiting, &from->waiting);
	for (int i = 0; i < LOSS_REASON_COUNT; i++)
		amount_add(&to->lost[i], &from->lost[i]);
	for (int i = 0; i < COLLECTOR_EXCLUSION_COUNT; i++)
		amount_add(&to->excluded[i], &from->excluded[i]);
#define COLLECTOR_COUNTER(name, member, text) to->member += from->member;
#include "counters.def"
}

bool worker_ledger_closes(const struct worker_ledger *ledger)
{
	const struct flow_cache_statistics *cache = &ledger->cache;

	return ledger->packets_read + ledger->packets_split == worker_ledger_ignored(ledger) +
								       cache->packets_cached +
								       cache->packets_expired &&
	       cache->flows_created == cache->flows_cached + worker_ledger_expired(ledger);
}

bool collector_ledger_closes(const struct collector_ledger *ledger)
{
	struct amount sum = collector_ledger_not_sent(ledger);

	amount_add(&sum, &ledger->sent);
	amount_add(&sum, &ledger->waiting);
	return sum.records == ledger->taken.records && sum.packets == ledger->taken.packets &&
	       sum.octets == ledger->taken.octets;
}

uint64_t worker_ledger_ignored(const struct worker_ledger *ledger)
{
	uint64_t sum = 0;

	for (int i = 0; i < DROP_REASON_COUNT; i++)
		sum += ledger->packets_ignored[i];
	return sum;
}

uint64_t worker_ledger_expired(const struct worker_ledger *ledger)
{
	uint64_t sum = 0;

	for (int i = 0; i < FLOW_END_COUNT; i++)
		sum += ledger->cache.records_expired[i];
	return sum;
}

static struct amount sum_of(const struct amount *amounts, size_t count)
{
	struct amount sum = { 0 };

	for (size_t i = 0; i < count; i++)
		amount_add(&sum, &amounts[i]);
	return sum;
}

struct amount collector_ledger_lost(const struct collector_ledger *ledger)
{
	return sum_of(ledger->lost, LOSS_REASON_COUNT);
}

struct amount collector_ledger_excluded(const struct collector_ledger *ledger)
{
	return sum_of(ledger->excluded, COLLECTOR_EXCLUSION_COUNT);
}

struct amount collector_ledger_not_sent(const struct collector_ledger *ledger)
{
	const struct amount excluded = collector_ledger_excluded(ledger);
	struct amount sum = collector_ledger_lost(ledger);

	amount_add(&sum, &excluded);
	return sum;
}
