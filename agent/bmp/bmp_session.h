/* bmp_session.h - the bytes of one router's connection -> whole messages.
 *
 * Place: between the socket (bmp_server.c) and bmp_station.c. Knows no socket. Logs damaged
 * messages. Memory: 64 KiB a session, more only while a longer message comes, at most
 * BMP_MESSAGE_LIMIT. */
#ifndef BMP_SESSION_H
#define BMP_SESSION_H

#include "bmp_state.h"
#include "error_text.h"

struct bmp_session {
	struct bmp_router *router; /* borrowed */
	uint8_t *buffer;           /* owned */
	size_t capacity, used;
};

/* Returns 0 or -ENOMEM. */
int bmp_session_begin(struct bmp_session *session, struct bmp_router *router);
void bmp_session_end(struct bmp_session *session);

/* Where the next bytes go, '*room' of them at least 1; borrowed until bmp_session_take(). */
uint8_t *bmp_session_room(struct bmp_session *session, size_t *room);

/* 'size' bytes came. Returns 1 if the session continues; 0 if the router ends it, or a negative
 * errno if the stream is lost: both with the reason in 'error'. */
int bmp_session_take(struct bmp_session *session, struct bmp_state *state, size_t size,
		     int64_t now_ms, struct error_text *error);

#endif
