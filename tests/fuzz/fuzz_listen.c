/* fuzz_listen.c - any bytes as datagrams of an exporter: each has its length, two bytes, before it.
 */
#include "bytes.h"
#include "agentctl_listen_rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_row(void *context, const struct listen_stream *stream,
		     const struct listen_header *header, const struct listen_record *record,
		     uint32_t sampling)
{
	(void)context;
	json_decref(agentctl_listen_row(stream, header, record, sampling, 0));
}

static void ignore(void *context, const struct listen_stream *stream, enum listen_finding finding,
		   const char *text)
{
	(void)context, (void)stream, (void)finding, (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listen_source source = { .ip_version = 4 };
	struct listener *listener =
		listener_create(&(struct listen_sink){ NULL, make_row, ignore });
	struct reader reader = reader_of(data, size);

	while (listener && reader_left(&reader) > 2) {
		const uint16_t length = reader_u16(&reader);
		const size_t piece = length < reader_left(&reader) ? length : reader_left(&reader);

		source.port = (uint16_t)(length & 1);
		listener_take(listener, &source, reader_take(&reader, piece), piece, 1000);
	}
	listener_destroy(listener);
	return 0;
}
