/* failing_memory.c - fails one allocation of a program under test, preloaded into it.
 *
 * $FAILING_MEMORY is a file of two numbers of 64 bits, host order: how many allocations are left until
 * one fails, 0 for never, and how many have failed. A test writes the first at any time. Counted are
 * malloc(), calloc(), realloc() and anonymous mmap(), of all libraries and threads, but not within
 * getaddrinfo() and getpwnam(): glibc 2.36 crashes there for want of memory (nss_database.c).
 * Build: cc -shared -fPIC. Not for builds with sanitizers. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The allocator below its public names (glibc). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

struct numbers {
	_Atomic int64_t left, failed;
};

static struct numbers none;
static struct numbers *numbers = &none;

__attribute__((constructor)) static void open_numbers(void)
{
	const char *path = getenv("FAILING_MEMORY");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared;

	if (fd < 0)
		return;
	shared = (void *)syscall(SYS_mmap, NULL, sizeof(*numbers), PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);
	(void)close(fd);
	if (shared != MAP_FAILED)
		numbers = shared;
}

static _Thread_local int is_spared;

static int fails(void)
{
	if (is_spared || atomic_load_explicit(&numbers->left, memory_order_relaxed) <= 0 ||
	    atomic_fetch_sub(&numbers->left, 1) != 1)
		return 0;
	atomic_fetch_add(&numbers->failed, 1);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return fails() ? NULL : __libc_realloc(block, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (flags & MAP_ANONYMOUS && fails())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *,
			 struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	int result;

	is_spared = 1;
	result = real(host, port, hints, list);
	is_spared = 0;
	return result;
}

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) =
		(struct passwd * (*)(const char *)) dlsym(RTLD_NEXT, "getpwnam");
	struct passwd *entry;

	is_spared = 1;
	entry = real(name);
	is_spared = 0;
	return entry;
}
