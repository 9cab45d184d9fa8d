/* system_poll.h - ppoll(2) without the C library, for tests that stand in for its functions. */
#ifndef SYSTEM_POLL_H
#define SYSTEM_POLL_H

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The call whose time is that of struct timespec: on machines of 32 bits there are two. The kernel
 * changes 'timeout'. */
static inline int system_poll(struct pollfd *descriptors, nfds_t count, struct timespec *timeout,
			      const sigset_t *signals)
{
	long number = SYS_ppoll;

#ifdef SYS_ppoll_time64
	if (sizeof(timeout->tv_sec) > sizeof(long))
		number = SYS_ppoll_time64;
#endif
	return (int)syscall(number, descriptors, count, timeout, signals, _NSIG / 8);
}

static inline void pause_ms(int ms)
{
	(void)system_poll(NULL, 0, &(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

#endif
