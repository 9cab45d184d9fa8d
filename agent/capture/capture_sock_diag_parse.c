/* capture_sock_diag_parse.c - walks an inet_diag message and its attributes. */
#include "capture_sock_diag_parse.h"

#include "capture_netlink.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>

/* Not in older headers: Linux 5.8. */
#define ATTRIBUTE_CGROUP_ID 21 /* INET_DIAG_CGROUP_ID */

#define SEQUENCE_OFFSET 8 /* in struct nlmsghdr */
#define CGROUP_ROOT     1 /* also of what has none: sockets of the kernel */

_Static_assert(sizeof(struct inet_diag_msg) == 72, "as the kernel lays it out");

static void parse_attributes(struct reader body, struct packet_owner *owner)
{
	while (reader_left(&body) >= sizeof(struct nlattr)) {
		const uint8_t *header = reader_take(&body, sizeof(struct nlattr));
		const size_t size = load_host16(header);
		const uint8_t *value;
		size_t padding;

		if (size < sizeof(struct nlattr))
			return;
		value = reader_take(&body, size - sizeof(struct nlattr));
		if (!value)
			return;
		if (load_host16(header + 2) == ATTRIBUTE_CGROUP_ID &&
		    size == sizeof(struct nlattr) + sizeof(uint64_t))
			owner->cgroup = load_host64(value);
		padding = (NLA_ALIGNTO - size % NLA_ALIGNTO) % NLA_ALIGNTO;
		if (reader_left(&body) >= padding)
			(void)reader_take(&body, padding);
	}
	if (owner->cgroup == CGROUP_ROOT)
		owner->cgroup = 0;
}

static int parse_socket(struct reader body, struct packet_owner *owner)
{
	const uint8_t *message = reader_take(&body, sizeof(struct inet_diag_msg));

	*owner = (struct packet_owner){ .user = 0 };
	if (!message)
		return -EBADMSG;
	if (load_host32(message + offsetof(struct inet_diag_msg, idiag_inode)) == 0)
		return 1;
	owner->user = load_host32(message + offsetof(struct inet_diag_msg, idiag_uid)) + 1;
	parse_attributes(body, owner);
	return 1;
}

int capture_sock_diag_parse(const uint8_t *bytes, size_t size, uint32_t sequence,
			    struct packet_owner *owner)
{
	struct reader datagram = reader_of(bytes, size);

	while (reader_left(&datagram)) {
		const uint8_t *header;
		size_t length;
		struct reader body;
		int32_t error;

		if (!capture_netlink_take(&datagram, &header, &length))
			return -EBADMSG;
		if (load_host32(header + SEQUENCE_OFFSET) != sequence)
			continue;
		body = reader_of(header + NLMSG_HDRLEN, length - NLMSG_HDRLEN);
		if (capture_netlink_type(header) == SOCK_DIAG_BY_FAMILY)
			return parse_socket(body, owner);
		if (capture_netlink_type(header) != NLMSG_ERROR)
			continue;
		error = (int32_t)(reader_left(&body) < 4 ? 0 : load_host32(body.next));
		return error < 0 && error > -4096 ? error : -EBADMSG;
	}
	return 0;
}
