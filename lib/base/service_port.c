/* service_port.c - IANA "Service Name and Transport Protocol Port Number Registry": what a server
 * meets, and the names that people use beside those of the registry. */
#include "service_port.h"

#include "word_distance.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	{ "ftp", 21 },
	{ "ssh", 22 },
	{ "telnet", 23 },
	{ "smtp", 25 },
	{ "dns", 53 },
	{ "domain", 53 },
	{ "bootps", 67 },
	{ "dhcp", 67 },
	{ "tftp", 69 },
	{ "http", 80 },
	{ "kerberos", 88 },
	{ "pop3", 110 },
	{ "sunrpc", 111 },
	{ "nntp", 119 },
	{ "ntp", 123 },
	{ "netbios-ssn", 139 },
	{ "imap", 143 },
	{ "imap2", 143 },
	{ "snmp", 161 },
	{ "snmptrap", 162 },
	{ "bgp", 179 },
	{ "ldap", 389 },
	{ "https", 443 },
	{ "microsoft-ds", 445 },
	{ "smb", 445 },
	{ "submissions", 465 },
	{ "isakmp", 500 },
	{ "syslog", 514 },
	{ "rtsp", 554 },
	{ "submission", 587 },
	{ "ipp", 631 },
	{ "ldaps", 636 },
	{ "domain-s", 853 },
	{ "rsync", 873 },
	{ "imaps", 993 },
	{ "pop3s", 995 },
	{ "openvpn", 1194 },
	{ "ms-sql-s", 1433 },
	{ "radius", 1812 },
	{ "mqtt", 1883 },
	{ "nfs", 2049 },
	{ "netflow", 2055 },
	{ "docker", 2375 },
	{ "iscsi-target", 3260 },
	{ "mysql", 3306 },
	{ "ms-wbt-server", 3389 },
	{ "rdp", 3389 },
	{ "svn", 3690 },
	{ "epmd", 4369 },
	{ "ipsec-nat-t", 4500 },
	{ "ipfix", 4739 },
	{ "sip", 5060 },
	{ "mdns", 5353 },
	{ "postgresql", 5432 },
	{ "amqp", 5672 },
	{ "vnc", 5900 },
	{ "x11", 6000 },
	{ "sflow", 6343 },
	{ "redis", 6379 },
	{ "ircd", 6667 },
	{ "http-alt", 8080 },
	{ "git", 9418 },
	{ "zabbix-agent", 10050 },
	{ "memcached", 11211 },
	{ "mongodb", 27017 },
	{ "wireguard", 51820 },
};

int service_port_find(const char *name, uint16_t *port)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (strcasecmp(services[i].name, name) == 0) {
			*port = services[i].port;
			return 0;
		}
	}
	return -EINVAL;
}

const char *service_port_nearest(const char *name)
{
	struct word_nearest nearest = word_distance_begin(name, strlen(name));

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		word_distance_offer(&nearest, services[i].name);
	return nearest.best;
}
