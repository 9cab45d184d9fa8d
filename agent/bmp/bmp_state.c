/* bmp_state.c - see bmp_state.h. */
#include "bmp_state.h"

#include <stdlib.h>
#include <string.h>

const char *bmp_counter_name(enum bmp_counter counter)
{
	static const char *const names[] = {
#define BMP_COUNTER(name, text) #name,
#include "bmp_counters.def"
#undef BMP_COUNTER
	};

	return names[counter];
}

const char *bmp_counter_text(enum bmp_counter counter)
{
	static const char *const texts[] = {
#define BMP_COUNTER(name, text) text,
#include "bmp_counters.def"
#undef BMP_COUNTER
	};

	return texts[counter];
}

struct bmp_state *bmp_state_create(const struct bmp_state_options *options)
{
	struct bmp_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->options = *options;
	state->rib = bmp_rib_create(options->most_routes);
	state->peers = calloc(BMP_PEERS_MAX, sizeof(*state->peers));
	if (state->rib && state->peers)
		return state;
	bmp_state_destroy(state);
	return NULL;
}

void bmp_state_destroy(struct bmp_state *state)
{
	if (!state)
		return;
	bmp_rib_destroy(state->rib);
	free(state->peers);
	free(state);
}

enum bmp_view bmp_peer_view(const struct bmp_peer *peer, int is_post_policy)
{
	if (peer->name.type == BMP_PEER_loc_rib)
		return BMP_VIEW_loc_rib;
	return is_post_policy ? BMP_VIEW_post_policy : BMP_VIEW_pre_policy;
}

bool bmp_peer_counts(const struct bmp_state *state, const struct bmp_peer_name *name)
{
	static const uint8_t none[sizeof(name->distinguisher)];

	if (state->options.has_vrfs)
		return true;
	return name->type != BMP_PEER_vrf && name->type != BMP_PEER_local &&
	       memcmp(name->distinguisher, none, sizeof(none)) == 0;
}
