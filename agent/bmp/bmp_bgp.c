/* bmp_bgp.c - see bmp_bgp.h.
 *
 * Invariant: an UPDATE is checked whole before any of it counts. */
#include "bmp_bgp.h"

#include "asn_path.h"

#include <errno.h>
#include <string.h>

#define MARKER_SIZE 16
#define HEADER_SIZE 19

#define PARAMETER_CAPABILITIES   2
#define PARAMETER_EXTENDED       255 /* RFC 9072 section 2 */
#define CAPABILITY_MULTIPROTOCOL 1
#define CAPABILITY_AS4           65
#define CAPABILITY_ADD_PATH      69

#define AFI_IPV4     1
#define AFI_IPV6     2
#define SAFI_UNICAST 1

#define ATTRIBUTE_NEXT_HOP   3
#define ATTRIBUTE_LOCAL_PREF 5
#define ATTRIBUTE_MP_REACH   14
#define ATTRIBUTE_MP_UNREACH 15

#define DEFAULT_LOCAL_PREFERENCE 100

int bgp_message_take(struct reader *reader, struct reader *body)
{
	uint16_t size;
	uint8_t type;

	(void)reader_take(reader, MARKER_SIZE);
	size = reader_u16(reader);
	type = reader_u8(reader);
	if (reader->failed || size < HEADER_SIZE)
		return -EINVAL;
	*body = reader_window(reader, size - HEADER_SIZE);
	return reader->failed ? -EINVAL : type;
}

/* Returns BGP_FAMILY_COUNT for what is not unicast of IPv4 or IPv6. */
static enum bgp_family family_of(uint16_t afi, uint8_t safi)
{
	if (safi != SAFI_UNICAST || (afi != AFI_IPV4 && afi != AFI_IPV6))
		return BGP_FAMILY_COUNT;
	return afi == AFI_IPV4 ? BGP_FAMILY_ipv4 : BGP_FAMILY_ipv6;
}

/* ---- OPEN ---- */

static void read_add_path(struct reader value, struct bgp_open *open)
{
	while (reader_left(&value) >= 4) {
		const uint16_t afi = reader_u16(&value);
		const uint8_t safi = reader_u8(&value);
		const uint8_t directions = reader_u8(&value);
		const enum bgp_family family = family_of(afi, safi);

		if (family != BGP_FAMILY_COUNT && directions <= 3)
			open->add_path[family] = directions;
	}
}

static void read_family(struct reader value, struct bgp_open *open)
{
	const uint16_t afi = reader_u16(&value);
	enum bgp_family family;

	(void)reader_u8(&value); /* reserved */
	family = family_of(afi, reader_u8(&value));
	if (!value.failed && family != BGP_FAMILY_COUNT)
		open->has_family[family] = true;
}

static int read_capabilities(struct reader reader, struct bgp_open *open)
{
	while (reader_left(&reader)) {
		const uint8_t code = reader_u8(&reader);
		struct reader value = reader_window(&reader, reader_u8(&reader));

		if (reader.failed)
			return -EINVAL;
		if (code == CAPABILITY_AS4 && reader_left(&value) == 4)
			open->as_number = reader_u32(&value);
		else if (code == CAPABILITY_MULTIPROTOCOL)
			read_family(value, open);
		else if (code == CAPABILITY_ADD_PATH)
			read_add_path(value, open);
	}
	return 0;
}

int bgp_open_read(struct reader body, struct bgp_open *open)
{
	bool is_extended = false;
	size_t size;

	*open = (struct bgp_open){ .as_number = 0 };
	(void)reader_u8(&body); /* version */
	open->as_number = reader_u16(&body);
	(void)reader_take(&body, 2 + 4); /* hold time, BGP identifier */
	size = reader_u8(&body);
	if (size == PARAMETER_EXTENDED && reader_left(&body) &&
	    body.next[0] == PARAMETER_EXTENDED) {
		is_extended = true;
		(void)reader_u8(&body);
		size = reader_u16(&body);
	}
	if (body.failed || size != reader_left(&body))
		return -EINVAL;
	while (reader_left(&body)) {
		const uint8_t type = reader_u8(&body);
		struct reader value =
			reader_window(&body, is_extended ? reader_u16(&body) : reader_u8(&body));

		if (body.failed ||
		    (type == PARAMETER_CAPABILITIES && read_capabilities(value, open) < 0))
			return -EINVAL;
	}
	if (!open->has_family[BGP_FAMILY_ipv6])
		open->has_family[BGP_FAMILY_ipv4] = true;
	return 0;
}

/* ---- UPDATE ---- */

bool bgp_routes_next(struct bgp_routes *routes, struct prefix *prefix, uint32_t *path_id)
{
	struct reader *reader = &routes->prefixes;
	const bool is_ipv6 = routes->family == BGP_FAMILY_ipv6;
	const uint8_t *address;
	size_t size;
	uint8_t bits;

	if (!reader_left(reader))
		return false;
	*path_id = routes->has_path_ids ? reader_u32(reader) : 0;
	bits = reader_u8(reader);
	size = (bits + 7u) / 8;
	if (bits > (is_ipv6 ? 128 : 32))
		reader->failed = true;
	address = reader_take(reader, size);
	if (!address)
		return false;
	*prefix = (struct prefix){ .ip_version = is_ipv6 ? 6 : 4, .length = bits };
	memcpy(prefix->address, address, size);
	(void)address_clear_host_bits(prefix->address, sizeof(prefix->address), bits);
	return true;
}

