/* fake_source.h - agent/capture/capture.h without a kernel or a file: UDP packets of 28 bytes, each
 * a flow of its own, and an end as a test wants it.
 *
 * A test includes fake_source.c; the struct stays with the test while the source is open. */
#ifndef FAKE_SOURCE_H
#define FAKE_SOURCE_H

#include "capture.h"

#include <stdatomic.h>

struct fake_source {
	uint64_t packets; /* that it has in all */
	uint64_t per_ms;  /* so many have the same time stamp; 0: all */
	int64_t apart_ms; /* if not 0, each is so much later than the one before */
	int64_t gap_ms;   /* so much later than that is the last one */
	int failure;      /* negative errno after the last; 0: the end of a file, or none yet */
	int open_error;   /* negative errno */
	_Atomic uint64_t given;  /* by read() */
	atomic_bool is_stopping; /* stop() was called: then it gives 'late' more, and ends */
	uint64_t late;
	uint64_t lost;  /* as statistics() says */
	uint64_t asked; /* statistics() was called */
	bool is_open;
};

extern struct fake_source fake_source;
/* The clock is that of the packets. */
extern const struct capture_type fake_source_file;
/* The clock is real; without packets it waits for ever. */
extern const struct capture_type fake_source_live;

#endif
