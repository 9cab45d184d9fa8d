/* agentctl_listen_sockets.c - datagrams and sessions -> listener.
 *
 * Datagrams that the socket had no room for are counted by the kernel (SO_RXQ_OVFL): a gap that we
 * have made ourselves must not look like one of the exporter. */
#include "agentctl_listen_sockets.h"

#include "address.h"
#include "bytes.h"
#include "fault_text.h"
#include "listen_message.h"
#include "socket_place.h"
#include "time_now.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_PORT   2055
#define RECEIVE_BUFFER (4 * 1024 * 1024) /* the kernel gives what net.core.rmem_max lets it */
#define BACKLOG        16
#define PORT_TRIES     16 /* of port 0: until one is free for UDP and TCP */

enum { UDP, TCP, FIRST_SESSION };

/* The start of a message whose rest has not come yet. */
struct listen_session {
	struct listen_source source;
	size_t size;
	uint8_t bytes[LISTEN_MESSAGE_SIZE];
};

/* Parse 1 to 5 digits up to 65535. */
static bool port_parse(const char *text, uint16_t *port)
{
	char *end;
	const unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* Take "ADDRESS:PORT", "[ADDRESS]:PORT", "ADDRESS", ":PORT" or "PORT" apart. */
static bool place_parse(const char *text, struct listen_source *place)
{
	char address[ADDRESS_TEXT_SIZE + 2];
	const char *colon = strrchr(text, ':');
	const char *start = text;
	size_t length;
	int version;

	*place = (struct listen_source){ .ip_version = 6, .port = DEFAULT_PORT };
	if (port_parse(text, &place->port))
		return true;
	if (colon && *text != '[' && memchr(text, ':', (size_t)(colon - text)))
		colon = NULL; /* an IPv6 address alone */
	if (colon && *text == '[' && colon[-1] != ']')
		colon = NULL;
	if (colon && !port_parse(colon + 1, &place->port))
		return false;
	length = colon ? (size_t)(colon - text) : strlen(text);
	if (length >= 2 && *text == '[' && text[length - 1] == ']') {
		start++;
		length -= 2;
	}
	if (length == 0)
		return colon == text;
	if (length >= sizeof(address))
		return false;
	memcpy(address, start, length);
	address[length] = '\0';
	version = address_parse(address, place->address);
	place->ip_version = (uint8_t)version;
	return version > 0;
}

static socklen_t to_system(const struct listen_source *place, struct sockaddr_storage *storage)
{
	struct sockaddr_in *in = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;

	memset(storage, 0, sizeof(*storage));
	if (place->ip_version == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(place->port);
		memcpy(&in->sin_addr, place->address, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(place->port);
	memcpy(&in6->sin6_addr, place->address, 16);
	return sizeof(*in6);
}

static struct listen_source from_system(const struct sockaddr_storage *storage)
{
	const struct socket_place place = socket_place_of(storage);
	struct listen_source source = { .ip_version = place.ip_version, .port = place.port };

	memcpy(source.address, place.address, sizeof(place.address));
	return source;
}

/* A bound socket, or a negative errno. */
static int bound_udp(const struct listen_source *place)
{
	const int off = 0, on = 1, buffer = RECEIVE_BUFFER;
	struct sockaddr_storage storage;
	const socklen_t size = to_system(place, &storage);
	int descriptor = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fault;

	if (descriptor < 0)
		return -errno;
	if (place->ip_version == 6)
		(void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	(void)setsockopt(descriptor, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	if (bind(descriptor, (struct sockaddr *)&storage, size) == 0)
		return descriptor;
	fault = -errno;
	(void)close(descriptor);
	return fault;
}

/* All addresses: IPv4 alone where the kernel has no IPv6. */
static int open_udp(struct listen_source *place)
{
	static const uint8_t any[16] = { 0 };
	int descriptor = bound_udp(place);

	if (descriptor != -EAFNOSUPPORT || memcmp(place->address, any, sizeof(any)) != 0)
		return descriptor;
	place->ip_version = 4;
	return bound_udp(place);
}

static int open_tcp(const struct listen_source *place)
{
	struct sockaddr_storage storage;
	const socklen_t size = to_system(place, &storage);

	return socket_place_listen((const struct sockaddr *)&storage, size, BACKLOG);
}

static uint16_t port_of(int descriptor)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);

	(void)getsockname(descriptor, (struct sockaddr *)&storage, &size);
	return from_system(&storage).port;
}

/* UDP and TCP at one port: with port 0 at one that is free for both. Where UDP has a free port, TCP
 * may not: that socket stays open meanwhile, so that the next one gets another port. */
static int open_both(struct agentctl_listen_sockets *sockets, struct listen_source *place,
		     int tries)
{
	const uint16_t wanted = place->port;
	const int udp = open_udp(place);
	int result;

	if (udp < 0)
		return udp;
	place->port = port_of(udp);
	sockets->polled[UDP].fd = udp;
	sockets->polled[TCP].fd = open_tcp(place);
	if (sockets->polled[TCP].fd >= 0)
		return 0;
	result = sockets->polled[TCP].fd;
	if (result == -EADDRINUSE && wanted == 0 && tries > 1) {
		place->port = wanted;
		result = open_both(sockets, place, tries - 1);
	}
	if (result < 0)
		sockets->polled[UDP].fd = -1;
	(void)close(udp);
	return result;
}

static void fail_open(int fault, const char *place, struct error_text *error)
{
	error_text_set(error, "cannot listen on %s: %s", place, fault_text(-fault));
	if (fault == -EADDRINUSE)
		error_text_hint(error, "another program has this port (ss -lntup shows it): "
				       "name another one, such as agentctl listen 2056");
	else if (fault == -EADDRNOTAVAIL)
		error_text_hint(error, "the address must be one of this host (ip address)");
}

int agentctl_listen_open(struct agentctl_listen_sockets *sockets, const char *text,
			 char place[static LISTENER_TEXT_SIZE], struct error_text *error)
{
	struct listen_source source = { .ip_version = 6, .port = DEFAULT_PORT };
	int result;

	*sockets = (struct agentctl_listen_sockets){ .overflow = 0 };
	for (size_t i = 0; i < 2 + LISTEN_SESSIONS; i++)
		sockets->polled[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (text && !place_parse(text, &source)) {
		char quote[ERROR_QUOTE_SIZE];

		error_text_set(error,
			       "\"%s\": expected ADDRESS:PORT, [ADDRESS]:PORT, ADDRESS or PORT",
			       error_text_quote(text, strlen(text), quote));
		return -EINVAL;
	}
	result = open_both(sockets, &source, PORT_TRIES);
	(void)listen_source_format(&source, place);
	if (result < 0) {
		fail_open(result, place, error);
		agentctl_listen_close(sockets);
		return result == -EINVAL ? -EIO : result;
	}
	return 0;
}

void agentctl_listen_close(struct agentctl_listen_sockets *sockets)
{
	for (size_t i = 0; i < 2 + LISTEN_SESSIONS; i++)
		if (sockets->polled[i].fd >= 0)
			(void)close(sockets->polled[i].fd);
	for (size_t i = 0; i < LISTEN_SESSIONS; i++)
		free(sockets->sessions[i]);
}

/* What the kernel says that it had no room for, since the last call. */
static uint32_t overflow_of(struct agentctl_listen_sockets *sockets, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		uint32_t total, step;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&total, CMSG_DATA(part), sizeof(total));
		step = total - sockets->overflow;
		sockets->overflow = total;
		return step;
	}
	return 0;
}

static void read_datagrams(struct agentctl_listen_sockets *sockets, struct listener *listener,
			   unsigned int most)
{
	uint8_t bytes[LISTEN_MESSAGE_SIZE];
	char control[CMSG_SPACE(sizeof(uint32_t))];
	struct sockaddr_storage from;
	struct iovec part = { bytes, sizeof(bytes) };

	while (most-- > 0) {
		struct msghdr message = { .msg_name = &from,
					  .msg_namelen = sizeof(from),
					  .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		const ssize_t size = recvmsg(sockets->polled[UDP].fd, &message, 0);
		struct listen_source source;
		uint32_t overflow;

		if (size < 0)
			return;
		overflow = overflow_of(sockets, &message);
		source = from_system(&from);
		listener_take(listener, &source, bytes, (size_t)size, time_now_ms(CLOCK_REALTIME));
		if (overflow)
			listener_not_read(listener, overflow, time_now_ms(CLOCK_REALTIME));
	}
}

static void accept_session(struct agentctl_listen_sockets *sockets)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);
	struct listen_session *session;
	size_t place = 0;
	int descriptor;

	while (place < LISTEN_SESSIONS && sockets->sessions[place])
		place++;
	if (place == LISTEN_SESSIONS)
		return;
	descriptor = accept4(sockets->polled[TCP].fd, (struct sockaddr *)&from, &size,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (descriptor < 0)
		return;
	session = calloc(1, sizeof(*session));
	if (!session) {
		(void)close(descriptor);
		return;
	}
	session->source = from_system(&from);
	session->source.is_session = true;
	sockets->sessions[place] = session;
	sockets->polled[FIRST_SESSION + place].fd = descriptor;
	if (place + 1 == LISTEN_SESSIONS)
		sockets->polled[TCP].events = 0;
}

static void end_session(struct agentctl_listen_sockets *sockets, struct listener *listener,
			size_t place)
{
	struct listen_session *session = sockets->sessions[place];

	if (session->size > 0) /* a message that was cut */
		listener_take(listener, &session->source, session->bytes, session->size,
			      time_now_ms(CLOCK_REALTIME));
	listener_end(listener, &session->source);
	(void)close(sockets->polled[FIRST_SESSION + place].fd);
	sockets->polled[FIRST_SESSION + place].fd = -1;
	sockets->polled[TCP].events = POLLIN;
	free(session);
	sockets->sessions[place] = NULL;
}

/* Give whole messages to the listener and keep the rest. Returns false if what follows cannot be
 * found: no IPFIX, or a length below that of a header (RFC 7011 section 10.4.1). */
static bool take_messages(struct listen_session *session, struct listener *listener)
{
	size_t at = 0;

	while (session->size - at >= 4) {
		const uint8_t *bytes = session->bytes + at;
		const size_t length = load_be16(bytes + 2);

		if (load_be16(bytes) != LISTEN_IPFIX || length < LISTEN_IPFIX_HEADER_SIZE)
			break;
		if (session->size - at < length)
			break;
		listener_take(listener, &session->source, bytes, length,
			      time_now_ms(CLOCK_REALTIME));
		at += length;
	}
	session->size -= at;
	memmove(session->bytes, session->bytes + at, session->size);
	return session->size < 4 || (load_be16(session->bytes) == LISTEN_IPFIX &&
				     load_be16(session->bytes + 2) >= LISTEN_IPFIX_HEADER_SIZE);
}

static void read_session(struct agentctl_listen_sockets *sockets, struct listener *listener,
			 size_t place)
{
	struct listen_session *session = sockets->sessions[place];
	const ssize_t got =
		recv(sockets->polled[FIRST_SESSION + place].fd, session->bytes + session->size,
		     sizeof(session->bytes) - session->size, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		session->size += (size_t)got;
	if (got <= 0 || !take_messages(session, listener))
		end_session(sockets, listener, place);
}

void agentctl_listen_read(struct agentctl_listen_sockets *sockets, struct listener *listener,
			  unsigned int most)
{
	if (sockets->polled[UDP].revents)
		read_datagrams(sockets, listener, most);
	for (size_t i = 0; i < LISTEN_SESSIONS; i++)
		if (sockets->sessions[i] && sockets->polled[FIRST_SESSION + i].revents)
			read_session(sockets, listener, i);
	if (sockets->polled[TCP].revents)
		accept_session(sockets);
}
