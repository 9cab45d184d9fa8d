/* faults.c - faults that no test can bring about from outside, preloaded into a program under test.
 *
 * $FAULTS/clock holds by how many seconds the real clock is wrong. While $FAULTS/swap is there, a
 * name that a Unix socket was bound to becomes a link to $FAULTS/victim before anything else
 * happens, as an attacker does who owns the directory. While the file $FAULTS/epoll is there,
 * waiting for events fails; while $FAULTS/send is there, sending datagrams does not return.
 * $FAULTS/adjtimex holds 1 if the kernel says that something synchronises the clock, else 0.
 * $FAULTS/thread holds the number of a thread that cannot be started, as where RLIMIT_NPROC is
 * reached; 1 is the first one. $FAULTS/threads holds the number of the first of which none can be
 * started. $FAULTS/kill holds the number of a message to the service manager before which the
 * process is killed. $FAULTS/late holds by how many milliseconds each thread that waits in poll()
 * goes on too late, as on a machine without CPU time for it. While $FAULTS/full is there, who looks
 * for the first bytes of what is in a socket hears that its queue was full. While $FAULTS/overrun
 * is there, who asks for the size of a datagram hears that once, and is killed when it asks again.
 * Build: cc -shared -fPIC. Not for builds with sanitizers. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int is_there(const char *fault)
{
	const char *directory = getenv("FAULTS");
	char path[4096];

	if (!directory)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", directory, fault);
	return access(path, F_OK) == 0;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
	int (*real)(int, struct epoll_event *, int, int) =
		(int (*)(int, struct epoll_event *, int, int))next("epoll_wait");

	if (is_there("epoll")) {
		errno = EBADF;
		return -1;
	}
	return real(fd, events, count, timeout_ms);
}

int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout,
		 const sigset_t *signals)
{
	int (*real)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *) =
		(int (*)(int, struct epoll_event *, int, const struct timespec *,
			 const sigset_t *))next("epoll_pwait2");

	if (is_there("epoll")) {
		errno = EBADF;
		return -1;
	}
	return real(fd, events, count, timeout, signals);
}

int adjtimex(struct timex *state)
{
	char path[4096];
	FILE *file;
	int is_synchronised = 0;

	if (!is_there("adjtimex"))
		return ((int (*)(struct timex *))next("adjtimex"))(state);
	(void)snprintf(path, sizeof(path), "%s/adjtimex", getenv("FAULTS"));
	file = fopen(path, "r");
	if (!file || fscanf(file, "%d", &is_synchronised) != 1)
		is_synchronised = 0;
	if (file)
		(void)fclose(file);
	state->status = is_synchronised ? 0 : STA_UNSYNC;
	state->maxerror = 5000;
	return is_synchronised ? TIME_OK : TIME_ERROR;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int (*real)(clockid_t, struct timespec *) =
		(int (*)(clockid_t, struct timespec *))next("clock_gettime");
	const int result = real(clock, now);
	char path[4096];
	long seconds = 0;
	FILE *file;

	if (!is_there("clock") || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return result;
	(void)snprintf(path, sizeof(path), "%s/clock", getenv("FAULTS"));
	file = fopen(path, "r");
	if (file && fscanf(file, "%ld", &seconds) == 1)
		now->tv_sec += seconds;
	if (file)
		(void)fclose(file);
	return result;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*real)(int, const struct sockaddr *, socklen_t) =
		(int (*)(int, const struct sockaddr *, socklen_t))next("bind");
	const int result = real(fd, address, size);
	const char *path = ((const struct sockaddr_un *)address)->sun_path;
	char victim[4096];

	if (result == 0 && address->sa_family == AF_UNIX && is_there("swap")) {
		(void)snprintf(victim, sizeof(victim), "%s/victim", getenv("FAULTS"));
		(void)unlink(path);
		(void)symlink(victim, path);
	}
	return result;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int (*real)(int, struct mmsghdr *, unsigned int, int) =
		(int (*)(int, struct mmsghdr *, unsigned int, int))next("sendmmsg");

	while (is_there("send"))
		(void)usleep(10000);
	return real(fd, messages, count, flags);
}

/* The number in a file of $FAULTS; 0 without one. */
static int number_of(const char *fault)
{
	const char *directory = getenv("FAULTS");
	char path[4096];
	int number = 0;
	FILE *file;

	if (!directory)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", directory, fault);
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &number) != 1)
		number = 0;
	if (file)
		(void)fclose(file);
	return number;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
		   void *context)
{
	static atomic_int count;
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		(int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))next(
			"pthread_create");
	const int number = atomic_fetch_add(&count, 1) + 1;
	const int first = number_of("threads");

	if (number == number_of("thread") || (first && number >= first))
		return EAGAIN;
	return real(thread, attributes, run, context);
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
	int (*real)(struct pollfd *, nfds_t, int) =
		(int (*)(struct pollfd *, nfds_t, int))next("poll");
	const int result = real(descriptors, count, timeout_ms);
	const int error = errno;

	if (count == 2) /* a worker's */
		(void)usleep((useconds_t)number_of("late") * 1000);
	errno = error;
	return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	static atomic_int count;
	ssize_t (*real)(int, const struct msghdr *, int) =
		(ssize_t(*)(int, const struct msghdr *, int))next("sendmsg");
	const struct sockaddr *address = message->msg_name;

	if (address && address->sa_family == AF_UNIX &&
	    atomic_fetch_add(&count, 1) + 1 == number_of("kill"))
		(void)raise(SIGKILL);
	return real(fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	static atomic_int overruns;
	ssize_t (*real)(int, void *, size_t, int) =
		(ssize_t(*)(int, void *, size_t, int))next("recv");

	if ((flags & MSG_TRUNC) && is_there("overrun")) {
		if (atomic_fetch_add(&overruns, 1))
			(void)raise(SIGKILL);
		errno = ENOBUFS;
		return -1;
	}
	if (flags == MSG_PEEK && is_there("full")) {
		errno = ENOBUFS;
		return -1;
	}
	return real(fd, bytes, size, flags);
}
