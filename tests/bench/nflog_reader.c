/* nflog_reader.c - the floor under every reader of an NFLOG group: receives, counts, does nothing
 * else.
 *
 *     nflog_reader GROUP
 *
 * Buffers as flowagent has them: 64 KiB per datagram, threshold 1000, 0.1 s, 32 MiB on the socket,
 * sequence numbers. Ends on SIGTERM and prints JSON: packets, lost (gaps of the sequence),
 * datagrams. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t datagram[256 * 1024];
static volatile sig_atomic_t stop;

static struct {
	unsigned long long packets, lost, datagrams;
	uint32_t next_sequence;
} count;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int bind_group(struct mnl_socket *socket, uint16_t group)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *head;
	struct nfulnl_msg_config_cmd command = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(128),
					       .copy_mode = NFULNL_COPY_PACKET };

	message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	message->nlmsg_flags = NLM_F_REQUEST;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = AF_UNSPEC;
	head->res_id = htons(group);
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htonl(64 * 1024));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1000));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(10));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? -1 : 0;
}

/* The sequence number is the last attribute that matters; find it without a look at the others. */
static void read_packet(const struct nlmsghdr *message)
{
	const struct nlattr *attribute;

	count.packets++;
	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NFULA_SEQ) {
			uint32_t sequence = ntohl(mnl_attr_get_u32(attribute));

			count.lost += sequence - count.next_sequence;
			count.next_sequence = sequence + 1;
			return;
		}
	}
}

static void read_datagram(int size)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)datagram;

	count.datagrams++;
	while (mnl_nlmsg_ok(message, size)) {
		if (message->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			read_packet(message);
		message = mnl_nlmsg_next(message, &size);
	}
}

int main(int argc, char **argv)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	struct sigaction action = { .sa_handler = on_signal }; /* without SA_RESTART: recv() ends */
	int size = 32 * 1024 * 1024;

	if (argc != 2 || !socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		fprintf(stderr, "usage: nflog_reader GROUP\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	if (bind_group(socket, (uint16_t)atoi(argv[1])) < 0) {
		perror("nflog_reader");
		return 1;
	}
	while (!stop) {
		ssize_t got =
			recv(mnl_socket_get_fd(socket), datagram, sizeof(datagram), MSG_TRUNC);

		if (got > (ssize_t)sizeof(datagram)) {
			fprintf(stderr, "nflog_reader: a datagram of %zd bytes\n", got);
			return 1;
		}
		if (got > 0)
			read_datagram((int)got);
		else if (errno != ENOBUFS && errno != EINTR) {
			perror("nflog_reader");
			return 1;
		}
	}
	printf("{\"packets\": %llu, \"lost\": %llu, \"datagrams\": %llu}\n", count.packets,
	       count.lost, count.datagrams);
	return 0;
}
