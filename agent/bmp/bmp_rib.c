/* bmp_rib.c - see bmp_rib.h.
 *
 * A prefix has a number in a pool, and a list of routes. A route has the generation of its source
 * at the time when it was reported. To make the routes of a source stale its generation goes up; to
 * drop what is stale, the oldest one that counts. So a lost session costs nothing, and a sweep
 * frees the routes that do not count any more.
 *
 * Invariant: the counts of a source are its routes that count. */
#include "bmp_rib.h"

#include "asn_prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Generations are 16 bits that wrap: a sweep comes before they can be taken for another. */
#define GENERATIONS_MAX 30000u
/* Pools are made anew when so much of them is unused. */
#define UNUSED_MIN 65536u

struct route {
	uint32_t next; /* number of the prefix's next route, or of the next free one; 0: none */
	uint32_t attributes;
	uint32_t path_id;
	uint16_t source;
	uint16_t generation;
};

struct source {
	enum { SOURCE_free, SOURCE_used, SOURCE_removed } state;
	uint16_t generation;
	uint16_t oldest[BGP_FAMILY_COUNT];  /* generation that counts */
	uint16_t unswept;                   /* generations since the last sweep */
	uint32_t routes[BGP_FAMILY_COUNT];  /* that count */
	uint32_t current[BGP_FAMILY_COUNT]; /* of these: of the present generation */
};

struct bmp_rib {
	struct asn_prefixes prefixes[BGP_FAMILY_COUNT]; /* with the first route of each */
	struct asn_pool attributes;                     /* of struct bmp_attributes */
	size_t attributes_used;      /* after the last time that the pool was made */
	struct asn_vector routes;    /* of struct route; number 0 is none */
	uint32_t free;               /* first free route; 0: none */
	struct asn_vector sources;   /* of struct source */
	struct asn_vector collected; /* of struct bmp_route: for the visitor */
	size_t most_routes;
	uint64_t changes;
	bool is_dirty; /* a sweep would free routes */
};

/* ---- making ---- */

struct bmp_rib *bmp_rib_create(size_t most_routes)
{
	struct bmp_rib *rib = calloc(1, sizeof(*rib));

	if (!rib)
		return NULL;
	asn_prefixes_init(&rib->prefixes[BGP_FAMILY_ipv4], 4);
	asn_prefixes_init(&rib->prefixes[BGP_FAMILY_ipv6], 6);
	rib->attributes.elements.element_size = sizeof(struct bmp_attributes);
	rib->routes.element_size = sizeof(struct route);
	rib->sources.element_size = sizeof(struct source);
	rib->collected.element_size = sizeof(struct bmp_route);
	rib->most_routes = most_routes;
	return rib;
}

void bmp_rib_destroy(struct bmp_rib *rib)
{
	if (!rib)
		return;
	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		asn_prefixes_clear(&rib->prefixes[family]);
	asn_pool_clear(&rib->attributes);
	asn_vector_clear(&rib->routes);
	asn_vector_clear(&rib->sources);
	asn_vector_clear(&rib->collected);
	free(rib);
}

static struct source *source_at(const struct bmp_rib *rib, uint16_t number)
{
	return (struct source *)rib->sources.elements + number;
}

static struct route *route_at(const struct bmp_rib *rib, uint32_t number)
{
	return (struct route *)rib->routes.elements + number;
}

static const struct bmp_attributes *attributes_at(const struct bmp_rib *rib, uint32_t number)
{
	return (const struct bmp_attributes *)rib->attributes.elements.elements + number;
}

/* ---- sources ---- */

static uint16_t free_source(const struct bmp_rib *rib)
{
	for (size_t i = 0; i < rib->sources.count; i++)
		if (source_at(rib, (uint16_t)i)->state == SOURCE_free)
			return (uint16_t)i;
	return BMP_NO_SOURCE;
}

