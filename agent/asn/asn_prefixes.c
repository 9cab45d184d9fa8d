/* asn_prefixes.c - see asn_prefixes.h. */
#include "asn_prefixes.h"

#include <errno.h>
#include <string.h>

/* Elements of the pools: all bytes count, so there are no holes. The length is one more than that
 * of the prefix: an element is never all zero. */
struct prefix4 {
	uint8_t address[4];
	uint32_t length;
};

struct prefix6 {
	uint8_t address[16];
	uint64_t length;
};

void asn_prefixes_init(struct asn_prefixes *prefixes, uint8_t ip_version)
{
	*prefixes = (struct asn_prefixes){ .ip_version = ip_version };
	prefixes->pool.elements.element_size =
		ip_version == 4 ? sizeof(struct prefix4) : sizeof(struct prefix6);
	prefixes->first.element_size = sizeof(uint32_t);
}

void asn_prefixes_clear(struct asn_prefixes *prefixes)
{
	asn_pool_clear(&prefixes->pool);
	asn_vector_clear(&prefixes->first);
}

static int pool_number(struct asn_prefixes *prefixes, const struct prefix *prefix, uint32_t *number)
{
	struct prefix4 prefix4 = { .length = prefix->length + 1u };
	struct prefix6 prefix6 = { .length = prefix->length + 1u };

	if (prefixes->ip_version == 4) {
		memcpy(prefix4.address, prefix->address, sizeof(prefix4.address));
		return asn_pool_number(&prefixes->pool, &prefix4, number);
	}
	memcpy(prefix6.address, prefix->address, sizeof(prefix6.address));
	return asn_pool_number(&prefixes->pool, &prefix6, number);
}

int asn_prefixes_number(struct asn_prefixes *prefixes, const struct prefix *prefix,
			uint32_t *number)
{
	const int result = pool_number(prefixes, prefix, number);

	if (result < 0)
		return result;
	while (prefixes->first.count <= *number) {
		uint32_t *first = asn_vector_add(&prefixes->first);

		if (!first)
			return -ENOMEM;
		*first = 0;
	}
	return 0;
}

struct prefix asn_prefixes_get(const struct asn_prefixes *prefixes, size_t number)
{
	struct prefix prefix = { .ip_version = prefixes->ip_version };

	if (prefixes->ip_version == 4) {
		const struct prefix4 *element = prefixes->pool.elements.elements;

		prefix.length = (uint8_t)(element[number].length - 1);
		memcpy(prefix.address, element[number].address, 4);
	} else {
		const struct prefix6 *element = prefixes->pool.elements.elements;

		prefix.length = (uint8_t)(element[number].length - 1);
		memcpy(prefix.address, element[number].address, 16);
	}
	return prefix;
}
