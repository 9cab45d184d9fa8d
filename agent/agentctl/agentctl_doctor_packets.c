/* agentctl_doctor_packets.c - checks of what the agent counts: lost packets, its buffer, its own
 * datagrams, the cache.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "count_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_LEAST (32 << 20)
#define BUFFER_MOST  (1 << 30) /* what the option takes */

/* Of a source, by its place, at the second look. */
static const json_t *later(const struct doctor *doctor, size_t index)
{
	return json_array_get(doctor_sources(doctor->status_later), index);
}

/* A command that gives a source twice the buffer, in a file of its own: the fix of another source
 * must not write over it. */
static void fix_buffer(const struct doctor *doctor, const json_t *source, char *fix, size_t size)
{
	const char *name = doctor_text(source, "name");
	const json_int_t twice = 2 * doctor_number(source, "receive_buffer_wanted");
	char lines[256], topic[64];

	(void)snprintf(topic, sizeof(topic), "buffer-%s", name);
	for (char *c = topic; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._", *c))
			*c = '-';

	(void)snprintf(lines, sizeof(lines), "[source \"%s\"]\nbuffer = %" JSON_INTEGER_FORMAT "\n",
		       name,
		       twice < BUFFER_LEAST  ? BUFFER_LEAST
		       : twice > BUFFER_MOST ? BUFFER_MOST
					     : twice);
	doctor_fix_config(doctor, topic, lines, fix, size);
}

void doctor_check_loss(struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const json_int_t before = doctor_number(source, "packets_lost_kernel");
		const json_int_t lost = doctor_number(later(doctor, index), "packets_lost_kernel");
		char count[COUNT_TEXT_SIZE], fix[512];

		if (lost == 0)
			continue;
		fix_buffer(doctor, source, fix, sizeof(fix));
		doctor_say(doctor, lost > before ? DOCTOR_fail : DOCTOR_warn, fix,
			   "%s: the kernel has lost %s before the agent could read them%s",
			   doctor_text(source, "name"), count_text((uint64_t)lost, "packet", count),
			   lost > before ? ", and goes on losing" : "; none just now");
	}
	if (doctor->said == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "no packet was lost in the kernel");
}

/* The limit is one for all sources: what the largest wants. */
static json_int_t most_wanted(const struct doctor *doctor)
{
	json_int_t most = 0;
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const json_int_t wanted = doctor_number(source, "receive_buffer_wanted");

		if (wanted > most)
			most = wanted;
	}
	return most;
}

void doctor_check_buffer(struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const json_int_t got = doctor_number(source, "receive_buffer_bytes");
		const json_int_t wanted = doctor_number(source, "receive_buffer_wanted");
		char fix[256];

		if (got >= wanted)
			continue;
		(void)snprintf(fix, sizeof(fix),
			       "%ssysctl -w net.core.rmem_max=%" JSON_INTEGER_FORMAT
			       " && %ssystemctl restart flowagent",
			       doctor_sudo(doctor), most_wanted(doctor), doctor_sudo(doctor));
		doctor_say(doctor, DOCTOR_warn, fix,
			   "%s: the kernel has given %" JSON_INTEGER_FORMAT
			   " bytes of receive buffer, and %" JSON_INTEGER_FORMAT " were wanted",
			   doctor_text(source, "name"), got, wanted);
	}
	if (doctor->said == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "the receive buffer is as large as configured");
}

void doctor_check_own_export(struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status_later), index, source)
	{
		const json_int_t own =
			doctor_number(json_object_get(source, "packets_ignored"), "own_export");
		char count[COUNT_TEXT_SIZE], fix[256];

		/* Of an interface nothing else is possible, and costs little. */
		if (own == 0 || doctor_source_group(source) < 0 || doctor_is_own_only(doctor))
			continue; /* those of an earlier rule */
		doctor_fix_rules(doctor, "--force", fix, sizeof(fix));
		doctor_say(doctor, DOCTOR_warn, fix,
			   "%s: rules log the agent's own datagrams: it has read and ignored %s",
			   doctor_text(source, "name"), count_text((uint64_t)own, "packet", count));
	}
	if (doctor->said == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "the agent's own datagrams are not logged");
}

void doctor_check_cache(struct doctor *doctor)
{
	const json_t *cache = json_object_get(doctor->status_later, "cache");
	const json_int_t capacity = doctor_number(cache, "capacity");
	json_int_t evicted = 0;
	size_t index;
	const json_t *source;
	char count[COUNT_TEXT_SIZE], lines[128], fix[512];

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status_later), index, source)
	{
		evicted += doctor_number(json_object_get(source, "records_expired"),
					 "lack_of_resources");
	}
	if (evicted == 0) {
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
			   " flows at most so far: it was never full",
			   doctor_number(cache, "peak"), capacity);
		return;
	}
	(void)snprintf(lines, sizeof(lines), "[agent]\\nmax-flows = %" JSON_INTEGER_FORMAT "\\n",
		       4 * capacity);
	doctor_fix_config(doctor, "cache", lines, fix, sizeof(fix));
	doctor_say(doctor, DOCTOR_warn, fix,
		   "the cache of %" JSON_INTEGER_FORMAT " flows is too small: %s left it early",
		   capacity, count_text((uint64_t)evicted, "flow", count));
}
