/* transport_probe.c - one question at a time, with a bound for its answer.
 *
 * Place: beside the UDP socket. Never blocks. Invariant: nothing of an answer is believed but that
 * it comes from the address that was asked, for the last question; and an answer speaks for that
 * address only. */
#include "transport_probe.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS       3000 /* between two questions */
#define ANSWER_MS    2000 /* the first repetition of a SYN comes after one second */
#define FAILURES_MAX 2    /* in a row */

/* RFC 792, RFC 4443. */
enum { ICMP_echoReply = 0, ICMP_echo = 8, ICMPV6_echo = 128, ICMPV6_echoReply = 129 };
enum { ECHO_SIZE = 8, IPV4_HEADER_MAX = 60 };

static bool is_ipv6(const struct transport_address *to)
{
	return to->address.ss_family == AF_INET6;
}

/* ---- TCP ---- */

static void connection_end(struct transport_probe *probe)
{
	if (probe->connecting >= 0)
		(void)close(probe->connecting);
	probe->connecting = -1;
}

/* Returns 0, -EINPROGRESS, or why it failed. */
static int tcp_ask(struct transport_probe *probe, const struct transport_socket_settings *settings,
		   const struct transport_address *source, const struct transport_address *to)
{
	struct transport_address from = *source;
	struct transport_address there = *to;

	transport_address_set_port(&there.address, probe->config.port);
	if (from.size)
		transport_address_set_port(&from.address, 0);
	connection_end(probe);
	probe->connecting = transport_socket_open(settings, SOCK_STREAM, &from, &there);
	if (probe->connecting < 0)
		return probe->connecting;
	if (connect(probe->connecting, (const struct sockaddr *)&there.address, there.size))
		return -errno;
	return 0;
}

static int tcp_look(const struct transport_probe *probe)
{
	struct pollfd descriptor = { .fd = probe->connecting, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);

	if (poll(&descriptor, 1, 0) <= 0)
		return -EINPROGRESS;
	if (getsockopt(probe->connecting, SOL_SOCKET, SO_ERROR, &error, &size))
		return -errno;
	return -error;
}

/* ---- ICMP ---- */

