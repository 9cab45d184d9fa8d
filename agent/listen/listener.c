/* listener.c - which stream a message belongs to. */
#include "listener.h"

#include "address.h"
#include "listen_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listener {
	struct listen_sink sink;
	struct listen_stream *streams[LISTENER_STREAMS]; /* owned */
	size_t count;
	struct listen_stream *last;               /* heard; borrowed from 'streams' */
	uint64_t forgotten[LISTEN_FINDING_COUNT]; /* findings of streams that gave way */
};

struct listener *listener_create(const struct listen_sink *sink)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener)
		listener->sink = *sink;
	return listener;
}

static void stream_destroy(struct listen_stream *stream)
{
	listen_templates_clear(&stream->templates);
	free(stream);
}

void listener_destroy(struct listener *listener)
{
	if (!listener)
		return;
	for (size_t i = 0; i < listener->count; i++)
		stream_destroy(listener->streams[i]);
	free(listener);
}

static bool is_same_host(const struct listen_source *one, const struct listen_source *other)
{
	return one->ip_version == other->ip_version && one->is_session == other->is_session &&
	       memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

static struct listen_stream *find(const struct listener *listener,
				  const struct listen_source *source, uint16_t version,
				  uint32_t domain)
{
	for (size_t i = listener->count; i-- > 0;) {
		struct listen_stream *stream = listener->streams[i];

		if (stream->version == version && stream->domain == domain && !stream->is_over &&
		    stream->source.port == source->port && is_same_host(&stream->source, source))
			return stream;
	}
	return NULL;
}

/* The newest stream of the same exporter by address and domain, whatever its port. Sessions have
 * templates and sequences of their own. */
static struct listen_stream *find_before(const struct listener *listener,
					 const struct listen_source *source, uint16_t version,
					 uint32_t domain)
{
	for (size_t i = listener->count; i-- > 0;) {
		struct listen_stream *stream = listener->streams[i];

		if (stream->version == version && stream->domain == domain &&
		    !stream->is_followed && is_same_host(&stream->source, source))
			return stream;
	}
	return NULL;
}

/* Forget the stream that has been silent for longest. */
static void make_room(struct listener *listener)
{
	size_t oldest = 0;

	for (size_t i = 1; i < listener->count; i++)
		if (listener->streams[i]->heard_ms < listener->streams[oldest]->heard_ms)
			oldest = i;
	for (size_t i = 0; i < LISTEN_FINDING_COUNT; i++)
		listener->forgotten[i] += listener->streams[oldest]->findings[i];
	if (listener->last == listener->streams[oldest])
		listener->last = NULL;
	stream_destroy(listener->streams[oldest]);
	listener->count--;
	memmove(&listener->streams[oldest], &listener->streams[oldest + 1],
		(listener->count - oldest) * sizeof(listener->streams[0]));
}

/* The stream of a message, a new one if need be; NULL if memory is short. */
static struct listen_stream *stream_of(struct listener *listener,
				       const struct listen_source *source,
				       const struct listen_header *header, bool is_known,
				       unix_ms now)
{
	const uint16_t version = is_known ? header->version : 0;
	const uint32_t domain = is_known ? header->domain : 0;
	struct listen_stream *stream = find(listener, source, version, domain);
	struct listen_stream *before;

	if (stream)
		return stream;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	if (listener->count == LISTENER_STREAMS)
		make_room(listener);
	stream->source = *source;
	stream->version = version;
	stream->domain = domain;
	stream->heard_ms = now;
	before = is_known && !source->is_session ? find_before(listener, source, version, domain)
						 : NULL;
	listener->streams[listener->count++] = stream;
	if (before)
		listen_stream_follow(stream, before, &listener->sink, now, header);
	return stream;
}

void listener_take(struct listener *listener, const struct listen_source *source,
		   const uint8_t *bytes, size_t size, unix_ms now)
{
	struct listen_header header;
	const int result = listen_header_parse(bytes, size, &header);
	struct listen_stream *stream = stream_of(listener, source, &header, result == 0, now);

	if (!stream)
		return;
	listener->last = stream;
	if (!result) {
		listen_message_parse(stream, &listener->sink, now, &header, bytes, size);
		return;
	}
	stream->heard_ms = now;
	stream->messages++;
	stream->bytes += size;
	if (result == -EMSGSIZE)
		listen_stream_found(stream, &listener->sink, now, LISTEN_message_cut,
				    "%zu bytes, fewer than a header has", size);
	else
		listen_stream_found(stream, &listener->sink, now, LISTEN_version_unknown,
				    "version %u in %zu bytes: expected 1, 5, 7, 9 or 10",
				    header.version, size);
}

void listener_end(struct listener *listener, const struct listen_source *source)
{
	for (size_t i = 0; i < listener->count; i++) {
		struct listen_stream *stream = listener->streams[i];

		if (stream->source.port != source->port || !is_same_host(&stream->source, source))
			continue;
		listen_templates_clear(&stream->templates);
		stream->is_over = true;
	}
}

void listener_not_read(struct listener *listener, uint32_t count, unix_ms now)
{
	if (listener->last)
		listen_stream_found(listener->last, &listener->sink, now, LISTEN_not_read,
				    "%u datagrams came faster than they were read: gaps in the "
				    "sequence may be these",
				    count);
}

void listener_finish(struct listener *listener, unix_ms now)
{
	for (size_t i = 0; i < listener->count; i++) {
		struct listen_stream *stream = listener->streams[i];

		if (stream->flows > 0 && !stream->rates.is_announced)
			listen_stream_found(stream, &listener->sink, now, LISTEN_rate_missing,
					    "no sampling rate was announced, not even 1");
	}
}

const struct listen_stream *listener_stream(const struct listener *listener, size_t index)
{
	return index < listener->count ? listener->streams[index] : NULL;
}

uint64_t listener_found(const struct listener *listener, enum listen_finding finding)
{
	uint64_t count = listener->forgotten[finding];

	for (size_t i = 0; i < listener->count; i++)
		count += listener->streams[i]->findings[finding];
	return count;
}

const char *listen_source_format(const struct listen_source *source,
				 char text[static LISTENER_TEXT_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];

	(void)address_format(source->ip_version, source->address, address);
	(void)snprintf(text, LISTENER_TEXT_SIZE, source->ip_version == 6 ? "[%s]:%u" : "%s:%u",
		       address, source->port);
	return text;
}
