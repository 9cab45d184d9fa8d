/* capture_nflog_group.c - requests to the kernel about a netfilter log group, and its answers. */
#include "capture_nflog_group.h"

#include "capture_netlink.h"
#include "capture_nflog_memory.h"
#include "capture_nflog_reader.h"
#include "fault_text.h"
#include "rights.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>

enum {
	QUEUE_THRESHOLD = 1000, /* packets, at which the kernel sends a datagram */
	QUEUE_TIMEOUT = 10,     /* after which it does anyway, in 1/100 s */
};

int capture_nflog_group_open(struct capture_nflog_group *group, struct error_text *error)
{
	int result;

	group->socket = capture_netlink_open(NETLINK_NETFILTER, SOCK_NONBLOCK, 0);
	if (group->socket)
		return 0;
	result = -errno;
	error_text_set(error, "NFLOG group %u: no netfilter socket: %s", group->number,
		       fault_text(-result));
	if (result == -EPROTONOSUPPORT)
		error_text_hint(error, "the kernel has no netfilter netlink: modprobe nfnetlink");
	else if (result == -EAFNOSUPPORT)
		error_text_hint(error, "let the service use netlink: RestrictAddressFamilies="
				       "AF_NETLINK");
	return result;
}

void capture_nflog_group_close(struct capture_nflog_group *group)
{
	if (group->socket)
		(void)mnl_socket_close(group->socket);
	group->socket = NULL;
}

int capture_nflog_group_descriptor(const struct capture_nflog_group *group)
{
	return mnl_socket_get_fd(group->socket);
}

int capture_nflog_group_adopt(struct capture_nflog_group *group, int descriptor)
{
	group->socket = mnl_socket_fdopen(descriptor);
	return group->socket ? 0 : -ENOMEM;
}

/* Send a request. The kernel carries it out before the call returns, and answers, if the message
 * asks for it. Returns 0 or a negative errno. */
static int send_message(const struct capture_nflog_group *group, struct nlmsghdr *message)
{
	const struct rights_section before = rights_raise();
	const ssize_t sent = mnl_socket_sendto(group->socket, message, message->nlmsg_len);

	rights_restore(before);
	return sent < 0 ? -errno : 0;
}

/* The kernel's answer to the request just sent, as 0 or a negative errno; 1: packets have filled
 * the queue before we came to look.
 *
 * With a rule's threshold of 1, packets may be in the queue before the answer; they mean that
 * binding has worked. So the queue is only looked at, and an answer after packets is left to the
 * parser, which skips it. */
static int receive_answer(const struct capture_nflog_group *group)
{
	int fd = mnl_socket_get_fd(group->socket);
	uint8_t bytes[sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr)];
	struct nlmsghdr header;
	struct nlmsgerr answer;
	ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

	if (size < 0 && errno == ENOBUFS)
		return 1;
	if (size < 0)
		return -errno;
	if ((size_t)size < sizeof(bytes))
		return -EPROTO;
	memcpy(&header, bytes, sizeof(header));
	if (header.nlmsg_type != NLMSG_ERROR)
		return 0;
	(void)recv(fd, bytes, sizeof(bytes), 0);
	memcpy(&answer, bytes + sizeof(header), sizeof(answer));
	return answer.error;
}

static void put_settings(struct nlmsghdr *message, uint32_t snaplen)
{
	(void)nflog_attr_put_cfg_mode(message, NFULNL_COPY_PACKET, snaplen);
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htobe32(KERNEL_BUFFER_SIZE));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htobe32(QUEUE_THRESHOLD));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htobe32(QUEUE_TIMEOUT));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htobe16(NFULNL_CFG_F_SEQ));
}

/* Whether the kernel lets us configure netfilter at all. A request that does not exist is refused
 * with EPERM before it is looked at, or else as invalid: nothing happens in either case. */
static bool is_permitted(const struct capture_nflog_group *group)
{
	char buffer[64] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, UINT8_MAX, AF_UNSPEC, group->number);

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return !send_message(group, message) && receive_answer(group) != -EPERM;
}

/* Returns the error as the caller should see it: -EBUSY where another program is in the way. */
static int explain_bind(const struct capture_nflog_group *group, int result,
			struct error_text *error)
{
	switch (result) {
	case -EPERM:
		if (is_permitted(group)) {
			capture_nflog_reader_explain(group->number, error);
			return -EBUSY;
		}
		error_text_set(error, "NFLOG group %u: no permission to read it", group->number);
		error_text_hint(error, "run as root, or with the capability CAP_NET_ADMIN");
		break;
	case -EINVAL: /* nfnetlink's answer if the subsystem is not there */
	case -EOPNOTSUPP:
		error_text_set(error, "NFLOG group %u: the kernel has no netfilter log",
			       group->number);
		error_text_hint(error, "modprobe nfnetlink_log");
		break;
	default:
		error_text_set(error, "NFLOG group %u: cannot be read: %s", group->number,
			       fault_text(-result));
	}
	return result;
}

int capture_nflog_group_bind(const struct capture_nflog_group *group, uint32_t snaplen,
			     struct error_text *error)
{
	char buffer[256] = { 0 }; /* also what pads attributes */
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group->number);
	int result;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	(void)nflog_attr_put_cfg_cmd(message, NFULNL_CFG_CMD_BIND);
	put_settings(message, snaplen);
	result = send_message(group, message);
	if (!result)
		result = receive_answer(group);
	return result < 0 ? explain_bind(group, result, error) : result;
}

void capture_nflog_group_set_up(const struct capture_nflog_group *group, uint32_t snaplen)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group->number);

	message->nlmsg_flags = NLM_F_REQUEST;
	put_settings(message, snaplen);
	(void)send_message(group, message);
}

void capture_nflog_group_unbind(const struct capture_nflog_group *group)
{
	char buffer[64] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group->number);

	message->nlmsg_flags = NLM_F_REQUEST;
	(void)nflog_attr_put_cfg_cmd(message, NFULNL_CFG_CMD_UNBIND);
	(void)send_message(group, message);
}

bool capture_nflog_group_is_read(uint16_t number)
{
	struct capture_nflog_group asker = { .number = number };
	struct error_text error;
	bool is_read = true;

	if (capture_nflog_group_open(&asker, &error) == 0) {
		char buffer[64] = { 0 };
		struct nlmsghdr *message =
			nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, number);

		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htobe32(QUEUE_THRESHOLD));
		is_read = send_message(&asker, message) || receive_answer(&asker) != -ENODEV;
	}
	capture_nflog_group_close(&asker);
	return is_read;
}

bool capture_nflog_group_is_socket(int descriptor)
{
	int domain = 0;
	int protocol = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       domain == AF_NETLINK &&
	       getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	       protocol == NETLINK_NETFILTER;
}