static uint16_t checksum(const uint8_t bytes[static ECHO_SIZE])
{
	uint32_t sum = 0;

	for (size_t i = 0; i < ECHO_SIZE; i += 2)
		sum += load_be16(bytes + i);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* In a ping socket the kernel replaces the identifier by one of its own. */
static uint16_t identifier(const struct transport_probe *probe)
{
	return (uint16_t)(probe->asked_ms ^ probe->config.kind);
}

/* A raw socket gets all ICMP that comes to this host, unless it is told what it is for. Returns a
 * descriptor, or a negative number. */
static int raw_open(const struct transport_socket_settings *settings, int family)
{
	const struct icmp_filter ipv4 = { .data = ~(1u << ICMP_echoReply) };
	struct icmp6_filter ipv6;
	int fd;

	if (!settings->open_raw)
		return -EPERM;
	fd = settings->open_raw(family ? AF_INET6 : AF_INET,
				family ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (fd < 0)
		return fd;
	ICMP6_FILTER_SETBLOCKALL(&ipv6);
	ICMP6_FILTER_SETPASS(ICMPV6_echoReply, &ipv6);
	if (family)
		(void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &ipv6, sizeof(ipv6));
	else
		(void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &ipv4, sizeof(ipv4));
	return fd;
}

/* Connect a ping socket anew: it holds on to interface, own address and route of the time when it
 * was connected, and AF_UNSPEC makes it let go of them. */
static int ping_connect(int fd, const struct transport_socket_settings *settings,
			struct transport_address *from, struct transport_address *to)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int result;

	if (connect(fd, &nobody, sizeof(nobody)))
		return -errno;
	result = transport_socket_prepare(fd, settings, from, to);
	if (result)
		return result;
	return connect(fd, (const struct sockaddr *)&to->address, to->size) ? -errno : 0;
}

/* A raw socket is not connected: AF_UNSPEC would make it deaf (run on Linux 6.18). Its interface
 * can be changed with the right to open another one only. */
static int raw_prepare(struct transport_probe *probe, int family,
		       const struct transport_socket_settings *settings,
		       struct transport_address *from, struct transport_address *to)
{
	int result = transport_socket_prepare(probe->echo[family], settings, from, to);
	int fd;

	if (result != -EPERM)
		return result;
	fd = raw_open(settings, family);
	if (fd < 0)
		return transport_socket_is_stale(settings, probe->echo[family]) ? result : 0;
	(void)close(probe->echo[family]);
	probe->echo[family] = fd;
	return transport_socket_prepare(fd, settings, from, to);
}

/* Let a raw socket have the answers to one identifier, of all that come to this host. The socket of
 * IPv4 gets them with the IP header. */
static void raw_select(int fd, bool is_ipv6, uint16_t identifier)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = 5, .filter = steps };

	if (is_ipv6)
		steps[0] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static int icmp_ask(struct transport_probe *probe, const struct transport_socket_settings *settings,
		    const struct transport_address *source, const struct transport_address *to)
{
	const int family = is_ipv6(to);
	struct transport_address from = *source;
	struct transport_address there = *to;
	uint8_t bytes[ECHO_SIZE] = { family ? ICMPV6_echo : ICMP_echo };
	int result;

	if (probe->echo[family] < 0)
		return -EPERM;
	transport_address_set_port(&there.address, 0);
	if (from.size)
		transport_address_set_port(&from.address, 0);
	if (probe->is_raw[family])
		result = raw_prepare(probe, family, settings, &from, &there);
	else
		result = ping_connect(probe->echo[family], settings, &from, &there);
	if (result)
		return result;
	if (probe->is_raw[family])
		raw_select(probe->echo[family], family, identifier(probe));
	store_be16(bytes + 4, identifier(probe));
	store_be16(bytes + 6, ++probe->sequence);
	store_be16(bytes + 2, family ? 0 : checksum(bytes)); /* the kernel's work in IPv6 */
	return sendto(probe->echo[family], bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&there.address, there.size) < 0
		       ? -errno
		       : -EINPROGRESS;
}

/* A ping socket gets answers to its own requests only. */
bool transport_probe_is_answer(const struct transport_echo *echo, const uint8_t *bytes, size_t size)
{
	struct reader reader = reader_of(bytes, size);
	uint8_t type;
	uint16_t identifier;

	if (!echo->is_ipv6 && echo->is_raw) {
		const uint8_t first = reader_u8(&reader);

		if (first >> 4 != 4 || (first & 0xf) < 5)
			return false;
		(void)reader_take(&reader, 4 * (size_t)(first & 0xf) - 1);
	}
	type = reader_u8(&reader);
	(void)reader_take(&reader, 3); /* code, checksum: the kernel has checked it */
	identifier = reader_u16(&reader);
	return reader_u16(&reader) == echo->sequence && !reader.failed &&
	       type == (echo->is_ipv6 ? ICMPV6_echoReply : ICMP_echoReply) &&
	       (!echo->is_raw || identifier == echo->identifier);
}

static int icmp_look(const struct transport_probe *probe, const struct transport_address *to)
{
	uint8_t bytes[IPV4_HEADER_MAX + ECHO_SIZE];
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t from_size;
	const int family = is_ipv6(to);
	const int fd = probe->echo[family];
	const struct transport_echo echo = { family, probe->is_raw[family], identifier(probe),
					     probe->sequence };
	ssize_t size;

	for (int i = 0; i < 64; i++) {
		from_size = sizeof(from);
		size = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC,
				(struct sockaddr *)&from, &from_size);
		if (size < 0)
			return errno == EAGAIN ? -EINPROGRESS : -errno;
		if ((size_t)size > sizeof(bytes))
			size = sizeof(bytes);
		if (transport_address_is_same_host(&from, &to->address) &&
		    transport_probe_is_answer(&echo, bytes, (size_t)size))
			return 0;
	}
	return -EINPROGRESS;
}

