/* capture_nflog_group.h - a netfilter log group in the kernel: who reads it, its settings, its end.
 *
 * Place: capture_nflog.c asks for a group here and reads its socket. Needs CAP_NET_ADMIN to bind
 * and to unbind.
 *
 * The group is bound without NFULNL_CFG_CMD_PF_BIND: that would turn the whole family's logging
 * over to nfnetlink_log, such as conntrack's messages about invalid packets. Rules that name a
 * group reach us without. */
#ifndef CAPTURE_NFLOG_GROUP_H
#define CAPTURE_NFLOG_GROUP_H

#include "error_text.h"

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

struct capture_nflog_group {
	struct mnl_socket *socket; /* owned; NULL: none yet */
	uint16_t number;
};

/* Make the socket, which reads nothing yet. Returns 0, or a negative errno with 'error' filled. */
int capture_nflog_group_open(struct capture_nflog_group *group, struct error_text *error);
/* Take the socket of an earlier agent instead. Returns 0 or -ENOMEM. */
int capture_nflog_group_adopt(struct capture_nflog_group *group, int descriptor);
void capture_nflog_group_close(struct capture_nflog_group *group);

int capture_nflog_group_descriptor(const struct capture_nflog_group *group);

/* Bind the group and set it up, in one message: so the first packet already has a sequence number,
 * which starts with 0, and is cut to 'snaplen'. Returns 0; 1 if packets have filled the queue
 * already; or a negative errno with 'error' filled: -EBUSY where another program is in the way. */
int capture_nflog_group_bind(const struct capture_nflog_group *group, uint32_t snaplen,
			     struct error_text *error);

/* The settings of a group that is bound already: those of an earlier agent may have been others.
 * The answer would come after the packets that wait, so none is asked for. */
void capture_nflog_group_set_up(const struct capture_nflog_group *group, uint32_t snaplen);

/* The kernel sends what it had gathered for the next datagram before the call returns. */
void capture_nflog_group_unbind(const struct capture_nflog_group *group);

/* Whether any program reads a group. The question needs a socket of its own: the answer would come
 * to that of the group after the packets that wait there. Settings for a group that nobody reads
 * are refused with ENODEV, for one of another socket with EPERM: nothing changes. */
bool capture_nflog_group_is_read(uint16_t number);

/* A socket of netfilter, such as we make? What is stored is another program's to mix up. */
bool capture_nflog_group_is_socket(int descriptor);

#endif
