/* capture_watch.c - rtnetlink notifications of links and addresses, unread.
 *
 * Place: kernel -> here -> capture_source.c, capture_interface.c. Invariant: an overflow of the
 * queue counts as news, so none is missed. */
#include "capture_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGES_AT_ONCE = 256 };

int capture_watch_open(void)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&groups, sizeof(groups)) < 0) {
		const int result = -errno;

		(void)close(descriptor);
		return result;
	}
	return descriptor;
}

bool capture_watch_has_news(int descriptor)
{
	bool has_news = false;

	for (int i = 0; descriptor >= 0 && i < MESSAGES_AT_ONCE; i++) {
		char byte; /* the rest of each message is dropped */
		ssize_t size = recv(descriptor, &byte, sizeof(byte), MSG_DONTWAIT);

		if (size < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		has_news = true;
	}
	return has_news;
}
