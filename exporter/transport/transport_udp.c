/* transport_udp.c - datagrams over a connected UDP socket.
 *
 * Place: outbox -> transport -> network. Connected, because then the kernel brings back ICMP
 * reports; they are read from the socket's error queue, where each quotes the datagram it is about.
 * A name may have several addresses: they are tried in turn while the network reports failures, and
 * the first one again after a while.
 * A connected socket is bound to what was true when it was connected; it is opened anew when its
 * interface, its own address or the address of its name is another one, and when nothing can be
 * sent by it for other reasons. Invariant: fd >= 0 means connected to the current address of the
 * look-up. */
#include "transport.h"

#include "transport_lookup.h"
#include "transport_probe.h"
#include "transport_udp_send.h"

#include <errno.h>
#include <poll.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES    (1 << 20)
#define ROTATE_MS            1000  /* between two addresses of a name */
#define FAILING_RESOLVE_MS   60000 /* of failures: look the name up again */
#define FAILURE_FORGOTTEN_MS 10000
#define LOOK_MS              1000 /* whether interface and own address are still the same */
#define LOOK_SOON_MS         100  /* the same after a failure, which that may explain */
#define CONNECT_MS           100  /* between tries to connect that fail */
#define REOPEN_MS            1000 /* not sooner after the last time, because sends fail */
#define FAILED_SENDS         4    /* in a row, without a report of the network that explains them */

#define IPv4_UDP_HEADERS 28 /* RFC 791, RFC 768 */
#define IPv6_UDP_HEADERS 48 /* RFC 8200, RFC 768 */

struct transport {
	struct transport_lookup lookup;
	struct transport_probe probe; /* asks the address that is in use */
	struct transport_probe scout; /* asks the first one before it is used again */
	int fd;
	bool may_segment;
	bool can_segment; /* see transport_udp_send.h */

	bool has_failed; /* since the last poll */
	bool is_failing;
	int64_t failing_since_ms;
	int64_t last_failure_ms;
	int64_t rotated_ms;
	int64_t away_since_ms; /* from the first address, without failures */
	int64_t returned_ms;   /* 0: never */
	int64_t return_ms;     /* how long to stay away */
	int64_t looked_ms;     /* at interface and own address */
	int64_t reopened_ms;
	int64_t not_before_ms;     /* the next try to connect, while 'connect_error' is not 0 */
	int connect_error;         /* negative errno */
	unsigned int failed_sends; /* in a row */
	uint64_t openings;
	struct sockaddr_storage local;     /* of 'fd' */
	socklen_t local_size;              /* 0: not known */
	size_t size_max;                   /* payload that the path of 'fd' takes; 0: not known */
	uint16_t port;                     /* to send from, host order; 0: any */
	struct transport_udp_batch *batch; /* borrowed; outlives the process; or NULL */
};

static void disconnect(struct transport *udp)
{
	if (udp->fd >= 0)
		(void)close(udp->fd);
	udp->fd = -1;
}

static void probes_clear(struct transport *udp)
{
	transport_probe_clear(&udp->probe);
	transport_probe_clear(&udp->scout);
}

/* Returns 0, or a negative errno; then there is nothing to clear. */
static int probes_init(struct transport *udp, const struct transport_config *config,
		       struct error_text *error)
{
	int result = transport_probe_init(&udp->probe, &config->probe, &config->socket,
					  config->host, error);

	if (result)
		return result;
	result = transport_probe_init(&udp->scout, &config->probe, &config->socket, config->host,
				      error);
	if (result)
		transport_probe_clear(&udp->probe);
	return result;
}

static void udp_close(struct transport *udp)
{
	if (!udp)
		return;
	disconnect(udp);
	probes_clear(udp);
	transport_lookup_clear(&udp->lookup);
	free(udp);
}

static int udp_open(const struct transport_config *config, struct transport **transport,
		    struct error_text *error)
{
	struct transport *udp = calloc(1, sizeof(*udp));
	int result;

	if (!udp) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	udp->fd = -1;
	udp->may_segment = config->may_segment;
	udp->return_ms = TRANSPORT_LOOKUP_RETURN_MS;
	result = probes_init(udp, config, error);
	if (result) {
		free(udp);
		return result;
	}
	result = transport_lookup_init(&udp->lookup, config, error);
	if (result) {
		probes_clear(udp);
		free(udp);
		return result;
	}
	*transport = udp;
	return 0;
}

