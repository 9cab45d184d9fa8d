/* bmp_table.h - the routes of all routers -> the prefixes of an AS table.
 *
 * Place: from bmp_state.h to the builder. The rule is that of flowagent-asn: each peer has one vote
 * for a prefix; the origin of most counts, of several with as many the lowest. Next hop and
 * neighbouring AS are those of the route that BGP would choose among the routes to that origin. Of
 * each router and family one view votes: Loc-RIB if it reports that, else post-policy, else
 * pre-policy. */
#ifndef BMP_TABLE_H
#define BMP_TABLE_H

#include "asn_builder.h"
#include "bmp_state.h"

struct bmp_table_result {
	size_t prefixes[BGP_FAMILY_COUNT]; /* given to the builder */
	uint32_t voters;                   /* views of peers that vote for any family */
	size_t no_origin, few_peers;       /* prefixes that are not in it, and why */
};

/* Returns 0 with 'result' filled, or a negative errno of the builder. Sweeps the RIB. */
int bmp_table_build(struct bmp_state *state, struct asn_builder *builder,
		    struct bmp_table_result *result);

#endif
