/* export_kept.c - notes of the export, in one of two places.
 *
 * Invariant: 'turn' names a note that is whole, and the entries of the rings that it says are
 * not taken have not been used again. */
#include "export_kept.h"

#include "log.h"
#include "store_order.h"

#include <stdatomic.h>
#include <string.h>

#define ALIGNMENT 64
#define PORTS_MS  1000 /* between two looks at which port datagrams leave from */

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
	_Atomic uint32_t turn; /* the last one that was noted; its lowest bit says where */
	_Atomic uint32_t is_stopped;
	uint32_t sampler_count;
	struct kept_sampler samplers[UINT8_MAX];
	uint32_t input_count, collector_count;
	uint64_t facts_size; /* of the text at the end */
	cache_ms origin_ms;
	unix_ms start_ms;
	/* Then, of each collector, its port. Then two notes: kept_input of each input,
	 * collector_ledger of records that no collector got. Then the memory of each collector. */
	_Atomic uint32_t ports[];
};

static uint64_t aligned(uint64_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint64_t ports_end(size_t collector_count)
{
	return aligned(sizeof(struct export_kept) + collector_count * sizeof(uint32_t));
}

static uint64_t note_size(size_t input_count)
{
	return aligned(input_count * sizeof(struct kept_input) + sizeof(struct collector_ledger));
}

/* Where the memory of a collector begins; of the first one that is none: the end of all. */
static uint64_t collector_offset(const struct exporter *exporter, size_t input_count,
				 size_t collector)
{
	uint64_t offset =
		ports_end(exporter_collector_count(exporter)) + 2 * note_size(input_count);

	for (size_t i = 0; i < collector; i++)
		offset += exporter_kept_size(exporter, i);
	return offset;
}

uint64_t export_kept_size(const struct exporter *exporter, size_t input_count, const char *facts)
{
	return collector_offset(exporter, input_count, exporter_collector_count(exporter)) +
	       strlen(facts) + 1;
}

static const struct export_kept *kept_in(const struct kept_memory *memory)
{
	return (const struct export_kept *)(const void *)memory->bytes;
}

static struct kept_input *inputs_at(const struct export_kept *kept, uint32_t turn)
{
	return (struct kept_input *)(void *)((uint8_t *)(uintptr_t)kept +
					     ports_end(kept->collector_count) +
					     (turn & 1) * note_size(kept->input_count));
}

static struct collector_ledger *ledger_at(const struct export_kept *kept, uint32_t turn)
{
	return (struct collector_ledger *)(void *)(inputs_at(kept, turn) + kept->input_count);
}

static uint32_t turn_of(const struct export_kept *kept)
{
	return atomic_load_explicit(&kept->turn, memory_order_relaxed);
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

void export_kept_set_facts(const struct kept_memory *memory, const char *facts)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;

	kept->facts_size = strlen(facts) + 1;
	memcpy(memory->bytes + memory->size - kept->facts_size, facts, kept->facts_size);
}

const char *export_kept_facts(const struct kept_memory *memory)
{
	const struct export_kept *kept = kept_in(memory);

	if (memory->size < sizeof(*kept) || !kept->facts_size ||
	    kept->facts_size > memory->size - sizeof(*kept) || memory->bytes[memory->size - 1])
		return NULL;
	return (const char *)memory->bytes + memory->size - kept->facts_size;
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

	return (uint32_t)inputs_at(kept, turn_of(kept))[input].consumed;
}

static void recover_port(struct exporter *exporter, size_t collector, const _Atomic uint32_t *port)
{
	if (atomic_load(port))
		exporter_set_port(exporter, collector, (uint16_t)atomic_load(port));
}

uint64_t export_kept_adopt(struct export_thread *thread, const struct kept_memory *memory,
			   const uint64_t *sizes, const size_t *numbers)
{
	const struct export_kept *kept = kept_in(memory);
	struct exporter *exporter = thread->config.exporter;
	const size_t count = exporter_collector_count(exporter);
	uint64_t most = 0;

	exporter_continue(exporter, count, ledger_at(kept, turn_of(kept)));
	for (size_t i = 0; i < count; i++) {
		uint64_t offset =
			ports_end(kept->collector_count) + 2 * note_size(kept->input_count);
		uint64_t in_doubt;

		if (numbers[i] >= kept->collector_count ||
		    sizes[numbers[i]] != exporter_kept_size(exporter, i))
			continue;
		for (size_t j = 0; j < numbers[i]; j++)
			offset += sizes[j];
		if (offset > memory->size || sizes[numbers[i]] > memory->size - offset)
			continue;
		in_doubt = exporter_keep(exporter, i, memory->bytes + offset, turn_of(kept));
		recover_port(exporter, i, &kept->ports[numbers[i]]);
		if (in_doubt > most)
			most = in_doubt;
	}
	return most;
}

/* What an earlier process has noted of its turns. */
static void recover(struct export_thread *thread)
{
	const struct export_kept *kept = thread->kept;
	struct exporter *exporter = thread->config.exporter;
	const struct kept_input *inputs = inputs_at(kept, turn_of(kept));

	for (size_t i = 0; i < thread->config.input_count; i++)
		thread->inputs[i].taken = inputs[i].taken;
	exporter_continue(exporter, kept->collector_count, ledger_at(kept, turn_of(kept)));
	for (size_t i = 0; i < kept->collector_count; i++)
		recover_port(exporter, i, &kept->ports[i]);
}

uint64_t export_kept_begin(struct export_thread *thread, const struct kept_memory *memory,
			   const struct samplers *samplers, bool is_continued)
{
	struct export_kept *kept = (struct export_kept *)(void *)memory->bytes;
	struct exporter *exporter = thread->config.exporter;
	const size_t input_count = thread->config.input_count;
	uint64_t most = 0;

	kept->input_count = (uint32_t)input_count;
	kept->collector_count = (uint32_t)exporter_collector_count(exporter);
	thread->kept = kept;
	thread->kept_samplers = samplers;
	if (is_continued && turn_of(kept))
		recover(thread);
	for (size_t i = 0; i < kept->collector_count; i++) {
		uint8_t *own = memory->bytes + collector_offset(exporter, input_count, i);
		const uint64_t in_doubt =
			exporter_keep(exporter, i, own, is_continued ? turn_of(kept) : 0);

		if (in_doubt > most)
			most = in_doubt;
	}
	return most;
}

bool export_kept_origin(const struct kept_memory *memory, cache_ms *origin_ms, unix_ms *start_ms)
{
	*origin_ms = kept_in(memory)->origin_ms;
	*start_ms = kept_in(memory)->start_ms;
	return *start_ms != 0;
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
			atomic_store(&thread->kept->ports[i], port);
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

/* Whether the process has lived for a while: what it has continued does not end it. */
static void note_life(struct export_thread *thread)
{
	const int64_t now_ms = (int64_t)thread->time.uptime_ms;

	if (thread->has_lived)
		return;
	if (!thread->kept_since_ms)
		thread->kept_since_ms = now_ms;
	thread->has_lived = now_ms - thread->kept_since_ms >= EXPORT_KEPT_LIFE_MS;
	if (thread->has_lived)
		atomic_store(&thread->kept->restarts, 0);
}

void export_kept_note(struct export_thread *thread)
{
	struct export_kept *kept = thread->kept;
	struct exporter *exporter = thread->config.exporter;
	const uint32_t next = turn_of(kept) == UINT32_MAX ? 2 : turn_of(kept) + 1;
	struct kept_input *inputs = inputs_at(kept, next);

	for (size_t i = 0; i < thread->config.input_count; i++)
		inputs[i] = (struct kept_input){ thread->inputs[i].taken,
						 record_ring_consumed(thread->inputs[i].ring) };
	*ledger_at(kept, next) =
		*exporter_collector_ledger(exporter, exporter_collector_count(exporter));
	exporter_note(exporter, next);
	kept->origin_ms = thread->origin_ms;
	kept->start_ms = thread->start_ms;
	note_ports(thread);
	note_samplers(thread);
	note_life(thread);
	store_order();
	atomic_store_explicit(&kept->turn, next, memory_order_release);
	store_order();
}
