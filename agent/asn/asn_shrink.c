/* asn_shrink.c - see asn_shrink.h. */
#include "asn_shrink.h"

#include "asn_table_file.h"

#include <errno.h>
#include <unistd.h>

int asn_shrink_check(const char *path, const size_t before[static 2], const size_t now[static 2],
		     struct error_text *error)
{
	static const char *const families[] = { "IPv4", "IPv6" };

	for (int family = 0; family < 2; family++) {
		if ((uint64_t)now[family] * 10 >=
		    (uint64_t)before[family] * ASN_SHRINK_LEAST_TENTHS)
			continue;
		error_text_set(error,
			       "%.200s: has %zu %s prefixes, the new one would have %zu only; it "
			       "stays as it is",
			       path, before[family], families[family], now[family]);
		error_text_hint(error, "if that is right: --force");
		return -EINVAL;
	}
	return 0;
}

int asn_shrink_check_table(const char *path, const size_t now[static 2],
			   struct error_text *unreadable, struct error_text *error)
{
	struct asn_table *table;
	size_t before[2];

	*unreadable = (struct error_text){ .text = "" };
	if (access(path, F_OK) != 0)
		return 0;
	table = asn_table_file_open(path, unreadable);
	if (!table)
		return 0;
	before[0] = asn_table_count(table, 4);
	before[1] = asn_table_count(table, 6);
	asn_table_destroy(table);
	return asn_shrink_check(path, before, now, error);
}
