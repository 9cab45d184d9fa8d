/* asn_path.c - finds the origin in the attributes of a BGP route.
 *
 * Runs once for each route of a dump, 50 million times for a full one: it looks at the length of
 * each attribute, and into the paths only. */
#include "asn_path.h"

#define SEGMENT_SET             1
#define SEGMENT_SEQUENCE        2
#define SEGMENT_CONFED_SEQUENCE 3
#define SEGMENT_CONFED_SET      4

struct paths {
	struct reader as_path, as4_path; /* empty if they are not there */
};

/* What a path ends in. */
struct path_end {
	enum asn_origin status; /* never ASN_ORIGIN_trans */
	uint32_t as_number;
	uint32_t first; /* AS of the first sequence; 0: it begins with a set */
	size_t length;  /* as BGP counts it: a set is one, a confederation none */
};

/* Returns false if an attribute is not whole. */
static bool find_paths(struct reader *attributes, struct paths *paths)
{
	struct reader value;
	uint8_t type;

	while (asn_attribute_take(attributes, &type, &value))
		if (type == ASN_ATTRIBUTE_AS_PATH)
			paths->as_path = value;
		else if (type == ASN_ATTRIBUTE_AS4_PATH)
			paths->as4_path = value;
	return !attributes->failed;
}

static uint32_t load_as(const uint8_t *bytes, unsigned int as_size)
{
	return as_size == 2 ? load_be16(bytes) : load_be32(bytes);
}

/* A set is an origin if all its members are the same AS. */
static void end_in_set(struct path_end *end, const uint8_t *members, size_t count,
		       unsigned int as_size)
{
	end->status = ASN_ORIGIN_found;
	end->as_number = load_as(members, as_size);
	for (size_t i = 1; i < count; i++)
		if (load_as(members + i * as_size, as_size) != end->as_number)
			end->status = ASN_ORIGIN_set;
}

static struct path_end end_of(struct reader path, unsigned int as_size)
{
	struct path_end end = { .status = ASN_ORIGIN_no_path };

	while (reader_left(&path)) {
		const uint8_t type = reader_u8(&path);
		const size_t count = reader_u8(&path);
		const uint8_t *members = reader_take(&path, count * as_size);

		if (!members || type < SEGMENT_SET || type > SEGMENT_CONFED_SET)
			return (struct path_end){ .status = ASN_ORIGIN_damaged };
		if (count == 0)
			continue;
		if (type == SEGMENT_SEQUENCE) {
			end.status = ASN_ORIGIN_found;
			end.as_number = load_as(members + (count - 1) * as_size, as_size);
			if (end.length == 0)
				end.first = load_as(members, as_size);
			end.length += count;
		} else if (type == SEGMENT_SET) {
			end_in_set(&end, members, count, as_size);
			end.length++;
		}
	}
	return end;
}

struct asn_path asn_path_read(struct reader as_path, unsigned int as_size, struct reader as4_path)
{
	struct path_end end = end_of(as_path, as_size);
	struct asn_path path = { .length = (uint32_t)end.length, .neighbour = end.first };

	if (end.status != ASN_ORIGIN_damaged && reader_left(&as4_path)) {
		const struct path_end end4 = end_of(as4_path, 4);

		if (end4.length == end.length && end4.first)
			path.neighbour = end4.first; /* nobody before it, who spoke 2 bytes only */
		if (end4.length > 0 && end4.length <= end.length)
			end = end4;
		else if (end4.status == ASN_ORIGIN_damaged)
			end.status = ASN_ORIGIN_damaged;
	}
	if (path.neighbour == ASN_AS_TRANS)
		path.neighbour = 0;
	path.status = end.status == ASN_ORIGIN_found && end.as_number == ASN_AS_TRANS
			      ? ASN_ORIGIN_trans
			      : end.status;
	path.origin = end.as_number;
	return path;
}

enum asn_origin asn_path_origin(const uint8_t *attributes, size_t size, unsigned int as_size,
				uint32_t *origin)
{
	struct reader reader = reader_of(attributes, size);
	struct paths paths = { .as_path = reader_of(NULL, 0), .as4_path = reader_of(NULL, 0) };
	struct asn_path path;

	if (!find_paths(&reader, &paths))
		return ASN_ORIGIN_damaged;
	path = asn_path_read(paths.as_path, as_size, paths.as4_path);
	if (path.status != ASN_ORIGIN_damaged && path.status != ASN_ORIGIN_trans)
		*origin = path.origin;
	return path.status;
}
