/* agentctl_tar.c - headers of 512 bytes, contents padded to 512 bytes, two blocks of zeros. */
#include "agentctl_tar.h"

#include <inttypes.h>
#include <string.h>

#define BLOCK 512

/* POSIX.1-1988: numbers are octal texts. */
struct header {
	char name[100];
	char mode[8];
	char user[8];
	char group[8];
	char size[12];
	char time[12];
	char sum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char user_name[32];
	char group_name[32];
	char device[16];
	char prefix[155];
	char padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

/* The sum of all bytes, with blanks in the place of the sum. */
static void add_sum(struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;

	memset(header->sum, ' ', sizeof(header->sum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += bytes[i];
	(void)snprintf(header->sum, sizeof(header->sum), "%06o", sum);
}

void agentctl_tar_add(FILE *out, const char *name, const char *bytes, size_t size, int64_t time)
{
	static const char zeros[BLOCK];
	struct header header = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	const size_t rest = size % BLOCK;

	(void)snprintf(header.name, sizeof(header.name), "%s", name);
	(void)snprintf(header.mode, sizeof(header.mode), "%07o", 0600);
	(void)snprintf(header.user, sizeof(header.user), "%07o", 0);
	(void)snprintf(header.group, sizeof(header.group), "%07o", 0);
	(void)snprintf(header.size, sizeof(header.size), "%011zo", size);
	(void)snprintf(header.time, sizeof(header.time), "%011" PRIo64, (uint64_t)time);
	add_sum(&header);
	(void)fwrite(&header, sizeof(header), 1, out);
	(void)fwrite(bytes, 1, size, out);
	if (rest)
		(void)fwrite(zeros, 1, BLOCK - rest, out);
}

void agentctl_tar_finish(FILE *out)
{
	static const char zeros[2 * BLOCK];

	(void)fwrite(zeros, 1, sizeof(zeros), out);
}
