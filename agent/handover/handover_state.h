/* handover_state.h - what an agent tells the one that comes after it, as bytes in a sealed memory
 * file.
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

#define HANDOVER_STATE_VERSION 1

/* Sections; names are of what they are about. Numbers are for ever. */
enum handover_kind {
	HANDOVER_sequence = 1, /* of the source's next packet: u32; only where it is known */
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
/* A section, whole: 'size' bytes of body. */
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
