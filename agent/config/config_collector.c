/* config_collector.c - collectors: "HOST:PORT[,KEY=VALUE...]" and [collector "NAME"].
 *
 * While options are read, 0, NULL and -1 stand for what was not said; config_collectors_finish()
 * fills these in, because the general options may come later. */
#include "config_collector.h"

#include "config_address.h"
#include "config_apply.h"
#include "config_group.h"
#include "config_options.h"
#include "config_pairs.h"
#include "config_path.h"
#include "config_text.h"
#include "config_transport.h"
#include "config_version.h"
#include "exporter.h"
#include "pacer.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* The help of --export-rate names it. */
_Static_assert(EXPORTER_DATAGRAMS_PER_SECOND == 6000 && EXPORTER_BURST_DATAGRAMS == 32,
	       "config_options.def tells the default");

static void entry_clear(struct config_collector *collector)
{
	config_keys_clear(collector, SECTION_collector);
	free(collector->name);
	free(collector->key_origins);
}

void config_collectors_clear(struct config *config)
{
	for (size_t i = 0; i < config->collector_count; i++)
		entry_clear(&config->collectors[i]);
	free(config->collectors);
	config->collectors = NULL;
	config->collector_count = 0;
}

void config_collector_drop(struct config *config, size_t number)
{
	struct config_collector *collector = &config->collectors[number];

	entry_clear(collector);
	config->collector_count--;
	memmove(collector, collector + 1, (config->collector_count - number) * sizeof(*collector));
}

/* Take over 'collector' with its strings; on failure it is the caller's still. */
static int entry_add(struct config *config, const struct config_collector *collector,
		     struct error_text *error)
{
	struct config_collector *collectors;

	if (config->collector_count == CONFIG_COLLECTORS_MAX) {
		error_text_set(error, "expected at most %d collectors in all",
			       CONFIG_COLLECTORS_MAX);
		return -EINVAL;
	}
	collectors =
		realloc(config->collectors, (config->collector_count + 1) * sizeof(*collectors));
	if (!collectors) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	config->collectors = collectors;
	collectors[config->collector_count++] = *collector;
	return 0;
}

static int address_parse(void *object, const struct config_key *key, const char *value,
			 struct error_text *error)
{
	struct config_collector *collector = object;
	uint16_t port;
	char *host;
	int result;

	(void)key;
	if (config_path_is(value))
		return config_path_parse(collector, value, error);
	result = config_address_parse(value, &host, &port, error);
	if (result)
		return result;
	free(collector->host);
	collector->host = host;
	collector->port = port;
	return 0;
}

const struct config_key_type config_key_type_address = { address_parse, config_key_text_format,
							 config_key_text_clear, NULL, false };

static int version_parse(void *object, const struct config_key *key, const char *value,
			 struct error_text *error)
{
	(void)key;
	return config_version_parse(value, &((struct config_collector *)object)->version, error);
}

static const char *version_format(const void *object, const struct config_key *key,
				  char text[static UNITS_TEXT_SIZE])
{
	_Static_assert(UNITS_TEXT_SIZE >= ENCODER_VERSION_TEXT_SIZE, "a version fits");
	(void)key;
	return encoder_version_format(((const struct config_collector *)object)->version, text);
}

const struct config_key_type config_key_type_version = { version_parse, version_format, NULL, NULL,
							 false };

static int own_address_parse(void *object, const struct config_key *key, const char *value,
			     struct error_text *error)
{
	(void)key;
	if (config_address_ip_version(value))
		return config_text_replace(&((struct config_collector *)object)->source_address,
					   value, error);
	error_text_set(error, "expected an IPv4 or IPv6 address of this host");
	return -EINVAL;
}

const struct config_key_type config_key_type_own_address = { own_address_parse,
							     config_key_text_format,
							     config_key_text_clear, NULL, false };

/* The kernel's rules for a name, but for what it refuses by itself. */
static int interface_parse(void *object, const struct config_key *key, const char *value,
			   struct error_text *error)
{
	(void)key;
	if (strlen(value) < IF_NAMESIZE && !strpbrk(value, "/: \t%"))
		return config_text_replace(&((struct config_collector *)object)->interface, value,
					   error);
	error_text_set(error, "expected the name of an interface, at most %d characters",
		       IF_NAMESIZE - 1);
	return -EINVAL;
}

const struct config_key_type config_key_type_interface = { interface_parse, config_key_text_format,
							   config_key_text_clear, "INTERFACE",
							   false };

/* "tcp:179" or "icmp". */
static int probe_parse(void *object, const struct config_key *key, const char *value,
		       struct error_text *error)
{
	static const struct units_range ports = { UNIT_NUMBER, 1, UINT16_MAX };
	struct transport_probe_config *probe = &((struct config_collector *)object)->probe;
	uint64_t port;

