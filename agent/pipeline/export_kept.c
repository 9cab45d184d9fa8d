/* export_kept.c - notes of the export, in one of two places.
 *
 * Invariant: 'turn' names a note that is whole, and the entries of the rings that it says are
 * not taken have not been used again. */
#include "export_kept.h"

#include "exporter_kept.h"
#include "log.h"
#include "store_order.h"

#include <stdatomic.h>
#include <string.h>

#define ALIGNMENT 64
#define PORTS_MS  1000 /* between two looks at which port datagrams leave from */
#define COUNT_MAX 4096 /* of inputs, or collectors: more are damage */

struct kept_sampler {
	uint32_t method, interval;
};

struct kept_collector {
	struct export_kept_collector memory;
	_Atomic uint32_t port; /* of those that do not leave */
	/* Of those that leave: struct exporter_left. */
	uint32_t successor; /* UINT32_MAX: none */
	bool hands_sequence, hands_ledger, hands_datagrams;
};

/* In a note. */
struct kept_input {
	struct amount taken;
	uint64_t consumed; /* entries of its ring, modulo 2^32 */
};

struct kept_ledgers {
	struct collector_ledger none;    /* of records that no collector got */
	struct collector_ledger removed; /* of collectors that are no more */
};

struct export_kept {
	_Atomic uint32_t is_valid;
	_Atomic uint32_t restarts;
	_Atomic uint32_t turn; /* the last one that was noted; its lowest bit says where */
	_Atomic uint32_t is_stopped;
	uint32_t next_file;
	uint32_t input_count, collector_count, left_count;
	uint64_t generation;
	uint64_t facts_size; /* of the text at the end */
	cache_ms origin_ms;
	unix_ms start_ms;
	struct worker_ledger removed; /* of workers that are no more */
	struct ring_mark gone;
	uint32_t sampler_count;
	struct kept_sampler samplers[UINT8_MAX];
	/* Then export_kept_source of each input; kept_collector of each collector, and of each that
	 * leaves. Then two notes: kept_ledgers, kept_input of each input, a byte for each collector
	 * that leaves: whether it is done. */
};

/* Where the parts are, in bytes. */
struct places {
	uint64_t sources, collectors, notes, note_size, facts;
};