/* Options without which the socket still works are set as far as allowed. */
static void socket_tune(int fd, int family)
{
	/* Nothing is ever received: a filter that keeps nothing leaves the buffer to reports. */
	struct sock_filter keep_nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = { .len = 1, .filter = &keep_nothing };
	const int on = 1;
	const int buffer = SEND_BUFFER_BYTES;
	const int discover = IP_PMTUDISC_DO; /* never fragment; the same value for IPv6 */

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (family == AF_INET) {
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover));
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof(discover));
	}
}

static void udp_set_port(struct transport *udp, uint16_t port)
{
	udp->port = port;
	if (udp->lookup.source.size)
		transport_address_set_port(&udp->lookup.source.address, port);
}

/* The port of an earlier agent: some collectors take another one for another exporter. It may be in
 * use by now: then any will do, from now on. */
static void port_bind(struct transport *udp, int fd)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);

	if (!udp->port || udp->lookup.source.size || /* bound to address and port already */
	    getsockname(fd, (struct sockaddr *)&own, &size))
		return;
	transport_address_set_port(&own, udp->port);
	if (bind(fd, (const struct sockaddr *)&own, size))
		udp->port = 0;
}

static void udp_keep(struct transport *udp, void *memory)
{
	udp->batch = memory;
}

/* The path takes less than before, or is a new one. What it takes more later is not used: the
 * kernel forgets what a router reported after minutes, and would find it out again by datagrams
 * that are lost. A new socket begins with what is known then. */
static void look_at_path(struct transport *udp)
{
	const bool is_ipv6 = udp->local_size && udp->local.ss_family == AF_INET6;
	const size_t headers = is_ipv6 ? IPv6_UDP_HEADERS : IPv4_UDP_HEADERS;
	int mtu = 0;
	socklen_t size = sizeof(mtu);

	if (getsockopt(udp->fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_MTU : IP_MTU,
		       &mtu, &size) ||
	    mtu <= (int)headers)
		return;
	if (!udp->size_max || (size_t)mtu - headers < udp->size_max)
		udp->size_max = (size_t)mtu - headers;
}

/* Returns 0 or a negative errno. */
static int connect_current(struct transport *udp)
{
	const struct transport_address *to = transport_lookup_current(&udp->lookup);
	int fd = transport_lookup_socket(&udp->lookup, SOCK_DGRAM);
	int error;

	if (fd < 0 && udp->port) {
		udp_set_port(udp, 0);
		fd = transport_lookup_socket(&udp->lookup, SOCK_DGRAM);
	}
	if (fd < 0)
		return fd;
	socket_tune(fd, to->address.ss_family);
	port_bind(udp, fd);
	if (connect(fd, (const struct sockaddr *)&to->address, to->size)) {
		error = errno;
		(void)close(fd);
		return -error;
	}
	udp->fd = fd;
	udp->local_size = sizeof(udp->local);
	if (getsockname(fd, (struct sockaddr *)&udp->local, &udp->local_size))
		udp->local_size = 0;
	udp->size_max = 0;
	look_at_path(udp);
	udp->openings++;
	udp->failed_sends = 0;
	udp->can_segment = udp->may_segment && transport_udp_can_segment(fd);
	return 0;
}

/* Connect to the first address that takes it, from the current one on. */
static int connect_any(struct transport *udp)
{
	int result = -ENOENT;

	for (size_t i = 0; i < udp->lookup.address_count; i++) {
		result = connect_current(udp);
		if (result == 0)
			return 0;
		(void)transport_lookup_next(&udp->lookup);
	}
	return result;
}

/* Whether the address in use has not answered its probe, and nobody else has since. One that was
 * not asked yet is no reason to go on to the next. */
static bool is_silent(const struct transport *udp)
{
	return udp->fd >= 0 && udp->probe.error && udp->probe.verdict == PROBE_silent;
}

