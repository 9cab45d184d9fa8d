/* asn_rules.c - see asn_rules.h. */
#include "asn_rules.h"

#include "asn_bogons.h"

const char *asn_skip_text(enum asn_skip skip)
{
	static const char *const texts[] = {
#define ASN_SKIP(name, text) text,
#include "asn_skips.def"
#undef ASN_SKIP
	};

	return texts[skip];
}

enum asn_skip asn_rules_prefix(const struct asn_rules *rules, const struct prefix *prefix)
{
	const bool is_ipv6 = prefix->ip_version == 6;

	if (prefix->length == 0)
		return rules->has_default_route ? ASN_SKIP_COUNT : ASN_SKIP_default_route;
	if (prefix->length > (is_ipv6 ? rules->longest_ipv6 : rules->longest_ipv4))
		return is_ipv6 ? ASN_SKIP_longer_ipv6 : ASN_SKIP_longer_ipv4;
	if (!rules->has_bogons && asn_bogons_prefix(prefix))
		return ASN_SKIP_bogon_prefix;
	return ASN_SKIP_COUNT;
}

enum asn_skip asn_rules_origin(const struct asn_rules *rules, enum asn_origin status,
			       uint32_t origin)
{
	static const enum asn_skip reasons[] = {
		[ASN_ORIGIN_no_path] = ASN_SKIP_no_path,
		[ASN_ORIGIN_set] = ASN_SKIP_set,
		[ASN_ORIGIN_trans] = ASN_SKIP_as_trans,
		[ASN_ORIGIN_damaged] = ASN_SKIP_damaged,
	};

	if (status != ASN_ORIGIN_found)
		return reasons[status];
	if (origin == 0 || (!rules->has_bogons && asn_bogons_as(origin)))
		return ASN_SKIP_bogon_as;
	return ASN_SKIP_COUNT;
}