uint16_t bmp_rib_source_add(struct bmp_rib *rib)
{
	uint16_t number = free_source(rib);

	if (number == BMP_NO_SOURCE && rib->sources.count < BMP_SOURCES_MAX) {
		if (!asn_vector_add(&rib->sources))
			return BMP_NO_SOURCE;
		number = (uint16_t)(rib->sources.count - 1);
	} else if (number == BMP_NO_SOURCE) {
		bmp_rib_sweep(rib); /* removed ones are free after it */
		number = free_source(rib);
	}
	if (number != BMP_NO_SOURCE)
		*source_at(rib, number) = (struct source){ .state = SOURCE_used };
	return number;
}

void bmp_rib_source_remove(struct bmp_rib *rib, uint16_t number)
{
	struct source *source = source_at(rib, number);

	rib->changes += source->routes[0] + source->routes[1] > 0;
	memset(source->routes, 0, sizeof(source->routes));
	source->state = SOURCE_removed;
	rib->is_dirty = true;
}

static bool counts(const struct bmp_rib *rib, const struct route *route, enum bgp_family family)
{
	const struct source *source = source_at(rib, route->source);

	return source->state == SOURCE_used &&
	       (uint16_t)(source->generation - route->generation) <=
		       (uint16_t)(source->generation - source->oldest[family]);
}

void bmp_rib_make_stale(struct bmp_rib *rib, uint16_t number)
{
	struct source *source = source_at(rib, number);

	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		if ((uint16_t)(source->generation - source->oldest[family]) >= GENERATIONS_MAX)
			bmp_rib_drop_stale(rib, number, family);
	source->generation++;
	memset(source->current, 0, sizeof(source->current));
	if (++source->unswept >= GENERATIONS_MAX)
		bmp_rib_sweep(rib);
}

void bmp_rib_drop_stale(struct bmp_rib *rib, uint16_t number, enum bgp_family family)
{
	struct source *source = source_at(rib, number);

	if (source->routes[family] != source->current[family]) {
		rib->changes++;
		rib->is_dirty = true;
	}
	source->routes[family] = source->current[family];
	source->oldest[family] = source->generation;
}

size_t bmp_rib_routes(const struct bmp_rib *rib, uint16_t source, enum bgp_family family)
{
	return source_at(rib, source)->routes[family];
}

size_t bmp_rib_stale_routes(const struct bmp_rib *rib, uint16_t source, enum bgp_family family)
{
	return source_at(rib, source)->routes[family] - source_at(rib, source)->current[family];
}

uint64_t bmp_rib_changes(const struct bmp_rib *rib)
{
	return rib->changes;
}

/* ---- routes ---- */

static enum bgp_family family_of(const struct prefix *prefix)
{
	return prefix->ip_version == 6 ? BGP_FAMILY_ipv6 : BGP_FAMILY_ipv4;
}

/* Where the number of its first route lies; NULL if memory is short. */
static uint32_t *find_first(struct asn_prefixes *prefixes, const struct prefix *prefix)
{
	uint32_t number;

	if (asn_prefixes_number(prefixes, prefix, &number) < 0)
		return NULL;
	return asn_prefixes_first(prefixes, number);
}

/* The link that leads to a route; to 0 at the end of the list. */
static uint32_t *find_link(const struct bmp_rib *rib, uint32_t *link, uint16_t source,
			   uint32_t path_id)
{
	while (*link) {
		struct route *route = route_at(rib, *link);

		if (route->source == source && route->path_id == path_id)
			break;
		link = &route->next;
	}
	return link;
}

/* Make sure that one more route may be added. What was looked up before may have moved. */
static int make_room(struct bmp_rib *rib)
{
	if (rib->free || rib->routes.count <= rib->most_routes)
		return 0;
	if (rib->is_dirty)
		bmp_rib_sweep(rib);
	return rib->free ? 0 : -ENOSPC;
}

/* The number of a route that is not in use; 0: memory is short. Links into the array do not survive
 * it. */
static uint32_t take_route(struct bmp_rib *rib)
{
	const uint32_t number = rib->free;

	if (number) {
		rib->free = route_at(rib, number)->next;
		return number;
	}
	if (rib->routes.count == 0 && !asn_vector_add(&rib->routes))
		return 0;
	return asn_vector_add(&rib->routes) ? (uint32_t)(rib->routes.count - 1) : 0;
}

