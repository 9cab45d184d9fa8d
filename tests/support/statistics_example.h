/* statistics_example.h - statistics of the ledger for a collector, each number another one. */
#ifndef STATISTICS_EXAMPLE_H
#define STATISTICS_EXAMPLE_H

#include "encoder.h"

/* Lost in all: 3 records, 30 packets, 3000 octets. */
static const struct export_statistics statistics_example = {
	.workers = {
		.packets_read = UINT64_C(1) << 32,
		.packets_lost_kernel = 5,
		.packets_ignored = 11,
		.octets_ignored = 1100,
		.flows_created = 105,
	},
	.collector = {
		.sent = { 100, 5000, 50000 },
		.lost = { [LOSS_REFUSED] = { 1, 10, 1000 },
			  [LOSS_UNSUPPORTED] = { 2, 20, 2000 } },
		.datagrams_sent = 7,
		.datagram_bytes_sent = 10000,
	},
	.system_init_ms = 1700000000000,
};

#endif
