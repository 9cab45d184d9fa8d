/* config_transport.c - how a collector is reached: what follows from its transport, and what does
 * not go with it.
 *
 * Part of config_collectors_finish(), once everything is read. */
#include "config_transport.h"

#include "config_address.h"
#include "config_apply.h"
#include "config_keys.h"
#include "config_options.h"
#include "config_path.h"
#include "config_text.h"
#include "exporter.h"
#include "fault_text.h"
#include "spool.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#define PORT_IPFIX       4739 /* RFC 7011 section 10.3.4, as the next */
#define PORT_IPFIX_TLS   4740
#define IPV4_UDP_HEADERS 28
#define IPV6_UDP_HEADERS 48
#define VERSION_IPFIX    10
#define SPOOL_SIZE       (16 << 20) /* of a collector with connections; its help says so */

static int transport_parse(void *object, const struct config_key *key, const char *value,
			   struct error_text *error)
{
	struct config_collector *collector = object;

	(void)key;
	if (transport_find(value))
		return config_text_replace(&collector->transport, value, error);
	error_text_set(error, "expected %s", transport_names());
	return -EINVAL;
}

const struct config_key_type config_key_type_transport = { transport_parse, config_key_text_format,
							   config_key_text_clear, NULL, false };

static int spool_parse(void *object, const struct config_key *key, const char *value,
		       struct error_text *error)
{
	struct config_collector *collector = object;
	uint64_t number;
	const int result = units_range_parse(&key->range, value, &number, error);

	if (result)
		return result;
	if (number && number < SPOOL_SIZE_MIN) {
		error_text_set(error, "expected 0 or at least 1M");
		return -ERANGE;
	}
	collector->spool_size = (int64_t)number;
	return 0;
}

/* Once everything is read, the size may be the transport's. */
static const char *spool_format(const void *object, const struct config_key *key,
				char text[static UNITS_TEXT_SIZE])
{
	const struct config_collector *collector = object;

	if (!collector->has_spool_size)
		return NULL;
	return units_format(key->range.unit, (uint64_t)collector->spool_size, text);
}

const struct config_key_type config_key_type_spool = { spool_parse, spool_format, NULL, NULL,
						       false };

/* Bytes of payload of a datagram, or of a message in a session. A name may turn out as IPv6, so
 * only an IPv4 address is known to have the shorter headers. */
static uint32_t message_size(const struct config_collector *collector,
			     const struct transport_type *transport)
{
	if (transport->session)
		return collector->mtu ? collector->mtu : EXPORTER_MESSAGE_SIZE;
	if (!collector->mtu)
		return EXPORTER_DATAGRAM_SIZE;
	return collector->mtu - (config_address_ip_version(collector->host) == 4
					 ? IPV4_UDP_HEADERS
					 : IPV6_UDP_HEADERS);
}

/* Without a word about the version, a session is IPFIX: NetFlow cannot go through one. */
static uint8_t default_version(const struct config *config, const struct transport_type *transport)
{
	const bool is_set = config->origins[OPTION_export_version].file != NULL;

	return transport->session && !is_set ? VERSION_IPFIX : config->export_version;
}

static uint16_t default_port(const struct config_collector *collector,
			     const struct transport_type *transport)
{
	if (collector->version != VERSION_IPFIX)
		return CONFIG_PORT_NETFLOW;
	return transport == &transport_tls ? PORT_IPFIX_TLS : PORT_IPFIX;
}

static int check_version(const struct config_collector *collector,
			 const struct transport_type *transport, struct error_text *error)
{
	if (!transport->session || encoder_find(collector->version)->is_delimited)
		return 0;
	config_fail(
		error, config_key_origin(collector, KEY_collector_transport),
		"collector %s: NetFlow v%u has no messages for transport %s, which needs IPFIX or "
		"JSON",
		collector->name, (unsigned int)collector->version, transport->name);
	error_text_hint(error, "give this collector version=10 or version=json");
	return -EINVAL;
}

static int check_segmentation(const struct config_collector *collector,
			      const struct transport_type *transport, struct error_text *error)
{
	if (!collector->segmentation || transport->ip_protocol == IPPROTO_UDP)
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_segmentation),
		    "collector %s: segmentation is for datagrams over udp, not for transport %s",
		    collector->name, transport->name);
	return -EINVAL;
}

static enum config_key_id packet_key(const struct config_collector *collector)
{
	if (collector->interface)
		return KEY_collector_interface;
	return collector->dscp ? KEY_collector_dscp : KEY_collector_ttl;
}

static enum config_key_id tls_key(const struct config_collector *collector)
{
	if (collector->ca)
		return KEY_collector_ca;
	if (collector->certificate)
		return KEY_collector_certificate;
	if (collector->key)
		return KEY_collector_key;
	return collector->server_name ? KEY_collector_server_name : KEY_collector_verify;
}

