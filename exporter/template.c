/* template.c - the ordered list of fields, for both address families side by side.
 *
 * Place: export_fields -> template -> encoder. IPv4 and IPv6 have templates of their own, because
 * collectors tell the IP version of a record by the address fields that its template has. Masks go
 * with AS numbers always: without a mask pmacct prefers its own file to our AS numbers. A field of
 * a datum that the flow key leaves out is left out as well: a 0 in it would be read as port 0. */
#include "template.h"

#include <assert.h>

/* What brings a field in, beside the flow key; bits. */
enum part {
	PART_always = 0,
	PART_as_numbers = 1,
	PART_peers = 2,
	PART_next_hop = 4,
	PART_masks = 8,
	PART_ip_version = 16, /* no address tells it; in JSON lines always */
	PART_milliseconds = 32,
	PART_uptime = 64,
};

struct template_row {
	enum part part;
	unsigned int key; /* parts of the flow key that it says something of: all must count */
	uint16_t ipv4;
	uint16_t ipv6; /* a protocol that does not know this one gets 'ipv4' here too */
};

#define KEY_none 0

static const struct template_row template_rows[] = {
	{ PART_always, FLOW_KEY_addresses, IE_sourceIPv4Address, IE_sourceIPv6Address },
	{ PART_always, FLOW_KEY_addresses, IE_destinationIPv4Address, IE_destinationIPv6Address },
	{ PART_ip_version, KEY_none, IE_ipVersion, IE_ipVersion },
	{ PART_always, FLOW_KEY_ports, IE_sourceTransportPort, IE_sourceTransportPort },
	{ PART_always, FLOW_KEY_ports, IE_destinationTransportPort, IE_destinationTransportPort },
	{ PART_always, FLOW_KEY_ports | FLOW_KEY_protocol, IE_icmpTypeCodeIPv4,
	  IE_icmpTypeCodeIPv6 },
	{ PART_always, FLOW_KEY_protocol, IE_protocolIdentifier, IE_protocolIdentifier },
	{ PART_always, FLOW_KEY_tos, IE_ipClassOfService, IE_ipClassOfService },
	{ PART_always, KEY_none, IE_tcpControlBits, IE_tcpControlBits },
	{ PART_always, FLOW_KEY_side, IE_flowDirection, IE_flowDirection },
	{ PART_always, KEY_none, IE_flowEndReason, IE_flowEndReason },
	{ PART_always, FLOW_KEY_vlan, IE_vlanId, IE_vlanId },
	{ PART_always, FLOW_KEY_interfaces, IE_ingressInterface, IE_ingressInterface },
	{ PART_always, FLOW_KEY_interfaces, IE_egressInterface, IE_egressInterface },
	{ PART_always, FLOW_KEY_mark, IE_commonPropertiesId, IE_commonPropertiesId },
	{ PART_always, KEY_none, IE_octetDeltaCount, IE_octetDeltaCount },
	{ PART_always, KEY_none, IE_packetDeltaCount, IE_packetDeltaCount },
	{ PART_milliseconds, KEY_none, IE_flowStartMilliseconds, IE_flowStartMilliseconds },
	{ PART_milliseconds, KEY_none, IE_flowEndMilliseconds, IE_flowEndMilliseconds },
	{ PART_uptime, KEY_none, IE_flowStartSysUpTime, IE_flowStartSysUpTime },
	{ PART_uptime, KEY_none, IE_flowEndSysUpTime, IE_flowEndSysUpTime },
	{ PART_as_numbers, FLOW_KEY_addresses, IE_bgpSourceAsNumber, IE_bgpSourceAsNumber },
	{ PART_as_numbers, FLOW_KEY_addresses, IE_bgpDestinationAsNumber,
	  IE_bgpDestinationAsNumber },
	{ PART_masks, FLOW_KEY_addresses, IE_sourceIPv4PrefixLength, IE_sourceIPv6PrefixLength },
	{ PART_masks, FLOW_KEY_addresses, IE_destinationIPv4PrefixLength,
	  IE_destinationIPv6PrefixLength },
	{ PART_peers, FLOW_KEY_addresses, IE_bgpPrevAdjacentAsNumber, IE_bgpPrevAdjacentAsNumber },
	{ PART_peers, FLOW_KEY_addresses, IE_bgpNextAdjacentAsNumber, IE_bgpNextAdjacentAsNumber },
	{ PART_next_hop, FLOW_KEY_addresses, IE_bgpNextHopIPv4Address, IE_bgpNextHopIPv6Address },
};

