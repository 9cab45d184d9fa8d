/* worker_kept.c - notes at the begin of a turn, and continues from them.
 *
 * Invariant: 'current' names a note that is whole. It changes only with the first turn of the
 * process that continues, which may be killed before that as well. */
#include "worker_kept.h"

#include "flow_cache_recover.h"
#include "store_order.h"
#include "worker_account.h"
#include "worker_offload.h"

#include <errno.h>
#include <stdatomic.h>

#define PAGE 4096u

struct begin {
	struct worker_ledger ledger;
	struct worker_kept_turn turn;     /* with those packets that the cache had before */
	uint32_t records;                 /* flow_cache_progress() */
	uint32_t pushed;                  /* entries of the ring */
	struct flow_offload_sums counted; /* flow_cache_offloaded(); in the ledger, too */
};
_Static_assert(DROP_REASON_COUNT <= UINT8_MAX, "a reason is a byte");

struct worker_kept {
	_Atomic uint32_t current; /* of the next two, 0 or 1 */
	struct begin begins[2];
};

/* Where the parts are, in bytes: this, what the source reads into, the ring, the cache. */
struct layout {
	uint64_t source, ring, cache, end;
};

static uint64_t whole_pages(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static struct layout layout_of(const struct worker_config *config)
{
	struct layout layout = { .source = whole_pages(sizeof(struct worker_kept)) };

	layout.ring = layout.source + whole_pages(config->source->type->memory_size);
	layout.cache = layout.ring + whole_pages(record_ring_size(WORKER_RING_ENTRIES,
								  worker_ring_entry_size(config)));
	layout.end = layout.cache + flow_cache_size(&config->cache);
	return layout;
}

uint64_t worker_kept_size(const struct worker_config *config)
{
	return layout_of(config).end;
}

static struct begin *current_of(struct worker_kept *kept)
{
	return &kept->begins[atomic_load_explicit(&kept->current, memory_order_relaxed) & 1];
}

static void find_memory(struct worker *worker, const struct worker_config *config)
{
	worker->kept = (struct worker_kept *)(void *)worker->memory.bytes;
	worker->source_memory_size = config->source->type->memory_size;
	if (worker->source_memory_size)
		worker->source_memory = worker->memory.bytes + layout_of(config).source;
}

void worker_kept_create(struct worker *worker, const struct worker_config *config)
{
	const struct layout layout = layout_of(config);
	uint8_t *const memory = worker->memory.bytes;

	find_memory(worker, config);
	worker->ring = record_ring_create_in(WORKER_RING_ENTRIES, worker_ring_entry_size(config),
					     memory + layout.ring);
	worker->cache = flow_cache_create_in(&config->cache, memory + layout.cache);
}

/* ---- continuing ---- */

/* What has expired since the turn began: it is in the ring, in order. Returns the number of the
 * entry after it. */
static uint32_t count_expired(const struct worker *worker, const struct begin *begin,
			      struct flow_cache_statistics *statistics)
{
	uint32_t left = flow_cache_progress(worker->cache).records - begin->records;
	uint32_t number = begin->pushed;

	for (; left && number - begin->pushed < WORKER_RING_ENTRIES; number++) {
		const struct ring_entry *entry = record_ring_at(worker->ring, number);

		if (entry->kind != RING_RECORD)
			continue;
		if (entry->record.flow.end_reason < FLOW_END_COUNT)
			flow_cache_recover_record(statistics, &entry->record.flow);
		left--;
	}
	return number;
}

/* The ledger of a worker is without what its cache says of that. */
static void take_out(struct worker_ledger *ledger, const struct flow_offload_sums *counted)
{
	ledger->packets_read -= counted->packets - counted->segments;
	ledger->packets_split -= counted->segments;
	ledger->octets_split -= counted->segment_octets;
	ledger->packets_super -= counted->superpackets;
}

int worker_kept_recover(struct worker *worker, const struct worker_config *config)
{
	const struct layout layout = layout_of(config);
	const struct begin *begin;
	struct flow_cache_statistics statistics;
	uint32_t pushed;

	find_memory(worker, config);
	worker->ring = (struct record_ring *)(void *)(worker->memory.bytes + layout.ring);
	begin = current_of(worker->kept);
	worker->cache = flow_cache_recover(&config->cache, worker->memory.bytes + layout.cache);
	if (!worker->cache)
		return -errno;
	statistics = begin->ledger.cache;
	pushed = count_expired(worker, begin, &statistics);
	/* What has been taken after the last record were marks, which are not counted above. */
	if (config->consumed - pushed < WORKER_RING_ENTRIES)
		pushed = config->consumed;
	flow_cache_recover_statistics(worker->cache, &statistics);
	if (!record_ring_recover(worker->ring, WORKER_RING_ENTRIES, worker_ring_entry_size(config),
				 config->consumed, pushed))
		return -EINVAL;
	worker_account_continue(worker, &begin->ledger);
	take_out(&worker->ledger, &begin->counted);
	return 0;
}

void worker_kept_position(const struct kept_memory *memory, struct capture_position *position)
{
	*position = current_of((struct worker_kept *)(void *)memory->bytes)->turn.position;
}

/* Count views that the turn is done with. */
static void count_done(struct worker *worker, const struct worker_kept_turn *turn)
{
	struct worker_ledger *ledger = &worker->ledger;
	uint32_t packets = turn->packets;

	while (packets && worker->view_next < worker->view_count) {
		const struct packet_view *view = &worker->views[worker->view_next];
		const uint8_t reason = turn->reasons[worker->view_next++];

		ledger->packets_read++;
		if (reason) {
			ledger->packets_ignored[reason]++;
			ledger->octets_ignored += packet_wire_bytes(view);
		} else {
			packets--;
		}
	}
	ledger->packets_read += packets; /* of a source that cannot be read again */
}

/* The rest of the equality: what splitting has added. */
static void count_split(struct worker *worker)
{
	struct worker_ledger *ledger = &worker->ledger;
	struct flow_cache_statistics cache;

	flow_cache_statistics(worker->cache, &cache);
	ledger->packets_split = worker_ledger_ignored(ledger) + cache.packets_added -
				flow_cache_offloaded(worker->cache).packets - ledger->packets_read;
}

void worker_kept_turn(const struct worker *left, struct worker_kept_turn *turn)
{
	*turn = current_of(left->kept)->turn;
	turn->packets = flow_cache_progress(left->cache).packets - turn->packets;
}

/* The next views of what was read into memory: the kernel's queue stays as it is. What came out of
 * it now would be lost with this process, if it ends before its own memories are valid. */
static int read_memory(struct worker *worker)
{
	const bool is_held = worker->source_memory && capture_source_rest(&worker->source, true);
	struct error_text error;
	const int result =
		capture_source_read(&worker->source, worker->views, FLOW_CACHE_BATCH, &error);

	if (is_held)
		(void)capture_source_rest(&worker->source, false);
	return result;
}

/* Have the views of that turn again, and skip those that were counted before it. Where they are not
 * any more, some of them are in the cache. */
static void read_again(struct worker *worker, const struct worker_kept_turn *turn)
{
	int result = 0;

	worker->position = turn->position;
	if (capture_source_resume(&worker->source, &turn->position))
		result = read_memory(worker);
	else
		capture_source_had_read(&worker->source,
					(uint64_t)turn->view_first + turn->packets);
	worker->view_count = result > 0 ? (size_t)result : 0;
	worker->view_next =
		turn->view_first < worker->view_count ? turn->view_first : worker->view_count;
}

void worker_kept_resume(struct worker *worker)
{
	struct worker_kept_turn turn;

	worker_kept_turn(worker, &turn);
	capture_source_continue(&worker->source,
				current_of(worker->kept)->ledger.packets_lost_kernel);
	read_again(worker, &turn);
	count_done(worker, &turn);
	count_split(worker);
}

void worker_kept_left(const struct worker *left, struct worker_ledger *ledger)
{
	const struct begin *begin = current_of(left->kept);
	struct worker_kept_turn turn;

	worker_kept_turn(left, &turn);
	*ledger = begin->ledger;
	take_out(ledger, &begin->counted);
	worker_offload_fill(left, ledger);
	flow_cache_statistics(left->cache, &ledger->cache);
	ledger->packets_read += turn.packets;
	ledger->packets_split =
		worker_ledger_ignored(ledger) + ledger->cache.packets_added - ledger->packets_read;
}

void worker_kept_resume_from(struct worker *worker, const struct worker_kept_turn *turn,
			     const struct reader *memory)
{
	const size_t size = reader_left(memory);

	if (!worker->type->can_resume || !worker->kept || size > worker->source_memory_size)
		return;
	if (size)
		memcpy(worker->source_memory, memory->next, size);
	read_again(worker, turn);
	count_done(worker, turn);
	worker->ledger.packets_read -= turn->packets; /* they came with the flows */
}

struct export_kept_source worker_kept_source(const struct worker *worker)
{
	return (struct export_kept_source){
		.file = worker->memory.bytes ? worker->memory.number : 0,
		.max_flows = worker->max_flows,
		.memory_size = worker->source_memory_size,
	};
}

void worker_kept_stop(struct worker *worker)
{
	if (worker->kept && worker->type->can_resume)
		capture_source_use_memory(&worker->source, false, NULL);
	worker->kept = NULL;
	worker->reasons = NULL;
}

/* ---- before a turn ---- */

void worker_kept_begin(struct worker *worker)
{
	struct worker_kept *kept = worker->kept;
	const uint32_t next = !(atomic_load_explicit(&kept->current, memory_order_relaxed) & 1);
	const struct flow_cache_progress progress = flow_cache_progress(worker->cache);
	const bool reads = worker->view_next >= worker->view_count;
	struct begin *begin = &kept->begins[next];

	if (reads)
		capture_source_position(&worker->source, &worker->position);
	worker_account_note(worker, current_of(kept)->ledger.packets_lost_kernel, &begin->ledger);
	begin->turn.position = worker->position;
	begin->turn.view_first = reads ? 0 : (uint32_t)worker->view_next;
	begin->turn.packets = progress.packets;
	begin->records = progress.records;
	begin->pushed = record_ring_pushed(worker->ring);
	begin->counted = flow_cache_offloaded(worker->cache);
	memset(begin->turn.reasons, 0, sizeof(begin->turn.reasons));
	store_order();
	atomic_store_explicit(&kept->current, next, memory_order_release);
	store_order();
	worker->reasons = begin->turn.reasons;
}
