/* kept_source_id.h - the source id that an agent has chosen, beside its sequence numbers.
 *
 * Place: config_source_id.c reads it when the configuration is complete; the pipeline writes it
 * when the agent starts.
 *
 * Kept in $STATE_DIRECTORY (which systemd sets), one file for each instance. Format: the number, a
 * blank, the mark of the machine that has chosen it (machine_mark.h), and a line feed. */
#ifndef KEPT_SOURCE_ID_H
#define KEPT_SOURCE_ID_H

#include "machine_mark.h"

#include <stddef.h>
#include <stdint.h>

#define KEPT_SOURCE_ID_SIZE_MAX (MACHINE_MARK_SIZE + 16) /* of a file */

struct kept_source_id {
	uint32_t number;
	char mark[MACHINE_MARK_SIZE];
};

/* Read the bytes of a file. Returns false if they are none. */
bool kept_source_id_parse(const char *bytes, size_t size, struct kept_source_id *kept);

/* Read that of an instance, by the hash of its name. Returns false if there is none. */
bool kept_source_id_read(uint32_t instance, struct kept_source_id *kept);
/* Write it, if it is not there like this. Returns 0, also without $STATE_DIRECTORY, or a negative
 * errno. */
int kept_source_id_write(uint32_t instance, const struct kept_source_id *kept);

/* Whether an agent with this source id has kept sequence numbers here. */
bool kept_source_id_has_numbers(uint32_t source_id);

#endif
