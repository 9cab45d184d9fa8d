/* capture_nflog.c - reads a netfilter log group: the socket half. The bytes are understood in
 * capture_nflog_parse.c.
 *
 * Place: kernel (rule "log group N") -> here -> worker. Needs CAP_NET_ADMIN to bind and for a
 * receive buffer beyond net.core.rmem_max, and again to unbind; nothing in between does.
 * Invariant: the next datagram is received only when the one before is given out, so views stay
 * valid for their batch without a copy.
 *
 * The group is bound without NFULNL_CFG_CMD_PF_BIND: that would turn the whole family's logging
 * over to nfnetlink_log, such as conntrack's messages about invalid packets. Rules that name a
 * group reach us without. */
#include "capture_sources.h"

#include "capture_interface_name.h"
#include "capture_netlink.h"
#include "capture_nflog_memory.h"
#include "capture_nflog_parse.h"
#include "capture_nflog_reader.h"
#include "defaults.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"
#include "units.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <limits.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_SNAPLEN = 65535,
	QUEUE_THRESHOLD = 1000, /* packets, at which the kernel sends a datagram */
	QUEUE_TIMEOUT = 10,     /* after which it does anyway, in 1/100 s */
	DRAIN_MS = 100,         /* how long stop() waits for an empty queue before it unbinds */
};

enum phase {
	PHASE_opened, /* not bound yet */
	PHASE_bound,
	PHASE_draining, /* stop() was called: when the queue is empty, unbind */
	PHASE_unbound,  /* what is in the queue now is all that comes */
	PHASE_held,     /* what is in the queue, and comes there, is for the next agent */
};

/* After a report that the queue was full: whether packets lost then may be missing from the count.
 * Those that were in the queue before come first; the first after them tells by its number. */
enum doubt { DOUBT_none, DOUBT_until_empty, DOUBT_until_packet };

struct capture {
	struct mnl_socket *socket; /* owned */
	struct capture_nflog_parser parser;
	enum phase phase;
	enum doubt doubt;
	int64_t drain_until_ms; /* CLOCK_MONOTONIC */
	uint16_t group;
	uint32_t receive_buffer_wanted;
	uint32_t receive_buffer_bytes;
	uint64_t overruns;
	uint64_t messages;
	uint64_t messages_truncated;
	struct capture_nflog_memory *memory; /* 'own', or borrowed: it outlives the process */
	struct capture_nflog_memory own;
};

static void set_receive_buffer(struct capture *capture)
{
	const uint32_t bytes = capture_netlink_grow(mnl_socket_get_fd(capture->socket),
						    capture->receive_buffer_wanted);

	if (bytes)
		capture->receive_buffer_bytes = bytes;
}

/* Send a request. The kernel carries it out before the call returns, and answers, if the message
 * asks for it. Returns 0 or a negative errno. */
static int send_message(const struct capture *capture, struct nlmsghdr *message)
{
	const struct rights_section before = rights_raise();
	const ssize_t sent = mnl_socket_sendto(capture->socket, message, message->nlmsg_len);

	rights_restore(before);
	return sent < 0 ? -errno : 0;
}

/* The kernel's answer to the request just sent, as 0 or a negative errno.
 *
 * With a rule's threshold of 1, packets may be in the queue before the answer; they mean that
 * binding has worked. So the queue is only looked at, and an answer after packets is left to the
 * parser, which skips it. */
static int receive_answer(const struct capture *capture)
{
	int fd = mnl_socket_get_fd(capture->socket);
	uint8_t bytes[sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr)];
	struct nlmsghdr header;
	struct nlmsgerr answer;
	ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

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

static void put_settings(const struct capture *capture, struct nlmsghdr *message)
{
	(void)nflog_attr_put_cfg_mode(message, NFULNL_COPY_PACKET, capture->parser.snaplen);
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htobe32(KERNEL_BUFFER_SIZE));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htobe32(QUEUE_THRESHOLD));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htobe32(QUEUE_TIMEOUT));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htobe16(NFULNL_CFG_F_SEQ));
}

