/* capture_rules.c - netlink socket of nf_tables: a question, and its answer to the end.
 *
 * Place: control thread -> here -> capture_rules_parse(). */
#include "capture_rules.h"

#include "capture_netlink.h"
#include "capture_rules_parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { DATAGRAM_SIZE = 64 * 1024 }; /* a part of a dump is 32 KiB at most */

struct capture_rules {
	struct mnl_socket *socket; /* owned */
	uint32_t sequence;
	uint8_t datagram[DATAGRAM_SIZE];
};

struct capture_rules *capture_rules_open(void)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct capture_rules *rules = calloc(1, sizeof(*rules));
	int error = ENOMEM;

	if (rules) {
		rules->socket = capture_netlink_open(NETLINK_NETFILTER, 0, 0);
		if (rules->socket && setsockopt(mnl_socket_get_fd(rules->socket), SOL_SOCKET,
						SO_RCVTIMEO, &patience, sizeof(patience)) == 0)
			return rules;
		error = errno;
	}
	capture_rules_close(rules);
	errno = error;
	return NULL;
}

void capture_rules_close(struct capture_rules *rules)
{
	if (!rules)
		return;
	if (rules->socket)
		(void)mnl_socket_close(rules->socket);
	free(rules);
}

/* Ask, and read until the answer is complete. */
static int ask(struct capture_rules *rules, uint8_t type, uint16_t flags,
	       struct capture_rules_answer *answer)
{
	int result = capture_netlink_ask(rules->socket, NFNL_SUBSYS_NFTABLES, type, flags,
					 ++rules->sequence);

	answer->sequence = rules->sequence;
	while (!result && !answer->is_complete) {
		const ssize_t size = mnl_socket_recvfrom(rules->socket, rules->datagram,
							 sizeof(rules->datagram));

		if (size < 0)
			result = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else
			capture_rules_parse(answer, rules->datagram, (size_t)size);
	}
	if (!result && answer->error)
		result = answer->error;
	return result;
}

static void ignore(void *context, uint16_t group)
{
	(void)context, (void)group;
}

int capture_rules_generation(struct capture_rules *rules, uint32_t *generation)
{
	struct capture_rules_answer answer = { .found = ignore };
	const int result = ask(rules, NFT_MSG_GETGEN, 0, &answer);

	*generation = answer.generation;
	return result;
}

int capture_rules_list(struct capture_rules *rules, void (*found)(void *context, uint16_t group),
		       void *context)
{
	struct capture_rules_answer answer = { .found = found, .context = context };
	const int result = ask(rules, NFT_MSG_GETRULE, NLM_F_DUMP, &answer);

	return !result && answer.is_interrupted ? -EINTR : result;
}