	(void)key;
	if (strcmp(value, "icmp") == 0) {
		*probe = (struct transport_probe_config){ .kind = PROBE_icmp };
		return 0;
	}
	if (strncmp(value, "tcp:", 4) != 0 || units_range_parse(&ports, value + 4, &port, error)) {
		error_text_set(error, "expected tcp:PORT, such as tcp:179, or icmp");
		return -EINVAL;
	}
	*probe = (struct transport_probe_config){ PROBE_tcp, (uint16_t)port };
	return 0;
}

static const char *probe_format(const void *object, const struct config_key *key,
				char text[static UNITS_TEXT_SIZE])
{
	const struct transport_probe_config *probe =
		&((const struct config_collector *)object)->probe;

	(void)key;
	if (probe->kind == PROBE_icmp)
		return "icmp";
	(void)snprintf(text, UNITS_TEXT_SIZE, "tcp:%u", (unsigned int)probe->port);
	return probe->kind == PROBE_tcp ? text : NULL;
}

const struct config_key_type config_key_type_probe = { probe_parse, probe_format, NULL, NULL,
						       false };

static int collector_parse(struct config *config, const struct config_option *option,
			   const char *value, struct error_text *error)
{
	struct config_collector collector = { .export_rate = -1, .spool_size = -1 };
	char *copy = strdup(value);
	char *keys = copy;
	int result;

	(void)option;
	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	(void)strsep(&keys, ",");
	result = config_key_parse(&collector, KEY_collector_address, copy, error);
	if (!result)
		result = config_pairs_set(keys, SECTION_collector, config_key_set, &collector,
					  error);
	if (!result)
		result = entry_add(config, &collector, error);
	if (result)
		entry_clear(&collector);
	free(copy);
	return result;
}

/* As it would be written after --collector. */
static void collector_format(const struct config *config, const struct config_option *option,
			     FILE *out)
{
	(void)option;
	for (size_t i = 0; i < config->collector_count; i++) {
		const struct config_collector *collector = &config->collectors[i];
		bool is_ipv6 = config_address_ip_version(collector->host) == 6;

		(void)fprintf(out, "%s%s%s%s", i ? " " : "", is_ipv6 ? "[" : "", collector->host,
			      is_ipv6 ? "]" : "");
		if (collector->port && !config_address_is_service(collector->host))
			(void)fprintf(out, ":%u", (unsigned int)collector->port);
		config_keys_format(collector, SECTION_collector, out);
	}
}

const struct config_type config_type_collector = { collector_parse, collector_format, NULL };

static struct config_collector *section_find(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->collector_count; i++)
		if (config->collectors[i].has_section && !strcmp(config->collectors[i].name, name))
			return &config->collectors[i];
	return NULL;
}

int config_collector_declare(struct config *config, const char *name,
			     const struct config_origin *origin, struct error_text *error)
{
	struct config_collector *known = section_find(config, name);
	struct config_collector collector = { .export_rate = -1,
					      .spool_size = -1,
					      .has_section = true };
	int result;

	config->origins[OPTION_collector] = *origin;
	collector.origin = *origin;
	if (known) {
		known->origin = *origin; /* a drop-in continues the section of an earlier file */
		return 0;
	}
	collector.key_origins = calloc(CONFIG_KEY_COUNT, sizeof(*collector.key_origins));
	if (!collector.key_origins) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = config_text_replace(&collector.name, name, error);
	if (!result)
		result = entry_add(config, &collector, error);
	if (result)
		entry_clear(&collector);
	return result;
}

int config_collector_set(struct config *config, const char *name, enum config_key_id key,
			 const char *value, const struct config_origin *origin,
			 struct error_text *error)
{
	struct config_collector *collector = section_find(config, name);

	assert(collector); /* 'name' is one of them */
	collector->key_origins[key] = *origin;
	return config_key_parse(collector, key, value, error);
}

/* HOST:PORT, or with its interface HOST%IFACE:PORT. */
static int name_by_address(struct config_collector *collector, bool has_interface,
			   struct error_text *error)
{
	const bool is_ipv6 = config_address_ip_version(collector->host) == 6;
	const bool has_zone = has_interface && !strchr(collector->host, '%');
	char name[CONFIG_HOST_LENGTH_MAX + IF_NAMESIZE + 16];

	(void)snprintf(name, sizeof(name), "%s%s%s%s%s:%u", is_ipv6 ? "[" : "", collector->host,
		       has_zone ? "%" : "", has_zone ? collector->interface : "",
		       is_ipv6 ? "]" : "", (unsigned int)collector->port);
	return config_text_replace(&collector->name, name, error);
}

static int make_name(struct config_collector *collector, struct error_text *error)
{
	if (collector->name)
		return 0;
	if (!collector->port || config_address_is_service(collector->host))
		return config_text_replace(&collector->name, collector->host, error);
	return name_by_address(
		collector, collector->interface && config_address_is_group(collector->host), error);
}

