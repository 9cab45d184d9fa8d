/* bmp_routes.h - a Route Monitoring message -> routes in the RIB.
 *
 * Place: a part of bmp_station.c. Source: RFC 7854 section 4.6. */
#ifndef BMP_ROUTES_H
#define BMP_ROUTES_H

#include "bmp_state.h"

/* 'reader' stands after the common header. Returns false if the message is damaged: then nothing
 * of it counts. */
bool bmp_routes_read(struct bmp_state *state, struct bmp_router *router, struct reader *reader);

#endif
