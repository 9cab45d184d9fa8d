/* outbox_sequence.h - the number of the next datagram, and where it outlives the process.
 *
 * Place: under the sending and the reports, which both change it. */
#ifndef OUTBOX_SEQUENCE_H
#define OUTBOX_SEQUENCE_H

#include "outbox_parts.h"

/* As exporter_keep_sequence(). */
void outbox_sequence_keep(struct outbox *outbox, _Atomic uint32_t *place);
/* Number of the next datagram: before the first. */
void outbox_sequence_set(struct outbox *outbox, uint32_t sequence);
/* The next run would begin with this number. */
void outbox_sequence_note(const struct outbox *outbox, uint32_t sequence);
/* The numbers from this one on were seen by nobody: they are used again. */
void outbox_sequence_rewind(struct outbox *outbox, uint32_t sequence);

#endif
