/* outbox_sequence.c - sequence numbers of an outbox.
 *
 * Place: part of the outbox. */
#include "outbox_sequence.h"

#include <endian.h>
#include <stdatomic.h>

void outbox_sequence_note(const struct outbox *outbox, uint32_t sequence)
{
	if (outbox->sending.kept_sequence)
		atomic_store_explicit(outbox->sending.kept_sequence, htobe32(sequence),
				      memory_order_relaxed);
}

void outbox_sequence_keep(struct outbox *outbox, _Atomic uint32_t *place)
{
	outbox->sending.kept_sequence = place;
	outbox_sequence_note(outbox, outbox->sending.sequence);
}

void outbox_sequence_set(struct outbox *outbox, uint32_t sequence)
{
	outbox->sending.sequence = sequence;
}

void outbox_sequence_rewind(struct outbox *outbox, uint32_t sequence)
{
	outbox->sending.sequence = sequence;
	outbox_sequence_note(outbox, sequence);
}
