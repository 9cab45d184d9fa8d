/* capture_netlink.h - what all that speak with the kernel by netlink have in common.
 *
 * Place: beside capture_nflog.c and capture_ulog.c, which read packets, and under their parsers;
 * under those that ask the kernel (capture_conntrack.c, capture_rules.c, capture_sock_diag.c). */
#ifndef CAPTURE_NETLINK_H
#define CAPTURE_NETLINK_H

#include "bytes.h"
#include "capture.h"

#include <linux/netlink.h>
#include <sys/types.h>

struct mnl_socket; /* of libmnl */

/* Open a socket that is not inherited, with an address of the kernel's choice.
 *
 * bus     NETLINK_NETFILTER, ...
 * flags   SOCK_NONBLOCK, or 0.
 * groups  of notifications, or 0.
 * Returns it, for mnl_socket_close(); or NULL with errno set. */
struct mnl_socket *capture_netlink_open(int bus, int flags, unsigned int groups);

/* Send a request without attributes to a part of netfilter; the right to it is raised, since the
 * kernel checks it when the request is sent.
 *
 * subsystem  NFNL_SUBSYS_...
 * type       of the message, of that subsystem.
 * flags      NLM_F_DUMP, or 0.
 * Returns 0 or a negative errno. */
int capture_netlink_ask(struct mnl_socket *socket, uint8_t subsystem, uint8_t type, uint16_t flags,
			uint32_t sequence);

/* A socket's buffer, and what is counted of its datagrams. */
struct capture_netlink {
	uint32_t receive_buffer_wanted; /* bytes; 0: the default */
	uint32_t receive_buffer_bytes;  /* as comparable to it; 0: not known */
	uint64_t overruns;              /* reports that the queue was full */
	uint64_t messages;              /* with packets: counted by who parses them */
	uint64_t messages_truncated;
	uint64_t messages_foreign; /* not of the kernel */
};

/* Grow a socket's receive buffer to what is wanted: beyond the system's limit if we may, up to it
 * else. */
void capture_netlink_grow(struct capture_netlink *netlink, int descriptor);

/* Receive the next datagram. Returns its size, of which 'capacity' at most is there; 0 for one that
 * another process has sent, if only the kernel may; or a negative errno. */
ssize_t capture_netlink_receive(struct capture_netlink *netlink, int descriptor, uint8_t *bytes,
				size_t capacity, bool is_kernel_alone);

/* What a negative errno of a receiving call means: 1 to go on with what is in the queue, which was
 * full; 0 if there is nothing now; or that errno. */
int capture_netlink_fault(struct capture_netlink *netlink, int result);

/* Fill in what is counted here, beside what the parser has counted. */
void capture_netlink_statistics(const struct capture_netlink *netlink,
				struct capture_statistics *statistics);

/* Take the next netlink message of a datagram: its header, and its length with that. Returns false
 * if the length makes no sense: then all that follows is given up. Inline: this runs for each
 * packet. */
static inline bool capture_netlink_take(struct reader *datagram, const uint8_t **header,
					size_t *length)
{
	const size_t left = reader_left(datagram);
	size_t padded;

	*header = datagram->next;
	*length = left < NLMSG_HDRLEN ? 0 : load_host32(*header);
	if (__builtin_expect(*length < NLMSG_HDRLEN || *length > left, 0)) {
		datagram->next = datagram->end;
		return false;
	}
	padded = NLMSG_ALIGN(*length);
	datagram->next = padded < left ? *header + padded : datagram->end;
	return true;
}

static inline uint16_t capture_netlink_type(const uint8_t *header)
{
	return load_host16(header + 4);
}

#endif
