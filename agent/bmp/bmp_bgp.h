/* bmp_bgp.h - the BGP messages inside BMP: what an OPEN and an UPDATE say.
 *
 * Place: below bmp_station.c. Pure; borrows from the bytes that it gets. BGP's own sessions, its
 * timers and its decisions are the routers' business. */
#ifndef BMP_BGP_H
#define BMP_BGP_H

#include "address.h"
#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Families of unicast routes, as an index. */
enum bgp_family { BGP_FAMILY_ipv4, BGP_FAMILY_ipv6, BGP_FAMILY_COUNT };

/* Of ADD-PATH (RFC 7911 section 4), may be both. */
#define BGP_ADD_PATH_RECEIVE 1
#define BGP_ADD_PATH_SEND    2

struct bgp_open {
	uint32_t as_number; /* of 4 bytes where capability 65 says it (RFC 6793), else of 2 */
	bool has_family[BGP_FAMILY_COUNT];  /* capability 1 (RFC 4760); IPv4 alone without any */
	uint8_t add_path[BGP_FAMILY_COUNT]; /* what the speaker does with path identifiers */
};

/* Take a BGP message with its header of 19 bytes from 'reader', which continues after it, and give
 * its body. Returns its type, or -EINVAL if it is not whole. Source: RFC 4271 section 4.1. */
#define BGP_OPEN   1
#define BGP_UPDATE 2
int bgp_message_take(struct reader *reader, struct reader *body);

/* Returns 0, or -EINVAL if an option is longer than what holds it. Sources: RFC 4271 section 4.2,
 * RFC 5492, RFC 9072 (extended optional parameters). */
int bgp_open_read(struct reader body, struct bgp_open *open);

/* A list of prefixes of one family, as they lie in the message. */
struct bgp_routes {
	struct reader prefixes;
	enum bgp_family family;
	bool has_path_ids;
};

/* Four lists at most: two of the message itself, and attributes 14 and 15. */
struct bgp_update {
	struct bgp_routes withdrawn, mp_withdrawn, announced, mp_announced;
	struct reader as_path, as4_path; /* values of the attributes, empty if they are not there */
	uint8_t next_hop[16];            /* of 'announced', 4 bytes; all 0: not there */
	uint8_t mp_next_hop[16];   /* of 'mp_announced': only if of the family of its prefixes */
	uint32_t local_preference; /* 100 if it is not there: the default of most routers */
	bool has_other_families;   /* multicast, VPN and others: left alone */
	bool is_end_of_rib[BGP_FAMILY_COUNT]; /* RFC 4724 section 2 */
};

/* Read and check all of an UPDATE; 'has_path_ids' says which families have path identifiers (RFC
 * 7911). Returns 0, or -EINVAL if any length or prefix is wrong: then none of it can be believed.
 * Sources: RFC 4271 section 4.3, RFC 4760, RFC 8950. */
int bgp_update_read(struct reader body, const bool has_path_ids[static BGP_FAMILY_COUNT],
		    struct bgp_update *update);

/* The next prefix of a list, host bits cleared; 'path_id' is 0 without identifiers. Returns false
 * at the end, or where the list is damaged: then the reader has failed. */
bool bgp_routes_next(struct bgp_routes *routes, struct prefix *prefix, uint32_t *path_id);

#endif
