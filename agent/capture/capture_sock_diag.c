/* capture_sock_diag.c - netlink socket of the family NETLINK_SOCK_DIAG: one question, one answer.
 *
 * Place: owner_lookup.c -> here -> kernel, which answers before the call that asks returns. So
 * nothing is waited for, and a datagram that is there before belongs to nobody. */
#include "capture_sock_diag.h"

#include "bytes.h"
#include "capture_netlink.h"
#include "capture_sock_diag_parse.h"
#include "fault_text.h"
#include "ip_protocol.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ANSWER_SIZE = 1024, /* about 150 bytes come */
	ANSWERS_MAX = 4,    /* of questions before, at most one is left over */
	ALL_STATES = 0xfff,
};

struct capture_sock_diag {
	struct mnl_socket *socket; /* owned */
	uint32_t sequence;         /* of the last question */
};

/* One side of the socket that is asked for. */
struct end {
	const uint8_t *address; /* borrowed */
	uint16_t port;
};

struct capture_sock_diag *capture_sock_diag_open(struct error_text *error)
{
	struct capture_sock_diag *diag = calloc(1, sizeof(*diag));

	if (diag)
		diag->socket = capture_netlink_open(NETLINK_SOCK_DIAG, SOCK_NONBLOCK, 0);
	if (diag && diag->socket)
		return diag;
	error_text_set(error, "the kernel cannot be asked whose sockets are: %s",
		       fault_text(errno));
	capture_sock_diag_close(diag);
	return NULL;
}

void capture_sock_diag_close(struct capture_sock_diag *diag)
{
	if (!diag)
		return;
	if (diag->socket)
		(void)mnl_socket_close(diag->socket);
	free(diag);
}

bool capture_sock_diag_is_for(const struct flow_key *key)
{
	if (key->protocol != PROTOCOL_TCP && key->protocol != PROTOCOL_UDP)
		return false;
	if (!key->source_port || !key->destination_port)
		return false;
	if (key->input_interface && key->output_interface)
		return false; /* forwarded */
	return key->side == SIDE_ingress || key->side == SIDE_egress;
}

static void set_end(struct inet_diag_sockid *id, struct end end, size_t size, bool is_source)
{
	memcpy(is_source ? id->idiag_src : id->idiag_dst, end.address, size);
	store_be16((uint8_t *)(is_source ? &id->idiag_sport : &id->idiag_dport), end.port);
}

/* The kernel looks a UDP socket up as if the question were a packet that comes in, and one of TCP
 * as if it were a socket. */
static void fill_request(const struct flow_key *key, struct inet_diag_req_v2 *request)
{
	const struct end source = { flow_source_address(key), key->source_port };
	const struct end destination = { flow_destination_address(key), key->destination_port };
	const bool is_out = key->side == SIDE_egress;
	const struct end local = is_out ? source : destination;
	const struct end remote = is_out ? destination : source;
	const bool is_udp = key->protocol == PROTOCOL_UDP;

	*request = (struct inet_diag_req_v2){
		.sdiag_family = key->ip_version == 4 ? AF_INET : AF_INET6,
		.sdiag_protocol = key->protocol,
		.idiag_states = ALL_STATES,
		.id.idiag_if = is_out ? key->output_interface : key->input_interface,
		.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};
	set_end(&request->id, is_udp ? remote : local, flow_address_size(key), true);
	set_end(&request->id, is_udp ? local : remote, flow_address_size(key), false);
}

static int ask(struct capture_sock_diag *diag, const struct flow_key *key)
{
	uint8_t buffer[128] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 request;

	fill_request(key, &request);
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = ++diag->sequence;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(request)), &request, sizeof(request));
	return mnl_socket_sendto(diag->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

int capture_sock_diag_ask(struct capture_sock_diag *diag, const struct flow_key *key,
			  struct packet_owner *owner)
{
	uint8_t bytes[ANSWER_SIZE];
	int result = ask(diag, key);

	for (int i = 0; !result && i < ANSWERS_MAX; i++) {
		const ssize_t size = mnl_socket_recvfrom(diag->socket, bytes, sizeof(bytes));

		if (size < 0)
			return -errno;
		result = capture_sock_diag_parse(bytes, (size_t)size, diag->sequence, owner);
	}
	return result == -ENOENT ? 0 : result;
}
