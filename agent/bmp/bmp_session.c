/* bmp_session.c - see bmp_session.h.
 *
 * Invariant: between two calls the buffer begins with a message, and has room for one byte more. */
#include "bmp_session.h"

#include "bmp_station.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE ((size_t)64 << 10)

int bmp_session_begin(struct bmp_session *session, struct bmp_router *router)
{
	*session = (struct bmp_session){ .router = router, .capacity = FIRST_SIZE };
	session->buffer = malloc(FIRST_SIZE);
	return session->buffer ? 0 : -ENOMEM;
}

void bmp_session_end(struct bmp_session *session)
{
	free(session->buffer);
	*session = (struct bmp_session){ .router = NULL };
}

uint8_t *bmp_session_room(struct bmp_session *session, size_t *room)
{
	*room = session->capacity - session->used;
	return session->buffer + session->used;
}

/* For the message that has begun. */
static int fit_buffer(struct bmp_session *session, size_t size, struct error_text *error)
{
	const size_t wanted = size > FIRST_SIZE ? size : FIRST_SIZE;
	uint8_t *fitting;

	if (wanted == session->capacity || session->used > wanted)
		return 0;
	fitting = realloc(session->buffer, wanted);
	if (!fitting) {
		error_text_set(error, "out of memory for a message of %zu bytes", size);
		return -ENOMEM;
	}
	session->buffer = fitting;
	session->capacity = wanted;
	return 0;
}

int bmp_session_take(struct bmp_session *session, struct bmp_state *state, size_t size,
		     int64_t now_ms, struct error_text *error)
{
	size_t at = 0;
	int64_t wanted;
	int goes_on = 1;

	session->used += size;
	for (;;) {
		const uint8_t *message = session->buffer + at;

		wanted = bmp_message_size(message, session->used - at, error);
		if (wanted < 0)
			return (int)wanted;
		if (wanted == 0 || (size_t)wanted > session->used - at)
			break;
		goes_on = bmp_station_message(state, session->router, message, (size_t)wanted,
					      now_ms, error);
		if (!goes_on)
			return 0;
		if (error->text[0])
			log_event(
				LOG_LEVEL_warning, "damaged", session->router->address_text,
				"%s: %s; such messages in all: %llu", session->router->address_text,
				error->text,
				(unsigned long long)session->router->counters[BMP_COUNTER_damaged]);
		at += (size_t)wanted;
	}
	memmove(session->buffer, session->buffer + at, session->used - at);
	session->used -= at;
	return fit_buffer(session, (size_t)wanted, error) < 0 ? -ENOMEM : 1;
}