/* Bind the group and set it up, in one message: so the first packet already has a sequence number,
 * which starts with 0, and is cut as wanted. */
static int bind_group(struct capture *capture)
{
	char buffer[256] = { 0 }; /* also what pads attributes */
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, capture->group);
	int result;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	(void)nflog_attr_put_cfg_cmd(message, NFULNL_CFG_CMD_BIND);
	put_settings(capture, message);
	result = send_message(capture, message);
	if (!result)
		result = receive_answer(capture);
	if (!result)
		capture->phase = PHASE_bound;
	return result;
}

/* The settings of a group that is bound already: those of an earlier agent may have been others.
 * The answer would come after the packets that wait, so none is asked for. */
static int set_up_group(const struct capture *capture)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, capture->group);

	message->nlmsg_flags = NLM_F_REQUEST;
	put_settings(capture, message);
	return send_message(capture, message);
}

/* Whether the kernel lets us configure netfilter at all. A request that does not exist is refused
 * with EPERM before it is looked at, or else as invalid: nothing happens in either case. */
static bool is_permitted(const struct capture *capture)
{
	char buffer[64] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, UINT8_MAX, AF_UNSPEC, capture->group);

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return !send_message(capture, message) && receive_answer(capture) != -EPERM;
}

/* Returns the error as the caller should see it: -EBUSY where another program is in the way. */
static int explain_bind(const struct capture *capture, int result, struct error_text *error)
{
	switch (result) {
	case -EPERM:
		if (is_permitted(capture)) {
			capture_nflog_reader_explain(capture->group, error);
			return -EBUSY;
		}
		error_text_set(error, "NFLOG group %u: no permission to read it", capture->group);
		error_text_hint(error, "run as root, or with the capability CAP_NET_ADMIN");
		break;
	case -EINVAL: /* nfnetlink's answer if the subsystem is not there */
	case -EOPNOTSUPP:
		error_text_set(error, "NFLOG group %u: the kernel has no netfilter log",
			       capture->group);
		error_text_hint(error, "modprobe nfnetlink_log");
		break;
	default:
		error_text_set(error, "NFLOG group %u: cannot be read: %s", capture->group,
			       fault_text(-result));
	}
	return result;
}

static int open_socket(struct capture *capture, struct error_text *error)
{
	int result;

	capture->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (capture->socket && mnl_socket_bind(capture->socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	result = -errno;
	error_text_set(error, "NFLOG group %u: no netfilter socket: %s", capture->group,
		       fault_text(-result));
	if (result == -EPROTONOSUPPORT)
		error_text_hint(error, "the kernel has no netfilter netlink: modprobe nfnetlink");
	else if (result == -EAFNOSUPPORT)
		error_text_hint(error, "let the service use netlink: RestrictAddressFamilies="
				       "AF_NETLINK");
	return result;
}

/* The kernel sends what it had gathered for the next datagram before the call returns. */
static void send_unbind(const struct capture *capture)
{
	char buffer[64] = { 0 };
	struct nlmsghdr *message =
		nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, capture->group);

	message->nlmsg_flags = NLM_F_REQUEST;
	(void)nflog_attr_put_cfg_cmd(message, NFULNL_CFG_CMD_UNBIND);
	(void)send_message(capture, message);
}

/* A group lives as long as any descriptor of its socket, and another may be kept for a later agent
 * (descriptor_store.h): so it is unbound here, unless that agent is to have it. */
static void close_group(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->phase == PHASE_bound || capture->phase == PHASE_draining)
		send_unbind(capture);
	if (capture->socket)
		(void)mnl_socket_close(capture->socket);
	free(capture);
}

