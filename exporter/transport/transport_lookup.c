/* transport_lookup.c - names become addresses, in a thread of its own.
 *
 * Place: in front of the socket of each network transport. Invariant: the job is freed by whoever
 * comes second, its thread or the transport. */
#include "transport_lookup.h"

#include "transport_dns.h"
#include "transport_spread.h"

#include <ctype.h>
#include <endian.h>
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
#define TTL_MIN_S         2     /* times to live are followed from here */
#define TTL_MAX_S         3600  /* to here */

/* A thread, because getaddrinfo() takes as long as the name servers do. Whoever comes second, the
 * thread that ends or the transport that wants no answer any more, frees the job. */
enum lookup_state { LOOKUP_runs, LOOKUP_ended, LOOKUP_abandoned };

struct transport_lookup_job {
	_Atomic int state;
	/* Valid when ended: in the order in which they are to be used. */
	struct transport_address addresses[TRANSPORT_LOOKUP_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl_s;   /* UINT32_MAX: not known */
	sa_family_t only; /* 0: each */
	uint32_t seed;
	uint16_t port;
	char host[];
};

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)
				     ->sin_addr.s_addr) >>
			       24 ==
		       IN_LOOPBACKNET;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		       &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* The port as well: a service has one for each host. The scope is set here. */
static bool is_same(const struct transport_address *one, const struct transport_address *other)
{
	return transport_address_port(&one->address) == transport_address_port(&other->address) &&
	       transport_address_is_same_host(&one->address, &other->address);
}

static void address_add(struct transport_address *addresses, size_t *count, sa_family_t only,
			const struct sockaddr *from, socklen_t size)
{
	struct transport_address *address = &addresses[*count];

	if (*count == TRANSPORT_LOOKUP_ADDRESSES_MAX || size > sizeof(address->address))
		return;
	if (only && only != from->sa_family)
		return;
	memset(address, 0, sizeof(*address));
	memcpy(&address->address, from, size);
	address->size = size;
	(*count)++;
}

/* Take over what a look-up has brought. The one in use stays in use as long as the name has it, so
 * that what is connected to it stands, also where the name has more than there is room for; and all
 * stay when the name has none. Returns whether another one must be used from now on. */
static bool addresses_set(struct transport_lookup *lookup, const struct transport_lookup_job *job)
{
	const struct transport_address *now = transport_lookup_current(lookup);
	const bool has_before = now != NULL;
	const struct transport_address before = has_before ? *now : (struct transport_address){ 0 };

	if (job->count == 0)
		return false;
	memcpy(lookup->addresses, job->addresses, sizeof(lookup->addresses));
	lookup->address_count = job->count;
	lookup->current = 0;
	for (size_t i = 0; has_before && i < job->count; i++)
		if (is_same(&job->addresses[i], &before)) {
			lookup->current = i;
			return false;
		}
	return true;
}

/* The order of this agent, within the order of families that getaddrinfo() has found: it knows
 * which of them have a route. "localhost" comes as ::1 and 127.0.0.1: IPv4 goes first there,
 * because a collector on the IPv6 wildcard hears both and one on an IPv4 address only one. */
static size_t order(const struct addrinfo *list, uint32_t seed, struct transport_spread_item *items,
		    const struct addrinfo **infos)
{
	uint32_t priority = 1;
	int family = AF_UNSPEC;
	size_t count = 0;

	for (const struct addrinfo *info = list; info && count < TRANSPORT_LOOKUP_ADDRESSES_MAX;
	     info = info->ai_next) {
		struct transport_spread_item *item = &items[count];
		const bool is_ipv4 = info->ai_family == AF_INET;

		if (!is_ipv4 && info->ai_family != AF_INET6)
			continue;
		priority += info->ai_family != family;
		family = info->ai_family;
		*item = (struct transport_spread_item){ .weight = 1, .index = count };
		item->priority = is_ipv4 && is_loopback(info->ai_addr) ? 0 : priority;
		if (is_ipv4)
			memcpy(item->key,
			       &((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr,
			       4);
		else
			memcpy(item->key,
			       &((const struct sockaddr_in6 *)(const void *)info->ai_addr)
					->sin6_addr,
			       16);
		infos[count++] = info;
	}
	transport_spread(items, count, seed);
	return count;
}

/* All addresses of a host after those that the job has. */
static void look_up_host(struct transport_lookup_job *job, const char *host, uint16_t port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct transport_spread_item items[TRANSPORT_LOOKUP_ADDRESSES_MAX];
	const struct addrinfo *infos[TRANSPORT_LOOKUP_ADDRESSES_MAX];
	struct addrinfo *list = NULL;
	char service[6];
	size_t count;

	(void)snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list))
		return;
	count = order(list, job->seed, items, infos);
	for (size_t i = 0; i < count; i++)
		address_add(job->addresses, &job->count, job->only, infos[items[i].index]->ai_addr,
			    infos[items[i].index]->ai_addrlen);
	if (!is_loopback(list->ai_addr))
		job->ttl_s =
			transport_dns_shorter(job->ttl_s, transport_dns_ttl(host, list->ai_addr));
	freeaddrinfo(list);
}

