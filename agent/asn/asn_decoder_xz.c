/* asn_decoder_xz.c - xz, by liblzma, which itself goes from one stream to the next and over the
 * padding between them. Place: below asn_input.c. */
#include "asn_decoder.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

/* xz -9 needs 65 MiB; a header may ask for gigabytes. */
#define MEMORY_LIMIT ((uint64_t)128 << 20)

static int xz_restart(void *state)
{
	return lzma_stream_decoder(state, MEMORY_LIMIT, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
}

static int xz_open(void **state)
{
	lzma_stream *stream = calloc(1, sizeof(*stream));

	if (stream && xz_restart(stream) == 0) {
		*state = stream;
		return 0;
	}
	free(stream);
	return -ENOMEM;
}

static int xz_decode(void *state, struct asn_decoding *decoding)
{
	lzma_stream *stream = state;
	lzma_ret result;

	stream->next_in = decoding->in;
	stream->avail_in = decoding->in_size;
	stream->next_out = decoding->out;
	stream->avail_out = decoding->out_size;
	result = lzma_code(stream, decoding->is_last ? LZMA_FINISH : LZMA_RUN);
	decoding->in = stream->next_in;
	decoding->in_size = stream->avail_in;
	decoding->out = stream->next_out;
	decoding->out_size = stream->avail_out;
	switch (result) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: return 0; /* the latter: nothing to do at present */
	case LZMA_STREAM_END: return 1;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR: return -ENOMEM;
	default: return -EINVAL;
	}
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}

const struct asn_decoder asn_decoder_xz = {
	.name = "xz",
	.open = xz_open,
	.decode = xz_decode,
	.restart = xz_restart,
	.close = xz_close,
};
