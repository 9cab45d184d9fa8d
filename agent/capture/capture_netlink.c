/* capture_netlink.c - the receive buffer of a netlink socket. */
#include "capture_netlink.h"

#include "rights.h"

#include <limits.h>
#include <sys/socket.h>

uint32_t capture_netlink_grow(int descriptor, uint32_t wanted)
{
	int size = wanted > INT_MAX / 2 ? INT_MAX / 2 : (int)wanted;
	const struct rights_section before = rights_raise();
	socklen_t length = sizeof(size);

	if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	rights_restore(before);
	if (getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0)
		return (uint32_t)size / 2;
	return 0;
}
