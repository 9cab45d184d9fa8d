/* bmp_rib.h - the routes that routers have reported and not taken back.
 *
 * Place: bmp_station.c fills it, bmp_table.c makes the table of it. One owner. Time is unknown
 * here.
 *
 * A source is one view of one peer of one router. Each of its routes is kept by prefix and path
 * identifier, so what one source withdraws stays with the others. A source whose session has ended
 * keeps its routes: they are stale until it reports them again, or until they are dropped.
 *
 * Memory: 16 bytes a route, about 24 an IPv4 and 40 an IPv6 prefix, 32 for each different set of
 * attributes; the number of routes is bounded. */
#ifndef BMP_RIB_H
#define BMP_RIB_H

#include "address.h"
#include "bmp_bgp.h"

#define BMP_SOURCES_MAX 16384u
#define BMP_NO_SOURCE   UINT16_MAX

/* What a route says. No holes: all bytes count. */
struct bmp_attributes {
	uint32_t origin;           /* 0: it has none that counts */
	uint32_t neighbour;        /* 0: not known, or our own route */
	uint32_t local_preference; /* for the choice between routes, as BGP makes it */
	uint32_t path_length;
	uint8_t next_hop[16]; /* of the prefix's family; all 0: not known */
};

struct bmp_route {
	uint16_t source;
	const struct bmp_attributes *attributes; /* borrowed until the RIB changes */
};

struct bmp_rib; /* opaque: defined in bmp_rib.c */

/* 'most_routes' is the bound, up to 2^30. */
struct bmp_rib *bmp_rib_create(size_t most_routes);
void bmp_rib_destroy(struct bmp_rib *rib);

/* A new source without routes, BMP_NO_SOURCE if there are too many or memory is short. */
uint16_t bmp_rib_source_add(struct bmp_rib *rib);
/* Forget a source with all its routes. */
void bmp_rib_source_remove(struct bmp_rib *rib, uint16_t source);

/* From now on what the source has is stale. O(1). */
void bmp_rib_make_stale(struct bmp_rib *rib, uint16_t source);
/* What is stale goes. O(1): memory is free after the next sweep. */
void bmp_rib_drop_stale(struct bmp_rib *rib, uint16_t source, enum bgp_family family);

/* Note a route; it replaces the source's one of the same prefix and path identifier. Returns 0, or
 * -ENOSPC beyond the bound, or -ENOMEM: then the route is not there. */
int bmp_rib_announce(struct bmp_rib *rib, uint16_t source, const struct prefix *prefix,
		     uint32_t path_id, const struct bmp_attributes *attributes);
/* Returns whether the source had it. */
bool bmp_rib_withdraw(struct bmp_rib *rib, uint16_t source, const struct prefix *prefix,
		      uint32_t path_id);

/* Routes of a source, with those that are stale, or these alone. */
size_t bmp_rib_routes(const struct bmp_rib *rib, uint16_t source, enum bgp_family family);
size_t bmp_rib_stale_routes(const struct bmp_rib *rib, uint16_t source, enum bgp_family family);
/* How often anything has changed that a table may show. */
uint64_t bmp_rib_changes(const struct bmp_rib *rib);

/* Give memory of what is gone back. O(everything). */
void bmp_rib_sweep(struct bmp_rib *rib);

/* Visit each prefix with its routes, of which there is one at least, in no order; ends with what
 * 'visit' returns if that is not 0, or with -ENOMEM. */
int bmp_rib_each(struct bmp_rib *rib,
		 int (*visit)(void *context, const struct prefix *prefix,
			      const struct bmp_route *routes, size_t count),
		 void *context);

#endif
