/* loss_report.c - one line for each collector that lost records.
 *
 * Place: beside equalities.c, asked once at the end of the daemon, after the last record has gone
 * or is lost. The lines pass no repeat limit. */
#include "loss_report.h"

#include "count_text.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>

#define REASONS_SIZE 400 /* all of them with numbers of 20 digits */

const char *loss_report_reasons(const struct collector_ledger *ledger, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < LOSS_REASON_COUNT && length < size; i++)
		if (ledger->lost[i].records)
			length += (size_t)snprintf(text + length, size - length, "%s%" PRIu64 " %s",
						   length ? ", " : "", ledger->lost[i].records,
						   loss_reason_name((enum loss_reason)i));
	return text;
}

static void log_lost(const char *collector, const struct amount *lost, uint64_t due,
		     const char *reasons)
{
	char records[COUNT_TEXT_SIZE];
	char packets[COUNT_TEXT_SIZE];
	char bytes[COUNT_TEXT_SIZE];

	log_warning("collector %s: %" PRIu64 " of %s lost, with %s and %s: %s", collector,
		    lost->records, count_text(due, "record", records),
		    count_text(lost->packets, "packet", packets),
		    count_text(lost->octets, "byte", bytes), reasons);
}

uint64_t loss_report_log(const struct pipeline_snapshot *snapshot)
{
	uint64_t lost_in_all = 0;

	for (size_t i = 0; i < snapshot->collector_count; i++) {
		const struct collector_status *collector = &snapshot->collectors[i];
		const struct collector_ledger *ledger = &collector->ledger;
		const struct amount lost = collector_ledger_lost(ledger);
		char reasons[REASONS_SIZE];

		lost_in_all += lost.records - ledger->lost[LOSS_UNSUPPORTED].records;
		if (lost.records)
			log_lost(collector->name, &lost,
				 ledger->taken.records - collector_ledger_excluded(ledger).records,
				 loss_report_reasons(ledger, reasons, sizeof(reasons)));
	}
	return lost_in_all;
}
