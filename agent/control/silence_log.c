/* silence_log.c - see silence_log.h.
 *
 * Invariant: what becomes silent is seen at one look and no other: the moment at which the limit is
 * over lies between that one and the one before. So no state of a source is kept, and a reload may
 * change which there are. */
#include "silence_log.h"

#include "log.h"

#define KIND "silent"

static void look_at(const struct silence_log *silence, const struct source_status *source,
		    int64_t now_ms)
{
	const bool has_begun = source->last_packet_ms >= silence->started_ms;
	const int64_t over_ms =
		(has_begun ? source->last_packet_ms : silence->started_ms) + SILENCE_LIMIT_MS;

	if (now_ms < over_ms) {
		log_problem_over(KIND, source->name);
		return;
	}
	if (silence->looked_ms >= over_ms)
		return;
	log_problem(
		LOG_LEVEL_warning, KIND, "no-packets", source->name,
		"%s: no packet has come for %d minutes; \"agentctl doctor\" looks for the cause",
		source->name, SILENCE_LIMIT_MS / 60000);
}

void silence_log_look(struct silence_log *silence, const struct pipeline_snapshot *snapshot,
		      int64_t now_ms)
{
	if (!silence->started_ms)
		silence->started_ms = silence->looked_ms = now_ms;
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *source = &snapshot->sources[i];

		if (source->is_live && !source->is_away && !source->has_ended)
			look_at(silence, source, now_ms);
		else
			log_problem_over(KIND, source->name);
	}
	silence->looked_ms = now_ms;
}