static struct capture *new_capture(const struct source_config *config, struct error_text *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	uint32_t snaplen = config->snaplen ? config->snaplen : DEFAULT_SNAPLEN;

	if (!capture) {
		error_text_set(error, "NFLOG group %u: no memory", config->group);
		return NULL;
	}
	capture->memory = &capture->own;
	capture->group = config->group;
	capture->parser.snaplen = snaplen > MAX_SNAPLEN ? MAX_SNAPLEN : snaplen;
	capture->receive_buffer_wanted =
		config->receive_buffer ? config->receive_buffer : CAPTURE_NETLINK_BUFFER;
	return capture;
}

static int open_group(const struct source_config *config, struct capture **opened,
		      struct error_text *error)
{
	struct capture *capture = new_capture(config, error);
	int result;

	if (!capture)
		return -ENOMEM;
	result = open_socket(capture, error);
	if (result)
		goto out;
	set_receive_buffer(capture);
	result = bind_group(capture);
	if (result)
		result = explain_bind(capture, result, error);
out:
	if (result)
		close_group(capture);
	else
		*opened = capture;
	return result;
}

/* Whether any program reads the group. The question needs a socket of its own: the answer would
 * come to that of the group after the packets that wait there. Settings for a group that nobody
 * reads are refused with ENODEV, for one of another socket with EPERM: nothing changes. */
static bool is_group_read(uint16_t group)
{
	struct capture *asker = calloc(1, sizeof(*asker));
	struct error_text error;
	bool is_read = true;

	if (!asker)
		return true;
	asker->group = group;
	if (open_socket(asker, &error) == 0) {
		char buffer[64] = { 0 };
		struct nlmsghdr *message =
			nflog_nlmsg_put_header(buffer, NFULNL_MSG_CONFIG, AF_UNSPEC, group);

		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htobe32(QUEUE_THRESHOLD));
		is_read = send_message(asker, message) || receive_answer(asker) != -ENODEV;
	}
	close_group(asker);
	return is_read;
}

