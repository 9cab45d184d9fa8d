/* json_line.c - numbers, addresses and strings as JSON.
 *
 * Place: encoder_json -> json_line. A record has two dozen numbers, most of them below 100, so
 * these are written without a loop, and larger ones two digits at a time. */
#include "json_line.h"

#include "bytes.h"
#include "printable.h"
#include "utf8.h"

#define ADDRESS_WORDS 8
#define PAIR_SIZE     2

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

static const char hex_digits[] = "0123456789abcdef";

/* 0 to 99, without a leading 0. */
static inline char *put_small(char *to, unsigned int value)
{
	if (value < 10) {
		*to = (char)('0' + value);
		return to + 1;
	}
	memcpy(to, &digit_pairs[PAIR_SIZE * value], PAIR_SIZE);
	return to + PAIR_SIZE;
}

/* From the last digit to the first into the end of a buffer; then to the front in one piece of
 * constant size. */
static char *put_large(char *to, uint64_t value)
{
	char digits[2 * JSON_LINE_NUMBER_SIZE];
	char *const end = digits + JSON_LINE_NUMBER_SIZE;
	char *first = end;

	while (value >= 100) {
		const uint64_t rest = value / 100;

		first -= PAIR_SIZE;
		memcpy(first, &digit_pairs[PAIR_SIZE * (value - 100 * rest)], PAIR_SIZE);
		value = rest;
	}
	if (value >= 10) {
		first -= PAIR_SIZE;
		memcpy(first, &digit_pairs[PAIR_SIZE * value], PAIR_SIZE);
	} else {
		*--first = (char)('0' + value);
	}
	memset(end, 0, JSON_LINE_NUMBER_SIZE);
	memcpy(to, first, JSON_LINE_NUMBER_SIZE);
	return to + (end - first);
}

char *json_line_unsigned(char *to, uint64_t value)
{
	return value < 100 ? put_small(to, (unsigned int)value) : put_large(to, value);
}

char *json_line_signed(char *to, int64_t value)
{
	if (value >= 0)
		return json_line_unsigned(to, (uint64_t)value);
	*to = '-';
	return put_large(to + 1, -(uint64_t)value);
}

static char *put_ipv4(char *to, const uint8_t *address)
{
	for (int i = 0; i < 4; i++) {
		unsigned int octet = address[i];

		if (i)
			*to++ = '.';
		if (octet >= 100) {
			*to++ = (char)('0' + octet / 100);
			memcpy(to, &digit_pairs[PAIR_SIZE * (octet % 100)], PAIR_SIZE);
			to += PAIR_SIZE;
		} else {
			to = put_small(to, octet);
		}
	}
	return to;
}

char *json_line_mac(char *to, uint64_t mac)
{
	for (int shift = 44; shift >= 0; shift -= 4) {
		*to++ = shift == 44 ? '"' : ':';
		*to++ = hex_digits[mac >> shift & 15];
		shift -= 4;
		*to++ = hex_digits[mac >> shift & 15];
	}
	*to++ = '"';
	return to;
}

/* Without leading zeros (RFC 5952 section 4.1), in small letters (section 4.3). */
static char *put_hex(char *to, unsigned int word)
{
	if (word >= 0x1000)
		*to++ = hex_digits[word >> 12];
	if (word >= 0x100)
		*to++ = hex_digits[word >> 8 & 15];
	if (word >= 0x10)
		*to++ = hex_digits[word >> 4 & 15];
	*to++ = hex_digits[word & 15];
	return to;
}

/* RFC 5952 section 4.2: the longest run of two zero words or more, the first one if there are
 * several. Returns its length, 0 if there is none. */
static int longest_zeros(const unsigned int words[static ADDRESS_WORDS], int *start)
{
	int longest = 1;
	int length = 0;

	for (int i = 0; i < ADDRESS_WORDS; i++) {
		length = words[i] ? 0 : length + 1;
		if (length > longest) {
			longest = length;
			*start = i + 1 - length;
		}
	}
	return longest > 1 ? longest : 0;
}

/* RFC 5952 section 5: an IPv4 address inside (::ffff:0:0/96 and, as inet_ntop() has it, ::/96) is
 * written as one. */
static char *put_ipv6(char *to, const uint8_t *address)
{
	unsigned int words[ADDRESS_WORDS];
	int start = ADDRESS_WORDS;
	int zeros;

	for (int i = 0; i < ADDRESS_WORDS; i++)
		words[i] = load_be16(address + (size_t)i * sizeof(uint16_t));
	zeros = longest_zeros(words, &start);
	for (int i = 0; i < ADDRESS_WORDS; i++) {
		if (i == start) {
			*to++ = ':';
			i += zeros - 1;
			if (i == ADDRESS_WORDS - 1)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		if (i == 6 && start == 0 && (zeros == 6 || (zeros == 5 && words[5] == 0xffff)))
			return put_ipv4(to, address + 12);
		to = put_hex(to, words[i]);
	}
	return to;
}

char *json_line_address(char *to, const uint8_t *address, size_t size)
{
	*to++ = '"';
	to = size == 4 ? put_ipv4(to, address) : put_ipv6(to, address);
	*to++ = '"';
	return to;
}

/* RFC 8259 section 7. */
static char *put_ascii(char *to, uint8_t character)
{
	if (character == '"' || character == '\\') {
		*to++ = '\\';
	} else if (character < 0x20) {
		/* More follows. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
		memcpy(to, "\\u00", 4);
		to[4] = hex_digits[character >> 4];
		to[5] = hex_digits[character & 15];
		return to + 6;
	}
	*to++ = (char)character;
	return to;
}

char *json_line_text(char *to, const char *text, size_t size)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	const size_t length = strnlen(text, size);

	*to++ = '"';
	for (size_t i = 0; i < length;) {
		const uint8_t *character = (const uint8_t *)text + i;
		const size_t count = utf8_character_size(character, length - i);

		if (count == 1) {
			to = put_ascii(to, *character);
		} else if (count && !printable_size(text + i, length - i)) {
			to = printable_escape(to, text + i, count);
		} else if (count) {
			memcpy(to, character, count);
			to += count;
		} else {
			memcpy(to, replacement, sizeof(replacement) - 1);
			to += sizeof(replacement) - 1;
		}
		i += count ? count : 1;
	}
	*to++ = '"';
	return to;
}
