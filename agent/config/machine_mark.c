/* machine_mark.c - addresses of interfaces, the lowest of each kind.
 *
 * The lowest, because the order of interfaces, and the route of the moment, are others after a
 * boot. */
#include "machine_mark.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAC_SIZE  6
#define WORD_SIZE INET6_ADDRSTRLEN

enum mark_kind { MARK_permanent, MARK_link, MARK_ipv4, MARK_ipv6, MARK_KIND_COUNT };

struct mark_words {
	char lowest[MARK_KIND_COUNT][WORD_SIZE]; /* "": none */
	const char *wanted;                      /* words to look for; NULL: none */
	bool is_here;                            /* one of them was there */
};

static bool has_word(const char *words, const char *word)
{
	const size_t length = strlen(word);

	for (const char *next = words; (next = strstr(next, word)); next++)
		if ((next == words || next[-1] == ' ') && strchr(" ", next[length]))
			return true;
	return false;
}

static void take(struct mark_words *words, enum mark_kind kind, const char *word)
{
	char *lowest = words->lowest[kind];

	if (!*lowest || strcmp(word, lowest) < 0)
		(void)snprintf(lowest, WORD_SIZE, "%s", word);
	if (words->wanted && has_word(words->wanted, word))
		words->is_here = true;
}

static void take_mac(struct mark_words *words, enum mark_kind kind,
		     const uint8_t mac[static MAC_SIZE])
{
	static const uint8_t none[MAC_SIZE];
	char word[WORD_SIZE];

	if (memcmp(mac, none, MAC_SIZE) == 0)
		return;
	(void)snprintf(word, sizeof(word), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		       mac[3], mac[4], mac[5]);
	take(words, kind, word);
}

/* Bonds and bridges change the address of a device, but not this one; what has no hardware has
 * none. */
static void take_permanent(struct mark_words *words, int descriptor, const char *interface)
{
	_Alignas(struct ethtool_perm_addr) uint8_t bytes[sizeof(struct ethtool_perm_addr) + 32];
	struct ethtool_perm_addr *address = (struct ethtool_perm_addr *)(void *)bytes;
	struct ifreq request = { .ifr_data = (char *)bytes };

	(void)memset(bytes, 0, sizeof(bytes));
	address->cmd = ETHTOOL_GPERMADDR;
	address->size = 32; /* MAX_ADDR_LEN of the kernel */
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (descriptor >= 0 && ioctl(descriptor, SIOCETHTOOL, &request) == 0 &&
	    address->size == MAC_SIZE)
		take_mac(words, MARK_permanent, bytes + sizeof(*address));
}

/* Addresses that are the same on many hosts mark none. */
static void take_ip(struct mark_words *words, const struct sockaddr *from)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)from;
	char word[WORD_SIZE];

	if (from->sa_family == AF_INET) {
		const uint32_t address = ntohl(ipv4->sin_addr.s_addr);

		if (address >> 24 != IN_LOOPBACKNET && address >> 16 != 0xa9fe && /* 169.254 */
		    inet_ntop(AF_INET, &ipv4->sin_addr, word, sizeof(word)))
			take(words, MARK_ipv4, word);
	} else if (!IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr) &&
		   !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr) &&
		   inet_ntop(AF_INET6, &ipv6->sin6_addr, word, sizeof(word))) {
		take(words, MARK_ipv6, word);
	}
}

static void take_all(struct mark_words *words)
{
	const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list))
		list = NULL;
	for (const struct ifaddrs *next = list; next; next = next->ifa_next) {
		const struct sockaddr_ll *link =
			(const struct sockaddr_ll *)(const void *)next->ifa_addr;

		if (!link || (next->ifa_flags & IFF_LOOPBACK))
			continue;
		if (next->ifa_addr->sa_family == AF_INET || next->ifa_addr->sa_family == AF_INET6)
			take_ip(words, next->ifa_addr);
		if (next->ifa_addr->sa_family != AF_PACKET || link->sll_halen != MAC_SIZE)
			continue;
		take_mac(words, MARK_link, link->sll_addr);
		take_permanent(words, descriptor, next->ifa_name);
	}
	if (list)
		freeifaddrs(list);
	if (descriptor >= 0)
		(void)close(descriptor);
}

void machine_mark_read(char mark[static MACHINE_MARK_SIZE])
{
	struct mark_words words = { .wanted = NULL };
	const char *ip;

	_Static_assert(MACHINE_MARK_SIZE >= 2 * WORD_SIZE, "two words fit");
	take_all(&words);
	ip = *words.lowest[MARK_ipv4] ? words.lowest[MARK_ipv4] : words.lowest[MARK_ipv6];
	if (*words.lowest[MARK_permanent])
		(void)snprintf(mark, MACHINE_MARK_SIZE, "%s", words.lowest[MARK_permanent]);
	else
		(void)snprintf(mark, MACHINE_MARK_SIZE, "%s%s%s", words.lowest[MARK_link],
			       *words.lowest[MARK_link] && *ip ? " " : "", ip);
}

bool machine_mark_is_here(const char *mark)
{
	struct mark_words words = { .wanted = mark };

	take_all(&words);
	return !*mark || words.is_here;
}