/* FNV-1a of the name, and the port. */
static void host_key(const struct transport_dns_service *service,
		     uint8_t key[static TRANSPORT_SPREAD_KEY_SIZE])
{
	uint64_t hash = 14695981039346656037u;

	for (const char *next = service->host; *next; next++)
		hash = (hash ^ (uint8_t)tolower((unsigned char)*next)) * 1099511628211u;
	hash = htole64(hash);
	memcpy(key, &hash, sizeof(hash));
	key[sizeof(hash)] = (uint8_t)(service->port >> 8);
	key[sizeof(hash) + 1] = (uint8_t)service->port;
}

/* RFC 2782: hosts of the lowest priority first, those of one priority in shares of their weights,
 * the others where these do not answer. */
static void look_up_service(struct transport_lookup_job *job, const char *name)
{
	struct transport_dns_service services[TRANSPORT_DNS_SERVICES_MAX];
	struct transport_spread_item items[TRANSPORT_DNS_SERVICES_MAX];
	const size_t count = transport_dns_services(name, services, &job->ttl_s);

	for (size_t i = 0; i < count; i++) {
		items[i] = (struct transport_spread_item){ .priority = services[i].priority,
							   .weight = services[i].weight,
							   .index = i };
		host_key(&services[i], items[i].key);
	}
	transport_spread(items, count, job->seed);
	for (size_t i = 0; i < count; i++)
		look_up_host(job, services[items[i].index].host, services[items[i].index].port);
}

static void *job_run(void *context)
{
	const size_t prefix = sizeof(TRANSPORT_SERVICE) - 1;
	struct transport_lookup_job *job = context;

	if (strncmp(job->host, TRANSPORT_SERVICE, prefix) == 0)
		look_up_service(job, job->host + prefix);
	else
		look_up_host(job, job->host, job->port);
	if (atomic_exchange(&job->state, LOOKUP_ended) == LOOKUP_abandoned)
		free(job);
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
	job->port = lookup->port;
	job->seed = lookup->seed;
	job->only = lookup->source.size ? lookup->source.address.ss_family : 0;
	job->ttl_s = UINT32_MAX;
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
	address_add(lookup->addresses, &lookup->address_count,
		    lookup->source.size ? lookup->source.address.ss_family : 0,
		    (const struct sockaddr *)&address.address, address.size);
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

	*lookup = (struct transport_lookup){ .port = config->port,
					     .seed = config->seed,
					     .settings = config->socket };
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
		free(lookup->job);
	free(lookup->host);
	*lookup = (struct transport_lookup){ 0 };
}

/* Until the next look-up. */
static int64_t interval_ms(const struct transport_lookup_job *job)
{
	const uint32_t ttl_s =
		job->ttl_s < TTL_MIN_S ? TTL_MIN_S : transport_dns_shorter(job->ttl_s, TTL_MAX_S);

	if (job->count == 0)
		return RESOLVE_FAILED_MS;
	return job->ttl_s == UINT32_MAX ? RESOLVE_MS : (int64_t)ttl_s * 1000;
}

/* Take the result of a look-up that has ended. Known addresses stay if there are no new ones.
 * Returns whether another one must be used. */
static bool job_take(struct transport_lookup *lookup, int64_t now_ms)
{
	struct transport_lookup_job *job = lookup->job;
	bool has_changed;

	if (!job || atomic_load(&job->state) != LOOKUP_ended)
		return false;
	has_changed = addresses_set(lookup, job);
	lookup->has_failed = job->count == 0;
	lookup->next_ms = now_ms + interval_ms(job);
	free(job);
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

bool transport_lookup_first(struct transport_lookup *lookup)
{
	const bool has_other = lookup->current != 0;

	lookup->current = 0;
	return has_other;
}

bool transport_lookup_next(struct transport_lookup *lookup)
{
	if (lookup->address_count < 2)
		return false;
	lookup->current = (lookup->current + 1) % lookup->address_count;
	return true;
}

int64_t transport_lookup_return_ms(int64_t last_ms, bool has_failed_again)
{
	if (!has_failed_again)
		return TRANSPORT_LOOKUP_RETURN_MS;
	return last_ms < TRANSPORT_LOOKUP_RETURN_MAX_MS / 2 ? 2 * last_ms
							    : TRANSPORT_LOOKUP_RETURN_MAX_MS;
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
