/* export_kept.c - notes of the export, in one of two places.
 *
 * Invariant: 'current' names a note that is whole, and the entries of the rings that it says are
 * not taken have not been used again. */
#include "export_kept.h"

#include "log.h"
#include "store_order.h"

#include <endian.h>
#include <stdatomic.h>

#define PORTS_MS 1000 /* between two looks at which port datagrams leave from */

struct kept_sampler {
	uint32_t method, interval;
};

struct kept_input {
	struct amount taken;
	uint64_t consumed; /* entries of its ring, modulo 2^32 */
};

struct export_kept {
	_Atomic uint32_t is_valid;
	_Atomic uint32_t restarts;
	_Atomic uint32_t current; /* of the two notes, 0 or 1 */
	_Atomic uint32_t is_stopped;
	uint32_t sampler_count;
	struct kept_sampler samplers[UINT8_MAX];
	uint32_t input_count, collector_count;
	cache_ms origin_ms;
	unix_ms start_ms;
	/* Then, of each collector, _Atomic uint32_t: sequence number, big-endian; and port. Then
	 * two notes: kept_input of each input, collector_ledger of each collector and of records
	 * that no collector got. */
	_Atomic uint32_t numbers[];
};

static size_t numbers_size(size_t collector_count)
{
	return (2 * collector_count * sizeof(uint32_t) + 7) / 8 * 8;
}

static size_t note_size(size_t input_count, size_t collector_count)
{
	return input_count * sizeof(struct kept_input) +
	       (collector_count + 1) * sizeof(struct collector_ledger);
}

uint64_t export_kept_size(size_t input_count, size_t collector_count)
{
	return sizeof(struct export_kept) + numbers_size(collector_count) +
	       2 * note_size(input_count, collector_count);
}

static const struct export_kept *kept_in(const struct kept_memory *memory)
{
	return (const struct export_kept *)(const void *)memory->bytes;
}

static _Atomic uint32_t *sequence_at(struct export_kept *kept, size_t collector)
{
	return &kept->numbers[2 * collector];
}

static _Atomic uint32_t *port_at(struct export_kept *kept, size_t collector)
{
	return &kept->numbers[2 * collector + 1];
}

static struct kept_input *inputs_at(const struct export_kept *kept, uint32_t note)
{
	const size_t size = note_size(kept->input_count, kept->collector_count);

	return (struct kept_input *)(void *)((uint8_t *)(uintptr_t)kept->numbers +
					     numbers_size(kept->collector_count) + note * size);
}

static struct collector_ledger *ledgers_at(const struct export_kept *kept, uint32_t note)
{
	return (struct collector_ledger *)(void *)(inputs_at(kept, note) + kept->input_count);
}

static uint32_t current_of(const struct export_kept *kept)
{
	return atomic_load_explicit(&kept->current, memory_order_relaxed) & 1;
}

void export_kept_begin(struct export_thread *thread, const struct kept_memory *memory,
		       const struct samplers *samplers)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;

	kept->input_count = (uint32_t)thread->config.input_count;
	kept->collector_count = (uint32_t)exporter_collector_count(thread->config.exporter);
	thread->kept = kept;
	thread->kept_samplers = samplers;
}

bool export_kept_is_valid(const struct kept_memory *memory)
{
	return atomic_load(&kept_in(memory)->is_valid) != 0;
}

void export_kept_set_valid(const struct kept_memory *memory, bool is_valid)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;

	atomic_store(&kept->is_valid, is_valid && !atomic_load(&kept->is_stopped));
}

void export_kept_stop(struct export_thread *thread)
{
	if (!thread->kept)
		return;
	atomic_store(&thread->kept->is_stopped, true);
	atomic_store(&thread->kept->is_valid, false);
	thread->kept = NULL;
	log_warning("sources or collectors are others: if the agent is killed before its next "
		    "restart, the "
		    "flows that are cached then are lost");
}

uint32_t export_kept_count_restart(const struct kept_memory *memory)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;

	return atomic_fetch_add(&kept->restarts, 1) + 1;
}

void export_kept_lives(const struct kept_memory *memory)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;

	atomic_store(&kept->restarts, 0);
}

/* ---- continuing ---- */

