/* transport_udp.c - datagrams over a connected UDP socket; names looked up in the background.
 *
 * Place: outbox -> transport -> network. Connected, because then the kernel brings back ICMP
 * reports; they are read from the socket's error queue, where each quotes the datagram it is about.
 * A name may have several addresses: they are tried in turn while the network reports failures.
 * Invariant: fd >= 0 means connected to addresses[current]. */
#include "transport.h"

#include "transport_udp_send.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX        8
#define SEND_BUFFER_BYTES    (1 << 20)
#define RESOLVE_AGAIN_MS     10000 /* after a look-up that failed */
#define ROTATE_MS            1000  /* between two addresses of a name */
#define FAILING_RESOLVE_MS   60000 /* of failures: look the name up again */
#define FAILURE_FORGOTTEN_MS 10000
#define INTERFACE_LOOK_MS    1000 /* whether it is still the same */

/* A look-up runs in a thread of its own, because getaddrinfo() takes as long as the name servers
 * do. Whoever comes second, the thread that ends or the transport that wants no answer any more,
 * frees it. */
enum lookup_state { LOOKUP_runs, LOOKUP_ended, LOOKUP_abandoned };

struct lookup {
	_Atomic int state;
	int result;            /* of getaddrinfo(); valid when ended, as the list */
	struct addrinfo *list; /* owned */
	char port[6];
	char host[];
};

struct transport {
	char *host; /* owned */
	uint16_t port;
	struct transport_socket_settings settings;
	struct transport_address source; /* size 0: the kernel's choice */
	bool is_name;                    /* 'host' is not an address */

	struct lookup *lookup;  /* shared with its thread; NULL if none runs */
	int64_t next_lookup_ms; /* not before */
	bool has_failed_lookup; /* the last one brought nothing */

	struct transport_address addresses[ADDRESSES_MAX];
	size_t address_count;
	size_t current;
	int fd;
	bool may_segment;
	bool can_segment; /* see transport_udp_send.h */

	bool has_failed; /* since the last poll */
	bool is_failing;
	int64_t failing_since_ms;
	int64_t last_failure_ms;
	int64_t rotated_ms;
	int64_t interface_looked_ms;
};

