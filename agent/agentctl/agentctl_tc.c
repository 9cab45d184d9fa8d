/* agentctl_tc.c - asks for the filters of clsact, and takes the programs out of the answer.
 *
 * Invariant: nothing outside of what was received is read. */
#include "agentctl_tc.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 32768

/* Bytes, and how many there are. */
struct part {
	const uint8_t *bytes;
	size_t size;
};

struct found {
	uint32_t *programs;
	size_t capacity, count;
};

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static void skip(struct part *part, size_t size)
{
	size = size < part->size ? size : part->size;
	part->bytes += size;
	part->size -= size;
}

/* The attribute of a type; of size 0 if there is none. */
static struct part attribute(struct part part, uint16_t type)
{
	struct nlattr head;

	while (part.size >= sizeof(head)) {
		memcpy(&head, part.bytes, sizeof(head));
		if (head.nla_len < sizeof(head) || head.nla_len > part.size)
			break;
		if ((head.nla_type & NLA_TYPE_MASK) == type)
			return (struct part){ part.bytes + sizeof(head),
					      head.nla_len - sizeof(head) };
		skip(&part, aligned(head.nla_len));
	}
	return (struct part){ NULL, 0 };
}

/* What follows the head of a message with a filter. A preference has a message of its own, without
 * a program. */
static void add_filter(struct part message, struct found *found)
{
	struct part kind, program;

	skip(&message, aligned(sizeof(struct tcmsg)));
	kind = attribute(message, TCA_KIND);
	program = attribute(attribute(message, TCA_OPTIONS), TCA_BPF_ID);
	if (kind.size != sizeof("bpf") || memcmp(kind.bytes, "bpf", sizeof("bpf")) != 0 ||
	    program.size != sizeof(uint32_t) || found->count == found->capacity)
		return;
	memcpy(&found->programs[found->count++], program.bytes, sizeof(uint32_t));
}

/* Messages that were received together. Returns 1 at the end of the answer, 0 if more comes, or a
 * negative errno. */
static int add_filters(struct part part, struct found *found)
{
	struct nlmsghdr head;
	int error;

	while (part.size >= sizeof(head)) {
		memcpy(&head, part.bytes, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > part.size)
			return -EPROTO;
		if (head.nlmsg_type == NLMSG_DONE)
			return 1;
		if (head.nlmsg_type == NLMSG_ERROR) {
			if (head.nlmsg_len < sizeof(head) + sizeof(error))
				return -EPROTO;
			memcpy(&error, part.bytes + sizeof(head), sizeof(error));
			return error ? error : 1;
		}
		if (head.nlmsg_type == RTM_NEWTFILTER)
			add_filter((struct part){ part.bytes + sizeof(head),
						  head.nlmsg_len - sizeof(head) },
				   found);
		skip(&part, aligned(head.nlmsg_len));
	}
	return 0;
}

static int ask(int descriptor, unsigned int interface, bool is_egress)
{
	const struct {
		struct nlmsghdr head;
		struct tcmsg filters;
	} question = {
		.head = { .nlmsg_len = sizeof(question),
			  .nlmsg_type = RTM_GETTFILTER,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.filters = { .tcm_family = AF_UNSPEC,
			     .tcm_ifindex = (int)interface,
			     .tcm_parent = TC_H_MAKE(TC_H_CLSACT, is_egress ? TC_H_MIN_EGRESS
									    : TC_H_MIN_INGRESS) },
	};

	return send(descriptor, &question, sizeof(question), 0) < 0 ? -errno : 0;
}

int agentctl_tc_programs(unsigned int interface, bool is_egress, uint32_t *programs,
			 size_t capacity)
{
	const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct found found = { .programs = programs, .capacity = capacity };
	uint8_t answer[ANSWER_BYTES];
	int result;

	if (descriptor < 0)
		return -errno;
	result = ask(descriptor, interface, is_egress);
	while (result == 0) {
		const ssize_t size = recv(descriptor, answer, sizeof(answer), 0);

		result = size < 0 ? (errno == EINTR ? 0 : -errno)
				  : add_filters((struct part){ answer, (size_t)size }, &found);
	}
	(void)close(descriptor);
	return result < 0 ? result : (int)found.count;
}
