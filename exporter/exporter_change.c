/* exporter_change.c - prepares other collectors beside those that are, then puts them in.
 *
 * Invariant: what may fail is done before anything is touched. Each record that was taken before is
 * in the ledger of one collector of each group, or of those that are gone, and the equalities of
 * ledger.h hold at any moment: what a collector did not get because it was not there counts as
 * excluded (EXCLUDED_ABSENT). */
#include "exporter_change.h"

#include "collector_change.h"
#include "exporter_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is ready to be put in. */
struct prepared {
	struct collector *
		*collectors; /* owned until taken; as in the plans; new or those that are */
	struct collector_change *changes;
	struct collector_group *groups;
	size_t group_count;
	struct exporter_leaving *leaving; /* with room for all */
	struct application_list applications;
	bool has_other_refresh; /* interval of templates */
};

/* ---- preparing ---- */

static int no_memory(struct error_text *error)
{
	error_text_set(error, "out of memory");
	return -ENOMEM;
}

static int prepare_one(struct exporter *exporter, const struct exporter_plan *plan,
		       struct collector **collector, struct collector_change *change,
		       struct error_text *error)
{
	if (plan->action == EXPORTER_KEEP) {
		*collector = exporter->collectors[plan->before];
		return collector_change_prepare(*collector, &plan->config, change, error);
	}
	*collector = collector_create(&plan->config, &exporter->terms, error);
	if (!*collector)
		return -EINVAL;
	if (exporter->terms.samplers)
		collector_samplers_known(*collector);
	return 0;
}

static void unprepare(struct prepared *prepared, const struct exporter_change *change)
{
	for (size_t i = 0; prepared->collectors && i < change->count; i++)
		if (change->plans[i].action != EXPORTER_KEEP)
			collector_destroy(prepared->collectors[i]);
	for (size_t i = 0; prepared->changes && i < change->count; i++)
		collector_change_clear(&prepared->changes[i]);
	free(prepared->collectors);
	free(prepared->changes);
	free(prepared->leaving);
	application_list_clear(&prepared->applications);
	collector_groups_destroy(prepared->groups, prepared->group_count);
}

static int make_room(const struct exporter *exporter, size_t count, struct prepared *prepared,
		     struct error_text *error)
{
	prepared->collectors = calloc(count + 1, sizeof(*prepared->collectors));
	prepared->changes = calloc(count + 1, sizeof(*prepared->changes));
	prepared->leaving = calloc(exporter->leaving_count + exporter->collector_count + 1,
				   sizeof(*prepared->leaving));
	if (!prepared->collectors || !prepared->changes || !prepared->leaving)
		return no_memory(error);
	return 0;
}

/* The terms are the new ones already. */
static int prepare(struct exporter *exporter, const struct exporter_change *change,
		   struct prepared *prepared, struct error_text *error)
{
	int result = make_room(exporter, change->count, prepared, error);
	int groups;

	for (size_t i = 0; !result && i < change->count; i++)
		result = prepare_one(exporter, &change->plans[i], &prepared->collectors[i],
				     &prepared->changes[i], error);
	if (result)
		return result;
	if (change->applications &&
	    application_list_init(&prepared->applications, change->applications))
		return no_memory(error);
	groups = collector_groups_create(prepared->collectors, change->count,
					 exporter->terms.secret, &prepared->groups);
	if (groups < 0)
		return no_memory(error);
	prepared->group_count = (size_t)groups;
	return 0;
}

/* ---- putting in ---- */

/* All that the exporter has been given so far: each group has had all of it. */
static struct amount total_of(const struct exporter *exporter)
{
	struct collector_ledger ledger;

	if (!exporter->group_count)
		return exporter->ledger.taken;
	exporter_group_ledger(exporter, &exporter->groups[0], &ledger);
	return ledger.taken;
}

/* What counts in no ledger that still is, counts as absent. */
static void balance_ledgers(struct exporter *exporter, const struct amount *total)
{
	for (size_t i = 0; i < exporter->group_count; i++) {
		struct amount missing = *total;
		struct collector_ledger ledger;

		exporter_group_ledger(exporter, &exporter->groups[i], &ledger);
		amount_subtract(&missing, &ledger.taken);
		collector_exclude(exporter->groups[i].members[0], EXCLUDED_ABSENT, &missing);
	}
	if (!exporter->group_count) {
		struct amount missing = *total;

		amount_subtract(&missing, &exporter->ledger.taken);
		amount_add(&exporter->ledger.taken, &missing);
		amount_add(&exporter->ledger.excluded[EXCLUDED_ABSENT], &missing);
	}
}

