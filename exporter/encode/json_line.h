/* json_line.h - the values of a line of JSON (RFC 8259), written into memory that the caller has
 * made large enough.
 *
 * Place: inside encoder_json. Pure. Each function writes at 'to' and returns where the next one
 * continues; it may touch, but not use, bytes up to the size that is named for it. */
#ifndef JSON_LINE_H
#define JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#define JSON_LINE_NUMBER_SIZE  24 /* touched; 20 digits or a sign and 19 are used at most */
#define JSON_LINE_ADDRESS_SIZE 48 /* touched; with both quotes, these are used at most: */
#define JSON_LINE_IPV4_LENGTH  17
#define JSON_LINE_IPV6_LENGTH  41
#define JSON_LINE_MAC_LENGTH   19
/* Of 'size' bytes of text, each may become \u001f; and both quotes. */
#define JSON_LINE_TEXT_SIZE(size) (6 * (size) + 2)

char *json_line_unsigned(char *to, uint64_t value);
char *json_line_signed(char *to, int64_t value);
/* Quoted; 'size' is 4 (IPv4) or 16 (IPv6, as RFC 5952 wants it). The same text as
 * address_format(). */
char *json_line_address(char *to, const uint8_t *address, size_t size);
/* Quoted, "00:00:5e:00:53:01": the low 48 bits. */
char *json_line_mac(char *to, uint64_t mac);
/* Quoted and escaped: up to 'size' bytes of text that ends at a NUL, if there is one. What is not
 * UTF-8 becomes U+FFFD, byte by byte. */
char *json_line_text(char *to, const char *text, size_t size);

#endif