static uint64_t aligned(uint64_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct places places_of(uint64_t inputs, uint64_t collectors, uint64_t left)
{
	struct places places = { .sources = aligned(sizeof(struct export_kept)) };

	places.collectors = places.sources + aligned(inputs * sizeof(struct export_kept_source));
	places.notes =
		places.collectors + aligned((collectors + left) * sizeof(struct kept_collector));
	places.note_size =
		aligned(sizeof(struct kept_ledgers) + inputs * sizeof(struct kept_input) + left);
	places.facts = places.notes + 2 * places.note_size;
	return places;
}

static struct places places_in(const struct export_kept *kept)
{
	return places_of(kept->input_count, kept->collector_count, kept->left_count);
}

static struct places places_for(const struct export_thread *thread)
{
	return places_of(thread->config.input_count,
			 exporter_collector_count(thread->config.exporter),
			 exporter_left_count(thread->config.exporter));
}

uint64_t export_kept_size(const struct export_thread *thread, const char *facts)
{
	return places_for(thread).facts + strlen(facts) + 1;
}

static struct export_kept *kept_in(const struct kept_memory *memory)
{
	return (struct export_kept *)(void *)memory->bytes;
}

static void *at(const struct export_kept *kept, uint64_t offset)
{
	return (uint8_t *)(uintptr_t)kept + offset;
}

static struct export_kept_source *sources_in(const struct export_kept *kept)
{
	return at(kept, places_in(kept).sources);
}

static struct kept_collector *collectors_in(const struct export_kept *kept)
{
	return at(kept, places_in(kept).collectors);
}

static struct kept_ledgers *ledgers_at(const struct export_kept *kept, uint32_t turn)
{
	const struct places places = places_in(kept);

	return at(kept, places.notes + (turn & 1) * places.note_size);
}

static struct kept_input *inputs_at(const struct export_kept *kept, uint32_t turn)
{
	return (struct kept_input *)(void *)(ledgers_at(kept, turn) + 1);
}

static uint8_t *done_at(const struct export_kept *kept, uint32_t turn)
{
	return (uint8_t *)(inputs_at(kept, turn) + kept->input_count);
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
	struct export_kept *kept = kept_in(memory);

	atomic_store(&kept->is_valid, is_valid && !atomic_load(&kept->is_stopped));
}

void export_kept_stop(struct export_thread *thread)
{
	if (!thread->kept)
		return;
	atomic_store(&thread->kept->is_stopped, true);
	atomic_store(&thread->kept->is_valid, false);
	thread->kept = NULL;
}

uint32_t export_kept_count_restart(const struct kept_memory *memory)
{
	return atomic_fetch_add(&kept_in(memory)->restarts, 1) + 1;
}

/* ---- what a head is made of ---- */

static void make_left(const struct exporter *exporter, size_t number, struct kept_collector *made)
{
	const struct exporter_left left = exporter_left_at(exporter, number);

	made->successor = left.successor == SIZE_MAX ? UINT32_MAX : (uint32_t)left.successor;
	made->hands_sequence = left.hands_sequence;
	made->hands_ledger = left.hands_ledger;
	made->hands_datagrams = left.hands_datagrams;
}

void export_kept_make(const struct export_thread *thread, const struct export_kept_parts *parts,
		      const struct kept_memory *memory)
{
	const struct exporter *exporter = thread->config.exporter;
	struct export_kept *kept = kept_in(memory);
	struct kept_collector *collectors;

	kept->next_file = parts->next_file;
	kept->input_count = (uint32_t)thread->config.input_count;
	kept->collector_count = (uint32_t)exporter_collector_count(exporter);
	kept->left_count = (uint32_t)exporter_left_count(exporter);
	kept->generation = parts->generation;
	kept->facts_size = strlen(parts->facts) + 1;
	kept->removed = *parts->removed;
	kept->gone = thread->gone;
	for (size_t i = 0; i < kept->input_count; i++)
		sources_in(kept)[i] = thread->inputs[i].kept;
	collectors = collectors_in(kept);
	for (size_t i = 0; i < kept->collector_count + kept->left_count; i++)
		collectors[i].memory = parts->collectors[i];
	for (size_t i = 0; i < kept->left_count; i++)
		make_left(exporter, i, &collectors[kept->collector_count + i]);
	memcpy(at(kept, places_in(kept).facts), parts->facts, kept->facts_size);
}

bool export_kept_is_whole(const struct kept_memory *memory)
{
	const struct export_kept *kept = kept_in(memory);

	return memory->size > sizeof(*kept) && kept->facts_size && kept->input_count < COUNT_MAX &&
	       kept->collector_count < COUNT_MAX && kept->left_count < COUNT_MAX &&
	       kept->facts_size < memory->size &&
	       places_in(kept).facts + kept->facts_size == memory->size &&
	       !memory->bytes[memory->size - 1];
}

const char *export_kept_facts(const struct kept_memory *memory)
{
	return at(kept_in(memory), places_in(kept_in(memory)).facts);
}

uint64_t export_kept_generation(const struct kept_memory *memory)
{
	return kept_in(memory)->generation;
}

uint32_t export_kept_next_file(const struct kept_memory *memory)
{
	return kept_in(memory)->next_file;
}

const struct worker_ledger *export_kept_removed(const struct kept_memory *memory)
{
	return &kept_in(memory)->removed;
}

size_t export_kept_input_count(const struct kept_memory *memory)
{
	return kept_in(memory)->input_count;
}

struct export_kept_source export_kept_source(const struct kept_memory *memory, size_t input)
{
	return sources_in(kept_in(memory))[input];
}

size_t export_kept_collector_count(const struct kept_memory *memory)
{
	return kept_in(memory)->collector_count;
}

size_t export_kept_file_count(const struct kept_memory *memory)
{
	return kept_in(memory)->collector_count + kept_in(memory)->left_count;
}

struct export_kept_collector export_kept_collector(const struct kept_memory *memory, size_t number)
{
	return collectors_in(kept_in(memory))[number].memory;
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

/* Another collector under its name: by the same protocol, with datagrams of another size, it sends
 * what waited, if that fits. */
static uint64_t recover_other(struct exporter *exporter, struct export_kept_match match,
			      const struct kept_memory *file, uint32_t turn)
{
	const struct exporter_left left = {
		.memory = file->bytes,
		.size = file->size,
		.successor = match.number,
		.hands_sequence = match.is_same,
		.hands_ledger = true,
		.hands_datagrams = match.is_same,
	};

	return exporter_take_left(exporter, &left, turn);
}

static uint64_t recover_collector(struct exporter *exporter, struct export_kept_match match,
				  const struct kept_memory *file,
				  const struct kept_collector *before, uint32_t turn)
{
	const size_t collector = match.number;
	uint64_t in_doubt;

	if (collector == SIZE_MAX)
		return 0;
	if (!match.is_same || file->size != exporter_kept_size(exporter, collector))
		return recover_other(exporter, match, file, turn);
	in_doubt = exporter_keep(exporter, collector, file->bytes, turn);
	if (atomic_load(&before->port))
		exporter_set_port(exporter, collector, (uint16_t)atomic_load(&before->port));
	return in_doubt;
}

/* What a collector that had this number is now. Its number is SIZE_MAX: it is none. */
static struct export_kept_match match_of(const struct exporter *exporter,
					 const struct export_kept_match *matches, size_t before)
{
	const size_t count = exporter_collector_count(exporter);

	if (!matches)
		return (struct export_kept_match){ before < count ? before : SIZE_MAX, true };
	for (size_t i = 0; i < count; i++)
		if (matches[i].number == before)
			return (struct export_kept_match){ i, matches[i].is_same };
	return (struct export_kept_match){ SIZE_MAX, false };
}

static uint64_t recover_left(struct exporter *exporter, const struct kept_memory *file,
			     const struct kept_collector *before,
			     const struct export_kept_match *matches, uint32_t turn)
{
	const struct export_kept_match match = match_of(exporter, matches, before->successor);
	const struct exporter_left left = {
		.memory = file->bytes,
		.size = file->size,
		.successor = match.number,
		.hands_sequence = before->hands_sequence && match.is_same,
		.hands_ledger = before->hands_ledger,
		.hands_datagrams = before->hands_datagrams,
	};

	return exporter_take_left(exporter, &left, turn);
}

static void raise_to(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

uint64_t export_kept_recover(struct export_thread *thread, const struct kept_memory *memory,
			     const struct kept_memory *files,
			     const struct export_kept_match *matches)
{
	const struct export_kept *kept = kept_in(memory);
	const uint32_t turn = turn_of(kept);
	struct exporter *exporter = thread->config.exporter;
	const size_t count = exporter_collector_count(exporter);
	const struct kept_collector *collectors = collectors_in(kept);
	uint64_t most = 0;

	exporter_continue(exporter, count, &ledgers_at(kept, turn)->none);
	exporter_continue_removed(exporter, &ledgers_at(kept, turn)->removed);
	for (size_t i = 0; i < kept->collector_count; i++)
		raise_to(&most, recover_collector(exporter, match_of(exporter, matches, i),
						  &files[i], &collectors[i], turn));
	for (size_t i = kept->collector_count; i < kept->collector_count + kept->left_count; i++)
		if (!done_at(kept, turn)[i - kept->collector_count])
			raise_to(&most,
				 recover_left(exporter, &files[i], &collectors[i], matches, turn));
	for (size_t i = 0; !matches && i < thread->config.input_count; i++)
		thread->inputs[i].taken = inputs_at(kept, turn)[i].taken;
	thread->gone = kept->gone;
	return most;
}

void export_kept_begin(struct export_thread *thread, const struct kept_memory *memory,
		       const struct kept_memory *files, const struct samplers *samplers)
{
	struct export_kept *kept = kept_in(memory);

	if (thread->kept) /* notes of collectors are by these numbers */
		atomic_store(&kept->turn, turn_of(thread->kept));
	thread->kept = kept;
	thread->kept_files = files;
	thread->kept_samplers = samplers;
	thread->ports_noted_ms = 0;
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
			atomic_store(&collectors_in(thread->kept)[i].port, port);
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

/* Of those that are not any more as well: the ledgers have what they handed over. */
static void note_left(const struct export_thread *thread, uint8_t *done)
{
	const struct export_kept *kept = thread->kept;
	const struct kept_memory *files = thread->kept_files + kept->collector_count;

	for (size_t i = 0; i < kept->left_count; i++)
		done[i] = !exporter_has_left(thread->config.exporter, files[i].bytes);
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
	*ledgers_at(kept, next) = (struct kept_ledgers){
		.none = *exporter_collector_ledger(exporter, exporter_collector_count(exporter)),
		.removed = *exporter_removed_ledger(exporter),
	};
	note_left(thread, done_at(kept, next));
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
