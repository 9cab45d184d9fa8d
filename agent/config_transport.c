/* config_transport.c - how a collector is reached: what follows from its transport, and what does
 * not go with it.
 *
 * Part of config_collectors_finish(), once everything is read. */
#include "config_options.h"

#include "exporter.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_NETFLOW     2055
#define PORT_IPFIX       4739 /* RFC 7011 section 10.3.4 */
#define IPV4_UDP_HEADERS 28
#define IPV6_UDP_HEADERS 48
#define VERSION_IPFIX    10

int config_transport_parse(struct config_collector *collector, const char *value,
			   struct error_text *error)
{
	if (transport_find(value))
		return config_text_replace(&collector->transport, value, error);
	error_text_set(error, "expected %s", transport_names());
	return -EINVAL;
}

/* Bytes of payload of a datagram, or of a message in a session. A name may turn out as IPv6, so
 * only an IPv4 address is known to have the shorter headers. */
static uint32_t message_size(const struct config_collector *collector,
			     const struct transport_type *transport)
{
	if (transport->session)
		return collector->mtu ? collector->mtu : EXPORTER_MESSAGE_SIZE;
	if (!collector->mtu)
		return EXPORTER_DATAGRAM_SIZE;
	return collector->mtu -
	       (config_ip_version(collector->host) == 4 ? IPV4_UDP_HEADERS : IPV6_UDP_HEADERS);
}

/* Without a word about the version, a session is IPFIX: NetFlow cannot be told into one. */
static uint8_t default_version(const struct config *config, const struct transport_type *transport)
{
	const bool is_told = config->origins[OPTION_export_version].file != NULL;

	return transport->session && !is_told ? VERSION_IPFIX : config->export_version;
}

static int check_version(const struct config_collector *collector,
			 const struct transport_type *transport, struct error_text *error)
{
	if (!transport->session || encoder_find(collector->version)->is_delimited)
		return 0;
	config_fail(error, &collector->origin,
		    "collector %s: NetFlow v%u has no messages for transport %s, which needs IPFIX",
		    collector->host, (unsigned int)collector->version, transport->name);
	error_text_hint(error, "give this collector version=10, or leave version out");
	return -EINVAL;
}

static int check_segmentation(const struct config_collector *collector,
			      const struct transport_type *transport, struct error_text *error)
{
	if (!collector->segmentation || transport->ip_protocol == IPPROTO_UDP)
		return 0;
	config_fail(error, &collector->origin,
		    "collector %s: segmentation is for datagrams over udp, not for transport %s",
		    collector->host, transport->name);
	return -EINVAL;
}

/* What is said of packets, where there are none, or none of that kind. */
static int check_packets(const struct config_collector *collector,
			 const struct transport_type *transport, struct error_text *error)
{
	const bool has_packets = transport->ip_protocol != 0;

	if (!has_packets && (collector->interface || collector->dscp || collector->ttl))
		config_fail(error, &collector->origin,
			    "collector %s: interface, dscp and ttl are for packets, and transport "
			    "%s sends none",
			    collector->host, transport->name);
	else if (has_packets && transport->ip_protocol != IPPROTO_UDP &&
		 config_is_group(collector->host))
		config_fail(error, &collector->origin,
			    "collector %s: a multicast group is reached by udp, not by transport "
			    "%s",
			    collector->host, transport->name);
	else
		return 0;
	return -EINVAL;
}

int config_transport_finish(const struct config *config, struct config_collector *collector,
			    struct error_text *error)
{
	const struct transport_type *transport;
	int result;

	if (!collector->transport && config_text_replace(&collector->transport, "udp", error))
		return -ENOMEM;
	transport = transport_find(collector->transport);
	if (!collector->version)
		collector->version = default_version(config, transport);
	if (!collector->port)
		collector->port = collector->version == VERSION_IPFIX ? PORT_IPFIX : PORT_NETFLOW;
	collector->datagram_size = message_size(collector, transport);
	result = check_version(collector, transport, error);
	if (!result)
		result = check_segmentation(collector, transport, error);
	return result ? result : check_packets(collector, transport, error);
}
