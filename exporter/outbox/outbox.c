/* outbox.c - an outbox from its beginning to its end.
 *
 * Place: encoder -> outbox -> transport. Its parts are files of their own (outbox_parts.h);
 * outbox_poll() asks each of them what has happened. */
#include "outbox.h"

#include "outbox_session.h"

#include <errno.h>

int outbox_init(struct outbox *outbox, const struct outbox_config *config, struct error_text *error)
{
	int result;

	*outbox = (struct outbox){
		.config = *config,
		.transport_error = EINPROGRESS,
		.sending = { .error = EINPROGRESS, .last_us = -1, .stopped_us = -1 },
		.probing = { .needed = OUTBOX_PROBES, .released_us = -1 },
		.ahead = { .last_us = -OUTBOX_AHEAD_US },
	};
	pacer_init(&outbox->pacer, config->datagrams_per_second);
	if (datagram_queue_init(&outbox->queue, config->datagram_size, !config->type->session) ||
	    sent_history_init(&outbox->history)) {
		error_text_set(error, "out of memory");
		result = -ENOMEM;
		goto fail;
	}
	result = spool_init(&outbox->spool,
			    &(struct spool_config){ .size = config->spool_size,
						    .directory = config->spool_directory,
						    .datagram_size = config->datagram_size },
			    error);
	if (result)
		goto fail;
	result = config->type->open(&config->address, &outbox->transport, error);
	if (result)
		goto fail;
	return 0;
fail:
	spool_clear(&outbox->spool);
	datagram_queue_clear(&outbox->queue);
	sent_history_clear(&outbox->history);
	return result;
}

void outbox_clear(struct outbox *outbox)
{
	outbox->config.type->close(outbox->transport);
	datagram_queue_clear(&outbox->queue);
	spool_clear(&outbox->spool);
	sent_history_clear(&outbox->history);
}

void outbox_poll(struct outbox *outbox, int64_t now_us)
{
	outbox->now_us = now_us;
	if (outbox->sending.stopped_us < 0)
		outbox->sending.stopped_us = now_us;
	pacer_refill(&outbox->pacer, now_us);
	outbox_report_take(outbox);
	outbox->transport_error = -outbox->config.type->poll(outbox->transport, now_us / 1000);
	outbox_ahead_look_at_openings(outbox);
	outbox_report_look_at_remote(outbox);
	outbox_session_look(outbox);
	outbox_wait_look_at_spool(outbox);
	outbox_wait_fill_up(outbox);
	outbox_report_release(outbox);
}
