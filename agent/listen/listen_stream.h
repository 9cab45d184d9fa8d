/* listen_stream.h - what is known of one exporter: templates, rates, sequence, clock, counts.
 *
 * Place: listener -> stream. One for each address, port, version and domain; what an exporter that
 * was started anew sends comes from another port, and is compared with the stream before. */
#ifndef LISTEN_STREAM_H
#define LISTEN_STREAM_H

#include "listen_finding.h"
#include "listen_rates.h"
#include "listen_templates.h"

#define LISTEN_TEXT_SIZE 240 /* of a finding */

struct listen_stream;

/* Who receives records and findings. Both functions may be called any number of times for one
 * message. */
struct listen_sink {
	void *context;
	/* 'sampling' is one packet in how many the record stands for, 0 if that was not announced.
	 * All is borrowed for this call. */
	void (*record)(void *context, const struct listen_stream *stream,
		       const struct listen_header *header, const struct listen_record *record,
		       uint32_t sampling);
	/* The first of its kind, and then at most one a second. */
	void (*finding)(void *context, const struct listen_stream *stream,
			enum listen_finding finding, const char *text);
};

struct listen_stream {
	struct listen_source source;
	uint16_t version; /* 0: no message of a known version came */
	uint32_t domain;

	uint64_t messages, bytes;
	uint64_t flows, options, templates_announced;
	uint64_t sets_skipped; /* of data whose template is missing */
	/* By the sequence numbers, in the protocol's own unit: datagrams in v9, records in v5, v7
	 * and IPFIX; none in v1. */
	uint64_t missing;
	uint64_t late;
	uint64_t findings[LISTEN_FINDING_COUNT];
	unix_ms found_ms[LISTEN_FINDING_COUNT]; /* when it was last given to the sink */

	struct listen_templates templates;
	struct listen_rates rates;
	bool has_sequence; /* the next one is known */
	bool is_clock_off;
	bool is_followed; /* another stream of this address and domain has begun since */
	bool is_over;     /* its session has ended */
	uint32_t next_sequence;
	uint32_t before_uptime_ms;
	unix_ms before_exported_ms;
	unix_ms heard_ms; /* by our clock */
};

/* Count a finding, and give it to the sink unless it was there less than a second ago. */
void listen_stream_found(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			 enum listen_finding finding, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Check the header of a message against what came before. Call it once for each, before its
 * records. */
void listen_stream_begin(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			 const struct listen_header *header);
/* 'step' is what the sequence number moves by; 'is_known' false: it is not known, because there
 * were records that could not be counted. */
void listen_stream_end(struct listen_stream *stream, const struct listen_header *header,
		       uint32_t step, bool is_known);

/* Compare a stream that begins with one of the same address and domain and another port. */
void listen_stream_follow(struct listen_stream *stream, struct listen_stream *before,
			  const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header);

/* Give a record to the sink, after checking its rate and times. */
void listen_stream_record(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header, const struct listen_record *record);

#endif
