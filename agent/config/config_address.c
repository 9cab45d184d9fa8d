/* config_address.c - addresses of collectors: host, port, and what an address says of itself. */
#include "config_address.h"

#include "service_port.h"
#include "transport.h"
#include "units.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int config_address_ip_version(const char *text)
{
	char address[64];
	const char *zone = strchr(text, '%');
	size_t length = zone ? (size_t)(zone - text) : strlen(text);
	uint8_t bytes[16];

	if (length >= sizeof(address) || (zone && !zone[1]))
		return 0;
	(void)memcpy(address, text, length);
	address[length] = '\0';
	if (!zone && inet_pton(AF_INET, address, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, address, bytes) == 1 ? 6 : 0;
}

bool config_address_is_link_local(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, text, &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address);
}

bool config_address_is_group(const char *text)
{
	struct transport_socket_settings settings = { .interface = "" };
	struct transport_address address;

	return transport_socket_address(&settings, text, 0, &address) == 0 &&
	       transport_socket_is_multicast(&address.address);
}

/* A host name (RFC 1123 section 2.1, and '_', which is in use) or an IPv4 address. A name whose
 * last label is a number is a mistyped address: getaddrinfo() would make 192.0.0.2 of "192.0.2". */
static bool is_host(const char *text)
{
	const char *dot = strrchr(text, '.');
	const char *label = dot ? dot + 1 : text;

	if (config_address_ip_version(text) == 4)
		return true;
	if (!*text || strlen(text) > CONFIG_HOST_LENGTH_MAX || *text == '.' || *text == '-')
		return false;
	for (const char *next = text; *next; next++)
		if (!isalnum((unsigned char)*next) && !strchr("-._", *next))
			return false;
	return strspn(label, "0123456789") != strlen(label) || (dot && !*label);
}

/* A number, or the name of a service, as filters know it too. */
static int port_parse(const char *text, uint16_t *port, struct error_text *error)
{
	const char *nearest = isalpha((unsigned char)*text) ? service_port_nearest(text) : NULL;
	uint64_t number;

	if (service_port_find(text, port) == 0)
		return 0;
	if (units_number_parse(text, &number) == 0 && number >= 1 && number <= UINT16_MAX) {
		*port = (uint16_t)number;
		return 0;
	}
	if (nearest)
		error_text_set(error,
			       "unknown service \"%.40s\" after the colon (did you mean \"%s\"?)",
			       text, nearest);
	else
		error_text_set(error,
			       "expected a port from 1 to 65535, or a service such as netflow, "
			       "after the colon, not \"%.40s\"",
			       text);
	return -EINVAL;
}

/* Cut "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT" in two; *port is NULL without one. */
static int address_split(char *text, char **host, char **port, struct error_text *error)
{
	char *end;

	if (*text == '[') {
		*host = text + 1;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':')) {
			error_text_set(error, "expected [IPV6-ADDRESS]:PORT");
			return -EINVAL;
		}
		*port = end[1] ? end + 2 : NULL;
		*end = '\0';
		if (config_address_ip_version(*host) == 6)
			return 0;
		error_text_set(error, "expected an IPv6 address between the brackets");
		return -EINVAL;
	}
	*host = text;
	end = strchr(text, ':');
	if (end && strchr(end + 1, ':')) {
		error_text_set(
			error,
			"expected HOST:PORT; an IPv6 address needs brackets: [2001:db8::1]:%d",
			CONFIG_PORT_NETFLOW);
		return -EINVAL;
	}
	*port = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	if (is_host(text))
		return 0;
	error_text_set(error, "expected HOST:PORT with a host name or an address, or a path "
			      "that begins with / or ./");
	return -EINVAL;
}

/* "_netflow._udp.example.net". */
static bool is_service(const char *text)
{
	return *text == '_' && (strstr(text, "._udp.") || strstr(text, "._tcp.")) && is_host(text);
}

bool config_address_is_service(const char *host)
{
	return strncmp(host, TRANSPORT_SERVICE, sizeof(TRANSPORT_SERVICE) - 1) == 0;
}

/* "srv:NAME", and a name that was meant to be one. Returns 1 if it is neither. */
static int service_parse(const char *text, char **host, uint16_t *port, struct error_text *error)
{
	const size_t prefix = sizeof(TRANSPORT_SERVICE) - 1;
	const bool has_prefix = config_address_is_service(text);

	*port = 0;
	if (!has_prefix && !is_service(text))
		return 1;
	if (!has_prefix || !is_service(text + prefix)) {
		error_text_set(
			error,
			"expected " TRANSPORT_SERVICE
			"_SERVICE._udp.DOMAIN for a service, whose records name hosts and ports");
		error_text_hint(error, "such as " TRANSPORT_SERVICE "_netflow._udp.example.net");
		return -EINVAL;
	}
	*host = strdup(text);
	if (!*host)
		error_text_set(error, "out of memory");
	return *host ? 0 : -ENOMEM;
}

/* "o.json" without a port: a file, most likely. No host has one of these as its last label, as none
 * is a top level of the DNS. */
static bool looks_like_a_file(const char *host)
{
	static const char *const endings[] = { ".json",  ".jsonl", ".ipfix", ".nf",  ".flow",
					       ".flows", ".log",   ".txt",   ".csv", ".dat",
					       ".bin",   ".gz",    ".pcap",  ".tmp", ".out" };
	const char *ending = strrchr(host, '.');

	for (size_t i = 0; ending && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcasecmp(ending, endings[i]) == 0)
			return true;
	return false;
}

int config_address_parse(const char *text, char **host, uint16_t *port, struct error_text *error)
{
	int result = service_parse(text, host, port, error);
	char *copy = result > 0 ? strdup(text) : NULL;
	char *host_part;
	char *port_part;

	if (result <= 0)
		return result;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	*port = 0;
	result = address_split(copy, &host_part, &port_part, error);
	if (!result && port_part) {
		result = port_parse(port_part, port, error);
	} else if (!result && looks_like_a_file(host_part)) {
		error_text_set(error, "expected HOST:PORT, or a path that begins with / or ./");
		error_text_hint(error,
				"for a file write ./%.100s; for a host of this name %.100s:%d",
				host_part, host_part, CONFIG_PORT_NETFLOW);
		result = -EINVAL;
	}
	if (!result) {
		*host = strdup(host_part);
		result = *host ? 0 : -ENOMEM;
		if (result)
			error_text_set(error, "out of memory");
	}
	free(copy);
	return result;
}
