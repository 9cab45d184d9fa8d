/* status_line.c - a snapshot in the words of STATUS=. */
#include "status_line.h"

#include "count_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* ", waiting for ppp0, wg0": sources that are away; "" if none is. */
static void list_away(const struct pipeline_snapshot *snapshot, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < snapshot->source_count && length < size; i++)
		if (snapshot->sources[i].is_away)
			length += (size_t)snprintf(text + length, size - length, "%s %s",
						   length ? "," : ", waiting for",
						   snapshot->sources[i].name);
}

void status_line_send(const struct pipeline_snapshot *snapshot, uint64_t packets_per_second)
{
	char flows[COUNT_TEXT_SIZE];
	char collectors[COUNT_TEXT_SIZE];
	char lost[COUNT_TEXT_SIZE];
	char away[200];
	size_t up = 0;

	for (size_t i = 0; i < snapshot->collector_count; i++)
		up += snapshot->collectors[i].is_up;
	list_away(snapshot, away, sizeof(away));
	(void)sd_notifyf(0, "STATUS=%" PRIu64 " packets/s, %s, %zu of %s, %s lost in the kernel%s",
			 packets_per_second,
			 count_text(snapshot->workers.cache.flows_cached, "flow", flows), up,
			 count_text(snapshot->collector_count, "collector", collectors),
			 count_text(snapshot->workers.packets_lost_kernel, "packet", lost), away);
}
