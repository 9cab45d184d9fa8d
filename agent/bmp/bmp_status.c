/* bmp_status.c - see bmp_status.h. */
#include "bmp_status.h"

#include "asn_table_file.h"
#include "bmp_peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const families[] = { "ipv4", "ipv6" };

/* What a router says of itself may hold any byte: only plain letters come through. */
static void put_label(FILE *file, const char *text)
{
	for (; *text; text++)
		(void)fputc(*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\' ? *text
											  : '?',
			    file);
}

struct sums {
	size_t peers;
	size_t routes[BGP_FAMILY_COUNT], stale[BGP_FAMILY_COUNT];
};

static struct sums sums_of(const struct bmp_state *state, size_t router)
{
	struct sums sums = { .peers = 0 };

	for (size_t i = 0; i < state->peer_count; i++) {
		const struct bmp_peer *peer = &state->peers[i];

		if (!peer->is_used || peer->router != router)
			continue;
		sums.peers += peer->is_up;
		for (int view = 0; view < 2; view++)
			for (int family = 0; family < BGP_FAMILY_COUNT; family++)
				if (peer->sources[view] != BMP_NO_SOURCE) {
					sums.routes[family] +=
						bmp_rib_routes(state->rib, peer->sources[view],
							       (enum bgp_family)family);
					sums.stale[family] += bmp_rib_stale_routes(
						state->rib, peer->sources[view],
						(enum bgp_family)family);
				}
	}
	return sums;
}

/* ROUTER,PEER,TYPE, and of a VRF its distinguisher. */
static void put_peer_labels(FILE *file, const struct bmp_router *router,
			    const struct bmp_peer *peer)
{
	static const char *const types[] = { "global", "vrf", "local", "loc-rib" };
	static const uint8_t zeros[12];
	const struct bmp_peer_name *name = &peer->name;
	const bool is_ipv4 = memcmp(name->address, zeros, sizeof(zeros)) == 0;
	char text[ADDRESS_TEXT_SIZE];

	(void)fprintf(file, "router=\"%s\",peer=\"%s\",type=\"%s\"", router->address_text,
		      is_ipv4 ? address_format(4, name->address + sizeof(zeros), text)
			      : address_format(6, name->address, text),
		      types[name->type & 3]);
	if (memcmp(name->distinguisher, zeros, sizeof(name->distinguisher)) == 0)
		return;
	(void)fprintf(file, ",distinguisher=\"");
	for (size_t i = 0; i < sizeof(name->distinguisher); i++)
		(void)fprintf(file, "%02x", name->distinguisher[i]);
	(void)fputc('"', file);
}

static void write_peer(FILE *file, const struct bmp_state *state, const struct bmp_router *router,
		       const struct bmp_peer *peer)
{
	static const char *const views[] = { "pre-policy", "post-policy", "loc-rib" };

	(void)fputs("flowagent_bmp_peer_up{", file);
	put_peer_labels(file, router, peer);
	(void)fprintf(file, "} %d\nflowagent_bmp_peer_has_ended{",
		      peer->is_up && router->is_connected);
	put_peer_labels(file, router, peer);
	(void)fprintf(file, "} %d\n", bmp_peer_has_ended(state, peer));
	for (int i = 0; i < 2 * BGP_FAMILY_COUNT; i++) {
		const uint16_t source = peer->sources[i / BGP_FAMILY_COUNT];
		const enum bgp_family family = (enum bgp_family)(i % BGP_FAMILY_COUNT);
		const char *view = views[bmp_peer_view(peer, i / BGP_FAMILY_COUNT)];

		if (source == BMP_NO_SOURCE)
			continue;
		(void)fputs("flowagent_bmp_peer_routes{", file);
		put_peer_labels(file, router, peer);
		(void)fprintf(file, ",view=\"%s\",family=\"%s\"} %zu\n", view, families[family],
			      bmp_rib_routes(state->rib, source, family));
		(void)fputs("flowagent_bmp_peer_routes_stale{", file);
		put_peer_labels(file, router, peer);
		(void)fprintf(file, ",view=\"%s\",family=\"%s\"} %zu\n", view, families[family],
			      bmp_rib_stale_routes(state->rib, source, family));
	}
}

