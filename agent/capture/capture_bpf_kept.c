/* capture_bpf_kept.c - one message in a socket of datagrams, which is looked at and never taken.
 * Its other end is closed: nothing else comes. */
#include "capture_bpf_kept.h"

#include "capture_bpf_record.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 5 + CAPTURE_BPF_TABLES };

union control {
	struct cmsghdr alignment;
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

static int send_all(int socket, const struct capture_bpf_facts *facts, const int *descriptors,
		    size_t count)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)facts, .iov_len = sizeof(*facts) };
	union control control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), descriptors, count * sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int capture_bpf_kept_make(const struct capture_bpf_kernel *kernel,
			  const struct capture_bpf_facts *facts)
{
	int descriptors[DESCRIPTORS_MAX] = { kernel->ring, kernel->counters, kernel->control };
	size_t count = 3;
	int ends[2], result;

	for (int side = 0; side < 2; side++)
		if (kernel->links[side] >= 0)
			descriptors[count++] = kernel->links[side];
	for (int i = 0; facts->takes & CAPTURE_BPF_TAKES_OFFLOAD && i < CAPTURE_BPF_TABLES; i++)
		descriptors[count++] = kernel->tables[i];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	result = send_all(ends[0], facts, descriptors, count);
	(void)close(ends[0]);
	if (!result)
		return ends[1];
	(void)close(ends[1]);
	return result;
}

/* The descriptors of a message, into 'kernel'. False: there are not as many as there should be;
 * those that there are get closed. */
static bool take_all(struct msghdr *message, const struct capture_bpf_facts *facts,
		     struct capture_bpf_kernel *kernel)
{
	const struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int descriptors[DESCRIPTORS_MAX];
	size_t wanted = 3, count = 0, next = 3;

	for (int side = 0; side < 2; side++)
		wanted += !facts->filter[side];
	wanted += facts->takes & CAPTURE_BPF_TAKES_OFFLOAD ? CAPTURE_BPF_TABLES : 0;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count > DESCRIPTORS_MAX)
		count = DESCRIPTORS_MAX;
	if (count)
		memcpy(descriptors, CMSG_DATA(head), count * sizeof(int));
	if (count != wanted) {
		for (size_t i = 0; i < count; i++)
			(void)close(descriptors[i]);
		return false;
	}
	kernel->ring = descriptors[0];
	kernel->counters = descriptors[1];
	kernel->control = descriptors[2];
	for (int side = 0; side < 2; side++) {
		kernel->filter[side] = facts->filter[side];
		if (!facts->filter[side])
			kernel->links[side] = descriptors[next++];
	}
	for (int i = 0; facts->takes & CAPTURE_BPF_TAKES_OFFLOAD && i < CAPTURE_BPF_TABLES; i++)
		kernel->tables[i] = descriptors[next++];
	kernel->index = facts->index;
	return true;
}

int capture_bpf_kept_open(int descriptor, struct capture_bpf_kernel *kernel,
			  struct capture_bpf_facts *facts)
{
	struct iovec part = { .iov_base = facts, .iov_len = sizeof(*facts) };
	union control control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const ssize_t size =
		recvmsg(descriptor, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*kernel = CAPTURE_BPF_KERNEL_NONE;
	if (size < 0)
		return -errno;
	/* This process may have no more of them. */
	if (message.msg_flags & MSG_CTRUNC && size == sizeof(*facts)) {
		(void)take_all(&message, facts, kernel);
		return -EMFILE;
	}
	if (size != sizeof(*facts))
		memset(facts, 0, sizeof(*facts)); /* its descriptors are closed below */
	if (!take_all(&message, facts, kernel) || size != sizeof(*facts) ||
	    facts->layout != CAPTURE_BPF_LAYOUT)
		return -EPROTO;
	return 0;
}
