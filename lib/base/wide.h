/* wide.h - products of two 64-bit numbers, on machines without 128-bit integers (32 bits) too.
 *
 * Place: under flow_hash.h, on the packet path. */
#ifndef WIDE_H
#define WIDE_H

#include <stdint.h>

/* The portable form, compiled everywhere so that it is tested everywhere. */
struct wide_halves {
	uint64_t low, high;
};

static inline struct wide_halves wide_halves_product(uint64_t a, uint64_t b)
{
	const uint64_t a_low = (uint32_t)a, a_high = a >> 32;
	const uint64_t b_low = (uint32_t)b, b_high = b >> 32;
	const uint64_t low = a_low * b_low;
	const uint64_t middle = a_high * b_low + (low >> 32); /* below 2^64 */
	const uint64_t other = a_low * b_high + (uint32_t)middle;

	return (struct wide_halves){
		.low = other << 32 | (uint32_t)low,
		.high = a_high * b_high + (middle >> 32) + (other >> 32),
	};
}

static inline struct wide_halves wide_halves_sum(struct wide_halves a, struct wide_halves b)
{
	const uint64_t low = a.low + b.low;

	return (struct wide_halves){ .low = low, .high = a.high + b.high + (low < a.low) };
}

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 wide;

static inline wide wide_product(uint64_t a, uint64_t b)
{
	return (wide)a * b;
}

static inline wide wide_sum(wide a, wide b)
{
	return a + b;
}

static inline uint64_t wide_low(wide a)
{
	return (uint64_t)a;
}

static inline uint64_t wide_high(wide a)
{
	return (uint64_t)(a >> 64);
}

#else

typedef struct wide_halves wide;
#define wide_product wide_halves_product
#define wide_sum     wide_halves_sum

static inline uint64_t wide_low(wide a)
{
	return a.low;
}

static inline uint64_t wide_high(wide a)
{
	return a.high;
}

#endif

#endif
