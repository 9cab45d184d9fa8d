/* asn_report.c - see asn_report.h. Place: config_load.c for --check-config;
 * asn_supply.c at the start and for each new table. */
#include "asn_report.h"

#include "address.h"
#include "log.h"

#include <inttypes.h>

static void say_conflict(const char *path, const struct asn_build_report *report)
{
	char prefix[ADDRESS_TEXT_SIZE];

	log_warning("%s: prefixes that are there again with another AS number, of which the last "
		    "one counts: %zu; one is %s/%u with AS %" PRIu32 ", then AS %" PRIu32,
		    path, report->conflicts,
		    address_format(report->conflict.ip_version, report->conflict.address, prefix),
		    report->conflict.length, report->conflict_as[0], report->conflict_as[1]);
}

void asn_report_log(const char *path, const struct asn_table *table,
		    const struct asn_file_report *report)
{
	static const char *const defaults[] = { "0.0.0.0/0", "::/0" };
	const size_t counts[] = { asn_table_count(table, 4), asn_table_count(table, 6) };

	log_info("%s: %zu IPv4 and %zu IPv6 prefixes", path, counts[0], counts[1]);
	if (!counts[0] && !counts[1])
		log_warning("%s: no prefixes: every AS number will be 0", path);
	if (report->wrong_lines)
		log_warning("%s; lines that cannot be read, and are skipped: %zu of %zu",
			    report->first_wrong.text, report->wrong_lines, report->lines);
	if (report->build.conflicts)
		say_conflict(path, &report->build);
	if (report->skipped_sets)
		log_warning("%s:%zu: skipped, as the origin is a set of several AS numbers; such "
			    "lines in all: %zu",
			    path, report->first_skipped, report->skipped_sets);
	for (size_t i = 0; i < 2; i++)
		if (report->default_routes[i])
			log_warning("%s:%zu: a default route: every address that no other prefix "
				    "covers gets the AS number of %s",
				    path, report->default_routes[i], defaults[i]);
}
