/* decode_ipv6_extensions.h - what stands between an IPv6 header and the transport header.
 *
 * Place: second layer of the decoder, for IPv6 packets that are not of the usual kind. */
#ifndef DECODE_IPV6_EXTENSIONS_H
#define DECODE_IPV6_EXTENSIONS_H

#include "packet_info.h"

#include <stddef.h>
#include <stdint.h>

#define IPv6_HEADER_BYTES 40 /* RFC 8200 section 3 */

/* Octets of a packet whose payload length is 0, 0 if its headers do not say. 'size' bytes of it are
 * captured, the fixed header at least. */
uint64_t decode_ipv6_extensions_octets(const uint8_t *header, size_t size);
/* Walk what extension headers are in the 'size' bytes after the fixed header. Returns how many
 * bytes they take: all, if the transport header is not there. */
size_t decode_ipv6_extensions_walk(const uint8_t *bytes, size_t size, struct packet_info *info);

#endif
