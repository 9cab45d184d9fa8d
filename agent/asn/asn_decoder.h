/* asn_decoder.h - one kind of packed bytes, by its library. For asn_input.c.
 *
 * Place: asn_input.c -> the decoder of the file's first bytes -> plain bytes. */
#ifndef ASN_DECODER_H
#define ASN_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes to unpack, and where they go; both are moved on. */
struct asn_decoding {
	const uint8_t *in;
	size_t in_size;
	uint8_t *out;
	size_t out_size;
	bool is_last; /* no bytes follow on 'in' */
};

struct asn_decoder {
	const char *name;          /* as compression_find() has it */
	int (*open)(void **state); /* 0 or -ENOMEM */
	/* Returns 1 at the end of a member, 0 if it continues, -EINVAL if it is damaged, -ENOMEM.
	 */
	int (*decode)(void *state, struct asn_decoding *decoding);
	int (*restart)(void *state); /* another member follows; 0 or -ENOMEM */
	void (*close)(void *state);
};

extern const struct asn_decoder asn_decoder_gzip, asn_decoder_bzip2, asn_decoder_xz,
	asn_decoder_zstd;

#endif
