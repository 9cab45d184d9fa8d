/* exporter_kept.c - which collectors leave, and what becomes of one whose process was killed. */
#include "exporter_kept.h"

#include "collector_change.h"
#include "exporter_parts.h"
#include "outbox_kept.h"

const void *exporter_kept_memory(const struct exporter *exporter, size_t collector)
{
	return collector_kept_memory(exporter->collectors[collector]);
}

size_t exporter_left_count(const struct exporter *exporter)
{
	return exporter->leaving_count;
}

struct exporter_left exporter_left_at(const struct exporter *exporter, size_t number)
{
	const struct exporter_leaving *leaving = &exporter->leaving[number];
	struct exporter_left left = {
		.memory = (void *)(uintptr_t)collector_kept_memory(leaving->collector),
		.size = collector_kept_size(leaving->collector),
		.successor = SIZE_MAX,
		.hands_sequence = leaving->hands_sequence,
		.hands_ledger = leaving->hands_ledger,
		.hands_datagrams = leaving->hands_datagrams,
	};

	for (size_t i = 0; i < exporter->collector_count; i++)
		if (exporter->collectors[i] == leaving->successor)
			left.successor = i;
	return left;
}

bool exporter_has_left(const struct exporter *exporter, const void *memory)
{
	for (size_t i = 0; i < exporter->leaving_count; i++)
		if (!exporter->leaving[i].is_done &&
		    collector_kept_memory(exporter->leaving[i].collector) == memory)
			return true;
	return false;
}

uint64_t exporter_take_left(struct exporter *exporter, const struct exporter_left *left,
			    uint64_t turn)
{
	struct collector *successor = left->successor < exporter->collector_count
					      ? exporter->collectors[left->successor]
					      : NULL;
	struct collector_ledger ledger;
	uint64_t in_doubt;

	if (successor && left->hands_sequence)
		in_doubt = collector_succeed(successor, left->memory, left->size, turn,
					     left->hands_datagrams, &ledger);
	else
		in_doubt = outbox_kept_left(left->memory, turn, &ledger);
	if (successor && left->hands_ledger)
		collector_change_merge(successor, &ledger);
	else
		collector_ledger_add(&exporter->removed, &ledger);
	return in_doubt;
}

const struct collector_ledger *exporter_removed_ledger(const struct exporter *exporter)
{
	return &exporter->removed;
}

void exporter_continue_removed(struct exporter *exporter, const struct collector_ledger *before)
{
	exporter->removed = *before;
}
