/* handover_translation.h - a connection that the kernel translates as bytes of the state that one
 * agent leaves to the next.
 *
 * Place: lib/lookup/nat_table.h <-> handover_state.h. Integers are big-endian, in the order of
 * handover_translation.c. The body of the section: u32 bytes of each, then connections; a later
 * version may add members at the end of each, which this one skips. */
#ifndef HANDOVER_TRANSLATION_H
#define HANDOVER_TRANSLATION_H

#include "bytes.h"
#include "nat_table.h"

#define HANDOVER_TRANSLATION_SIZE 92

/* 'ended_ms' as nat_table_visit() has it. */
void handover_translation_write(struct writer *writer, const struct nat_connection *connection,
				int64_t ended_ms);

/* Take the size off a section's body. Returns 0 if there is nothing. */
uint32_t handover_translation_begin(struct reader *body);
/* The next one. Returns false at the end, and at what is none: then the reader has failed. */
bool handover_translation_read(struct reader *body, uint32_t size,
			       struct nat_connection *connection, int64_t *ended_ms);

#endif
