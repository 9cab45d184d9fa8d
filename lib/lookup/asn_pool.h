/* asn_pool.h - growing arrays, and arrays in which no two elements are equal. For asn_builder.c and
 * asn_nodes.c. */
#ifndef ASN_POOL_H
#define ASN_POOL_H

#include <stddef.h>
#include <stdint.h>

struct asn_vector {
	void *elements; /* owned */
	size_t count, capacity, element_size;
};

/* Room for one more element, at the end; NULL if memory is short or 2^30 elements are there. */
void *asn_vector_add(struct asn_vector *vector);
void asn_vector_clear(struct asn_vector *vector);

/* Elements are a multiple of 8 bytes, without holes; number 0 is all zero and there from the first
 * use. */
struct asn_pool {
	struct asn_vector elements;
	uint32_t *slots;   /* owned; hash table of numbers, 0 is free */
	size_t slot_count; /* power of two, at least twice the elements */
};

/* The number of the element that equals 'element', which is added if there is none. Returns 0 or
 * -ENOMEM. */
int asn_pool_number(struct asn_pool *pool, const void *element, uint32_t *number);
void asn_pool_clear(struct asn_pool *pool);

#endif
