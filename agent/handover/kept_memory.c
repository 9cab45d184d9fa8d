/* kept_memory.c - memory files with a page before them that says what is in them.
 *
 * Invariant: the size never changes (seals), so that no access ends the process. Core files do not
 * contain it. */
#include "kept_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC     "fa-kept\n"
#define HEAD_SIZE 4096
#define SEALS     (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct head {
	char magic[8];
	uint64_t layout;
};

/* FNV-1a, 64 bits: nobody chooses layouts. */
static uint64_t digest_of(const char *text)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		digest = (digest ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return digest;
}

static int map(struct kept_memory *memory, int descriptor, uint64_t size)
{
	uint8_t *mapping;

	if (size > PTRDIFF_MAX - HEAD_SIZE)
		return -ENOMEM;
	mapping = mmap(NULL, (size_t)size + HEAD_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_NORESERVE, descriptor, 0);
	if (mapping == MAP_FAILED)
		return -errno;
	(void)madvise(mapping, (size_t)size + HEAD_SIZE, MADV_DONTDUMP);
	*memory = (struct kept_memory){
		.bytes = mapping + HEAD_SIZE,
		.size = (size_t)size,
		.descriptor = descriptor,
	};
	return 0;
}

int kept_memory_create(struct kept_memory *memory, const char *layout, uint64_t size)
{
	struct head head = { .layout = digest_of(layout) };
	const int descriptor = memfd_create("flowagent-kept", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result = 0;

	*memory = (struct kept_memory){ .descriptor = -1 };
	if (descriptor < 0)
		return -errno;
	if (size > PTRDIFF_MAX - HEAD_SIZE)
		result = -ENOMEM;
	else if (ftruncate(descriptor, (off_t)(size + HEAD_SIZE)) ||
		 fcntl(descriptor, F_ADD_SEALS, SEALS) < 0)
		result = -errno;
	if (!result)
		result = map(memory, descriptor, size);
	if (result) {
		(void)close(descriptor);
		return result;
	}
	memcpy(head.magic, MAGIC, sizeof(head.magic));
	memcpy(memory->bytes - HEAD_SIZE, &head, sizeof(head));
	return 0;
}

int kept_memory_open(struct kept_memory *memory, int descriptor, const char *layout, uint64_t size)
{
	const int seals = fcntl(descriptor, F_GET_SEALS);
	struct stat status;
	struct head head;
	int result = -EINVAL;

	*memory = (struct kept_memory){ .descriptor = -1 };
	if (seals >= 0 && (seals & SEALS) == SEALS && fstat(descriptor, &status) == 0 &&
	    status.st_size > HEAD_SIZE && (!size || (uint64_t)status.st_size == size + HEAD_SIZE))
		result = map(memory, descriptor, (uint64_t)status.st_size - HEAD_SIZE);
	if (result) {
		(void)close(descriptor);
		return result;
	}
	(void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
	memcpy(&head, memory->bytes - HEAD_SIZE, sizeof(head));
	if (!memcmp(head.magic, MAGIC, sizeof(head.magic)) && head.layout == digest_of(layout))
		return 0;
	kept_memory_clear(memory);
	return -EINVAL;
}

void kept_memory_clear(struct kept_memory *memory)
{
	if (memory->bytes) {
		(void)munmap(memory->bytes - HEAD_SIZE, memory->size + HEAD_SIZE);
		(void)close(memory->descriptor);
	}
	*memory = (struct kept_memory){ .descriptor = -1 };
}