static bool is_loopback(const struct addrinfo *info)
{
	if (info->ai_family == AF_INET) {
		const struct sockaddr_in *in =
			(const struct sockaddr_in *)(const void *)info->ai_addr;

		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	return info->ai_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		       &((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr);
}

static void address_add(struct transport *udp, const struct sockaddr *from, socklen_t size)
{
	struct transport_address *address = &udp->addresses[udp->address_count];

	if (udp->address_count == ADDRESSES_MAX || size > sizeof(address->address))
		return;
	if (udp->source.size && udp->source.address.ss_family != from->sa_family)
		return;
	memcpy(&address->address, from, size);
	address->size = size;
	udp->address_count++;
}

/* Keep what a look-up brought. "localhost" comes as ::1 and 127.0.0.1: IPv4 goes first there,
 * because a collector on the IPv6 wildcard hears both and one on an IPv4 address only one. */
static void addresses_set(struct transport *udp, const struct addrinfo *list)
{
	udp->address_count = 0;
	udp->current = 0;
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (info->ai_family == AF_INET && is_loopback(info))
			address_add(udp, info->ai_addr, info->ai_addrlen);
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (info->ai_family != AF_INET || !is_loopback(info))
			address_add(udp, info->ai_addr, info->ai_addrlen);
}

static void lookup_free(struct lookup *lookup)
{
	if (lookup->result == 0 && lookup->list)
		freeaddrinfo(lookup->list);
	free(lookup);
}

static void *lookup_run(void *context)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct lookup *lookup = context;

	lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
	if (atomic_exchange(&lookup->state, LOOKUP_ended) == LOOKUP_abandoned)
		lookup_free(lookup);
	return NULL;
}

static void lookup_start(struct transport *udp)
{
	const size_t host_size = strlen(udp->host) + 1;
	struct lookup *lookup = calloc(1, sizeof(*lookup) + host_size);
	pthread_t thread;
	sigset_t all, before;
	int result;

	if (!lookup)
		return;
	memcpy(lookup->host, udp->host, host_size);
	(void)snprintf(lookup->port, sizeof(lookup->port), "%u", udp->port);
	/* The thread inherits this mask: signals are for the control thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, NULL, lookup_run, lookup);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result) {
		free(lookup);
		return;
	}
	(void)pthread_detach(thread);
	udp->lookup = lookup;
}

static void lookup_abandon(struct transport *udp)
{
	if (udp->lookup && atomic_exchange(&udp->lookup->state, LOOKUP_abandoned) == LOOKUP_ended)
		lookup_free(udp->lookup);
	udp->lookup = NULL;
}

static void disconnect(struct transport *udp)
{
	if (udp->fd >= 0)
		(void)close(udp->fd);
	udp->fd = -1;
}

/* Take the result of a look-up that has ended. Known addresses stay if there are no new ones. */
static void lookup_take(struct transport *udp, int64_t now_ms)
{
	struct lookup *lookup = udp->lookup;

	if (atomic_load(&lookup->state) != LOOKUP_ended)
		return;
	udp->has_failed_lookup = lookup->result != 0;
	udp->next_lookup_ms = now_ms + RESOLVE_AGAIN_MS;
	if (lookup->result == 0) {
		disconnect(udp);
		addresses_set(udp, lookup->list);
		udp->has_failed_lookup = udp->address_count == 0;
	}
	lookup_free(lookup);
	udp->lookup = NULL;
}

static void say_other_interface(const struct transport *udp, const char *address,
				struct error_text *error)
{
	error_text_set(error, "address %s is of another interface than %s", address,
		       udp->settings.interface);
}

static int source_init(struct transport *udp, const char *text, struct error_text *error)
{
	const int result = transport_socket_address(&udp->settings, text, 0, &udp->source);

	if (result == -EXDEV)
		say_other_interface(udp, text, error);
	else if (result)
		error_text_set(error, "source address '%s' is not an IP address", text);
	return result;
}

static int host_init(struct transport *udp, const char *host, struct error_text *error)
{
	struct transport_address address;
	int result;

	udp->host = strdup(host);
	if (!udp->host) {
		error_text_set(error, "collector %s: out of memory", host);
		return -ENOMEM;
	}
	result = transport_socket_address(&udp->settings, host, udp->port, &address);
	if (result == -EINVAL) {
		udp->is_name = true;
		lookup_start(udp);
		return 0;
	}
	if (result) {
		say_other_interface(udp, host, error);
		return result;
	}
	address_add(udp, (const struct sockaddr *)&address.address, address.size);
	if (udp->address_count == 0) {
		error_text_set(error, "collector %s: the source address is of the other IP version",
			       host);
		return -EINVAL;
	}
	return 0;
}

static void udp_close(struct transport *udp)
{
	if (!udp)
		return;
	lookup_abandon(udp);
	disconnect(udp);
	free(udp->host);
	free(udp);
}

static int udp_open(const struct transport_config *config, struct transport **transport,
		    struct error_text *error)
{
	struct transport *udp = calloc(1, sizeof(*udp));
	int result = 0;

	if (!udp) {
		error_text_set(error, "collector %s: out of memory", config->host);
		return -ENOMEM;
	}
	udp->fd = -1;
	udp->port = config->port;
	udp->settings = config->socket;
	udp->may_segment = config->may_segment;
	if (config->source_address)
		result = source_init(udp, config->source_address, error);
	if (!result)
		result = host_init(udp, config->host, error);
	if (result) {
		udp_close(udp);
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

/* Returns 0 or a negative errno. */
static int connect_to(struct transport *udp, struct transport_address *to)
{
	const int fd = transport_socket_open(&udp->settings, SOCK_DGRAM, &udp->source, to);
	int error;

	if (fd < 0)
		return fd;
	socket_tune(fd, to->address.ss_family);
	if (connect(fd, (const struct sockaddr *)&to->address, to->size)) {
		error = errno;
		(void)close(fd);
		return -error;
	}
	udp->fd = fd;
	udp->can_segment = udp->may_segment && transport_udp_can_segment(fd);
	return 0;
}

/* Connect to the first address that takes it, from the current one on. */
static int connect_any(struct transport *udp)
{
	int result = -ENOENT;

	for (size_t i = 0; i < udp->address_count; i++) {
		result = connect_to(udp, &udp->addresses[udp->current]);
		if (result == 0)
			return 0;
		udp->current = (udp->current + 1) % udp->address_count;
	}
	return result;
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
		udp->failing_since_ms = now_ms;
		udp->rotated_ms = now_ms - ROTATE_MS;
	}
	udp->is_failing = true;
	udp->last_failure_ms = now_ms;
	if (udp->address_count > 1 && now_ms - udp->rotated_ms >= ROTATE_MS) {
		udp->rotated_ms = now_ms;
		udp->current = (udp->current + 1) % udp->address_count;
		disconnect(udp);
	}
	if (udp->is_name && !udp->lookup && now_ms - udp->failing_since_ms >= FAILING_RESOLVE_MS) {
		udp->failing_since_ms = now_ms;
		lookup_start(udp);
	}
}

/* Let go of an interface that is not the one of its name any more. */
static void watch_interface(struct transport *udp, int64_t now_ms)
{
	if (udp->fd < 0 ||
	    (!udp->has_failed && now_ms - udp->interface_looked_ms < INTERFACE_LOOK_MS))
		return;
	udp->interface_looked_ms = now_ms;
	if (transport_socket_is_stale(&udp->settings, udp->fd))
		disconnect(udp);
}

static int udp_poll(struct transport *udp, int64_t now_ms)
{
	int result;

	if (udp->lookup)
		lookup_take(udp, now_ms);
	if (udp->address_count == 0) {
		if (!udp->lookup && now_ms >= udp->next_lookup_ms)
			lookup_start(udp);
		return udp->has_failed_lookup ? -ENOENT : -EINPROGRESS;
	}
	watch_interface(udp, now_ms);
	watch_failures(udp, now_ms);
	if (udp->fd >= 0)
		return 0;
	result = connect_any(udp);
	udp->has_failed |= result != 0;
	return result;
}

static struct transport_result udp_send(struct transport *udp, const struct datagram *datagrams,
					size_t count)
{
	struct transport_result result;

	if (udp->fd < 0)
		return (struct transport_result){ .error = -ENOTCONN };
	result = transport_udp_send(udp->fd, &udp->can_segment, datagrams, count);
	if (result.error && result.error != -EAGAIN && result.error != -ENOBUFS &&
	    result.error != -EMSGSIZE)
		udp->has_failed = true;
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

		if ((is_ipv4 || is_ipv6) && part->cmsg_len >= CMSG_LEN(sizeof(*report)) &&
		    (report->ee_origin == SO_EE_ORIGIN_ICMP ||
		     report->ee_origin == SO_EE_ORIGIN_ICMP6))
			return report;
	}
	return NULL;
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
		udp->has_failed = true;
		return true;
	}
	return false;
}

static socklen_t udp_remote(const struct transport *udp, struct sockaddr_storage *address)
{
	if (udp->address_count == 0)
		return 0;
	*address = udp->addresses[udp->current].address;
	return udp->addresses[udp->current].size;
}

static socklen_t udp_local(const struct transport *udp, struct sockaddr_storage *address)
{
	socklen_t size = sizeof(*address);

	if (udp->fd < 0 || getsockname(udp->fd, (struct sockaddr *)address, &size))
		return 0;
	return size;
}

const struct transport_type transport_udp = {
	.name = "udp",
	.open = udp_open,
	.poll = udp_poll,
	.send = udp_send,
	.refusal = udp_refusal,
	.remote = udp_remote,
	.local = udp_local,
	.close = udp_close,
};