static void open_echo(struct transport_probe *probe,
		      const struct transport_socket_settings *settings, int family)
{
	const int domain = family ? AF_INET6 : AF_INET;
	const int protocol = family ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	probe->echo[family] = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (probe->echo[family] >= 0)
		return;
	probe->echo[family] = raw_open(settings, family);
	probe->is_raw[family] = true;
}

/* ---- both ---- */

int transport_probe_init(struct transport_probe *probe, const struct transport_probe_config *config,
			 const struct transport_socket_settings *settings, const char *host,
			 struct error_text *error)
{
	struct in6_addr address;
	const bool is_ipv6 = inet_pton(AF_INET6, host, &address) == 1;

	*probe = (struct transport_probe){
		.config = *config,
		.connecting = -1,
		.echo = { -1, -1 },
	};
	if (config->kind != PROBE_icmp)
		return 0;
	open_echo(probe, settings, 0);
	open_echo(probe, settings, 1);
	if (probe->echo[is_ipv6] >= 0)
		return 0;
	transport_probe_clear(probe);
	error_text_set(error,
		       "probe=icmp needs a ping socket or the capability CAP_NET_RAW, and this "
		       "agent may have neither");
	error_text_hint(error,
			"allow ping sockets to its group (sysctl net.ipv4.ping_group_range), or "
			"use probe=tcp:PORT");
	return -EPERM;
}

void transport_probe_clear(struct transport_probe *probe)
{
	connection_end(probe);
	for (int family = 0; family < 2; family++)
		if (probe->echo[family] >= 0)
			(void)close(probe->echo[family]);
	probe->echo[0] = probe->echo[1] = -1;
}

static void set_fault(struct transport_probe *probe, int error)
{
	const bool is_silent = error == ETIMEDOUT;

	probe->error = error;
	if (probe->config.kind == PROBE_icmp)
		(void)snprintf(probe->fault, sizeof(probe->fault), "%s its probe=icmp",
			       is_silent ? "no answer to" : "cannot send");
	else
		(void)snprintf(probe->fault, sizeof(probe->fault), "%s its probe=tcp:%u",
			       is_silent ? "no answer to" : "no connection for",
			       (unsigned int)probe->config.port);
}

/* The question has an answer, 0, or none, for a negative errno. What was down stays down at the
 * first question that the next address does not answer. */
static void settle(struct transport_probe *probe, int result)
{
	probe->is_waiting = false;
	connection_end(probe);
	if (!result) {
		probe->failures = 0;
		probe->error = 0;
		probe->fault[0] = '\0';
		probe->verdict = PROBE_answered;
	} else if (++probe->failures >= FAILURES_MAX || probe->error) {
		set_fault(probe, -result);
		probe->verdict = PROBE_silent;
	}
}

void transport_probe_forget(struct transport_probe *probe)
{
	connection_end(probe);
	probe->is_waiting = false;
	probe->has_asked = false;
	probe->failures = 0;
	probe->verdict = PROBE_unknown;
}

int transport_probe_poll(struct transport_probe *probe,
			 const struct transport_socket_settings *settings,
			 const struct transport_address *source, const struct transport_address *to,
			 int64_t now_ms)
{
	int result = -EINPROGRESS;

	if (probe->config.kind == PROBE_none)
		return 0;
	if (!transport_address_is_same_host(&probe->asked, &to->address)) {
		transport_probe_forget(probe);
		probe->asked = to->address;
	}
	if (probe->is_waiting) {
		result = probe->config.kind == PROBE_tcp ? tcp_look(probe) : icmp_look(probe, to);
		if (result == -EINPROGRESS && now_ms - probe->asked_ms >= ANSWER_MS)
			result = -ETIMEDOUT;
	} else if (!probe->has_asked || now_ms - probe->asked_ms >= ASK_MS) {
		probe->has_asked = true;
		probe->asked_ms = now_ms;
		probe->is_waiting = true;
		result = probe->config.kind == PROBE_tcp ? tcp_ask(probe, settings, source, to)
							 : icmp_ask(probe, settings, source, to);
	}
	if (probe->is_waiting && result != -EINPROGRESS)
		settle(probe, result);
	return -probe->error;
}
