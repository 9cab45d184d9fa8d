/* asn_decoder_zstd.c - Zstandard (RFC 8878), by libzstd. Place: below asn_input.c. */
#include "asn_decoder.h"

#include <errno.h>
#include <zstd.h>

static int zstd_open(void **state)
{
	*state = ZSTD_createDStream();
	return *state ? 0 : -ENOMEM;
}

static int zstd_decode(void *state, struct asn_decoding *decoding)
{
	ZSTD_inBuffer in = { .src = decoding->in, .size = decoding->in_size };
	ZSTD_outBuffer out = { .dst = decoding->out, .size = decoding->out_size };
	const size_t result = ZSTD_decompressStream(state, &out, &in);

	decoding->in += in.pos;
	decoding->in_size -= in.pos;
	decoding->out += out.pos;
	decoding->out_size -= out.pos;
	if (ZSTD_isError(result))
		return -EINVAL;
	return result == 0;
}

static int zstd_restart(void *state)
{
	(void)ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
	return 0;
}

static void zstd_close(void *state)
{
	(void)ZSTD_freeDStream(state);
}

const struct asn_decoder asn_decoder_zstd = {
	.name = "zstd",
	.open = zstd_open,
	.decode = zstd_decode,
	.restart = zstd_restart,
	.close = zstd_close,
};
