/* compression.c - the magic numbers of compressed files. Place: base; for who refuses them by name.
 */
#include "compression.h"

#include <stdint.h>
#include <string.h>

static const struct {
	uint8_t magic[COMPRESSION_MAGIC_SIZE];
	uint8_t magic_size;
	struct compression compression;
} compressions[] = {
	{ { 0x1f, 0x8b }, 2, { "gzip", "zcat" } },
	{ { 0xfd, '7', 'z', 'X' }, 4, { "xz", "xzcat" } },
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, { "zstd", "zstdcat" } },
	{ { 'B', 'Z', 'h' }, 3, { "bzip2", "bzcat" } },
	{ { 0x04, 0x22, 0x4d, 0x18 }, 4, { "lz4", "lz4cat" } },
};

const struct compression *compression_find(const void *bytes, size_t size)
{
	for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++)
		if (size >= compressions[i].magic_size &&
		    memcmp(bytes, compressions[i].magic, compressions[i].magic_size) == 0)
			return &compressions[i].compression;
	return NULL;
}
