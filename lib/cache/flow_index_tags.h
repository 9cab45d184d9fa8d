/* flow_index_tags.h - which slots of a bucket have a tag: one comparison for all of them. Internal
 * to flow_index*; the rest sees only
 *
 * Place: inside flow_index_look.h and flow_index.c.
 *
 *     flow_index_set          a bit for each of some slots; remove the lowest for the next
 *     flow_index_matches()    those that have the tag
 *     flow_index_slot()       the slot of the lowest bit
 *     FLOW_INDEX_ALL_SLOTS    the bits of all slots */
#ifndef FLOW_INDEX_TAGS_H
#define FLOW_INDEX_TAGS_H

#include "flow_cache_layout.h"

/* For any processor, eight tags a word. */

#define FLOW_INDEX_EVERY_BYTE         0x0101010101010101u
#define FLOW_INDEX_ALL_SLOTS_PORTABLE 0x80808080c0c0c0c0u

/* The top bit of each byte of 'word' that is 0, exactly: 0x7f + its low bits carries into the top
 * bit unless they are 0. */
static inline uint64_t flow_index_zero_bytes(uint64_t word)
{
	const uint64_t low_bits = 0x7f7f7f7f7f7f7f7fu;

	return ~(((word & low_bits) + low_bits) | word) & ~low_bits;
}

/* Bit 8 * i + 7 for slots 0 to 7, 8 * (i - 8) + 6 for the last four: all fit into one word. */
static inline uint64_t flow_index_matches_portable(const struct bucket *bucket, uint8_t tag)
{
	uint64_t first;
	uint32_t last;

	memcpy(&first, bucket->tags, 8);
	memcpy(&last, bucket->tags + 8, 4);
	first = flow_index_zero_bytes(le64toh(first) ^ tag * FLOW_INDEX_EVERY_BYTE);
	return first |
	       (flow_index_zero_bytes(le32toh(last) ^ tag * FLOW_INDEX_EVERY_BYTE) & 0x80808080u) >>
		       1;
}

static inline unsigned int flow_index_slot_portable(uint64_t matches)
{
	unsigned int bit = (unsigned int)__builtin_ctzll(matches);

	return bit / 8 + (bit & 1 ? 0 : 8);
}

#ifdef __SSE2__

#include <emmintrin.h>

#define FLOW_INDEX_ALL_SLOTS ((1u << BUCKET_FLOWS) - 1)
typedef uint32_t flow_index_set;

/* Tags and overflow number are one aligned register. */
static inline flow_index_set flow_index_matches(const struct bucket *bucket, uint8_t tag)
{
	const __m128i tags = _mm_load_si128((const __m128i *)(const void *)bucket);
	const __m128i wanted = _mm_set1_epi32((int)(tag * 0x01010101u));

	return (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, wanted)) & FLOW_INDEX_ALL_SLOTS;
}

static inline unsigned int flow_index_slot(flow_index_set matches)
{
	return (unsigned int)__builtin_ctz(matches);
}

#else

#define FLOW_INDEX_ALL_SLOTS FLOW_INDEX_ALL_SLOTS_PORTABLE
typedef uint64_t flow_index_set;
#define flow_index_matches   flow_index_matches_portable
#define flow_index_slot      flow_index_slot_portable

#endif
#endif