/* The plan of a collector that is; NULL: it is removed. 'index' is its number there. */
static const struct exporter_plan *plan_of(const struct exporter_change *change, size_t number,
					   size_t *index)
{
	for (*index = 0; *index < change->count; (*index)++)
		if (change->plans[*index].action != EXPORTER_ADD &&
		    change->plans[*index].before == number)
			return &change->plans[*index];
	return NULL;
}

static void let_go(struct exporter *exporter, const struct exporter_change *change, size_t number,
		   struct prepared *prepared)
{
	struct exporter_leaving *leaving = &prepared->leaving[exporter->leaving_count];
	size_t index;
	const struct exporter_plan *plan = plan_of(change, number, &index);

	if (plan && plan->action == EXPORTER_KEEP)
		return;
	*leaving = (struct exporter_leaving){
		.collector = exporter->collectors[number],
		.successor = plan ? prepared->collectors[index] : NULL,
		.hands_sequence = plan && plan->hands_sequence,
		.hands_ledger = plan && plan->hands_ledger,
		.hands_datagrams = plan && plan->hands_sequence && plan->hands_ledger &&
				   collector_change_has_same_templates(exporter->collectors[number],
								       prepared->collectors[index]),
		.begun_us = change->now_us,
		.progress_us = change->now_us,
		.waiting = UINT64_MAX,
	};
	(void)collector_change_leave(leaving->collector);
	collector_finish(leaving->collector, &exporter->time);
	exporter->leaving_count++;
}

/* What was announced of the others is void. */
static void take_applications(struct exporter *exporter, struct prepared *prepared)
{
	application_list_clear(&exporter->terms.applications);
	exporter->terms.applications = prepared->applications;
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_change_applications(exporter->collectors[i]);
}

static void put_in(struct exporter *exporter, const struct exporter_change *change,
		   struct prepared *prepared)
{
	const struct amount total = total_of(exporter);
	const struct collector *ignored;

	if (prepared->has_other_refresh)
		for (size_t i = 0; i < exporter->collector_count; i++)
			collector_respread(exporter->collectors[i]);

	if (exporter->leaving_count)
		memcpy(prepared->leaving, exporter->leaving,
		       exporter->leaving_count * sizeof(*prepared->leaving));
	for (size_t i = 0; i < exporter->collector_count; i++)
		let_go(exporter, change, i, prepared);
	for (size_t i = 0; i < change->count; i++)
		if (change->plans[i].action == EXPORTER_KEEP)
			collector_change_take(prepared->collectors[i], &prepared->changes[i]);
	if (change->has_other_applications)
		take_applications(exporter, prepared);
	free(exporter->leaving);
	free(exporter->collectors);
	collector_groups_destroy(exporter->groups, exporter->group_count);
	exporter->leaving = prepared->leaving;
	exporter->collectors = prepared->collectors;
	exporter->collector_count = change->count;
	exporter->groups = prepared->groups;
	exporter->group_count = prepared->group_count;
	free(prepared->changes);
	for (size_t i = 0; i < exporter->group_count; i++)
		(void)collector_group_update(&exporter->groups[i], &ignored);
	balance_ledgers(exporter, &total);
}

static void set_terms(struct exporter *exporter, const struct exporter_change *change)
{
	exporter->terms.template_refresh_ms = change->template_refresh_ms;
	exporter->terms.template_refresh_datagrams = change->template_refresh_datagrams;
	exporter->terms.choice = change->choice;
}

int exporter_change(struct exporter *exporter, const struct exporter_change *change,
		    struct error_text *error)
{
	const struct exporter_change before = {
		.template_refresh_ms = exporter->terms.template_refresh_ms,
		.template_refresh_datagrams = exporter->terms.template_refresh_datagrams,
		.choice = exporter->terms.choice,
	};
	struct prepared prepared = { .collectors = NULL };
	int result;

	if (exporter_is_replacing(exporter)) {
		error_text_set(error, "a collector that was replaced still sends what waits in it");
		return -EBUSY;
	}
	prepared.has_other_refresh = change->template_refresh_ms != before.template_refresh_ms;
	set_terms(exporter, change);
	result = prepare(exporter, change, &prepared, error);
	if (result) {
		unprepare(&prepared, change);
		set_terms(exporter, &before);
		return result;
	}
	put_in(exporter, change, &prepared);
	return 0;
}

bool exporter_can_keep(const struct exporter *exporter, size_t collector)
{
	return collector_change_is_possible(exporter->collectors[collector]);
}

/* ---- leaving ---- */

bool exporter_is_leaving(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->leaving_count; i++)
		if (!exporter->leaving[i].is_done)
			return true;
	return false;
}

bool exporter_is_replacing(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->leaving_count; i++)
		if (!exporter->leaving[i].is_done && exporter->leaving[i].successor)
			return true;
	return false;
}

