/* capture_conntrack.c - netlink socket of the groups NFNLGRP_CONNTRACK_NEW and _DESTROY.
 *
 * Place: kernel -> here -> capture_conntrack_parse() -> nat_table.
 * Invariant: whenever the table may lack a connection, or have one that has ended unseen, a list is
 * wanted. The socket is not polled: a busy translator reports ten thousand connections a second,
 * and none of them is urgent before a record of it comes. Its buffer holds what comes meanwhile. */
#include "capture_conntrack.h"

#include "capture_conntrack_parse.h"
#include "capture_netlink.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <stdlib.h>

enum {
	DATAGRAM_SIZE = 64 * 1024, /* a part of a list is 32 KiB at most */
	/* A report takes about 1 KiB of it: 80,000 a second, at CAPTURE_CONNTRACK_READ_MS. */
	RECEIVE_BUFFER = 8 * 1024 * 1024,
	/* Between two looks at the clock; how long one reading takes. Records wait meanwhile. */
	DATAGRAMS_AT_ONCE = 16,
	READ_MS = 10,
	LIST_INTERVAL_MS = 10 * 60 * 1000,
	LIST_AGAIN_MS = 1000,     /* after a loss */
	LIST_PATIENCE_MS = 60000, /* a million connections take a second, or two beside records */
	KEEP_MS = 60000,
};

struct capture_conntrack {
	struct nat_table *table;   /* borrowed */
	struct mnl_socket *socket; /* owned */
	struct capture_netlink netlink;
	uint32_t sequence; /* of the last list */
	uint32_t list;     /* likewise, if it is under way; else 0 */
	int64_t list_began_ms;
	int64_t list_due_ms;
	bool is_failing;      /* the last list was refused */
	bool is_list_doubted; /* something was lost since it began */
	int64_t keep_ms;
	uint64_t losses;
	uint8_t datagram[DATAGRAM_SIZE];
};

static int send_list_request(const struct capture_conntrack *conntrack)
{
	return capture_netlink_ask(conntrack->socket, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET,
				   NLM_F_DUMP, conntrack->sequence);
}

static void begin_list(struct capture_conntrack *conntrack, int64_t now_ms)
{
	conntrack->list_due_ms = now_ms + LIST_AGAIN_MS;
	if (++conntrack->sequence == 0)
		conntrack->sequence = 1;
	if (send_list_request(conntrack))
		return; /* refused while the last one still runs, or for want of memory: again */
	conntrack->list = conntrack->sequence;
	conntrack->list_began_ms = now_ms;
	conntrack->is_list_doubted = false;
	nat_table_list_begin(conntrack->table);
}

static void note_loss(struct capture_conntrack *conntrack, int64_t now_ms)
{
	conntrack->losses++;
	conntrack->is_list_doubted = true;
	conntrack->list_due_ms = now_ms + LIST_AGAIN_MS;
}

/* Returns NULL with errno set. */
static struct mnl_socket *open_socket(void)
{
	const unsigned int groups = NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY;
	const struct rights_section before = rights_raise();
	struct mnl_socket *socket = capture_netlink_open(NETLINK_NETFILTER, SOCK_NONBLOCK, groups);
	const int error = errno;

	rights_restore(before);
	errno = error;
	return socket;
}

/* A list that has no end: the kernel refuses another one on its socket. */
static void begin_anew(struct capture_conntrack *conntrack)
{
	struct mnl_socket *socket = open_socket();

	conntrack->list = 0;
	if (!socket)
		return; /* tried again */
	(void)mnl_socket_close(conntrack->socket);
	conntrack->socket = socket;
	capture_netlink_grow(&conntrack->netlink, mnl_socket_get_fd(socket));
}

struct capture_conntrack *capture_conntrack_open(struct nat_table *table, struct error_text *error)
{
	struct capture_conntrack *conntrack = calloc(1, sizeof(*conntrack));
	int result = -ENOMEM;

	if (conntrack) {
		conntrack->table = table;
		conntrack->netlink.receive_buffer_wanted = RECEIVE_BUFFER;
		conntrack->keep_ms = KEEP_MS;
		conntrack->socket = open_socket();
		result = conntrack->socket ? 0 : -errno;
	}
	if (!result) {
		conntrack->sequence = 1;
		result = send_list_request(conntrack);
	}
	if (result) {
		error_text_set(error,
			       "translated addresses are not known: conntrack cannot be read: %s",
			       fault_text(-result));
		if (result == -EPERM)
			error_text_hint(error, "it needs CAP_NET_ADMIN");
		else
			error_text_hint(error, "the kernel needs nf_conntrack_netlink");
		capture_conntrack_close(conntrack);
		return NULL;
	}
	capture_netlink_grow(&conntrack->netlink, mnl_socket_get_fd(conntrack->socket));
	conntrack->list = conntrack->sequence;
	conntrack->list_began_ms = time_now_ms(CLOCK_MONOTONIC);
	nat_table_list_begin(table);
	return conntrack;
}

