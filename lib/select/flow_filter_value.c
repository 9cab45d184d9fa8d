/* flow_filter_value.c - values of a filter: numbers with units, names of protocols, TCP flags.
 *
 * Place: a part of flow_filter.c, which says which kind of value a key takes. */
#include "flow_filter_value.h"

#include "address.h"
#include "flow_filter_names.h"
#include "ip_protocol.h"
#include "packet.h"
#include "service_port.h"
#include "tcp_flags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct named_number {
	const char *name;
	uint64_t number;
};

static const struct named_number sides[] = {
	{ "in", SIDE_ingress },
	{ "out", SIDE_egress },
	{ "unknown", SIDE_unknown },
	{ NULL, 0 },
};

static const struct named_number versions[] = { { "4", 4 }, { "6", 6 }, { NULL, 0 } };

static const struct named_number amount_units[] = {
	{ "k", 1000 }, { "m", 1000000 }, { "g", 1000000000 }, { "t", 1000000000000 }, { NULL, 0 },
};

static const struct named_number time_units[] = {
	{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct named_number short_time_units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", 1000000 },
	{ NULL, 0 },
};

static int find_name(const struct named_number *names, const char *text, size_t length,
		     uint64_t *number)
{
	for (; names->name; names++) {
		if (strlen(names->name) == length && strncasecmp(names->name, text, length) == 0) {
			*number = names->number;
			return 0;
		}
	}
	return -EINVAL;
}

/* Take digits, decimal or hexadecimal after 0x, from the front of a text. */
static int take_number(const char **text, uint64_t *number)
{
	bool is_hexadecimal = (*text)[0] == '0' && ((*text)[1] | 0x20) == 'x';
	char *end;

	/* strtoull() alone would take blanks and signs. */
	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(*text, &end, is_hexadecimal ? 16 : 10);
	if (errno)
		return -EINVAL;
	*text = end;
	return 0;
}

static int parse_number(const char *text, uint64_t *number)
{
	return take_number(&text, number) < 0 || *text ? -EINVAL : 0;
}

/* Sum of numbers with units: "1h30m". A number without unit counts as 'unitless' and ends it. */
static int parse_units(const char *text, const struct named_number *units, uint64_t unitless,
		       uint64_t *sum)
{
	*sum = 0;
	do {
		uint64_t number, unit = unitless;
		size_t length;

		if (take_number(&text, &number) < 0)
			return -EINVAL;
		length = strcspn(text, "0123456789");
		if (length > 0 && find_name(units, text, length, &unit) < 0)
			return -EINVAL;
		text += length;
		if (__builtin_mul_overflow(number, unit, &number) ||
		    __builtin_add_overflow(*sum, number, sum))
			return -EINVAL;
	} while (*text);
	return 0;
}

static int parse_interface(const char *text, const struct flow_filter_names *names,
			   uint64_t *number)
{
	if (parse_number(text, number) == 0)
		return 0;
	*number =
		names && names->interface_index ? names->interface_index(names->context, text) : 0;
	return *number ? 0 : -EINVAL;
}

static int parse_port(const char *text, uint64_t *number)
{
	uint16_t port = 0;
	int result = parse_number(text, number);

	if (result < 0) {
		result = service_port_find(text, &port);
		*number = port;
	}
	return result;
}

static int parse_flags(const char *text, uint64_t *flags)
{
	static const char letters[] = TCP_FLAG_LETTERS;

	*flags = 0;
	for (; *text; text++) {
		const char *letter = strchr(letters, *text & ~0x20);

		if (!letter || !*letter)
			return -EINVAL;
		*flags |= UINT64_C(1) << (letter - letters);
	}
	return *flags ? 0 : -EINVAL;
}

static int parse_protocol(const char *text, uint64_t *number)
{
	const int protocol = ip_protocol_find(text);

	if (protocol < 0)
		return parse_number(text, number);
	*number = (uint64_t)protocol;
	return 0;
}

int flow_filter_value_parse(enum flow_filter_value kind, const char *text,
			    const struct flow_filter_names *names, uint64_t maximum,
			    uint64_t *number)
{
	uint32_t as_number = 0;
	int result = -EINVAL;

	switch (kind) {
	case VALUE_prefix:
	case VALUE_unit: return -EINVAL; /* are no numbers */
	case VALUE_number: result = parse_number(text, number); break;
	case VALUE_port: result = parse_port(text, number); break;
	case VALUE_amount: result = parse_units(text, amount_units, 1, number); break;
	case VALUE_time: result = parse_units(text, time_units, 1000, number); break;
	case VALUE_short_time: result = parse_units(text, short_time_units, 1, number); break;
	case VALUE_as:
		result = as_number_parse(text, &as_number);
		*number = as_number;
		break;
	case VALUE_interface: result = parse_interface(text, names, number); break;
	case VALUE_protocol: result = parse_protocol(text, number); break;
	case VALUE_side: result = find_name(sides, text, strlen(text), number); break;
	case VALUE_version: result = find_name(versions, text, strlen(text), number); break;
	case VALUE_flags: result = parse_flags(text, number); break;
	}
	return result < 0 || *number > maximum ? -EINVAL : 0;
}

bool flow_filter_value_is_ordered(enum flow_filter_value kind)
{
	return kind == VALUE_number || kind == VALUE_port || kind == VALUE_amount ||
	       kind == VALUE_time || kind == VALUE_short_time || kind == VALUE_as;
}

const char *flow_filter_value_expected(enum flow_filter_value kind)
{
	static const char *const expected[] = {
		[VALUE_prefix] = "an address or a prefix such as 192.0.2.0/24",
		[VALUE_port] = "0 to 65535, a range such as 1-9, or the name of a service such as "
			       "https",
		[VALUE_amount] = "a number such as 1500, 10k or 2M, or a range such as 1k-1M",
		[VALUE_time] = "a time such as 500ms, 30s or 1h30m, or a range such as 1s-1m",
		[VALUE_short_time] = "a time such as 500us, 20ms or 1s, or a range such as "
				     "1ms-20ms",
		[VALUE_unit] =
			"the name of a unit, of at most 31 characters; only agentctl knows them",
		[VALUE_interface] = "the index or name of an interface",
		[VALUE_protocol] = "0 to 255 or a name such as tcp, udp, icmp, icmpv6",
		[VALUE_side] = "in, out or unknown",
		[VALUE_version] = "4 or 6",
		[VALUE_flags] = "letters of " TCP_FLAG_LETTERS,
	};

	return kind < sizeof(expected) / sizeof(expected[0]) ? expected[kind] : NULL;
}
