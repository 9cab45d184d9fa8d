/* asn_decoder_bzip2.c - bzip2, by libbz2. Place: below asn_input.c. */
#include "asn_decoder.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static int bzip2_open(void **state)
{
	bz_stream *stream = calloc(1, sizeof(*stream));

	if (stream && BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK) {
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

static int bzip2_decode(void *state, struct asn_decoding *decoding)
{
	bz_stream *stream = state;
	int result;

	stream->next_in = (char *)(uintptr_t)decoding->in;
	stream->avail_in = limited(decoding->in_size);
	stream->next_out = (char *)decoding->out;
	stream->avail_out = limited(decoding->out_size);
	result = BZ2_bzDecompress(stream);
	decoding->in_size -= (size_t)((const uint8_t *)stream->next_in - decoding->in);
	decoding->in = (const uint8_t *)stream->next_in;
	decoding->out_size -= (size_t)((uint8_t *)stream->next_out - decoding->out);
	decoding->out = (uint8_t *)stream->next_out;
	switch (result) {
	case BZ_OK: return 0;
	case BZ_STREAM_END: return 1;
	case BZ_MEM_ERROR: return -ENOMEM;
	default: return -EINVAL;
	}
}

static int bzip2_restart(void *state)
{
	bz_stream *stream = state;

	(void)BZ2_bzDecompressEnd(stream);
	*stream = (bz_stream){ .next_in = NULL };
	return BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static void bzip2_close(void *state)
{
	(void)BZ2_bzDecompressEnd(state);
	free(state);
}

const struct asn_decoder asn_decoder_bzip2 = {
	.name = "bzip2",
	.open = bzip2_open,
	.decode = bzip2_decode,
	.restart = bzip2_restart,
	.close = bzip2_close,
};
