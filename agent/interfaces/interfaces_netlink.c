/* interfaces_netlink.c - rtnetlink socket of the group RTNLGRP_LINK.
 *
 * Place: kernel -> here -> interfaces_parse(). Invariant: whenever the list may lack something, a
 * dump is wanted: at the start, when the socket's queue has overflowed (ENOBUFS), when the kernel
 * says that its list changed under a dump, and when something could not be read. Dumps begin a
 * second apart, and further where they keep being interrupted, so that a host on which containers
 * come and go all the time spends nothing on them worth mentioning; notifications keep the list
 * right meanwhile. */
#include "interfaces_netlink.h"

#include "fault_text.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	/* A part of a dump is 32 KiB at most; a notification of one interface a few. */
	DATAGRAM_SIZE = 64 * 1024,
	RECEIVE_BUFFER = 1024 * 1024, /* the notifications of some hundred new interfaces */
	DATAGRAMS_AT_ONCE = 32,       /* 1,500 interfaces: a millisecond or two */
	DUMP_INTERVAL_MS = 1000,
	DUMP_INTERVAL_MAX_MS = 32000,
	DUMP_PATIENCE_MS = 5000, /* ten thousand interfaces take 100 ms */
};

struct interfaces_netlink {
	struct interfaces *interfaces; /* borrowed */
	struct mnl_socket *socket;     /* owned */
	uint32_t sequence;             /* of the last dump */
	bool is_dump_wanted;
	int64_t dump_began_ms;
	int64_t dump_not_before_ms;
	int64_t dump_interval_ms;
	uint8_t datagram[DATAGRAM_SIZE];
};

/* Ask for all interfaces, without the counters, which are two thirds of the bytes. */
static int send_dump_request(struct interfaces_netlink *netlink)
{
	uint8_t buffer[128] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = netlink->sequence;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static void begin_dump(struct interfaces_netlink *netlink, int64_t now_ms)
{
	if (++netlink->sequence == 0)
		netlink->sequence = 1;
	netlink->dump_began_ms = now_ms;
	netlink->dump_not_before_ms = now_ms + netlink->dump_interval_ms;
	/* Refused while the last one still runs, or for want of memory: tried again. */
	if (send_dump_request(netlink))
		return;
	netlink->is_dump_wanted = false;
	interfaces_dump_begin(netlink->interfaces, netlink->sequence);
}

static void set_receive_buffer(const struct mnl_socket *socket)
{
	const int size = RECEIVE_BUFFER;
	const int fd = mnl_socket_get_fd(socket);
	const struct rights_section before = rights_raise();

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	rights_restore(before);
}

/* Socket with the notifications, owned by the caller; NULL with errno set. */
static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (socket && mnl_socket_bind(socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		const int error = errno;

		(void)mnl_socket_close(socket);
		errno = error;
		return NULL;
	}
	if (socket)
		set_receive_buffer(socket);
	return socket;
}

/* A dump that has no end: the kernel refuses another one on its socket. */
static void begin_anew(struct interfaces_netlink *netlink, int64_t now_ms)
{
	struct mnl_socket *socket = open_socket();

	netlink->dump_began_ms = now_ms;
	if (!socket)
		return; /* tried again */
	(void)mnl_socket_close(netlink->socket);
	netlink->socket = socket;
	netlink->interfaces->dump_sequence = 0;
	netlink->is_dump_wanted = true;
}

struct interfaces_netlink *interfaces_netlink_open(struct interfaces *interfaces,
						   struct error_text *error)
{
	struct interfaces_netlink *netlink = calloc(1, sizeof(*netlink));

	if (!netlink) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	netlink->interfaces = interfaces;
	netlink->dump_interval_ms = DUMP_INTERVAL_MS;
	netlink->is_dump_wanted = true;
	netlink->socket = open_socket();
	if (netlink->socket)
		return netlink;
	error_text_set(error, "no routing netlink socket: %s", fault_text(errno));
	free(netlink);
	return NULL;
}

void interfaces_netlink_close(struct interfaces_netlink *netlink)
{
	if (!netlink)
		return;
	(void)mnl_socket_close(netlink->socket);
	free(netlink);
}

int interfaces_netlink_descriptor(const struct interfaces_netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

/* What became of the list by one datagram. */
static void handle_result(struct interfaces_netlink *netlink, enum interfaces_result result)
{
	switch (result) {
	case INTERFACES_ok: break;
	case INTERFACES_dump_done: netlink->dump_interval_ms = DUMP_INTERVAL_MS; break;
	case INTERFACES_dump_incomplete:
	case INTERFACES_malformed:
		netlink->is_dump_wanted = true;
		if (netlink->dump_interval_ms < DUMP_INTERVAL_MAX_MS)
			netlink->dump_interval_ms *= 2;
		break;
	}
}

/* Receive one datagram. Returns whether there was one, or an overflow. */
static bool receive(struct interfaces_netlink *netlink, int64_t now_ms)
{
	struct sockaddr_nl sender = { .nl_family = AF_NETLINK };
	socklen_t sender_size = sizeof(sender);
	const ssize_t size = recvfrom(mnl_socket_get_fd(netlink->socket), netlink->datagram,
				      sizeof(netlink->datagram), MSG_TRUNC,
				      (struct sockaddr *)&sender, &sender_size);

	if (size < 0 && errno == ENOBUFS)
		netlink->is_dump_wanted = true; /* notifications were lost */
	if (size < 0)
		return errno == ENOBUFS || errno == EINTR;
	/* Other processes could send, too, if the kernel let them. */
	if (sender_size != sizeof(sender) || sender.nl_pid != 0)
		return true;
	handle_result(netlink, (size_t)size > sizeof(netlink->datagram)
				       ? INTERFACES_malformed
				       : interfaces_parse(netlink->interfaces, netlink->datagram,
							  (size_t)size, now_ms));
	return true;
}

bool interfaces_netlink_read(struct interfaces_netlink *netlink, int64_t now_ms)
{
	int count = 0;

	while (count < DATAGRAMS_AT_ONCE && receive(netlink, now_ms))
		count++;
	if (netlink->interfaces->dump_sequence &&
	    now_ms - netlink->dump_began_ms >= DUMP_PATIENCE_MS)
		begin_anew(netlink, now_ms);
	if (netlink->is_dump_wanted && !netlink->interfaces->dump_sequence &&
	    now_ms >= netlink->dump_not_before_ms)
		begin_dump(netlink, now_ms);
	return count == DATAGRAMS_AT_ONCE;
}

void interfaces_netlink_read_all(struct interfaces_netlink *netlink, int64_t timeout_ms)
{
	struct pollfd descriptor = { .fd = mnl_socket_get_fd(netlink->socket), .events = POLLIN };
	int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);
	const int64_t end_ms = now_ms + timeout_ms;

	for (;;) {
		(void)interfaces_netlink_read(netlink, now_ms);
		if (!netlink->is_dump_wanted && !netlink->interfaces->dump_sequence)
			return;
		now_ms = time_now_ms(CLOCK_MONOTONIC);
		if (now_ms >= end_ms)
			return;
		(void)poll(&descriptor, 1, (int)(end_ms - now_ms < 100 ? end_ms - now_ms : 100));
	}
}
