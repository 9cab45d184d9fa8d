/* template.c - the ordered list of fields, for both address families side by side.
 *
 * Place: export_fields -> template -> encoder. IPv4 and IPv6 have templates of their own, because
 * collectors tell the IP version of a record by the address fields that its template has. Masks go
 * with AS numbers always: without a mask pmacct prefers its own file to our AS numbers. */
#include "template.h"

#include <assert.h>

/* What brings a field in; bits of the part of a template id that tells choices apart. */
enum part { PART_always = 0, PART_as_numbers = 1, PART_peers = 2, PART_next_hop = 4 };

struct template_row {
	enum part part;
	uint16_t ipv4;
	uint16_t ipv6; /* a protocol that does not know this one gets 'ipv4' here too */
};

static const struct template_row template_rows[] = {
	{ PART_always, IE_sourceIPv4Address, IE_sourceIPv6Address },
	{ PART_always, IE_destinationIPv4Address, IE_destinationIPv6Address },
	{ PART_always, IE_sourceTransportPort, IE_sourceTransportPort },
	{ PART_always, IE_destinationTransportPort, IE_destinationTransportPort },
	{ PART_always, IE_icmpTypeCodeIPv4, IE_icmpTypeCodeIPv6 },
	{ PART_always, IE_protocolIdentifier, IE_protocolIdentifier },
	{ PART_always, IE_ipClassOfService, IE_ipClassOfService },
	{ PART_always, IE_tcpControlBits, IE_tcpControlBits },
	{ PART_always, IE_flowDirection, IE_flowDirection },
	{ PART_always, IE_flowEndReason, IE_flowEndReason },
	{ PART_always, IE_vlanId, IE_vlanId },
	{ PART_always, IE_ingressInterface, IE_ingressInterface },
	{ PART_always, IE_egressInterface, IE_egressInterface },
	{ PART_always, IE_octetDeltaCount, IE_octetDeltaCount },
	{ PART_always, IE_packetDeltaCount, IE_packetDeltaCount },
	{ PART_always, IE_flowStartMilliseconds, IE_flowStartMilliseconds },
	{ PART_always, IE_flowEndMilliseconds, IE_flowEndMilliseconds },
	{ PART_as_numbers, IE_bgpSourceAsNumber, IE_bgpSourceAsNumber },
	{ PART_as_numbers, IE_bgpDestinationAsNumber, IE_bgpDestinationAsNumber },
	{ PART_as_numbers, IE_sourceIPv4PrefixLength, IE_sourceIPv6PrefixLength },
	{ PART_as_numbers, IE_destinationIPv4PrefixLength, IE_destinationIPv6PrefixLength },
	{ PART_peers, IE_bgpPrevAdjacentAsNumber, IE_bgpPrevAdjacentAsNumber },
	{ PART_peers, IE_bgpNextAdjacentAsNumber, IE_bgpNextAdjacentAsNumber },
	{ PART_next_hop, IE_bgpNextHopIPv4Address, IE_bgpNextHopIPv6Address },
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

static void template_init(struct template *template, bool is_ipv6, enum export_protocol protocol,
			  unsigned int parts)
{
	template->id = (uint16_t)(TEMPLATE_ID_FIRST + 2 * parts + is_ipv6);
	template->field_count = 0;
	for (size_t i = 0; i < TEMPLATE_ROW_COUNT; i++) {
		const struct template_row *row = &template_rows[i];

		if (row->part == PART_always || (row->part & parts))
			template->fields[template->field_count++] =
				field_of(row, is_ipv6, protocol);
	}
	template->record_size =
		record_plan_init(&template->plan, template->fields, template->field_count);
}

void template_set_init(struct template_set *set, enum export_protocol protocol,
		       const struct template_choice *choice)
{
	unsigned int parts = (choice->has_as_numbers ? PART_as_numbers : 0u) |
			     (choice->has_peers ? PART_peers : 0u) |
			     (choice->has_next_hop ? PART_next_hop : 0u);

	template_init(&set->ipv4, false, protocol, parts);
	template_init(&set->ipv6, true, protocol, parts);
}