/* What is said of packets, where there are none, or none of that kind. */
static int check_packets(const struct config_collector *collector,
			 const struct transport_type *transport, struct error_text *error)
{
	const bool has_packets = transport->ip_protocol != 0;

	if (!has_packets && (collector->interface || collector->dscp || collector->ttl))
		config_fail(error, config_key_origin(collector, packet_key(collector)),
			    "collector %s: interface, dscp and ttl are for packets, and transport "
			    "%s sends none",
			    collector->name, transport->name);
	else if (has_packets && transport->ip_protocol != IPPROTO_UDP &&
		 config_address_is_group(collector->host))
		config_fail(error, config_key_origin(collector, KEY_collector_transport),
			    "collector %s: a multicast group is reached by udp, not by transport "
			    "%s",
			    collector->name, transport->name);
	else
		return 0;
	return -EINVAL;
}

static int check_tls(const struct config_collector *collector,
		     const struct transport_type *transport, struct error_text *error)
{
	const bool has_own = collector->certificate || collector->key;
	const bool is_set =
		has_own || collector->ca || collector->server_name || collector->skips_verification;

	if (is_set && transport != &transport_tls)
		config_fail(error, config_key_origin(collector, tls_key(collector)),
			    "collector %s: ca, certificate, key, server-name and verify are for "
			    "transport tls, not for %s",
			    collector->name, transport->name);
	else if (transport == &transport_tls && config_address_is_service(collector->host) &&
		 !collector->server_name && !collector->skips_verification)
		config_fail(error, config_key_origin(collector, KEY_collector_address),
			    "collector %s: with transport tls a service needs server-name, which "
			    "its certificates must name",
			    collector->name);
	else if (collector->key && !collector->certificate)
		config_fail(error, config_key_origin(collector, KEY_collector_key),
			    "collector %s: a key is of no use without a certificate",
			    collector->name);
	else
		return 0;
	return -EINVAL;
}

/* Where a collector that is away is noticed, records wait for it. */
static int finish_spool(struct config_collector *collector, const struct transport_type *transport,
			struct error_text *error)
{
	collector->has_spool_size = collector->spool_size >= 0;
	if (!collector->has_spool_size)
		collector->spool_size = transport->ip_protocol == IPPROTO_TCP ? SPOOL_SIZE : 0;
	if (!collector->spool_directory || collector->spool_size)
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_spool_directory),
		    "collector %s: a spool-directory is of no use without a spool",
		    collector->name);
	error_text_hint(error, "give this collector a size: spool=16M");
	return -EINVAL;
}

/* Keys and certificates, as a start reads them. */
static int check_tls_files(const struct config_collector *collector, struct error_text *error)
{
	const struct transport_type *transport = transport_find(collector->transport);
	const struct transport_config config = {
		.host = collector->host,
		.tls = { .ca = collector->ca,
			 .certificate = collector->certificate,
			 .key = collector->key,
			 .server_name = collector->server_name,
			 .skips_verification = collector->skips_verification },
	};
	struct error_text why = { .text = "" };
	int result = transport->check ? transport->check(&config, &why) : 0;

	if (!result)
		return 0;
	config_fail(error, config_key_origin(collector, tls_key(collector)), "collector %s: %s",
		    collector->name, why.text);
	error_text_hint(error, "%s", why.hint);
	return result;
}

int config_transport_check_files(const struct config_collector *collector, struct error_text *error)
{
	const struct {
		enum config_key_id key;
		const char *path;
		int mode;
	} files[] = {
		{ KEY_collector_ca, collector->ca, R_OK },
		{ KEY_collector_certificate, collector->certificate, R_OK },
		{ KEY_collector_key, collector->key, R_OK },
		{ KEY_collector_spool_directory, collector->spool_directory, W_OK | X_OK },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int result;

		if (!files[i].path || access(files[i].path, files[i].mode) == 0)
			continue;
		result = -errno;
		config_fail(error, config_key_origin(collector, files[i].key),
			    "collector %s: cannot use %s %s: %s", collector->name,
			    config_keys[files[i].key].name, files[i].path, fault_text(-result));
		return result;
	}
	return check_tls_files(collector, error);
}

int config_transport_choose(const struct config *config, struct config_collector *collector,
			    struct error_text *error)
{
	const char *usual = config_path_is(collector->host) ? "file" : "udp";
	const struct transport_type *transport;

	if (!collector->transport && config_text_replace(&collector->transport, usual, error))
		return -ENOMEM;
	transport = transport_find(collector->transport);
	if (!collector->version)
		collector->version = default_version(config, transport);
	if (!collector->port && transport->ip_protocol && !config_path_is(collector->host))
		collector->port = default_port(collector, transport);
	return 0;
}

int config_transport_finish(struct config_collector *collector, struct error_text *error)
{
	const struct transport_type *transport = transport_find(collector->transport);
	int result;

	collector->datagram_size = message_size(collector, transport);
	result = check_version(collector, transport, error);
	if (!result)
		result = check_segmentation(collector, transport, error);
	if (!result)
		result = check_packets(collector, transport, error);
	if (!result)
		result = check_tls(collector, transport, error);
	return result ? result : finish_spool(collector, transport, error);
}
