/* handover_state.h - what an agent hands to the one that comes after it, as bytes in a sealed
 * memory file.
 *
 * Place: between the pipelines of two processes, which may be of two versions. Format, integers
 * big-endian: "fa-hand\n", u32 version, u32 number of sections, u64 size of all; then sections: u16
 * kind, u16 length of the name, u32 0, u64 size of the body, name, body. The head is written last,
 * and the file is sealed against any change then: a half-written one has none. */
#ifndef HANDOVER_STATE_H
#define HANDOVER_STATE_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is written; and what is still read, so that an upgrade cuts no flow. */
#define HANDOVER_STATE_VERSION 1
#define HANDOVER_STATE_OLDEST  1

/* Sections; names are of what they are about. Numbers are for ever. */
enum handover_kind {
	HANDOVER_sequence = 1, /* of the source's next packet: u32; only where it is known */
	HANDOVER_flows = 2,    /* of the source's cache, oldest first: handover_flow.h */
	HANDOVER_shape = 3,    /* "": what makes a flow, as text; flows of another shape end */
	HANDOVER_layout = 4, /* "": sources and collectors, as text; counters of another one end */
	HANDOVER_worker = 5, /* of the source: struct worker_ledger, each member a u64 */
	HANDOVER_collector = 6, /* by its number: struct collector_ledger, likewise */
	HANDOVER_uptime = 7,    /* "": u64 CLOCK_MONOTONIC, u64 Unix time of its beginning, ms */
	HANDOVER_export_sequence = 8, /* of the collector's next message: u32 */
	HANDOVER_samplers = 9,        /* "": u8 method, u32 interval, for each number from 1 on */
	HANDOVER_port = 11,           /* of the agent, towards a collector: u32 */
	HANDOVER_loss_unknown = 12,   /* of the source: nothing; see capture_statistics */
	HANDOVER_waiting = 13,        /* for a collector: datagrams; pipeline_waiting.h */
	HANDOVER_translations = 15,   /* "": translated connections: handover_translation.h */
	HANDOVER_source_id = 14,      /* "": of the messages: u32 */
	HANDOVER_counts = 16, /* of the source: u64 packets seen and foreign, as counted, and what
				 goes on top of the program's: struct capture_kept */
	HANDOVER_uncounted =
		18,         /* of the source: what a killed agent had read; pipeline_uncounted.h
			     */
	HANDOVER_text = 10, /* by its path: a file of the configuration, in a state of its own */
	HANDOVER_variable = 17, /* by its name: what stands for it in those files */
};

/* ---- writing ---- */

struct handover_writer {
	int descriptor; /* owned until handover_write_end() */
	uint32_t sections;
	uint64_t size;
	int result; /* the first error sticks */
};

/* Begin a memory file; an error shows at the end. */
void handover_write_begin(struct handover_writer *writer);
/* The head of a section; 'size' bytes of body follow. */
void handover_write_head(struct handover_writer *writer, enum handover_kind kind, const char *name,
			 uint64_t size);
void handover_write_body(struct handover_writer *writer, const void *bytes, size_t size);
/* Head and body. */
void handover_write_section(struct handover_writer *writer, enum handover_kind kind,
			    const char *name, const void *body, size_t size);
/* Seal it. Returns its descriptor, which is the caller's, or a negative errno. */
int handover_write_end(struct handover_writer *writer);

/* ---- reading ---- */

/* Whether these are the bytes of a whole state, of a version that is understood. */
bool handover_state_check(const uint8_t *bytes, size_t size);
/* The body of a section, of bytes that have passed handover_state_check(). Returns false if there
 * is none. 'body' borrows the bytes. */
bool handover_state_find(const uint8_t *bytes, size_t size, enum handover_kind kind,
			 const char *name, struct reader *body);

/* The sections one after the other, of such bytes. 'cursor' is 0 at first. Returns false at the
 * end. */
struct handover_section {
	uint16_t kind;
	const char *name; /* borrowed, not ended */
	size_t name_length;
	struct reader body; /* borrows the bytes */
};
bool handover_state_next(const uint8_t *bytes, size_t size, size_t *cursor,
			 struct handover_section *section);

struct handover_state {
	const uint8_t *bytes; /* a mapping, owned */
	size_t size;
};

/* Map a memory file, which must be sealed and pass handover_state_check(). 'descriptor' stays the
 * caller's. Returns 0, -EINVAL if it is not such a file, or another negative errno. */
int handover_state_map(struct handover_state *state, int descriptor);
/* Also of one that is all zeros. */
void handover_state_clear(struct handover_state *state);

#endif
