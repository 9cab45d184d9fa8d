/* mapped_file.c - see mapped_file.h.
 *
 * A signal's handler belongs to the process and gets no context: so the list of what is mapped is
 * the process's as well. The handler takes no lock; a place's 'end' is 0 unless the place is
 * complete. */
#include "mapped_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

struct mapping {
	_Atomic uintptr_t begin, end;
};

static struct mapping mappings[MAPPED_FILES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of those who map and unmap */

/* The read is tried again when this returns. A fault that is none of ours ends the program then. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	const uintptr_t address = (uintptr_t)info->si_addr;
	const int fault = errno;

	(void)context;
	for (size_t i = 0; i < MAPPED_FILES_MAX; i++) {
		const uintptr_t begin = atomic_load(&mappings[i].begin);
		const uintptr_t end = atomic_load(&mappings[i].end);

		if (address < begin || address >= end)
			continue;
		/* cppcheck-suppress leakReturnValNotUsed ; it is at begin */
		if (mmap((void *)begin, end - begin, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		errno = fault;
		return;
	}
	(void)signal(number, SIG_DFL);
}

static struct mapping *find(uintptr_t begin)
{
	for (size_t i = 0; i < MAPPED_FILES_MAX; i++)
		if (atomic_load(&mappings[i].begin) == begin)
			return &mappings[i];
	return NULL;
}

static int take_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	(void)sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL);
}

void *mapped_file_open(int descriptor, size_t size)
{
	void *bytes = MAP_FAILED;
	struct mapping *place;

	(void)pthread_mutex_lock(&lock);
	place = find(0);
	if (!place)
		errno = EBUSY;
	else if (take_faults() == 0)
		bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
	if (bytes != MAP_FAILED) {
		atomic_store(&place->begin, (uintptr_t)bytes);
		atomic_store(&place->end, (uintptr_t)bytes + size);
	}
	(void)pthread_mutex_unlock(&lock);
	return bytes == MAP_FAILED ? NULL : bytes;
}

void mapped_file_close(void *bytes, size_t size)
{
	struct mapping *place;

	(void)pthread_mutex_lock(&lock);
	place = find((uintptr_t)bytes);
	if (place) {
		atomic_store(&place->end, 0);
		atomic_store(&place->begin, 0);
	}
	(void)munmap(bytes, size);
	(void)pthread_mutex_unlock(&lock);
}