static void write_peers(FILE *file, const struct bmp_state *state)
{
	for (size_t i = 0; i < state->peer_count; i++)
		if (state->peers[i].is_used)
			write_peer(file, state, &state->routers[state->peers[i].router],
				   &state->peers[i]);
}

static void write_router(FILE *file, const struct bmp_state *state, size_t number, int64_t now_ms)
{
	const struct bmp_router *router = &state->routers[number];
	const char *address = router->address_text;
	const struct sums sums = sums_of(state, number);

	(void)fprintf(file, "flowagent_bmp_router_up{router=\"%s\",name=\"", address);
	put_label(file, router->name);
	(void)fprintf(file, "\"} %d\n", router->is_connected);
	(void)fprintf(file, "flowagent_bmp_router_peers_up{router=\"%s\"} %zu\n", address,
		      sums.peers);
	(void)fprintf(file,
		      "flowagent_bmp_router_filling{router=\"%s\"} %d\n"
		      "flowagent_bmp_router_last_route_timestamp_seconds{router=\"%s\"} %" PRId64
		      "\n",
		      address, router->is_filling, address,
		      (int64_t)time(NULL) - (now_ms - router->last_route_ms) / 1000);
	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		(void)fprintf(file,
			      "flowagent_bmp_router_routes{router=\"%s\",family=\"%s\"} %zu\n"
			      "flowagent_bmp_router_routes_stale{router=\"%s\",family=\"%s\"} "
			      "%zu\n",
			      address, families[family], sums.routes[family], address,
			      families[family], sums.stale[family]);
	for (enum bmp_counter counter = 0; counter < BMP_COUNTER_COUNT; counter++)
		if (router->counters[counter])
			(void)fprintf(
				file,
				"flowagent_bmp_events_total{router=\"%s\",event=\"%s\"} %" PRIu64
				"\n",
				address, bmp_counter_name(counter), router->counters[counter]);
	for (enum asn_skip skip = 0; skip < ASN_SKIP_COUNT; skip++)
		if (router->skipped[skip])
			(void)fprintf(
				file,
				"flowagent_bmp_skipped_total{router=\"%s\",what=\"%s\"} %" PRIu64
				"\n",
				address, asn_skip_text(skip), router->skipped[skip]);
}

static void write_table(FILE *file, const struct bmp_writer *writer)
{
	for (int family = 0; family < BGP_FAMILY_COUNT; family++)
		(void)fprintf(file, "flowagent_bmp_table_prefixes{family=\"%s\"} %zu\n",
			      families[family], writer->result.prefixes[family]);
	(void)fprintf(file,
		      "flowagent_bmp_table_bytes %zu\n"
		      "flowagent_bmp_table_timestamp_seconds %" PRId64 "\n"
		      "flowagent_bmp_tables_written_total %" PRIu64 "\n"
		      "flowagent_bmp_tables_refused_total %" PRIu64 "\n"
		      "flowagent_bmp_status_timestamp_seconds %" PRId64 "\n",
		      writer->size, writer->written_s, writer->written_count, writer->refused_count,
		      (int64_t)time(NULL));
}

int bmp_status_write(const char *path, const struct bmp_state *state,
		     const struct bmp_writer *writer, int64_t now_ms, struct error_text *error)
{
	struct asn_image text = { .bytes = NULL };
	char *bytes = NULL;
	FILE *file = open_memstream(&bytes, &text.size);
	int status;

	if (!file) {
		error_text_set(error, "%.200s: out of memory", path);
		return -ENOMEM;
	}
	write_table(file, writer);
	for (size_t i = 0; i < BMP_ROUTERS_MAX; i++)
		if (state->routers[i].is_used)
			write_router(file, state, i, now_ms);
	write_peers(file, state);
	status = fclose(file) == 0 ? 0 : -ENOMEM;
	text.bytes = bytes;
	if (status == 0)
		status = asn_table_file_write(path, &text, error);
	else
		error_text_set(error, "%.200s: out of memory", path);
	free(bytes);
	return status;
}
