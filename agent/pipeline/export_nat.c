/* export_nat.c - opens conntrack, keeps the table, and reports what it lacks. */
#include "export_nat.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* How long a start waits for the list: a million connections take one second. */
#define START_PATIENCE_MS 2000
/* A flow of a connection that has ended expires after its idle timeout, and this much later at
 * most: in biflows, and when collectors are slow. */
#define KEEP_LONGER_MS 60000
#define KEEP_MAX_MS    3600000
#define OBJECT         "conntrack"

static int64_t keep_of(const struct expiry_policy *expiry)
{
	int64_t idle_ms = 0;

	for (size_t i = 0; i < EXPIRY_CLASS_COUNT; i++)
		if (expiry->idle_ms[i] > idle_ms)
			idle_ms = expiry->idle_ms[i];
	return (idle_ms < KEEP_MAX_MS ? idle_ms : KEEP_MAX_MS) + KEEP_LONGER_MS;
}

int export_nat_open(struct export_nat *nat, uint32_t max_connections, struct hash_key key,
		    const struct expiry_policy *expiry, bool is_live, void *memory)
{
	struct error_text error = { .text = "" };

	*nat = (struct export_nat){ .is_wanted = true };
	nat->table = nat_table_create_in(max_connections, key, memory);
	if (!nat->table)
		return -ENOMEM;
	if (!is_live)
		return 0;
	nat->conntrack = capture_conntrack_open(nat->table, &error);
	if (!nat->conntrack) {
		log_problem(LOG_LEVEL_warning, "conntrack", "conntrack", OBJECT, "%s (%s)",
			    error.text, error.hint);
		return 0;
	}
	export_nat_set_expiry(nat, expiry);
	capture_conntrack_read_all(nat->conntrack, START_PATIENCE_MS);
	return 0;
}

void export_nat_close(struct export_nat *nat)
{
	capture_conntrack_close(nat->conntrack);
	nat_table_destroy(nat->table);
	*nat = (struct export_nat){ .is_wanted = false };
}

void export_nat_set_expiry(struct export_nat *nat, const struct expiry_policy *expiry)
{
	if (nat->conntrack)
		capture_conntrack_set_keep(nat->conntrack, keep_of(expiry));
}

/* The kernel refuses the list, where it has no module for it. */
static void report_failure(struct export_nat *nat)
{
	const bool is_failing = capture_conntrack_is_failing(nat->conntrack);

	if (is_failing == nat->is_failure_reported)
		return;
	nat->is_failure_reported = is_failing;
	if (is_failing)
		log_problem(LOG_LEVEL_warning, "conntrack", "conntrack", OBJECT,
			    "translated addresses are not known: the kernel does not list the "
			    "connections of conntrack (it needs nf_conntrack_netlink)");
	else
		log_problem_over("conntrack", OBJECT);
}

void export_nat_read(struct export_nat *nat, int64_t now_ms)
{
	uint64_t losses, refused;

	nat->has_more = capture_conntrack_read(nat->conntrack, now_ms);
	report_failure(nat);
	losses = capture_conntrack_losses(nat->conntrack);
	refused = nat_table_counts(nat->table).refused;
	if (losses != nat->losses_reported)
		log_event(LOG_LEVEL_warning, "conntrack-lost", OBJECT,
			  "conntrack: the kernel could not report all connections, %" PRIu64
			  " times so far; they are listed anew, until then translated addresses "
			  "of some flows are 0",
			  losses);
	if (refused != nat->refused_reported)
		log_event(LOG_LEVEL_warning, "conntrack-full", OBJECT,
			  "conntrack: more connections are translated than max-flows; the "
			  "addresses of %" PRIu64 " are not known, and 0",
			  refused);
	nat->losses_reported = losses;
	nat->refused_reported = refused;
}

void export_nat_find(const struct export_nat *nat, struct export_record *record)
{
	(void)nat_table_find(nat->table, &record->flow.key, &record->nat);
}