/* Failures were reported since the last call, or not. */
static void watch_failures(struct transport *udp, int64_t now_ms)
{
	if (!udp->has_failed) {
		if (now_ms - udp->last_failure_ms > FAILURE_FORGOTTEN_MS)
			udp->is_failing = false;
		return;
	}
	udp->has_failed = false;
	if (!udp->is_failing) {
		udp->return_ms = transport_lookup_return_ms(
			udp->return_ms,
			udp->returned_ms && now_ms - udp->returned_ms < FAILURE_FORGOTTEN_MS);
		udp->failing_since_ms = now_ms;
		udp->rotated_ms = now_ms - ROTATE_MS;
	}
	udp->is_failing = true;
	udp->last_failure_ms = now_ms;
	if (now_ms - udp->rotated_ms >= ROTATE_MS && transport_lookup_next(&udp->lookup)) {
		udp->rotated_ms = now_ms;
		disconnect(udp);
	}
	if (now_ms - udp->failing_since_ms >= FAILING_RESOLVE_MS) {
		udp->failing_since_ms = now_ms;
		transport_lookup_again(&udp->lookup);
	}
}

/* Whether the first address answers its probe, if it has one. While it does not, it is asked again
 * and again, and the other one stays in use. */
static bool first_answers(struct transport *udp, int64_t now_ms)
{
	if (udp->scout.config.kind == PROBE_none)
		return true;
	(void)transport_probe_poll(&udp->scout, &udp->lookup.settings, &udp->lookup.source,
				   &udp->lookup.addresses[0], now_ms);
	return udp->scout.verdict == PROBE_answered;
}

/* Agents spread over the addresses of a name by their first ones: they must come back to them. */
static void watch_first(struct transport *udp, int64_t now_ms)
{
	struct transport_probe scout;

	if (udp->lookup.current == 0 || udp->is_failing || !udp->away_since_ms) {
		udp->away_since_ms = now_ms;
		transport_probe_forget(&udp->scout);
	}
	if (now_ms - udp->away_since_ms < udp->return_ms || !first_answers(udp, now_ms) ||
	    !transport_lookup_first(&udp->lookup))
		return;
	scout = udp->scout;
	udp->scout = udp->probe;
	udp->probe = scout;
	udp->returned_ms = now_ms;
	disconnect(udp);
}

/* Let go of an interface that is not the one of its name any more, or takes nothing, and of an own
 * address that is not ours any more: what is sent by them would be lost. */
static void watch_socket(struct transport *udp, int64_t now_ms)
{
	const struct transport_socket_settings *settings = &udp->lookup.settings;

	if (udp->fd < 0 || now_ms - udp->looked_ms < (udp->has_failed ? LOOK_SOON_MS : LOOK_MS))
		return;
	udp->looked_ms = now_ms;
	if (transport_socket_is_stale(settings, udp->fd) ||
	    !transport_socket_is_running(settings, udp->fd) ||
	    !transport_socket_has_source(settings, udp->fd))
		disconnect(udp);
	else
		look_at_path(udp);
}

/* Sends fail, and no report says why: a new socket may know better than this one. */
static void watch_sends(struct transport *udp, int64_t now_ms)
{
	if (udp->failed_sends < FAILED_SENDS || now_ms - udp->reopened_ms < REOPEN_MS)
		return;
	udp->reopened_ms = now_ms;
	disconnect(udp);
}

/* Returns 0, or a negative errno: that of the last try, as long as it is too early for another. */
static int connect_when_due(struct transport *udp, int64_t now_ms)
{
	if (udp->fd >= 0 || (udp->connect_error && now_ms < udp->not_before_ms))
		return udp->fd >= 0 ? 0 : udp->connect_error;
	udp->connect_error = connect_any(udp);
	udp->not_before_ms = now_ms + CONNECT_MS;
	if (udp->connect_error) {
		udp->has_failed = true;
		transport_probe_forget(&udp->probe); /* the way there is another one later */
	}
	return udp->connect_error;
}

static int udp_poll(struct transport *udp, int64_t now_ms)
{
	int result = transport_lookup_poll(&udp->lookup, now_ms);

	if (result < 0)
		return result;
	if (result) {
		disconnect(udp);
		udp->connect_error = 0;
	}
	watch_socket(udp, now_ms);
	watch_sends(udp, now_ms);
	/* A look at the socket would not explain a silence. */
	udp->has_failed |= is_silent(udp);
	watch_failures(udp, now_ms);
	watch_first(udp, now_ms);
	result = connect_when_due(udp, now_ms);
	if (!result)
		result = transport_probe_poll(&udp->probe, &udp->lookup.settings,
					      &udp->lookup.source,
					      transport_lookup_current(&udp->lookup), now_ms);
	return result;
}

static const char *udp_fault(const struct transport *udp)
{
	return udp->fd >= 0 && udp->probe.error ? udp->probe.fault : NULL;
}