#define TEMPLATE_ROW_COUNT (sizeof(template_rows) / sizeof(template_rows[0]))
static_assert(TEMPLATE_ROW_COUNT <= RECORD_FIELDS_MAX, "a template holds all rows");

/* The field of a row for one address family in one protocol. */
static const struct export_field *field_of(const struct template_row *row, bool is_ipv6,
					   enum export_protocol protocol)
{
	const struct export_field *field = export_field_find(is_ipv6 ? row->ipv6 : row->ipv4);

	if (!(field->protocols & protocol))
		field = export_field_find(row->ipv4);
	return field;
}

/* All that the choice brings in for one address family. IPFIX has no SysUptime in its header. */
static unsigned int parts_of(const struct template_choice *choice, bool is_ipv6,
			     enum export_protocol protocol)
{
	const bool has_prefixes = flow_key_prefix_length(&choice->key, is_ipv6 ? 6 : 4) != 0;

	return (choice->has_uptime && protocol == EXPORT_V9 ? PART_uptime : PART_milliseconds) |
	       (choice->has_as_numbers ? PART_as_numbers : 0u) |
	       (choice->has_peers ? PART_peers : 0u) | (choice->has_next_hop ? PART_next_hop : 0u) |
	       (choice->has_as_numbers || has_prefixes ? PART_masks : 0u) |
	       (flow_key_has(&choice->key, FLOW_KEY_addresses) && protocol != EXPORT_JSON
			? 0u
			: PART_ip_version);
}

/* The flow key's own parts and the looked-up ones, as one number for each template there can be.
 * PART_ip_version follows from the key, PART_masks from the AS numbers as long as it is the
 * default. */
static uint16_t id_of(const struct template_choice *choice, unsigned int parts, bool is_ipv6)
{
	const bool has_uptime = (parts & PART_uptime) != 0;

	if (flow_key_is_default(&choice->key))
		return (uint16_t)((has_uptime ? TEMPLATE_ID_UPTIME : TEMPLATE_ID_FIRST) +
				  2 * (parts & 7) + is_ipv6);
	return (uint16_t)((has_uptime ? TEMPLATE_ID_OTHER_KEY_UPTIME : TEMPLATE_ID_OTHER_KEY) +
			  2 * (choice->key.changed * 16u + (parts & 15)) + is_ipv6);
}

static void template_init(struct template *template, bool is_ipv6, enum export_protocol protocol,
			  const struct template_choice *choice)
{
	const unsigned int parts = parts_of(choice, is_ipv6, protocol);
	const unsigned int key = choice->key.changed ^ FLOW_KEY_DEFAULT;

	template->id = id_of(choice, parts, is_ipv6);
	template->field_count = 0;
	for (size_t i = 0; i < TEMPLATE_ROW_COUNT; i++) {
		const struct template_row *row = &template_rows[i];

		if ((row->part == PART_always || (row->part & parts)) && !(row->key & ~key))
			template->fields[template->field_count++] =
				field_of(row, is_ipv6, protocol);
	}
	template->record_size =
		record_plan_init(&template->plan, template->fields, template->field_count);
}

void template_set_init(struct template_set *set, enum export_protocol protocol,
		       const struct template_choice *choice)
{
	set->has_uptime = choice->has_uptime && protocol == EXPORT_V9;
	template_init(&set->ipv4, false, protocol, choice);
	template_init(&set->ipv6, true, protocol, choice);
}
