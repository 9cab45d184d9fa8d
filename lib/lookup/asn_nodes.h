/* asn_nodes.h - sorted prefixes of one family -> runs of addresses -> the nodes of asn_image.h. For
 * asn_builder.c. */
#ifndef ASN_NODES_H
#define ASN_NODES_H

#include "asn_pool.h"

/* A prefix while the table is made. */
struct asn_prefix {
	uint8_t address[16];
	uint32_t order; /* of adding: the last of equal prefixes wins */
	uint32_t entry; /* its number, not 0 */
	uint8_t length;
};

/* Sections of the image that have nodes; both families use the same ones. */
struct asn_nodes {
	struct asn_vector bits, bases, leaves;            /* of bitmaps */
	struct asn_vector lists, list_leaves, list_slots; /* of lists */
	struct asn_vector root;                           /* leaves of the root of IPv6 */
	struct asn_vector runs, pairs;                    /* while they are made */
};

void asn_nodes_init(struct asn_nodes *nodes);
void asn_nodes_clear(struct asn_nodes *nodes);

/* Add the nodes of a family: 'prefixes' are sorted by address, then length, and no two are equal.
 * The root has 'root_size' bytes of the address; '*root_word' becomes its place if it is a bitmap,
 * else 0. 'address_size' is 4 or 16. Returns 0 or -ENOMEM. */
int asn_nodes_add(struct asn_nodes *nodes, const struct asn_prefix *prefixes, size_t count,
		  size_t address_size, size_t root_size, uint32_t *root_word);

#endif
