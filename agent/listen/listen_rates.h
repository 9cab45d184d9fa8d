/* listen_rates.h - sampling rates that an exporter has announced: which record is one of how many.
 *
 * Place: options data -> here -> records, which name their rate.
 *
 * Known are samplingInterval (34), samplers (48 with 34 or 50), and selectors (302) by count, by
 * chance and by hash (RFC 5477 section 8.2); the interval in the header of NetFlow v5. */
#ifndef LISTEN_RATES_H
#define LISTEN_RATES_H

#include "listen_types.h"

#define LISTEN_RATES_MAX 300 /* samplers of one octet, and some */

struct listen_rates {
	bool is_announced; /* any rate */
	uint32_t general;  /* of records without a sampler; 0: not announced, or not known */
	size_t count;
	struct listen_rate {
		uint64_t id;
		uint32_t interval;
		bool is_selector;
	} rows[LISTEN_RATES_MAX];
};

/* Learn from options data; other records are ignored. */
void listen_rates_learn(struct listen_rates *rates, const struct listen_record *record);

/* One packet in how many a record stands for; 0: not announced. '*unknown' gets the number of a
 * sampler that was not announced, otherwise it is left alone. */
uint32_t listen_rates_of(const struct listen_rates *rates, const struct listen_header *header,
			 const struct listen_record *record, uint64_t *unknown);

#endif