static void count_in(struct bmp_rib *rib, uint16_t number, enum bgp_family family)
{
	struct source *source = source_at(rib, number);

	source->routes[family]++;
	source->current[family]++;
}

static void count_out(struct bmp_rib *rib, const struct route *route, enum bgp_family family)
{
	struct source *source = source_at(rib, route->source);

	if (!counts(rib, route, family))
		return;
	source->routes[family]--;
	if (route->generation == source->generation)
		source->current[family]--;
}

/* The route takes what it says now. */
static void renew(struct bmp_rib *rib, struct route *route, enum bgp_family family,
		  uint32_t attributes)
{
	if (!counts(rib, route, family) || route->attributes != attributes)
		rib->changes++;
	count_out(rib, route, family);
	route->attributes = attributes;
	route->generation = source_at(rib, route->source)->generation;
	count_in(rib, route->source, family);
}

/* What was only named once must not fill the memory: prefixes without routes, and attributes. */
static void keep_bounds(struct bmp_rib *rib, enum bgp_family family)
{
	if (asn_prefixes_end(&rib->prefixes[family]) > rib->most_routes + UNUSED_MIN ||
	    rib->attributes.elements.count > 2 * rib->attributes_used + 4 * UNUSED_MIN)
		bmp_rib_sweep(rib);
}

int bmp_rib_announce(struct bmp_rib *rib, uint16_t source, const struct prefix *prefix,
		     uint32_t path_id, const struct bmp_attributes *attributes)
{
	const enum bgp_family family = family_of(prefix);
	uint32_t number, attributes_number;
	struct route *route;
	uint32_t *first;
	int room;

	keep_bounds(rib, family);
	room = make_room(rib); /* before anything is looked up: a sweep would move it */
	first = find_first(&rib->prefixes[family], prefix);
	if (!first || asn_pool_number(&rib->attributes, attributes, &attributes_number) < 0)
		return -ENOMEM;
	number = *find_link(rib, first, source, path_id);
	if (number) {
		renew(rib, route_at(rib, number), family, attributes_number);
		return 0;
	}
	if (room < 0)
		return room;
	number = take_route(rib);
	if (!number)
		return -ENOMEM;
	route = route_at(rib, number);
	*route = (struct route){ .next = *first,
				 .attributes = attributes_number,
				 .path_id = path_id,
				 .source = source,
				 .generation = source_at(rib, source)->generation };
	*first = number;
	count_in(rib, source, family);
	rib->changes++;
	return 0;
}

static void free_route(struct bmp_rib *rib, uint32_t *link)
{
	const uint32_t number = *link;
	struct route *route = route_at(rib, number);

	*link = route->next;
	route->next = rib->free;
	rib->free = number;
}

bool bmp_rib_withdraw(struct bmp_rib *rib, uint16_t source, const struct prefix *prefix,
		      uint32_t path_id)
{
	const enum bgp_family family = family_of(prefix);
	uint32_t *link;
	bool had;

	keep_bounds(rib, family);
	link = find_first(&rib->prefixes[family], prefix);
	if (link)
		link = find_link(rib, link, source, path_id);
	if (!link || !*link)
		return false;
	had = counts(rib, route_at(rib, *link), family);
	count_out(rib, route_at(rib, *link), family);
	free_route(rib, link);
	rib->changes += had;
	return had;
}

/* ---- sweeping ---- */

/* Returns how many prefixes have no route then. */
static size_t sweep_family(struct bmp_rib *rib, enum bgp_family family)
{
	const struct asn_prefixes *prefixes = &rib->prefixes[family];
	size_t empty = 0;

	for (size_t i = 1; i < asn_prefixes_end(prefixes); i++) {
		uint32_t *link = asn_prefixes_first(prefixes, i);

		while (*link) {
			struct route *route = route_at(rib, *link);

			if (counts(rib, route, family))
				link = &route->next;
			else
				free_route(rib, link);
		}
		empty += *asn_prefixes_first(prefixes, i) == 0;
	}
	return empty;
}