/* A socket of netfilter, such as we make? What is stored is another program's to mix up. */
static bool is_netfilter_socket(int descriptor)
{
	int domain = 0;
	int protocol = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       domain == AF_NETLINK &&
	       getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

static int adopt_group(const struct source_config *config, const struct capture_kept *kept,
		       struct capture **adopted, struct error_text *error)
{
	struct capture *capture = NULL;

	if (!is_netfilter_socket(kept->descriptor)) {
		error_text_set(error, "NFLOG group %u: what was kept is no netfilter socket",
			       config->group);
		goto fail;
	}
	if (!is_group_read(config->group)) {
		error_text_set(error, "NFLOG group %u: the socket that was kept does not read it",
			       config->group);
		goto fail;
	}
	capture = new_capture(config, error);
	if (!capture)
		goto fail;
	capture->socket = mnl_socket_fdopen(kept->descriptor);
	if (!capture->socket) {
		error_text_set(error, "NFLOG group %u: no memory", config->group);
		goto fail;
	}
	capture->parser.next_sequence = kept->next_sequence;
	capture->parser.is_sequence_unknown = !kept->has_sequence;
	capture->doubt = kept->is_loss_unknown ? DOUBT_until_empty : DOUBT_none;
	set_receive_buffer(capture);
	(void)set_up_group(capture);
	capture->phase = PHASE_bound;
	*adopted = capture;
	return 0;
fail:
	close_group(capture);
	(void)close(kept->descriptor);
	return -EINVAL;
}

/* Nothing was received, with this negative errno. Returns 1 to go on, 0 if there is none now, or
 * the error. */
static int explain_receive(struct capture *capture, int result, struct error_text *error)
{
	if (result == -EAGAIN && capture->doubt == DOUBT_until_empty)
		capture->doubt = DOUBT_until_packet;
	if (result == -EAGAIN || result == -EINTR)
		return 0;
	if (result == -ENOBUFS) { /* the queue was full; continue with what is in it */
		capture->overruns++;
		capture->doubt = DOUBT_until_empty;
		return 1;
	}
	error_text_set(error, "NFLOG group %u: cannot be read: %s", capture->group,
		       fault_text(-result));
	return result;
}

/* Whether what is received now may have to be found by another process. Then its length is noted.
 * Returns 0 or a negative errno. */
static int expect_datagram(struct capture *capture)
{
	ssize_t size;

	if (capture->memory == &capture->own)
		return 0;
	size = recv(mnl_socket_get_fd(capture->socket), NULL, 0,
		    MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	if (size < 0)
		return -errno;
	capture_nflog_memory_expect(capture->memory, (size_t)size, time_now_ms(CLOCK_REALTIME));
	return 0;
}

/* Read the next datagram. Returns 1, 0 if there is none now, or a negative errno. */
static int receive_datagram(struct capture *capture, struct error_text *error)
{
	struct capture_nflog_memory *memory = capture->memory;
	struct sockaddr_nl from = { .nl_pid = UINT32_MAX };
	socklen_t from_size = sizeof(from);
	int result = expect_datagram(capture);
	ssize_t size;

	if (result)
		return explain_receive(capture, result, error);
	/* With MSG_TRUNC the length that it had is returned. */
	size = recvfrom(mnl_socket_get_fd(capture->socket), memory->datagram,
			sizeof(memory->datagram), MSG_DONTWAIT | MSG_TRUNC,
			(struct sockaddr *)&from, &from_size);
	if (size < 0)
		return explain_receive(capture, -errno, error);
	if (from.nl_pid != 0)
		size = 0; /* not from the kernel */
	if ((size_t)size > sizeof(memory->datagram)) {
		capture->messages_truncated++;
		size = sizeof(memory->datagram);
	}
	/* One reading of the clock for all of a datagram; packets without a time stamp of their own
	 * waited up to QUEUE_TIMEOUT in the kernel. */
	capture_nflog_memory_receive(memory, (size_t)size, time_now_ms(CLOCK_REALTIME));
	capture_nflog_parse_begin(&capture->parser, memory->datagram, (size_t)size,
				  memory->received_ms);
	return 1;
}

/* What the kernel sends now that it unbinds is dropped if the queue is full, hence draining first;
 * and where packets come faster than they are read, the queue is made larger, so that the numbers
 * of the last ones show how many were lost before. */
static void unbind_group(struct capture *capture)
{
	int size = (int)(capture->receive_buffer_bytes < INT_MAX / 4
				 ? 2 * capture->receive_buffer_bytes + 2 * DATAGRAM_SIZE
				 : INT_MAX / 2);
	const struct rights_section before = rights_raise();

	(void)setsockopt(mnl_socket_get_fd(capture->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	send_unbind(capture);
	rights_restore(before);
	capture->phase = PHASE_unbound;
}

static int read_group(struct capture *capture, struct packet_view *views, size_t capacity,
		      struct error_text *error)
{
	bool is_new = false;

	for (;;) {
		size_t count = capture_nflog_parse(&capture->parser, views, capacity);
		int result;

		if (count) {
			capture->messages += is_new;
			if (is_new && capture->doubt == DOUBT_until_packet)
				capture->doubt = DOUBT_none;
			return (int)count;
		}
		if (capture->phase == PHASE_held)
			return -ENODATA;
		if (capture->phase == PHASE_draining &&
		    time_now_ms(CLOCK_MONOTONIC) >= capture->drain_until_ms)
			unbind_group(capture);
		result = receive_datagram(capture, error);
		if (result < 0)
			return result;
		is_new = result > 0;
		if (is_new)
			continue;
		if (capture->phase == PHASE_bound)
			return 0;
		if (capture->phase == PHASE_unbound)
			return -ENODATA;
		unbind_group(capture);
	}
}

static int group_descriptor(const struct capture *capture)
{
	return mnl_socket_get_fd(capture->socket);
}

static void stop_group(struct capture *capture)
{
	if (capture->phase != PHASE_bound)
		return;
	capture->phase = PHASE_draining;
	capture->drain_until_ms = time_now_ms(CLOCK_MONOTONIC) + DRAIN_MS;
}

static void hold_group(struct capture *capture)
{
	capture->phase = PHASE_held;
}

static void keep_group(const struct capture *capture, struct capture_kept *kept)
{
	*kept = (struct capture_kept){
		.descriptor = mnl_socket_get_fd(capture->socket),
		.has_sequence = !capture->parser.is_sequence_unknown,
		.next_sequence = capture->parser.next_sequence,
		.is_loss_unknown = capture->doubt != DOUBT_none,
	};
}

static void use_memory_of_group(struct capture *capture, void *memory)
{
	capture->memory = memory;
}

static void position_of_group(const struct capture *capture, struct capture_position *position)
{
	capture_nflog_memory_position(capture->memory, &capture->parser, position);
	position->is_loss_unknown = capture->doubt != DOUBT_none;
}

static void resume_group(struct capture *capture, const struct capture_position *position)
{
	capture_nflog_memory_resume(capture->memory, &capture->parser, position);
	capture->doubt = position->is_loss_unknown ? DOUBT_until_empty : DOUBT_none;
}

static void group_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	*statistics = (struct capture_statistics){
		.packets_lost = capture->parser.packets_lost,
		.overruns = capture->overruns,
		.is_loss_unknown = capture->doubt != DOUBT_none,
		.messages = capture->messages,
		.messages_truncated = capture->messages_truncated,
		.messages_malformed = capture->parser.messages_malformed,
		.packets_truncated = capture->parser.packets_at_range,
		.packets_unstamped = capture->parser.packets_unstamped,
		.receive_buffer_bytes = capture->receive_buffer_bytes,
		.receive_buffer_wanted = capture->receive_buffer_wanted,
	};
}

/* "40" or "40-43". */
static int groups_parse(const char *text, uint16_t *first, uint16_t *last, struct error_text *error)
{
	char copy[UNITS_TEXT_SIZE];
	uint64_t from = 0;
	uint64_t to = 0;
	char *dash;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		goto wrong;
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (units_number_parse(copy, &from) || units_number_parse(dash ? dash : copy, &to))
		goto wrong;
	if (to > UINT16_MAX || from > to)
		goto wrong;
	if (to - from >= SOURCES_MAX) {
		error_text_set(error, "expected at most %d groups, each has a thread", SOURCES_MAX);
		return -EINVAL;
	}
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
wrong:
	error_text_set(error, "expected a netfilter log group from 0 to 65535, or a range such as "
			      "40-43");
	return -EINVAL;
}

static int group_parse(const char *text, size_t index, struct source_config *source,
		       struct error_text *error)
{
	uint16_t first;
	uint16_t last;
	const int result = groups_parse(text, &first, &last, error);

	if (result || index > (size_t)(last - first))
		return result;
	source->group = (uint16_t)(first + index);
	return capture_name_set(source, error, "nflog:%u", (unsigned int)source->group);
}

/* A log group gets what passes the hook, whatever the interface takes in; "off" says as much. */
static int group_check(const struct source_config *source, struct error_text *error)
{
	return source->promiscuous == SOURCE_SWITCH_on ? capture_interface_refuse_promiscuous(error)
						       : 0;
}

const struct capture_type capture_nflog = {
	.noun = "log group",
	.prefix = "nflog:",
	.section = "\"nflog:GROUP\" with a group from 0 to 65535",
	.keys = CAPTURE_KEY_SNAPLEN | CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT |
		CAPTURE_KEY_PROMISCUOUS,
	.has_rules = true,
	.has_group = true,
	.is_live = true,
	.parse = group_parse,
	.check = group_check,
	.open = open_group,
	.read = read_group,
	.descriptor = group_descriptor,
	.stop = stop_group,
	.adopt = adopt_group,
	.hold = hold_group,
	.keep = keep_group,
	.memory_size = sizeof(struct capture_nflog_memory),
	.use_memory = use_memory_of_group,
	.position = position_of_group,
	.resume = resume_group,
	.statistics = group_statistics,
	.close = close_group,
};
