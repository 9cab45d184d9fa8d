/* capture_bpf_interface.c - netdevice(7). */
#include "capture_bpf_interface.h"

#include "packet.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>

uint32_t capture_bpf_interface_index(int socket, const char *name)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(socket, SIOCGIFINDEX, &request) < 0)
		return 0;
	return (uint32_t)request.ifr_ifindex;
}

int capture_bpf_interface_link(int socket, const char *name, uint8_t *link,
			       struct error_text *error)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(socket, SIOCGIFHWADDR, &request) < 0) {
		error_text_set(error, "%s: no such interface", name);
		return -ENODEV;
	}
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: *link = LINK_ETHERNET; return 0;
	case ARPHRD_NONE: /* tun, wg */
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT: *link = LINK_RAW; return 0;
	default:
		error_text_set(error, "%s: link type %d cannot be decoded", name,
			       request.ifr_hwaddr.sa_family);
		error_text_hint(error, "expected Ethernet, PPP, or an interface of bare IP "
				       "packets; --interface knows more");
		return -EOPNOTSUPP;
	}
}
