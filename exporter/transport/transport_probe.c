/* transport_probe.c - one question at a time, with a bound for its answer.
 *
 * Place: beside the UDP socket. Never blocks. Invariant: nothing of an answer is believed but that
 * it comes from the address that was asked, for the last question. */
#include "transport_probe.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <errno.h>
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

static int icmp_ask(struct transport_probe *probe, const struct transport_socket_settings *settings,
		    const struct transport_address *source, const struct transport_address *to)
{
	const int family = is_ipv6(to);
	const int fd = probe->echo[family];
	struct transport_address from = *source;
	struct transport_address there = *to;
	uint8_t bytes[ECHO_SIZE] = { family ? ICMPV6_echo : ICMP_echo };
	int result;

	if (fd < 0)
		return -EPERM;
	transport_address_set_port(&there.address, 0);
	if (from.size)
		transport_address_set_port(&from.address, 0);
	if (!probe->is_prepared[family]) {
		result = transport_socket_prepare(fd, settings, &from, &there);
		if (result)
			return result;
		probe->is_prepared[family] = true;
	}
	if (connect(fd, (const struct sockaddr *)&there.address, there.size))
		return -errno;
	store_be16(bytes + 4, identifier(probe));
	store_be16(bytes + 6, ++probe->sequence);
	store_be16(bytes + 2, family ? 0 : checksum(bytes)); /* the kernel's work in IPv6 */
	return send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno
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
	const int family = is_ipv6(to);
	const int fd = probe->echo[family];
	const struct transport_echo echo = { family, probe->is_raw[family], identifier(probe),
					     probe->sequence };
	ssize_t size;

	for (int i = 0; i < 64; i++) {
		size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		if (size < 0)
			return errno == EAGAIN ? -EINPROGRESS : -errno;
		if ((size_t)size > sizeof(bytes))
			size = sizeof(bytes);
		if (transport_probe_is_answer(&echo, bytes, (size_t)size))
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
	if (probe->echo[family] >= 0 || !settings->open_raw)
		return;
	probe->echo[family] = settings->open_raw(domain, protocol);
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

/* The question has an answer, 0, or none, for a negative errno. */
static void settle(struct transport_probe *probe, int result)
{
	probe->is_waiting = false;
	connection_end(probe);
	if (!result) {
		probe->failures = 0;
		probe->error = 0;
		probe->fault[0] = '\0';
	} else if (++probe->failures >= FAILURES_MAX) {
		set_fault(probe, -result);
	}
}

int transport_probe_poll(struct transport_probe *probe,
			 const struct transport_socket_settings *settings,
			 const struct transport_address *source, const struct transport_address *to,
			 int64_t now_ms)
{
	int result = -EINPROGRESS;

	if (probe->config.kind == PROBE_none)
		return 0;
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
