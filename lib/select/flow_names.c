/* flow_names.c - the table of names: first the name in rows, then what else people write for it.
 *
 * The others are the words of tcpdump, nfdump, ipset and pmacct, and the IANA names of the IPFIX
 * information elements. */
#include "flow_names.h"

#include <string.h>
#include <strings.h>

static const char *const names[] = {
	"src\0source\0saddr\0srcaddr\0src_addr\0srcip\0src_ip\0src_host\0source_address\0"
	"sourceIPv4Address\0sourceIPv6Address\0",
	"dst\0dest\0destination\0daddr\0dstaddr\0dst_addr\0dstip\0dst_ip\0dst_host\0"
	"destination_address\0destinationIPv4Address\0destinationIPv6Address\0",
	"host\0ip\0addr\0address\0",
	"src_port\0sport\0srcport\0source_port\0sourceTransportPort\0",
	"dst_port\0dport\0dstport\0dest_port\0destination_port\0destinationTransportPort\0",
	"src_as\0srcas\0source_as\0bgpSourceAsNumber\0",
	"dst_as\0dstas\0dest_as\0destination_as\0bgpDestinationAsNumber\0",
	"in_if\0inif\0iif\0in_iface\0input_interface\0ingressInterface\0",
	"out_if\0outif\0oif\0out_iface\0output_interface\0egressInterface\0",
	"iface\0if\0interface\0",
	"proto\0protocol\0ip_proto\0protocolIdentifier\0",
	"dir\0direction\0side\0flowDirection\0",
	"v\0ipv\0ip_version\0ipVersion\0",
	"tos\0tclass\0ip_tos\0ipClassOfService\0",
	"vlan\0vlan_id\0vlanId\0",
	"mark\0fwmark\0commonPropertiesId\0",
	"uid\0user\0userName\0",
	"unit\0service\0",
	"rtt_us\0rtt\0",
	"client_rtt_us\0client_rtt\0clientNetworkLatencyMilliseconds\0",
	"server_rtt_us\0server_rtt\0serverNetworkLatencyMilliseconds\0",
	"retransmitted\0retransmissions\0retransmittedInPackets\0",
	"out_of_order\0outOfOrderInPackets\0",
	"tcp_flags\0flags\0tcpflags\0tcpControlBits\0",
	"packets\0pkts\0packetDeltaCount\0",
	"bytes\0octets\0octetDeltaCount\0",
	"start\0first\0flowStartMilliseconds\0",
	"end\0last\0flowEndMilliseconds\0",
	"duration_ms\0duration\0",
	"min_ttl\0minimumTTL\0",
	"max_ttl\0maximumTTL\0",
	"in_phys_if\0physindev\0ingressPhysicalInterface\0",
	"out_phys_if\0physoutdev\0egressPhysicalInterface\0",
	"src_mac\0mac_src\0sourceMacAddress\0",
	"dst_mac\0mac_dst\0destinationMacAddress\0",
	"post_src_mac\0postSourceMacAddress\0",
	"post_dst_mac\0postDestinationMacAddress\0",
	"post_nat_src\0post_nat_src_host\0postNATSourceIPv4Address\0postNATSourceIPv6Address\0",
	"post_nat_dst\0post_nat_dst_host\0postNATDestinationIPv4Address\0"
	"postNATDestinationIPv6Address\0",
	"post_nat_src_port\0postNAPTSourceTransportPort\0",
	"post_nat_dst_port\0postNAPTDestinationTransportPort\0",
	"end_reason\0reason\0flowEndReason\0",
	"application\0app\0applicationId\0",
	"src_mask\0sourceIPv4PrefixLength\0sourceIPv6PrefixLength\0",
	"dst_mask\0destinationIPv4PrefixLength\0destinationIPv6PrefixLength\0",
	"next_hop\0nexthop\0bgpNextHopIPv4Address\0bgpNextHopIPv6Address\0",
};

#define ROW_COUNT (sizeof(names) / sizeof(names[0]))

const char *flow_names_canonical(const char *text, size_t length, char name[static FLOW_NAME_SIZE])
{
	for (size_t i = 0; length > 0 && i < ROW_COUNT; i++)
		for (const char *other = names[i]; *other; other += strlen(other) + 1)
			if (strlen(other) == length && strncasecmp(other, text, length) == 0)
				return names[i];
	if (length >= FLOW_NAME_SIZE)
		length = 0;
	memcpy(name, text, length);
	name[length] = '\0';
	return name;
}

bool flow_names_equal(const char *text, size_t length, const char *name)
{
	char one[FLOW_NAME_SIZE];
	char other[FLOW_NAME_SIZE];

	return length > 0 && strcasecmp(flow_names_canonical(text, length, one),
					flow_names_canonical(name, strlen(name), other)) == 0;
}