static bool udp_is_proven(const struct transport *udp)
{
	return udp->fd >= 0 && (udp->probe.error || udp->probe.verdict == PROBE_answered);
}

static struct transport_result udp_send(struct transport *udp, const struct datagram *datagrams,
					size_t count)
{
	struct transport_result result;

	if (udp->fd < 0)
		return (struct transport_result){ .error = -ENOTCONN };
	result = transport_udp_send(udp->fd, &udp->can_segment, udp->batch, datagrams, count);
	if (result.error && result.error != -EAGAIN && result.error != -ENOBUFS &&
	    result.error != -EMSGSIZE) {
		udp->has_failed = true;
		udp->failed_sends++;
	}
	if (result.error == -EMSGSIZE)
		look_at_path(udp);
	if (result.sent)
		udp->failed_sends = 0;
	return result;
}

/* The report in a message of the error queue; NULL if it is none of the network. */
static const struct sock_extended_err *report_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		const struct sock_extended_err *report =
			(const struct sock_extended_err *)(const void *)CMSG_DATA(part);
		const bool is_ipv4 =
			part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
		const bool is_ipv6 =
			part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;

		if ((is_ipv4 || is_ipv6) &&
		    part->cmsg_len >=
			    CMSG_LEN(sizeof(*report) + (is_ipv4 ? sizeof(struct sockaddr_in)
								: sizeof(struct sockaddr_in6))) &&
		    (report->ee_origin == SO_EE_ORIGIN_ICMP ||
		     report->ee_origin == SO_EE_ORIGIN_ICMP6))
			return report;
	}
	return NULL;
}

/* Whether the host that reports is this one. */
static bool is_own(const struct transport *udp, const struct sock_extended_err *report)
{
	struct sockaddr_storage offender = { .ss_family = AF_UNSPEC };

	memcpy(&offender, SO_EE_OFFENDER(report),
	       report->ee_origin == SO_EE_ORIGIN_ICMP ? sizeof(struct sockaddr_in)
						      : sizeof(struct sockaddr_in6));
	return udp->local_size && transport_address_is_same_host(&offender, &udp->local);
}

/* What our own kernel reports of a send() that failed (SO_EE_ORIGIN_LOCAL) is skipped. */
static bool udp_refusal(struct transport *udp, struct transport_refusal *refusal)
{
	while (udp->fd >= 0) {
		_Alignas(struct cmsghdr) char control[512];
		struct iovec part = { refusal->bytes, sizeof(refusal->bytes) };
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		const ssize_t size = recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
		const struct sock_extended_err *report;

		if (size < 0)
			return false;
		report = report_of(&message);
		if (!report)
			continue;
		refusal->error = (int)report->ee_errno;
		refusal->size = (size_t)size;
		refusal->is_own = is_own(udp, report);
		udp->has_failed = true;
		if (refusal->error == EMSGSIZE)
			look_at_path(udp);
		return true;
	}
	return false;
}

static uint64_t udp_openings(const struct transport *udp)
{
	return udp->openings;
}

static int udp_ready(const struct transport *udp, short *events)
{
	*events = POLLOUT;
	return udp->fd;
}

static socklen_t udp_remote(const struct transport *udp, struct sockaddr_storage *address)
{
	const struct transport_address *current = transport_lookup_current(&udp->lookup);

	if (!current)
		return 0;
	*address = current->address;
	return current->size;
}

static socklen_t udp_local(const struct transport *udp, struct sockaddr_storage *address)
{
	if (udp->fd < 0)
		return 0;
	*address = udp->local;
	return udp->local_size;
}

static size_t udp_size_max(const struct transport *udp)
{
	return udp->fd >= 0 ? udp->size_max : 0;
}

const struct transport_type transport_udp = {
	.name = "udp",
	.ip_protocol = IPPROTO_UDP,
	.open = udp_open,
	.poll = udp_poll,
	.send = udp_send,
	.ready = udp_ready,
	.openings = udp_openings,
	.refusal = udp_refusal,
	.fault = udp_fault,
	.is_proven = udp_is_proven,
	.remote = udp_remote,
	.local = udp_local,
	.size_max = udp_size_max,
	.set_port = udp_set_port,
	.keep = udp_keep,
	.kept_sent = transport_udp_kept_sent,
	.close = udp_close,
};