void capture_conntrack_close(struct capture_conntrack *conntrack)
{
	if (!conntrack)
		return;
	if (conntrack->socket)
		(void)mnl_socket_close(conntrack->socket);
	free(conntrack);
}

void capture_conntrack_set_keep(struct capture_conntrack *conntrack, int64_t keep_ms)
{
	conntrack->keep_ms = keep_ms;
}

static void handle_result(struct capture_conntrack *conntrack, enum capture_conntrack_result result,
			  int64_t now_ms)
{
	switch (result) {
	case CAPTURE_CONNTRACK_ok: break;
	case CAPTURE_CONNTRACK_list_ended:
		nat_table_list_end(conntrack->table, now_ms);
		conntrack->is_failing = false;
		conntrack->list = 0;
		conntrack->list_due_ms =
			now_ms + (conntrack->is_list_doubted ? LIST_AGAIN_MS : LIST_INTERVAL_MS);
		break;
	case CAPTURE_CONNTRACK_list_failed:
		conntrack->is_failing = true;
		conntrack->list = 0;
		conntrack->list_due_ms = now_ms + LIST_AGAIN_MS;
		break;
	case CAPTURE_CONNTRACK_malformed: note_loss(conntrack, now_ms); break;
	}
}

/* Receive one datagram. Returns whether there was one, or a loss. */
static bool receive(struct capture_conntrack *conntrack, int64_t now_ms)
{
	const uint64_t truncated = conntrack->netlink.messages_truncated;
	const ssize_t size =
		capture_netlink_receive(&conntrack->netlink, mnl_socket_get_fd(conntrack->socket),
					conntrack->datagram, sizeof(conntrack->datagram), true);

	if (size < 0) {
		if (capture_netlink_fault(&conntrack->netlink, (int)size) != 1)
			return false;
		note_loss(conntrack, now_ms);
		return true;
	}
	handle_result(conntrack,
		      conntrack->netlink.messages_truncated != truncated
			      ? CAPTURE_CONNTRACK_malformed
			      : capture_conntrack_parse(conntrack->table, conntrack->datagram,
							(size_t)size, conntrack->list, now_ms),
		      now_ms);
	return true;
}

/* Returns whether more may be there. */
static bool receive_some(struct capture_conntrack *conntrack, int64_t now_ms)
{
	for (int count = 0; count < DATAGRAMS_AT_ONCE; count++)
		if (!receive(conntrack, now_ms))
			return false;
	return true;
}

bool capture_conntrack_read(struct capture_conntrack *conntrack, int64_t now_ms)
{
	const int64_t end_ms = time_now_ms(CLOCK_MONOTONIC) + READ_MS;
	bool has_more;

	do
		has_more = receive_some(conntrack, now_ms);
	while (has_more && time_now_ms(CLOCK_MONOTONIC) < end_ms);
	if (conntrack->list && now_ms - conntrack->list_began_ms >= LIST_PATIENCE_MS)
		begin_anew(conntrack);
	if (!conntrack->list && now_ms >= conntrack->list_due_ms)
		begin_list(conntrack, now_ms);
	nat_table_forget(conntrack->table, now_ms - conntrack->keep_ms);
	return has_more;
}

void capture_conntrack_read_all(struct capture_conntrack *conntrack, int64_t timeout_ms)
{
	struct pollfd descriptor = { .fd = mnl_socket_get_fd(conntrack->socket), .events = POLLIN };
	int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);
	const int64_t end_ms = now_ms + timeout_ms;

	while (conntrack->list && now_ms < end_ms) {
		(void)poll(&descriptor, 1, (int)(end_ms - now_ms));
		(void)capture_conntrack_read(conntrack, now_ms);
		now_ms = time_now_ms(CLOCK_MONOTONIC);
	}
}

bool capture_conntrack_is_failing(const struct capture_conntrack *conntrack)
{
	return conntrack->is_failing;
}

uint64_t capture_conntrack_losses(const struct capture_conntrack *conntrack)
{
	return conntrack->losses;
}
