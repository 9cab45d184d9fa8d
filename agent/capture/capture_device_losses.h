/* capture_device_losses.h - frames that a device had no room for, as its driver counts them.
 *
 * Place: /sys/class/net/<interface>/statistics -> here -> capture_tap_ring.c. A driver may begin
 * its counters anew, as many do when the interface goes down: what it counts after that is lost as
 * well, and no frame is counted twice. */
#ifndef CAPTURE_DEVICE_LOSSES_H
#define CAPTURE_DEVICE_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

enum { CAPTURE_DEVICE_COUNTERS = 2 }; /* rx_missed_errors, rx_fifo_errors */

struct capture_device_losses {
	struct {
		uint64_t value; /* when it was read last */
		bool is_known;  /* it was read */
	} counters[CAPTURE_DEVICE_COUNTERS];
};

/* Read the counters in 'directory'. Returns the frames lost since the last call, none with the
 * first one. A counter that cannot be read, as of an interface that has gone, stays as it was; one
 * that is less than before is the begin of a new count: what is in it may be older. Two files are
 * read. */
uint64_t capture_device_losses_since(struct capture_device_losses *losses, const char *directory);

#endif
