/* asn_decoder_gzip.c - gzip (RFC 1952), by zlib. Place: below asn_input.c. */
#include "asn_decoder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib.h: the largest window, and a gzip header */

static int gzip_open(void **state)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit2(stream, WINDOW_GZIP) == Z_OK) {
		*state = stream;
		return 0;
	}
	free(stream);
	return -ENOMEM;
}

static unsigned int limited(size_t size)
{
	return size < UINT_MAX ? (unsigned int)size : UINT_MAX;
}

static int gzip_decode(void *state, struct asn_decoding *decoding)
{
	z_stream *stream = state;
	int result;

	stream->next_in = (z_const Bytef *)(uintptr_t)decoding->in;
	stream->avail_in = limited(decoding->in_size);
	stream->next_out = decoding->out;
	stream->avail_out = limited(decoding->out_size);
	result = inflate(stream, Z_NO_FLUSH);
	decoding->in_size -= (size_t)(stream->next_in - decoding->in);
	decoding->in = stream->next_in;
	decoding->out_size -= (size_t)(stream->next_out - decoding->out);
	decoding->out = stream->next_out;
	switch (result) {
	case Z_OK:
	case Z_BUF_ERROR: return 0; /* the latter: nothing to do at present */
	case Z_STREAM_END: return 1;
	case Z_MEM_ERROR: return -ENOMEM;
	default: return -EINVAL;
	}
}

static int gzip_restart(void *state)
{
	return inflateReset(state) == Z_OK ? 0 : -ENOMEM;
}

static void gzip_close(void *state)
{
	(void)inflateEnd(state);
	free(state);
}

const struct asn_decoder asn_decoder_gzip = {
	.name = "gzip",
	.open = gzip_open,
	.decode = gzip_decode,
	.restart = gzip_restart,
	.close = gzip_close,
};
