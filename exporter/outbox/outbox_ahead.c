/* outbox_ahead.c - when templates overtake what waits, and that they did.
 *
 * Place: part of the outbox. */
#include "outbox_ahead.h"

#include "hash.h"

#include <stdio.h>
#include <string.h>

#include "outbox_kept.h"

/* How long after the last ones. A host sends one report a second to all of us: of several of its
 * ports that refuse, the one that is tried first in each second would get them all, and others
 * would seem to be back. So none is tried at a fixed distance. */
static int64_t distance_us(const struct outbox *outbox)
{
	struct {
		uint64_t count;
		char name[56]; /* its end: host and port */
	} words = { .count = outbox->history.count };
	const size_t length = strlen(outbox->config.name);
	const size_t skipped = length < sizeof(words.name) ? 0 : length - sizeof(words.name) + 1;

	if (!outbox->config.is_live || outbox->standing.state != OUTBOX_down)
		return OUTBOX_AHEAD_US;
	(void)snprintf(words.name, sizeof(words.name), "%s", outbox->config.name + skipped);
	return OUTBOX_AHEAD_US +
	       (int64_t)(hash_words((struct hash_key){ 0 }, &words, sizeof(words)) %
			 OUTBOX_AHEAD_US);
}

/* Whether it has stopped refusing, is not up yet, and gets nothing else that it could refuse:
 * what is down in a group is passed over. */
static bool is_on_trial(const struct outbox *outbox)
{
	return outbox->standing.state == OUTBOX_down &&
	       outbox->standing.failed_us < outbox->probing.released_us &&
	       outbox->now_us - outbox->sending.last_us >= distance_us(outbox);
}

bool outbox_wants_templates(const struct outbox *outbox)
{
	const bool is_needed = outbox->ahead.are_needed || outbox->probing.error ||
			       (!outbox_has_sessions(outbox) && is_on_trial(outbox));

	if (!is_needed || outbox->transport_error)
		return false;
	/* With a message that it goes before, which then gives the time of its header. */
	if (outbox_has_sessions(outbox))
		return outbox_unsent(outbox) != 0;
	if (outbox_is_probe_next(outbox) ||
	    datagram_queue_room_ahead(&outbox->queue) < outbox->config.ahead_datagrams)
		return false;
	return outbox->now_us - outbox->ahead.last_us >= distance_us(outbox);
}

void outbox_put_ahead(struct outbox *outbox, size_t number)
{
	outbox->ahead.are_needed = false;
	outbox->ahead.last_us = outbox->now_us;
	datagram_queue_put_after(&outbox->queue, outbox->queue.handed + number);
	outbox_kept_drop(outbox, outbox->queue.handed + number);
}

void outbox_ahead_hurry(struct outbox *outbox)
{
	outbox->ahead.are_needed = true;
	outbox->ahead.last_us = outbox->now_us - 2 * OUTBOX_AHEAD_US;
}

void outbox_ahead_forgotten(struct outbox *outbox)
{
	outbox->ahead.forgotten++;
	outbox->ahead.are_needed = outbox->config.has_templates;
}

/* Another socket, which may have another address: the collector there may know nothing of
 * what was announced before. */
void outbox_ahead_look_at_openings(struct outbox *outbox)
{
	const struct transport_type *type = outbox->config.type;
	const uint64_t openings = type->openings ? type->openings(outbox->transport) : 0;

	if (openings == outbox->ahead.openings)
		return;
	if (outbox->ahead.openings) {
		outbox_ahead_forgotten(outbox);
		outbox_ahead_hurry(outbox);
	}
	outbox->ahead.openings = openings;
}
