/* template_rows.c - the table of rows: which field, in which order, and what brings it in. */
#include "template_rows.h"

#include "record.h"

#include <assert.h>

#define KEY_none       0
#define KEY_connection (FLOW_KEY_addresses | FLOW_KEY_ports | FLOW_KEY_protocol)

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
	{ PART_application, FLOW_KEY_ports | FLOW_KEY_protocol, IE_applicationId,
	  IE_applicationId },
	{ PART_sampler_id, KEY_none, IE_samplerId, IE_samplerId },
	{ PART_selector_id, KEY_none, IE_selectorId, IE_selectorId },
	{ PART_as_numbers, FLOW_KEY_addresses, IE_bgpSourceAsNumber, IE_bgpSourceAsNumber },
	{ PART_as_numbers, FLOW_KEY_addresses, IE_bgpDestinationAsNumber,
	  IE_bgpDestinationAsNumber },
	{ PART_masks, FLOW_KEY_addresses, IE_sourceIPv4PrefixLength, IE_sourceIPv6PrefixLength },
	{ PART_masks, FLOW_KEY_addresses, IE_destinationIPv4PrefixLength,
	  IE_destinationIPv6PrefixLength },
	{ PART_peers, FLOW_KEY_addresses, IE_bgpPrevAdjacentAsNumber, IE_bgpPrevAdjacentAsNumber },
	{ PART_peers, FLOW_KEY_addresses, IE_bgpNextAdjacentAsNumber, IE_bgpNextAdjacentAsNumber },
	{ PART_next_hop, FLOW_KEY_addresses, IE_bgpNextHopIPv4Address, IE_bgpNextHopIPv6Address },
	{ PART_chosen, KEY_none, IE_minimumTTL, IE_minimumTTL },
	{ PART_chosen, KEY_none, IE_maximumTTL, IE_maximumTTL },
	{ PART_chosen, KEY_none, IE_ingressPhysicalInterface, IE_ingressPhysicalInterface },
	{ PART_chosen, KEY_none, IE_egressPhysicalInterface, IE_egressPhysicalInterface },
	{ PART_chosen, KEY_none, IE_sourceMacAddress, IE_sourceMacAddress },
	{ PART_chosen, KEY_none, IE_destinationMacAddress, IE_destinationMacAddress },
	{ PART_chosen, KEY_none, IE_postSourceMacAddress, IE_postSourceMacAddress },
	{ PART_chosen, KEY_none, IE_postDestinationMacAddress, IE_postDestinationMacAddress },
	{ PART_named, KEY_none, IE_exporterIPv4Address, IE_exporterIPv4Address },
	{ PART_named, KEY_none, IE_exporterIPv6Address, IE_exporterIPv6Address },
	{ PART_translation, KEY_connection, IE_postNATSourceIPv4Address,
	  IE_postNATSourceIPv6Address },
	{ PART_translation, KEY_connection, IE_postNATDestinationIPv4Address,
	  IE_postNATDestinationIPv6Address },
	{ PART_translation, KEY_connection, IE_postNAPTSourceTransportPort,
	  IE_postNAPTSourceTransportPort },
	{ PART_translation, KEY_connection, IE_postNAPTDestinationTransportPort,
	  IE_postNAPTDestinationTransportPort },
	{ PART_owner, KEY_connection, IE_userName, IE_userName },
	{ PART_tcp, KEY_connection, IE_retransmittedInPackets, IE_retransmittedInPackets },
	{ PART_tcp, KEY_connection, IE_outOfOrderInPackets, IE_outOfOrderInPackets },
	{ PART_tcp, KEY_connection, IE_clientNetworkLatencyMilliseconds,
	  IE_clientNetworkLatencyMilliseconds },
	{ PART_tcp, KEY_connection, IE_serverNetworkLatencyMilliseconds,
	  IE_serverNetworkLatencyMilliseconds },
	{ PART_tcp, KEY_connection, IE_clientNetworkDelaySeconds, IE_clientNetworkDelaySeconds },
	{ PART_tcp, KEY_connection, IE_clientNetworkDelayMicroseconds,
	  IE_clientNetworkDelayMicroseconds },
	{ PART_tcp, KEY_connection, IE_serverNetworkDelaySeconds, IE_serverNetworkDelaySeconds },
	{ PART_tcp, KEY_connection, IE_serverNetworkDelayMicroseconds,
	  IE_serverNetworkDelayMicroseconds },
};

#define TEMPLATE_ROW_COUNT (sizeof(template_rows) / sizeof(template_rows[0]))
static_assert(TEMPLATE_ROW_COUNT + 1 <= RECORD_FIELDS_MAX,
	      "a template holds all rows and biflowDirection");
static_assert(TEMPLATE_ROW_COUNT <= TEMPLATE_ROWS_MAX, "a row is a bit of struct template_fields");

const struct template_row *template_row_at(size_t row)
{
	return &template_rows[row];
}

size_t template_row_count(void)
{
	return TEMPLATE_ROW_COUNT;
}

const struct export_field *template_row_field(size_t row, uint8_t ip_version)
{
	return export_field_find(ip_version == 4 ? template_rows[row].ipv4
						 : template_rows[row].ipv6);
}

bool template_row_is_in_key(size_t row, const struct flow_key_choice *key)
{
	if (template_rows[row].part & (PART_translation | PART_owner | PART_tcp) &&
	    !flow_key_is_connection(key))
		return false;
	return !(template_rows[row].key & ~((unsigned int)key->changed ^ FLOW_KEY_DEFAULT));
}