/* "eth0" of "fe80::1%eth0"; NULL without a zone, or if it is a number. */
static const char *zone_of(const char *address)
{
	const char *zone = address ? strchr(address, '%') : NULL;

	return zone && !isdigit((unsigned char)zone[1]) ? zone + 1 : NULL;
}

/* An address that is of one link, and an interface that is of another. */
static int interface_check(const struct config_collector *collector, const char *source,
			   struct error_text *error)
{
	const char *addresses[] = { collector->host, source };
	const char *interface = collector->interface;

	for (size_t i = 0; i < 2; i++) {
		const char *zone = zone_of(addresses[i]);

		if (zone && interface && strcmp(zone, interface) != 0) {
			config_fail(error, config_key_origin(collector, KEY_collector_interface),
				    "collector %s: address %s is not of interface %s",
				    collector->name, addresses[i], interface);
			return -EINVAL;
		}
		if (zone)
			interface = zone;
	}
	if (interface || !config_address_is_link_local(collector->host))
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_address),
		    "collector %s: a link-local address needs the interface of its link",
		    collector->name);
	error_text_hint(error, "write [%s%%eth0], or add interface=eth0", collector->host);
	return -EINVAL;
}

/* Whether two would be sent the same. By two interfaces, each of which is given, it is two: a
 * group on two links, a host of a VRF and one of another, or two ways to one host. */
static bool is_same(const struct config_collector *one, const struct config_collector *other)
{
	const bool has_interfaces = one->interface && other->interface;

	return strcmp(one->host, other->host) == 0 && one->port == other->port &&
	       !(has_interfaces && strcmp(one->interface, other->interface) != 0);
}

static int entry_finish(const struct config *config, struct config_collector *collector,
			struct error_text *error)
{
	const char *source =
		collector->source_address ? collector->source_address : config->source_address;
	int host_version;
	int result;

	if (!collector->host) {
		config_fail(error, &collector->origin, "collector %s: has no address",
			    collector->name);
		error_text_hint(error, "add to its section: address = HOST:PORT, or a path");
		return -EINVAL;
	}
	result = config_transport_choose(config, collector, error);
	if (!result)
		result = make_name(collector, error);
	if (!result)
		result = config_path_finish(collector, error);
	if (!result)
		result = config_transport_finish(collector, error);
	if (!result)
		result = config_path_check(config, collector, error);
	if (result)
		return result;
	host_version = config_address_ip_version(collector->host);
	if (source && host_version && config_address_ip_version(source) != host_version) {
		config_fail(error, config_key_origin(collector, KEY_collector_source_address),
			    "collector %s: source address %s is not of the same IP version",
			    collector->name, source);
		error_text_hint(error, "give this collector a source of its own: source=ADDRESS");
		return -EINVAL;
	}
	return interface_check(collector, source, error);
}

static int refuse_second(const struct config *config, const struct config_collector *collector,
			 struct error_text *error)
{
	const struct config_collector *other = config->collectors;
	const struct config_origin *origin = config_key_origin(collector, KEY_collector_address);

	while (other < collector && !is_same(collector, other))
		other++;
	if (other == collector)
		return 0;
	if (strcmp(collector->name, other->name) == 0)
		config_fail(error, origin,
			    "collector %s is given twice: it would get every flow twice",
			    collector->name);
	else
		config_fail(error, origin,
			    "collector %s: has the address of collector %s, which would get every "
			    "flow twice",
			    collector->name, other->name);
	if (collector->interface || other->interface)
		error_text_hint(error, "for two ways to it, give each its own: interface=IFACE");
	return -EINVAL;
}

static const struct config_collector *before_of_name(const struct config *config,
						     const struct config_collector *collector)
{
	const struct config_collector *other = config->collectors;

	while (other < collector && strcmp(collector->name, other->name) != 0)
		other++;
	return other < collector ? other : NULL;
}

/* A reload, a spool and agentctl know a collector by its name. The second of one address, by
 * another interface, has that in its name: the first one keeps what it was called before. */
static int name_is_of_one(const struct config *config, struct config_collector *collector,
			  struct error_text *error)
{
	int result = 0;

	if (!before_of_name(config, collector))
		return 0;
	if (!collector->has_section && collector->interface && collector->port)
		result = name_by_address(collector, true, error);
	if (result || !before_of_name(config, collector))
		return result;
	config_fail(error, &collector->origin, "collector %s: another has this name",
		    collector->name);
	return -EINVAL;
}

int config_collectors_finish(struct config *config, struct error_text *error)
{
	for (size_t i = 0; i < config->collector_count; i++) {
		struct config_collector *collector = &config->collectors[i];
		int result = entry_finish(config, collector, error);

		if (!result)
			result = refuse_second(config, collector, error);
		if (!result)
			result = name_is_of_one(config, collector, error);
		if (result)
			return result;
	}
	return config_groups_finish(config, error);
}
