/* listen_stream.c - sequence, clock, rates and times of one exporter.
 *
 * A sequence number that is not the expected one is a gap when it is ahead. When it is behind, the
 * exporter has started anew if its clocks say so, or the distance is great; otherwise the message
 * came late or twice. */
#include "listen_stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define FOUND_AGAIN_MS 1000
#define CLOCK_OFF_MS   5000
#define AHEAD_MS       1000 /* v9 and IPFIX headers have full seconds */
#define UPTIME_BACK_MS 1000
#define LATE_MESSAGES  100 /* further back is no message that came late */
#define LATE_RECORDS   3000

void listen_stream_found(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			 enum listen_finding finding, const char *format, ...)
{
	char text[LISTEN_TEXT_SIZE];
	va_list arguments;

	stream->findings[finding]++;
	if (stream->findings[finding] > 1 && now >= stream->found_ms[finding] &&
	    now < stream->found_ms[finding] + FOUND_AGAIN_MS)
		return;
	stream->found_ms[finding] = now;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sink->finding(sink->context, stream, finding, text);
}

static const char *unit_of(const struct listen_stream *stream)
{
	return stream->version == 9 ? "datagrams" : "records";
}

/* What a sequence number that is behind the expected one means. */
static bool is_restart(const struct listen_stream *stream, const struct listen_header *header,
		       uint32_t behind)
{
	const uint32_t late_max = stream->version == 9 ? LATE_MESSAGES : LATE_RECORDS;
	const int32_t uptime_step = (int32_t)(header->uptime_ms - stream->before_uptime_ms);

	if (behind > late_max || header->exported_ms > stream->before_exported_ms)
		return true;
	return header->has_uptime && uptime_step < -UPTIME_BACK_MS &&
	       header->exported_ms >= stream->before_exported_ms;
}

static void check_sequence(struct listen_stream *stream, const struct listen_sink *sink,
			   unix_ms now, const struct listen_header *header)
{
	const uint32_t ahead = header->sequence - stream->next_sequence;
	const int32_t uptime_step = (int32_t)(header->uptime_ms - stream->before_uptime_ms);

	if (!stream->has_sequence || ahead == 0)
		return;
	if (header->has_uptime && uptime_step < -UPTIME_BACK_MS &&
	    header->exported_ms >= stream->before_exported_ms) {
		listen_stream_found(stream, sink, now, LISTEN_restart,
				    "sequence %" PRIu32 " instead of %" PRIu32
				    ", and the uptime went back from %" PRIu32 " to %" PRIu32 " ms",
				    header->sequence, stream->next_sequence,
				    stream->before_uptime_ms, header->uptime_ms);
	} else if (ahead <= INT32_MAX) {
		stream->missing += ahead;
		listen_stream_found(
			stream, sink, now, LISTEN_sequence_gap,
			"sequence %" PRIu32 " instead of %" PRIu32 ": %" PRIu32 " %s are missing",
			header->sequence, stream->next_sequence, ahead, unit_of(stream));
	} else if (is_restart(stream, header, -ahead)) {
		listen_stream_found(stream, sink, now, LISTEN_restart,
				    "sequence %" PRIu32 " instead of %" PRIu32, header->sequence,
				    stream->next_sequence);
	} else {
		stream->late++;
		listen_stream_found(stream, sink, now, LISTEN_sequence_late,
				    "sequence %" PRIu32 " after %" PRIu32 " was expected",
				    header->sequence, stream->next_sequence);
	}
}

/* One finding for each time that a clock goes wrong. */
static void check_clock(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			const struct listen_header *header)
{
	const int64_t off_ms = header->exported_ms - now;
	const bool is_off = off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS;

	if (is_off && !stream->is_clock_off)
		listen_stream_found(
			stream, sink, now, LISTEN_clock_off, "its clock is %" PRId64 " s %s ours",
			(off_ms < 0 ? -off_ms : off_ms) / 1000, off_ms < 0 ? "behind" : "ahead of");
	stream->is_clock_off = is_off;
}

void listen_stream_begin(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			 const struct listen_header *header)
{
	stream->heard_ms = now;
	if (stream->is_followed)
		listen_stream_found(stream, sink, now, LISTEN_two_exporters,
				    "this port and a newer one send as domain %" PRIu32
				    " of the same address by turns",
				    stream->domain);
	check_sequence(stream, sink, now, header);
	check_clock(stream, sink, now, header);
}

void listen_stream_end(struct listen_stream *stream, const struct listen_header *header,
		       uint32_t step, bool is_known)
{
	const uint32_t ahead = header->sequence - stream->next_sequence;
	const bool is_late =
		stream->has_sequence && ahead > INT32_MAX && !is_restart(stream, header, -ahead);

	if (is_late)
		return; /* what is expected is still that after the newest */
	stream->next_sequence = header->sequence + step;
	stream->has_sequence = is_known && header->has_sequence;
	stream->before_uptime_ms = header->uptime_ms;
	stream->before_exported_ms = header->exported_ms;
}

void listen_stream_follow(struct listen_stream *stream, struct listen_stream *before,
			  const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header)
{
	const uint32_t ahead = header->sequence - before->next_sequence;
	const char *what = "and begins anew";
	char gap[64];

	before->is_followed = true;
	if (!header->has_sequence) {
		listen_stream_found(stream, sink, now, LISTEN_restart,
				    "port %u of this address sent before", before->source.port);
		return;
	}
	if (before->has_sequence && ahead == 0) {
		what = "and continues the sequence";
	} else if (before->has_sequence && ahead <= INT32_MAX) {
		(void)snprintf(gap, sizeof(gap), "with a sequence %" PRIu32 " further", ahead);
		what = gap;
	}
	listen_stream_found(stream, sink, now, LISTEN_restart,
			    "port %u of this address sent as domain %" PRIu32
			    " before; this one starts at sequence %" PRIu32 " %s",
			    before->source.port, stream->domain, header->sequence, what);
}

static void check_times(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			const struct listen_header *header, const struct listen_record *record)
{
	unix_ms start, end;

	if (!listen_times(header, record, &start, &end))
		return;
	if (end < start)
		listen_stream_found(stream, sink, now, LISTEN_time_order,
				    "a flow of template %u ends %" PRId64 " ms before it starts",
				    record->template_id, start - end);
	if (end > header->exported_ms + AHEAD_MS)
		listen_stream_found(stream, sink, now, LISTEN_time_ahead,
				    "a flow of template %u ends %" PRId64
				    " ms after its message was made",
				    record->template_id, end - header->exported_ms);
}

void listen_stream_record(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header, const struct listen_record *record)
{
	uint64_t unknown = 0;
	uint32_t sampling = 0;

	if (record->is_options) {
		stream->options++;
		listen_rates_learn(&stream->rates, record);
	} else {
		stream->flows++;
		sampling = listen_rates_of(&stream->rates, header, record, &unknown);
		stream->rates.is_announced |= header->version == 5 && sampling > 0;
		check_times(stream, sink, now, header, record);
	}
	if (unknown)
		listen_stream_found(stream, sink, now, LISTEN_sampler_unknown,
				    "records of sampler %" PRIu64 ", whose rate was not announced",
				    unknown);
	sink->record(sink->context, stream, header, record, sampling);
}
