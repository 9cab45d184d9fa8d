/* outbox_session.c - what has arrived in a session, and what a new one begins with.
 *
 * Place: half of the outbox for transports with sessions. Messages that were handed over stay in
 * the queue, in front, and wait until the transport confirms them; only then they are sent. When a
 * session has ended, those of them that are left go out again in the next one, after the templates,
 * with sequence numbers from 0 (RFC 7011 sections 3.1 and 8.4: both are per session). */
#include "outbox_session.h"

#include "outbox_ahead.h"
#include "outbox_state.h"

/* Between two looks while a confirmation is due: a round trip, more where each look finds few, as
 * of a collector that reads slowly, and more when none has come for a second. */
#define CONFIRM_US      5000
#define CONFIRM_SLOW_US 40000
#define CONFIRM_LATE_US 100000
#define LATE_AFTER_US   1000000
/* Messages that one look finds: fewer are not worth a look, more fill the queue up late. */
#define CONFIRMED_FEW  (DATAGRAM_QUEUE_CAPACITY / 16)
#define CONFIRMED_MANY (DATAGRAM_QUEUE_CAPACITY / 4)

/* How soon to look again, by what came since the last look. */
static void pace_looks(struct outbox *outbox, size_t confirmed)
{
	struct outbox_session *session = &outbox->session;

	session->confirmed += confirmed;
	if (outbox->queue.handed == 0)
		session->look_in_us = CONFIRM_US;
	else if (outbox->now_us - session->looked_us < session->look_in_us)
		return;
	else if (session->confirmed < CONFIRMED_FEW && session->look_in_us < CONFIRM_SLOW_US)
		session->look_in_us *= 2;
	else if (session->confirmed > CONFIRMED_MANY && session->look_in_us > CONFIRM_US)
		session->look_in_us /= 2;
	session->looked_us = outbox->now_us;
	session->confirmed = 0;
}

static void confirm(struct outbox *outbox, size_t unconfirmed)
{
	const size_t before = outbox->queue.handed;

	while (outbox->queue.handed > unconfirmed) {
		outbox->queue.handed--;
		outbox_state_count_sent(outbox);
	}
	if (outbox->queue.handed < before)
		outbox->session.confirmed_us = outbox->now_us;
	pace_looks(outbox, before - outbox->queue.handed);
}

/* What was sent ahead in the old session is made anew: there it may have been something else. */
static void begin(struct outbox *outbox, uint64_t number)
{
	outbox->queue.handed = 0;
	for (size_t i = outbox->queue.count; i-- > 0;)
		if (datagram_queue_at(&outbox->queue, i)->is_ahead)
			datagram_queue_remove(&outbox->queue, i);
	outbox->session.number = number;
	outbox->session.confirmed_us = outbox->now_us;
	outbox->session.look_in_us = CONFIRM_US;
	outbox->sending.sequence = 0;
	outbox_ahead_forgotten(outbox);
}

void outbox_session_look(struct outbox *outbox)
{
	struct transport_session session;

	if (!outbox_has_sessions(outbox))
		return;
	outbox->config.type->session(outbox->transport, &session);
	outbox->session.failures = session.failures;
	outbox->ledger.send_errors += session.send_errors - outbox->session.send_errors;
	outbox->session.send_errors = session.send_errors;
	if (session.number == outbox->session.number)
		confirm(outbox, session.unconfirmed);
	else
		begin(outbox, session.number);
}

int64_t outbox_session_wait_us(const struct outbox *outbox)
{
	if (outbox->queue.handed == 0)
		return -1;
	return outbox->now_us - outbox->sending.last_us < LATE_AFTER_US ? outbox->session.look_in_us
									: CONFIRM_LATE_US;
}
