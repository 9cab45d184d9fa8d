/* ip_protocol.c - the names of protocols. */
#include "ip_protocol.h"

#include <stddef.h>
#include <strings.h>

/* The first of several names of one number is the one that is shown. */
static const struct {
	uint8_t number;
	const char *name;
} names[] = {
	{ 1, "icmp" },   { 2, "igmp" },    { 4, "ipip" },       { 6, "tcp" },       { 17, "udp" },
	{ 33, "dccp" },  { 41, "ipv6" },   { 47, "gre" },       { 50, "esp" },      { 51, "ah" },
	{ 58, "icmp6" }, { 58, "icmpv6" }, { 58, "ipv6-icmp" }, { 89, "ospf" },     { 103, "pim" },
	{ 112, "vrrp" }, { 115, "l2tp" },  { 132, "sctp" },     { 136, "udplite" },
};

const char *ip_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == protocol)
			return names[i].name;
	return NULL;
}

int ip_protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i].name, name) == 0)
			return names[i].number;
	return -1;
}
