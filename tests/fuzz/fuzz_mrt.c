/* fuzz_mrt.c - an MRT dump, in one piece and then in two, to the prefixes that come of it. */
#include "asn_mrt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_dump(const uint8_t *data, size_t size, size_t first)
{
	const struct asn_rules rules = { .least_peers = 1, .longest_ipv4 = 24, .longest_ipv6 = 48 };
	struct asn_builder *builder = asn_builder_create();
	struct asn_routes *routes = asn_routes_create(&rules);
	struct asn_mrt *mrt = asn_mrt_create("fuzz", routes);
	struct error_text error = { .text = "" };
	size_t used, added;
	int result = asn_mrt_read(mrt, data, first, &used, &error);

	if (result == 0 && first < size) {
		const size_t before = used;

		result = asn_mrt_read(mrt, data + before, size - before, &used, &error);
		used += before;
	}
	if (result == 0)
		result = asn_mrt_end(mrt, size - used, &error);
	if (result == 0 && asn_routes_finish(routes, builder) < 0)
		abort();
	if (result < 0 && strncmp(error.text, "fuzz: ", 6) != 0)
		abort(); /* no error without the file's name */
	added = asn_builder_added(builder);
	asn_mrt_destroy(mrt);
	asn_routes_destroy(routes);
	asn_builder_destroy(builder);
	return added;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (read_dump(data, size, size) != read_dump(data, size, size / 2))
		abort();
	return 0;
}
