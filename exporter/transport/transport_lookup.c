/* transport_lookup.c - getaddrinfo() in a thread of its own.
 *
 * Place: in front of the socket of each network transport. Invariant: the job is freed by whoever
 * comes second, its thread or the transport. */
#include "transport_lookup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_FAILED_MS 10000 /* after a look-up that failed */
#define START_FAILED_MS   1000  /* until the next try to start the thread that asks */
#define RESOLVE_MS        60000 /* a name may be given another address at any time */

/* A thread, because getaddrinfo() takes as long as the name servers do. Whoever comes second, the
 * thread that ends or the transport that wants no answer any more, frees the job. */
enum lookup_state { LOOKUP_runs, LOOKUP_ended, LOOKUP_abandoned };

struct transport_lookup_job {
	_Atomic int state;
	int result;            /* of getaddrinfo(); valid when ended, as the list */
	struct addrinfo *list; /* owned */
	char port[6];
	char host[];
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

static void address_add(struct transport_lookup *lookup, const struct sockaddr *from,
			socklen_t size)
{
	struct transport_address *address = &lookup->addresses[lookup->address_count];

	if (lookup->address_count == TRANSPORT_LOOKUP_ADDRESSES_MAX ||
	    size > sizeof(address->address))
		return;
	if (lookup->source.size && lookup->source.address.ss_family != from->sa_family)
		return;
	memcpy(&address->address, from, size);
	address->size = size;
	lookup->address_count++;
}

/* Scope and port aside: the scope is set here, and the port is the same for all. */
static bool is_same_host(const struct sockaddr_storage *one, const struct sockaddr *other)
{
	if (one->ss_family != other->sa_family)
		return false;
	if (one->ss_family == AF_INET)
		return ((const struct sockaddr_in *)one)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)other)->sin_addr.s_addr;
	return one->ss_family == AF_INET6 &&
	       IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)one)->sin6_addr,
				  &((const struct sockaddr_in6 *)(const void *)other)->sin6_addr);
}

static bool list_has(const struct addrinfo *list, const struct transport_address *address)
{
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (is_same_host(&address->address, info->ai_addr))
			return true;
	return false;
}

/* The current one is 'address', also where the name has more than there is room for. */
static void current_set(struct transport_lookup *lookup, const struct transport_address *address)
{
	size_t i = 0;

	while (i + 1 < lookup->address_count &&
	       !is_same_host(&lookup->addresses[i].address,
			     (const struct sockaddr *)&address->address))
		i++;
	lookup->addresses[i] = *address;
	lookup->current = i;
}

/* Keep what a look-up brought. "localhost" comes as ::1 and 127.0.0.1: IPv4 goes first there,
 * because a collector on the IPv6 wildcard hears both and one on an IPv4 address only one. */
static void addresses_replace(struct transport_lookup *lookup, const struct addrinfo *list)
{
	lookup->address_count = 0;
	lookup->current = 0;
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (info->ai_family == AF_INET && is_loopback(info))
			address_add(lookup, info->ai_addr, info->ai_addrlen);
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (info->ai_family != AF_INET || !is_loopback(info))
			address_add(lookup, info->ai_addr, info->ai_addrlen);
}

/* The same where some may be known. The one in use stays in use as long as the name has it, so that
 * what is connected to it stands; and all stay when the name has none that can be used. Returns
 * whether another one must be used from now on. */
static bool addresses_set(struct transport_lookup *lookup, const struct addrinfo *list)
{
	const struct transport_lookup before = *lookup;
	const struct transport_address *current = transport_lookup_current(&before);

	addresses_replace(lookup, list);
	if (!current)
		return lookup->address_count != 0;
	if (lookup->address_count == 0) {
		*lookup = before;
		return false;
	}
	if (!list_has(list, current))
		return true;
	current_set(lookup, current);
	return false;
}

static void job_free(struct transport_lookup_job *job)
{
	if (job->result == 0 && job->list)
		freeaddrinfo(job->list);
	free(job);
}

static void *job_run(void *context)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct transport_lookup_job *job = context;

	job->result = getaddrinfo(job->host, job->port, &hints, &job->list);
	if (atomic_exchange(&job->state, LOOKUP_ended) == LOOKUP_abandoned)
		job_free(job);
	return NULL;
}

