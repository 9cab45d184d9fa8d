/* transport_lookup.h - the addresses of a collector: given, or looked up in the background and
 * again when needed.
 *
 * Internal to transport_*.c: the part that all network transports share, before the socket. */
#ifndef TRANSPORT_LOOKUP_H
#define TRANSPORT_LOOKUP_H

#include "transport.h"

#define TRANSPORT_LOOKUP_ADDRESSES_MAX 32
/* How long another address than the first one of a name stays in use; then the first one may be
 * back. */
#define TRANSPORT_LOOKUP_RETURN_MS     60000
#define TRANSPORT_LOOKUP_RETURN_MAX_MS 3600000 /* the same where it fails again and again */

struct transport_lookup_job; /* opaque: defined in transport_lookup.c */

/* Read only. */
struct transport_lookup {
	char *host; /* owned */
	uint16_t port;
	uint32_t seed;
	bool is_name; /* 'host' is not an address */
	struct transport_socket_settings settings;
	struct transport_address source;  /* size 0: the kernel's choice */
	struct transport_lookup_job *job; /* shared with its thread; NULL if none runs */
	int64_t next_ms;                  /* not before */
	bool has_failed;                  /* the last look-up brought nothing */
	int start_error; /* positive errno why the last one could not begin, or 0 */
	struct transport_address addresses[TRANSPORT_LOOKUP_ADDRESSES_MAX];
	size_t address_count;
	size_t current; /* the one to use */
};

/* Take host, source address and settings of a collector, and start looking up if the host is a
 * name. Returns 0, or a negative errno with 'error' filled; then there is nothing to clear. */
int transport_lookup_init(struct transport_lookup *lookup, const struct transport_config *config,
			  struct error_text *error);
void transport_lookup_clear(struct transport_lookup *lookup);

/* Continue. A name is looked up again when the time to live of its answer is over, or each minute
 * where the DNS does not have it, as it may be given another address while the old one still
 * swallows datagrams. Returns 0 when there are addresses, 1 when another one than
 * before must be used (the name does not have that any more), -EINPROGRESS while the first look-up
 * runs, or -ENOENT: the name has no address; it is looked up again after a while. */
int transport_lookup_poll(struct transport_lookup *lookup, int64_t now_ms);

/* Look a name up again at once; known addresses stay until it brings new ones. */
void transport_lookup_again(struct transport_lookup *lookup);
/* Use the first address again; false if it is in use. */
bool transport_lookup_first(struct transport_lookup *lookup);
/* Use the next address; false if there is no other. */
bool transport_lookup_next(struct transport_lookup *lookup);

/* How long the next stay is, after one of 'last_ms': longer if the first address has failed again
 * soon after the return to it. */
int64_t transport_lookup_return_ms(int64_t last_ms, bool has_failed_again);

/* transport_socket_open() towards the current address. */
int transport_lookup_socket(struct transport_lookup *lookup, int type);
/* Address to connect to; NULL if none is known yet. */
const struct transport_address *transport_lookup_current(const struct transport_lookup *lookup);

#endif
