/* export_owner.c - gives users their names and units their numbers.
 *
 * Place: owner_lookup -> here -> export_complete.c. A unit becomes an application when its first
 * record comes: so collectors get the names of those that have traffic, and no others. */
#include "export_owner.h"

#include "log.h"
#include "owner_lookup.h"
#include "user_names.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000

_Static_assert(sizeof(((struct export_record *)0)->user_name) == USER_NAME_SIZE,
	       "a name has room in a record");
_Static_assert(UNIT_NAME_SIZE == APPLICATION_NAME_SIZE, "a unit is an application");

struct export_owner {
	struct user_names *names;               /* owned; NULL: records have no place for them */
	struct owner_lookup lookup;             /* all 0: the kernel is not asked */
	struct application_table *applications; /* borrowed; NULL: units are none */
	struct owner_sum *sums; /* owned; by unit, 0 first; NULL: units are not asked for */
	int64_t looked_ms;
	const struct application *of_unit[CAPTURE_UNITS_MAX]; /* in the table; NULL: not yet */
};

static int open_lookup(struct export_owner *owner, bool has_units)
{
	struct error_text error;
	const int result = owner_lookup_open(&owner->lookup, "records", has_units, &error);

	if (!result && error.text[0])
		log_event(LOG_LEVEL_warning, "owners-unknown", NULL, "owner: not all is known: %s",
			  error.text);
	return result;
}

struct export_owner *export_owner_create(unsigned int columns, bool asks)
{
	const bool has_units = columns & FLOW_COLUMN_BIT(FLOW_COLUMN_cgroup);
	struct export_owner *owner = calloc(1, sizeof(*owner));
	int result = owner ? 0 : -1;

	if (owner && columns & EXPORT_RECORD_USER_NAME) {
		owner->names = user_names_create("/etc/passwd");
		result = owner->names ? 0 : -1;
	}
	if (!result && owner->names)
		user_names_look(owner->names);
	if (!result && asks)
		result = open_lookup(owner, has_units);
	if (!result && has_units) {
		owner->sums = calloc(CAPTURE_UNITS_MAX + 1, sizeof(*owner->sums));
		result = owner->sums ? 0 : -1;
	}
	if (!result)
		return owner;
	export_owner_destroy(owner);
	return NULL;
}

void export_owner_destroy(struct export_owner *owner)
{
	if (!owner)
		return;
	user_names_destroy(owner->names);
	owner_lookup_close(&owner->lookup);
	free(owner->sums);
	free(owner);
}

void export_owner_set_applications(struct export_owner *owner, struct application_table *table)
{
	owner->applications = table;
	memset(owner->of_unit, 0, sizeof(owner->of_unit));
}

void export_owner_look(struct export_owner *owner, int64_t now_ms)
{
	owner_lookup_set_time(&owner->lookup, now_ms);
	if (now_ms - owner->looked_ms < LOOK_MS)
		return;
	owner->looked_ms = now_ms;
	if (owner->names)
		user_names_look(owner->names);
	owner_lookup_report(&owner->lookup);
}

int64_t export_owner_next_us(const struct export_owner *owner)
{
	return owner_lookup_next_us(&owner->lookup);
}

static const struct application *application_of(struct export_owner *owner, uint32_t unit)
{
	const struct application **known = &owner->of_unit[unit - 1];
	const char *name = capture_units_name(owner->lookup.units, unit);

	if (!*known && *name)
		*known = application_table_name(owner->applications, name);
	return *known;
}

static void count(struct owner_sum *sum, const struct flow_record *flow)
{
	const size_t side = flow->key.side == SIDE_egress;

	sum->records++;
	sum->packets[side] += flow->packets;
	sum->octets[side] += flow->octets;
}

size_t export_owner_sums(const struct export_owner *owner, struct owner_sum **sums)
{
	size_t found = 0;

	*sums = owner->sums ? calloc(CAPTURE_UNITS_MAX + 1, sizeof(**sums)) : NULL;
	for (uint32_t unit = 0; *sums && unit <= CAPTURE_UNITS_MAX; unit++) {
		if (!owner->sums[unit].records)
			continue;
		(*sums)[found] = owner->sums[unit];
		if (unit)
			memcpy((*sums)[found].unit, capture_units_name(owner->lookup.units, unit),
			       sizeof((*sums)[found].unit));
		found++;
	}
	return found;
}

void export_owner_find(struct export_owner *owner, struct export_record *record)
{
	const struct owner found = owner_lookup_find(&owner->lookup, &record->flow);
	const struct application *application = NULL;

	record->flow.user = found.socket.user;
	if (owner->lookup.units)
		record->flow.cgroup = found.socket.cgroup; /* for `agentctl watch` */
	if (owner->sums)
		count(&owner->sums[found.unit], &record->flow);
	if (found.unit && owner->applications)
		application = application_of(owner, found.unit);
	if (application)
		record->application = application;
	if (!owner->names)
		return;
	if (found.socket.user)
		user_names_find(owner->names, found.socket.user - 1, record->user_name);
	else
		memset(record->user_name, 0, sizeof(record->user_name));
}
