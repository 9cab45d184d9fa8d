/* event_loop.c - tries again, within bounds. */
#include "event_loop.h"

#include "log.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>

#define MEMORY_TRIES   100   /* in a row, of an event loop that has no memory: 10 s */
#define MEMORY_WAIT_MS 100   /* between two of them */
#define MEMORY_REST_MS 60000 /* without a failure: they begin anew */

int event_loop_run(sd_event *loop)
{
	unsigned int tries = 0;
	int64_t failed_ms = 0;
	int result;

	while ((result = sd_event_loop(loop)) == -ENOMEM && tries++ < MEMORY_TRIES) {
		const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);

		if (now_ms - failed_ms > MEMORY_REST_MS)
			tries = 1;
		failed_ms = now_ms;
		log_event(LOG_LEVEL_warning, "no-memory", "event loop",
			  "no memory for the event loop: it is tried again");
		(void)poll(NULL, 0, MEMORY_WAIT_MS);
	}
	return result;
}