void export_kept_recover_samplers(const struct kept_memory *memory, struct samplers *samplers)
{
	const struct export_kept *kept = kept_in(memory);

	for (uint32_t i = 0; i < kept->sampler_count && i < UINT8_MAX; i++)
		if (kept->samplers[i].method < SAMPLING_METHOD_COUNT)
			(void)samplers_number(samplers,
					      (enum sampling_method)kept->samplers[i].method,
					      kept->samplers[i].interval);
}

uint32_t export_kept_consumed(const struct kept_memory *memory, size_t input)
{
	const struct export_kept *kept = kept_in(memory);

	return (uint32_t)inputs_at(kept, current_of(kept))[input].consumed;
}

/* What waited may have been sent since. */
static struct collector_ledger put_in_doubt(const struct collector_ledger *before)
{
	struct collector_ledger ledger = *before;

	amount_add(&ledger.lost[LOSS_IN_DOUBT], &ledger.waiting);
	ledger.waiting = (struct amount){ 0 };
	return ledger;
}

uint64_t export_kept_recover(struct export_thread *thread)
{
	struct export_kept *kept = thread->kept;
	struct exporter *exporter = thread->config.exporter;
	const struct kept_input *inputs = inputs_at(kept, current_of(kept));
	const struct collector_ledger *ledgers = ledgers_at(kept, current_of(kept));
	uint64_t most = 0;

	for (size_t i = 0; i < thread->config.input_count; i++)
		thread->inputs[i].taken = inputs[i].taken;
	for (size_t i = 0; i <= kept->collector_count; i++) {
		const struct collector_ledger ledger = put_in_doubt(&ledgers[i]);

		if (ledgers[i].waiting.records > most)
			most = ledgers[i].waiting.records;
		exporter_continue(exporter, i, &ledger);
		if (i < kept->collector_count && atomic_load(port_at(kept, i)))
			exporter_set_port(exporter, i, (uint16_t)atomic_load(port_at(kept, i)));
	}
	return most;
}

bool export_kept_origin(const struct export_thread *thread, cache_ms *origin_ms, unix_ms *start_ms)
{
	*origin_ms = thread->kept->origin_ms;
	*start_ms = thread->kept->start_ms;
	return *start_ms != 0;
}

void export_kept_sequences(struct export_thread *thread)
{
	struct export_kept *kept = thread->kept;

	for (size_t i = 0; i < kept->collector_count; i++) {
		exporter_set_sequence(thread->config.exporter, i,
				      be32toh(atomic_load(sequence_at(kept, i))));
		exporter_keep_sequence(thread->config.exporter, i, sequence_at(kept, i));
	}
}

/* ---- noting ---- */

static void note_ports(struct export_thread *thread)
{
	const int64_t now_ms = (int64_t)thread->time.unix_ms;

	if (thread->ports_noted_ms && now_ms - thread->ports_noted_ms < PORTS_MS &&
	    now_ms >= thread->ports_noted_ms)
		return;
	thread->ports_noted_ms = now_ms;
	for (size_t i = 0; i < thread->kept->collector_count; i++) {
		const uint16_t port = exporter_port(thread->config.exporter, i);

		if (port)
			atomic_store(port_at(thread->kept, i), port);
	}
}

static void note_samplers(struct export_thread *thread)
{
	struct export_kept *kept = thread->kept;
	const uint8_t count = samplers_count(thread->kept_samplers);

	for (; kept->sampler_count < count; kept->sampler_count++) {
		const struct sampler sampler =
			samplers_at(thread->kept_samplers, (uint8_t)(kept->sampler_count + 1));

		kept->samplers[kept->sampler_count] =
			(struct kept_sampler){ sampler.method, sampler.interval };
		store_order();
	}
}

void export_kept_note(struct export_thread *thread)
{
	struct export_kept *kept = thread->kept;
	const uint32_t next = !current_of(kept);
	struct kept_input *inputs = inputs_at(kept, next);
	struct collector_ledger *ledgers = ledgers_at(kept, next);

	for (size_t i = 0; i < thread->config.input_count; i++)
		inputs[i] = (struct kept_input){ thread->inputs[i].taken,
						 record_ring_consumed(thread->inputs[i].ring) };
	for (size_t i = 0; i <= kept->collector_count; i++)
		ledgers[i] = *exporter_collector_ledger(thread->config.exporter, i);
	kept->origin_ms = thread->origin_ms;
	kept->start_ms = thread->start_ms;
	note_ports(thread);
	note_samplers(thread);
	store_order();
	atomic_store_explicit(&kept->current, next, memory_order_release);
	store_order();
}