/* A pool without the prefixes that have no route. If memory is short, nothing happens. */
static void pack_prefixes(struct asn_prefixes *old)
{
	struct asn_prefixes packed;

	asn_prefixes_init(&packed, old->ip_version);
	for (size_t i = 1; i < asn_prefixes_end(old); i++) {
		const uint32_t route = *asn_prefixes_first(old, i);
		const struct prefix prefix = asn_prefixes_get(old, i);
		uint32_t *first = route ? find_first(&packed, &prefix) : NULL;

		if (first)
			*first = route;
		else if (route) {
			asn_prefixes_clear(&packed);
			return;
		}
	}
	asn_prefixes_clear(old);
	*old = packed;
}

/* A pool of attributes with those only that a route has. 'numbers' are the new numbers, by old. */
static bool renumber(struct bmp_rib *rib, struct asn_pool *packed, uint32_t *numbers)
{
	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		for (size_t i = 1; i < asn_prefixes_end(&rib->prefixes[family]); i++)
			for (uint32_t next = *asn_prefixes_first(&rib->prefixes[family], i); next;
			     next = route_at(rib, next)->next) {
				const uint32_t old = route_at(rib, next)->attributes;

				if (!numbers[old] &&
				    asn_pool_number(packed, attributes_at(rib, old),
						    &numbers[old]) < 0)
					return false;
			}
	return true;
}

static void pack_attributes(struct bmp_rib *rib)
{
	struct asn_pool packed = { .elements.element_size = sizeof(struct bmp_attributes) };
	uint32_t *numbers = calloc(rib->attributes.elements.count + 1, sizeof(*numbers));

	if (!numbers || !renumber(rib, &packed, numbers)) {
		asn_pool_clear(&packed);
		free(numbers);
		return;
	}
	for (size_t i = 1; i < rib->routes.count; i++) {
		struct route *route = route_at(rib, (uint32_t)i);

		if (route->attributes < rib->attributes.elements.count)
			route->attributes = numbers[route->attributes];
	}
	free(numbers);
	asn_pool_clear(&rib->attributes);
	rib->attributes = packed;
	rib->attributes_used = packed.elements.count;
}

void bmp_rib_sweep(struct bmp_rib *rib)
{
	for (int family = 0; family < BGP_FAMILY_COUNT; family++) {
		struct asn_prefixes *prefixes = &rib->prefixes[family];
		const size_t empty = sweep_family(rib, family);

		if (empty > UNUSED_MIN / 2 && (empty > asn_prefixes_end(prefixes) / 4 ||
					       asn_prefixes_end(prefixes) > rib->most_routes))
			pack_prefixes(prefixes);
	}
	if (rib->attributes.elements.count > 2 * rib->attributes_used + UNUSED_MIN)
		pack_attributes(rib);
	for (size_t i = 0; i < rib->sources.count; i++) {
		struct source *source = source_at(rib, (uint16_t)i);

		source->unswept = 0;
		if (source->state == SOURCE_removed)
			source->state = SOURCE_free;
	}
	rib->is_dirty = false;
}

/* ---- visiting ---- */

static int collect(struct bmp_rib *rib, enum bgp_family family, uint32_t next)
{
	rib->collected.count = 0;
	for (; next; next = route_at(rib, next)->next) {
		const struct route *route = route_at(rib, next);
		struct bmp_route *added;

		if (!counts(rib, route, family))
			continue;
		added = asn_vector_add(&rib->collected);
		if (!added)
			return -ENOMEM;
		*added = (struct bmp_route){ route->source, attributes_at(rib, route->attributes) };
	}
	return 0;
}

int bmp_rib_each(struct bmp_rib *rib,
		 int (*visit)(void *context, const struct prefix *prefix,
			      const struct bmp_route *routes, size_t count),
		 void *context)
{
	int result = 0;

	for (int family = 0; family < BGP_FAMILY_COUNT; family++) {
		const struct asn_prefixes *prefixes = &rib->prefixes[family];

		for (size_t i = 1; result == 0 && i < asn_prefixes_end(prefixes); i++) {
			const struct prefix prefix = asn_prefixes_get(prefixes, i);

			result = collect(rib, family, *asn_prefixes_first(prefixes, i));
			if (result == 0 && rib->collected.count)
				result = visit(context, &prefix, rib->collected.elements,
					       rib->collected.count);
		}
	}
	return result;
}