bool exporter_is_held(const struct exporter *exporter, const struct collector *collector)
{
	for (size_t i = 0; i < exporter->leaving_count; i++)
		if (exporter->leaving[i].successor == collector &&
		    exporter->leaving[i].hands_sequence && !exporter->leaving[i].is_done)
			return true;
	return false;
}

void exporter_add_predecessors(const struct exporter *exporter, const struct collector *collector,
			       struct collector_ledger *ledger)
{
	for (size_t i = 0; i < exporter->leaving_count; i++) {
		const struct exporter_leaving *leaving = &exporter->leaving[i];

		if (leaving->successor == collector && leaving->hands_ledger && !leaving->is_done)
			collector_ledger_add(ledger, collector_ledger(leaving->collector));
	}
}

void exporter_removed(const struct exporter *exporter, struct collector_ledger *ledger)
{
	*ledger = exporter->removed;
	for (size_t i = 0; i < exporter->leaving_count; i++) {
		const struct exporter_leaving *leaving = &exporter->leaving[i];

		if (!leaving->hands_ledger && !leaving->is_done)
			collector_ledger_add(ledger, collector_ledger(leaving->collector));
	}
}

static void report_gone(const struct exporter *exporter, const struct exporter_leaving *leaving)
{
	const struct collector_ledger *ledger = collector_ledger(leaving->collector);

	if (exporter->terms.on_event)
		exporter->terms.on_event(
			exporter->terms.event_context,
			&(struct collector_event){
				.kind = COLLECTOR_GONE,
				.collector = collector_name(leaving->collector),
				.records_sent = ledger->sent.records,
				.records_lost_in_all = collector_ledger_lost(ledger).records,
				.is_replaced = leaving->successor != NULL,
			});
}

/* Nothing waits any more: numbers and ledger go on in another. */
static void end_leaving(struct exporter *exporter, struct exporter_leaving *leaving)
{
	const struct collector_ledger *ledger = collector_ledger(leaving->collector);

	leaving->is_done = true;
	if (leaving->hands_sequence)
		collector_set_sequence(leaving->successor,
				       collector_change_leave(leaving->collector));
	if (leaving->hands_ledger)
		collector_change_merge(leaving->successor, ledger);
	else
		collector_ledger_add(&exporter->removed, ledger);
	report_gone(exporter, leaving);
}

/* Whether it is no use to wait for it any longer. */
static bool is_overdue(struct exporter_leaving *leaving, const struct collector_status *status,
		       int64_t now_us)
{
	const uint64_t waiting = status->ledger.waiting.records + status->queued_datagrams;

	if (waiting < leaving->waiting) {
		leaving->waiting = waiting;
		leaving->progress_us = now_us;
	}
	return status->is_known_down ||
	       now_us - leaving->progress_us >= EXPORTER_LEAVING_PATIENCE_US ||
	       now_us - leaving->begun_us >= EXPORTER_LEAVING_US;
}

/* One of which nothing waits ends here, and not when the last has gone: between this and the next
 * exporter_note() no number and no ledger is noted, so a note has them on one side only. */
void exporter_poll_leaving(struct exporter *exporter, int64_t now_us)
{
	for (size_t i = 0; i < exporter->leaving_count; i++) {
		struct exporter_leaving *leaving = &exporter->leaving[i];

		if (leaving->is_done)
			continue;
		exporter_serve(exporter, leaving->collector);
		collector_poll(leaving->collector, now_us);
		if (leaving->has_sent)
			end_leaving(exporter, leaving);
	}
}

int64_t exporter_send_leaving(struct exporter *exporter, int64_t now_us)
{
	int64_t first_us = -1;

	for (size_t i = 0; i < exporter->leaving_count; i++) {
		struct exporter_leaving *leaving = &exporter->leaving[i];
		struct collector_status status;
		int64_t next_us;

		if (leaving->is_done)
			continue;
		exporter_serve(exporter, leaving->collector);
		next_us = collector_send(leaving->collector);
		collector_status(leaving->collector, &status);
		if (status.queued_datagrams && is_overdue(leaving, &status, now_us)) {
			collector_abandon(leaving->collector);
			status.queued_datagrams = 0;
		}
		leaving->has_sent = !status.queued_datagrams;
		if (leaving->has_sent)
			first_us = 0;
		else if (next_us >= 0 && (first_us < 0 || next_us < first_us))
			first_us = next_us;
	}
	return first_us;
}

void exporter_bury(struct exporter *exporter)
{
	size_t kept = 0;

	for (size_t i = 0; i < exporter->leaving_count; i++) {
		if (exporter->leaving[i].is_done)
			collector_destroy(exporter->leaving[i].collector);
		else
			exporter->leaving[kept++] = exporter->leaving[i];
	}
	exporter->leaving_count = kept;
}
