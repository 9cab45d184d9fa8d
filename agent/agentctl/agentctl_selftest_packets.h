/* agentctl_selftest_packets.h - a capture file of known packets.
 *
 * Place: agentctl_selftest.c writes the file and gives it to flowagent --read. */
#ifndef AGENTCTL_SELFTEST_PACKETS_H
#define AGENTCTL_SELFTEST_PACKETS_H

#include "clock.h"

#include <stddef.h>
#include <stdint.h>

#define SELFTEST_FILE_SIZE 32768

/* What is in the file: frames of Ethernet, flows in both directions. */
struct selftest_sums {
	uint64_t flows, packets, bytes;                /* bytes from the IP header on */
	uint64_t flows_ipv6, packets_ipv6, bytes_ipv6; /* of these */
};

/* Write the file, dated to end at 'now'. Returns its size. */
size_t selftest_packets_write(uint8_t file[static SELFTEST_FILE_SIZE], unix_ms now,
			      struct selftest_sums *sums);

#endif
