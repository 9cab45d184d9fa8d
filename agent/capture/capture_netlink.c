/* capture_netlink.c - the receive buffer of a netlink socket, and its datagrams. */
#include "capture_netlink.h"

#include "rights.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

/* 170,000 packets: 0.2 s of the highest rate. */
#define DEFAULT_BUFFER (32u * 1024 * 1024)

struct mnl_socket *capture_netlink_open(int bus, int flags, unsigned int groups)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	int error;

	if (!socket || mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	error = errno;
	(void)mnl_socket_close(socket);
	errno = error;
	return NULL;
}

int capture_netlink_ask(struct mnl_socket *socket, uint8_t subsystem, uint8_t type, uint16_t flags,
			uint32_t sequence)
{
	uint8_t buffer[64] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *family;
	struct rights_section before;
	int result;

	message->nlmsg_type = (uint16_t)(subsystem << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = sequence;
	family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	before = rights_raise();
	result = mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? -errno : 0;
	rights_restore(before);
	return result;
}

void capture_netlink_grow(struct capture_netlink *netlink, int descriptor)
{
	const struct rights_section before = rights_raise();
	int size;
	socklen_t length = sizeof(size);

	if (!netlink->receive_buffer_wanted)
		netlink->receive_buffer_wanted = DEFAULT_BUFFER;
	size = netlink->receive_buffer_wanted > INT_MAX / 2 ? INT_MAX / 2
							    : (int)netlink->receive_buffer_wanted;
	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	rights_restore(before);
	/* The kernel doubles what it is given, for its own overhead. */
	if (getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0)
		netlink->receive_buffer_bytes = (uint32_t)size / 2;
}

ssize_t capture_netlink_receive(struct capture_netlink *netlink, int descriptor, uint8_t *bytes,
				size_t capacity, bool is_kernel_alone)
{
	struct sockaddr_nl from = { .nl_pid = UINT32_MAX };
	socklen_t from_size = sizeof(from);
	/* With MSG_TRUNC the length that it had is returned. */
	const ssize_t size = recvfrom(descriptor, bytes, capacity, MSG_DONTWAIT | MSG_TRUNC,
				      (struct sockaddr *)&from, &from_size);

	if (size < 0)
		return -errno;
	if (from.nl_pid != 0 && is_kernel_alone) {
		netlink->messages_foreign++;
		return 0;
	}
	if ((size_t)size <= capacity)
		return size;
	netlink->messages_truncated++;
	return (ssize_t)capacity;
}

int capture_netlink_fault(struct capture_netlink *netlink, int result)
{
	if (result == -EAGAIN || result == -EINTR)
		return 0;
	if (result != -ENOBUFS)
		return result;
	netlink->overruns++;
	return 1;
}

void capture_netlink_statistics(const struct capture_netlink *netlink,
				struct capture_statistics *statistics)
{
	statistics->overruns = netlink->overruns;
	statistics->messages = netlink->messages;
	statistics->messages_truncated = netlink->messages_truncated;
	statistics->messages_malformed += netlink->messages_foreign;
	statistics->receive_buffer_bytes = netlink->receive_buffer_bytes;
	statistics->receive_buffer_wanted = netlink->receive_buffer_wanted;
}
