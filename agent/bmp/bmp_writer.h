/* bmp_writer.h - writes the table when routes have changed, but not more often than asked for.
 *
 * Place: bmp_server.c asks it each second. The table is replaced whole, by a new one only that is
 * not much smaller (asn_shrink.h). */
#ifndef BMP_WRITER_H
#define BMP_WRITER_H

#include "bmp_state.h"
#include "bmp_table.h"

#include <stdbool.h>
#include <stdint.h>

/* So often a table without changes is written anew while a router is connected: its age says that
 * it is alive. */
#define BMP_WRITER_RENEW_MS 3600000

struct bmp_writer {
	const char *path;  /* borrowed */
	const char *names; /* file with names of AS numbers, borrowed; NULL: none */
	int64_t interval_ms;
	bool is_forced;         /* also an empty table, or a much smaller one */
	int64_t waits_since_ms; /* for a router that has not reported its table to the end; 0: no */
	int64_t tried_ms;
	bool has_tried;
	uint64_t tried_changes; /* of the RIB, in the table of the last try */
	int64_t written_s;      /* Unix time of the last one; 0: none */
	uint64_t written_count, refused_count;
	struct bmp_table_result result; /* of the last one */
	size_t size;                    /* its bytes */
};

/* Write a table if one is due, or if 'is_end' and anything has changed. Logs what it does. Takes
 * seconds for a full table. */
void bmp_writer_run(struct bmp_writer *writer, struct bmp_state *state, int64_t now_ms,
		    bool is_end);

#endif