/* 'routes' is a copy: nothing is consumed. */
static bool is_whole(struct bgp_routes routes)
{
	struct prefix prefix;
	uint32_t path_id;

	while (bgp_routes_next(&routes, &prefix, &path_id))
		;
	return !routes.prefixes.failed;
}

/* The first 16 bytes of an IPv6 next hop are the global address: RFC 2545 section 3. Next hops of
 * another family than the prefixes (RFC 8950) have no place in a table. */
static void read_mp_reach(struct reader value, const bool *has_path_ids, struct bgp_update *update)
{
	const uint16_t afi = reader_u16(&value);
	const enum bgp_family family = family_of(afi, reader_u8(&value));
	struct reader next_hop = reader_window(&value, reader_u8(&value));
	const size_t hop_size = reader_left(&next_hop);

	(void)reader_u8(&value); /* reserved */
	if (value.failed) {
		update->mp_announced.prefixes.failed = true;
		return;
	}
	if (family == BGP_FAMILY_COUNT) {
		update->has_other_families = true;
		return;
	}
	if (family == BGP_FAMILY_ipv6 && hop_size >= 16)
		memcpy(update->mp_next_hop, next_hop.next, 16);
	else if (family == BGP_FAMILY_ipv4 && hop_size == 4)
		memcpy(update->mp_next_hop, next_hop.next, 4);
	update->mp_announced = (struct bgp_routes){ .prefixes = value,
						    .family = family,
						    .has_path_ids = has_path_ids[family] };
}

static void read_mp_unreach(struct reader value, const bool *has_path_ids,
			    struct bgp_update *update)
{
	const uint16_t afi = reader_u16(&value);
	const enum bgp_family family = family_of(afi, reader_u8(&value));

	if (value.failed) {
		update->mp_withdrawn.prefixes.failed = true;
		return;
	}
	if (family == BGP_FAMILY_COUNT) {
		update->has_other_families = true;
		return;
	}
	update->mp_withdrawn = (struct bgp_routes){ .prefixes = value,
						    .family = family,
						    .has_path_ids = has_path_ids[family] };
	update->is_end_of_rib[family] = reader_left(&value) == 0;
}

static void read_attribute(uint8_t type, struct reader value, const bool *has_path_ids,
			   struct bgp_update *update)
{
	switch (type) {
	case ASN_ATTRIBUTE_AS_PATH: update->as_path = value; break;
	case ASN_ATTRIBUTE_AS4_PATH: update->as4_path = value; break;
	case ATTRIBUTE_MP_REACH: read_mp_reach(value, has_path_ids, update); break;
	case ATTRIBUTE_MP_UNREACH: read_mp_unreach(value, has_path_ids, update); break;
	case ATTRIBUTE_NEXT_HOP:
		if (reader_left(&value) == 4)
			memcpy(update->next_hop, value.next, 4);
		break;
	case ATTRIBUTE_LOCAL_PREF:
		if (reader_left(&value) == 4)
			update->local_preference = reader_u32(&value);
		break;
	default: break;
	}
}

/* Returns how many there are, or -EINVAL. */
static int read_attributes(struct reader reader, const bool *has_path_ids,
			   struct bgp_update *update)
{
	struct reader value;
	uint8_t type;
	int count = 0;

	for (; asn_attribute_take(&reader, &type, &value); count++)
		read_attribute(type, value, has_path_ids, update);
	return reader.failed ? -EINVAL : count;
}

int bgp_update_read(struct reader body, const bool has_path_ids[static BGP_FAMILY_COUNT],
		    struct bgp_update *update)
{
	const struct bgp_routes none = { .prefixes = reader_of(NULL, 0),
					 .has_path_ids = has_path_ids[BGP_FAMILY_ipv4] };
	struct reader attributes;
	int count;

	*update = (struct bgp_update){ .withdrawn = none,
				       .mp_withdrawn = none,
				       .announced = none,
				       .mp_announced = none,
				       .as_path = reader_of(NULL, 0),
				       .as4_path = reader_of(NULL, 0),
				       .local_preference = DEFAULT_LOCAL_PREFERENCE };
	update->withdrawn.prefixes = reader_window(&body, reader_u16(&body));
	attributes = reader_window(&body, reader_u16(&body));
	if (body.failed)
		return -EINVAL;
	update->announced.prefixes = body;
	count = read_attributes(attributes, has_path_ids, update);
	if (count < 0 || !is_whole(update->withdrawn) || !is_whole(update->announced) ||
	    !is_whole(update->mp_withdrawn) || !is_whole(update->mp_announced))
		return -EINVAL;
	if (count > 1 || reader_left(&update->withdrawn.prefixes) || reader_left(&body))
		memset(update->is_end_of_rib, 0, sizeof(update->is_end_of_rib));
	else if (count == 0)
		update->is_end_of_rib[BGP_FAMILY_ipv4] = true;
	return 0;
}