static void job_start(struct transport_lookup *lookup)
{
	const size_t host_size = strlen(lookup->host) + 1;
	struct transport_lookup_job *job = calloc(1, sizeof(*job) + host_size);
	pthread_t thread;
	sigset_t all, before;
	int result;

	lookup->start_error = job ? 0 : ENOMEM;
	if (!job)
		return;
	memcpy(job->host, lookup->host, host_size);
	(void)snprintf(job->port, sizeof(job->port), "%u", lookup->port);
	/* The thread inherits this mask: signals are for the control thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, NULL, job_run, job);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	lookup->start_error = result;
	if (result) {
		free(job);
		return;
	}
	(void)pthread_detach(thread);
	lookup->job = job;
}

static void say_other_interface(const struct transport_lookup *lookup, const char *address,
				struct error_text *error)
{
	error_text_set(error, "address %s is of another interface than %s", address,
		       lookup->settings.interface);
}

static int source_init(struct transport_lookup *lookup, const char *text, struct error_text *error)
{
	const int result = transport_socket_address(&lookup->settings, text, 0, &lookup->source);

	if (result == -EXDEV)
		say_other_interface(lookup, text, error);
	else if (result)
		error_text_set(error, "source address '%s' is not an IP address", text);
	return result;
}

static int host_init(struct transport_lookup *lookup, const char *host, struct error_text *error)
{
	struct transport_address address;
	int result;

	lookup->host = strdup(host);
	if (!lookup->host) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = transport_socket_address(&lookup->settings, host, lookup->port, &address);
	if (result == -EINVAL) {
		lookup->is_name = true;
		job_start(lookup);
		return 0;
	}
	if (result) {
		say_other_interface(lookup, host, error);
		return result;
	}
	address_add(lookup, (const struct sockaddr *)&address.address, address.size);
	if (lookup->address_count == 0) {
		error_text_set(error, "the source address is of the other IP version");
		return -EINVAL;
	}
	return 0;
}

int transport_lookup_init(struct transport_lookup *lookup, const struct transport_config *config,
			  struct error_text *error)
{
	int result = 0;

	*lookup = (struct transport_lookup){ .port = config->port, .settings = config->socket };
	if (config->source_address)
		result = source_init(lookup, config->source_address, error);
	if (!result)
		result = host_init(lookup, config->host, error);
	if (result)
		transport_lookup_clear(lookup);
	return result;
}

void transport_lookup_clear(struct transport_lookup *lookup)
{
	if (lookup->job && atomic_exchange(&lookup->job->state, LOOKUP_abandoned) == LOOKUP_ended)
		job_free(lookup->job);
	free(lookup->host);
	*lookup = (struct transport_lookup){ 0 };
}

/* Take the result of a look-up that has ended. Known addresses stay if there are no new ones.
 * Returns whether another one must be used. */
static bool job_take(struct transport_lookup *lookup, int64_t now_ms)
{
	struct transport_lookup_job *job = lookup->job;
	bool has_changed;

	if (!job || atomic_load(&job->state) != LOOKUP_ended)
		return false;
	has_changed = job->result == 0 && addresses_set(lookup, job->list);
	lookup->has_failed = job->result != 0 || lookup->address_count == 0;
	lookup->next_ms = now_ms + (lookup->has_failed ? RESOLVE_FAILED_MS : RESOLVE_MS);
	job_free(job);
	lookup->job = NULL;
	return has_changed;
}

int transport_lookup_poll(struct transport_lookup *lookup, int64_t now_ms)
{
	const bool has_changed = job_take(lookup, now_ms);

	if (lookup->is_name && !lookup->job && now_ms >= lookup->next_ms) {
		job_start(lookup);
		if (lookup->start_error)
			lookup->next_ms = now_ms + START_FAILED_MS;
	}
	if (lookup->address_count)
		return has_changed;
	if (lookup->start_error)
		return -lookup->start_error;
	return lookup->has_failed ? -ENOENT : -EINPROGRESS;
}

void transport_lookup_again(struct transport_lookup *lookup)
{
	if (lookup->is_name && !lookup->job)
		job_start(lookup);
}

bool transport_lookup_next(struct transport_lookup *lookup)
{
	if (lookup->address_count < 2)
		return false;
	lookup->current = (lookup->current + 1) % lookup->address_count;
	return true;
}

int transport_lookup_socket(struct transport_lookup *lookup, int type)
{
	return transport_socket_open(&lookup->settings, type, &lookup->source,
				     &lookup->addresses[lookup->current]);
}

const struct transport_address *transport_lookup_current(const struct transport_lookup *lookup)
{
	return lookup->address_count ? &lookup->addresses[lookup->current] : NULL;
}
