/* agentctl_doctor_collectors.c - checks of the way to the collectors, and of those collectors that
 * run on this host: what each kind must be configured with.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_local_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is at fault. */
enum fault { FAULT_port, FAULT_route, FAULT_name };

/* What a collector's last error means, and where to look. */
static const struct cause {
	const char *part; /* of the error */
	const char *text; /* with the host for %s */
	enum fault fault;
} causes[] = {
	{ "refused", "nobody listens on that port of %s", FAULT_port },
	{ "unreachable", "there is no route to it; \"ip route get %s\" shows more", FAULT_route },
	{ "No route", "nothing answers there; \"ip route get %s\" shows the way", FAULT_route },
	{ "no address", "\"getent ahosts %s\" asks for it", FAULT_name },
	{ "name", "\"getent ahosts %s\" asks for it", FAULT_name },
};

/* Such a route has errors that are those of other things as well: it is looked for. */
static const struct cause rejected = { "", "a route of this host rejects what goes there",
				       FAULT_route };

/* Split "host:port" and "[host]:port". Returns the port, 0 if there is none. */
static unsigned int split(const char *remote, char *host, size_t size)
{
	const char *colon = strrchr(remote, ':');
	const bool has_brackets = *remote == '[';
	size_t length = colon ? (size_t)(colon - remote) : strlen(remote);

	if (has_brackets && length >= 2)
		length -= 2;
	(void)snprintf(host, size, "%.*s", (int)length, remote + has_brackets);
	return colon ? (unsigned int)atoi(colon + 1) : 0;
}

static bool is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "localhost") == 0;
}

/* Nobody listens at the port on this host: a collector may do so at another one. */
static bool say_other_port(struct doctor *doctor, const char *name, const char *host,
			   unsigned int port)
{
	struct local_reader reader;
	char wrong[300], right[300], fix[1024];
	const char *format = strchr(host, ':') ? "[%s]:%u" : "%s:%u";

	if (!is_local(host) || !local_reader_find_any(&reader) || reader.port == port)
		return false;
	(void)snprintf(wrong, sizeof(wrong), format, host, port);
	(void)snprintf(right, sizeof(right), format, host, reader.port);
	doctor_say(doctor, DOCTOR_fail,
		   doctor_fix_collector(doctor, wrong, right, fix, sizeof(fix)),
		   "%s: nobody listens on port %u; %s listens on port %u", name, port,
		   reader.program, reader.port);
	return true;
}

/* A file in a directory that the service's sandbox keeps it from writing to: a drop-in that lets
 * it. NULL: something else is wrong. */
static const char *fix_read_only(const struct doctor *doctor, const char *path, const char *error,
				 char *fix, size_t size)
{
	static const char drop_in[] = "/etc/systemd/system/flowagent.service.d";
	const char *sudo = doctor_sudo(doctor);
	const char *end = strrchr(path, '/');

	if (*path != '/' || end == path || !strstr(error, "ReadWritePaths="))
		return NULL;
	(void)snprintf(fix, size,
		       "%smkdir -p %s && printf '[Service]\\nReadWritePaths=%.*s\\n' | %stee "
		       "%s/paths.conf >/dev/null && %ssystemctl daemon-reload && %ssystemctl "
		       "restart flowagent",
		       sudo, drop_in, (int)(end - path), path, sudo, drop_in, sudo, sudo);
	return fix;
}

/* What an error means; NULL: not known. */
static const struct cause *cause_of(const struct doctor *doctor, const char *error,
				    const char *host)
{
	const struct cause *cause = NULL;
	char ignored[1024];

	for (size_t i = 0; !cause && i < sizeof(causes) / sizeof(causes[0]); i++)
		if (strstr(error, causes[i].part))
			cause = &causes[i];
	if ((!cause || cause->fault == FAULT_route) &&
	    doctor_fix_route(doctor, host, ignored, sizeof(ignored)))
		return &rejected;
	return cause;
}

/* What can be typed here for a cause; NULL: nothing. */
static const char *fix_cause(const struct doctor *doctor, const struct cause *cause,
			     const char *host, unsigned int port, char *fix, size_t size)
{
	switch (cause->fault) {
	case FAULT_port: return is_local(host) ? doctor_fix_unit(doctor, fix, size) : NULL;
	case FAULT_route: return doctor_fix_route(doctor, host, fix, size);
	case FAULT_name: return doctor_fix_name(doctor, host, port, fix, size);
	}
	return NULL;
}

static void say_down(struct doctor *doctor, const json_t *collector)
{
	const char *name = doctor_text(collector, "name");
	const char *error = doctor_text(collector, "last_error");
	const struct cause *cause;
	char host[256], advice[512] = "", command[1024];
	const char *fix;
	const unsigned int port =
		split(*doctor_text(collector, "remote") ? doctor_text(collector, "remote") : name,
		      host, sizeof(host));

	if (!*error) {
		doctor_say(doctor, DOCTOR_warn, NULL,
			   "%s: not up yet: its address is looked up, or it is connected to", name);
		return;
	}
	cause = cause_of(doctor, error, host);
	if (cause && cause->fault == FAULT_port && say_other_port(doctor, name, host, port))
		return;
	if (cause)
		(void)snprintf(advice, sizeof(advice), cause->text, host);
	fix = fix_read_only(doctor, name, error, command, sizeof(command));
	if (!fix && cause)
		fix = fix_cause(doctor, cause, host, port, command, sizeof(command));
	doctor_say(doctor, DOCTOR_fail, fix, "%s: %s%s%s", name, error, cause ? ": " : "", advice);
}

void doctor_check_collector(struct doctor *doctor)
{
	size_t index;
	const json_t *collector;

	json_array_foreach((json_t *)(uintptr_t)doctor_collectors(doctor->status_later), index,
			   collector)
	{
		const char *name = doctor_text(collector, "name");
		const json_int_t lost = doctor_number(collector, "records_lost");

		if (!json_is_true(json_object_get(collector, "up")))
			say_down(doctor, collector);
		else if (lost > 0)
			doctor_say(doctor, DOCTOR_warn, NULL,
				   "%s: up, but %" JSON_INTEGER_FORMAT
				   " records were lost; \"agentctl show "
				   "collectors\" has the reasons",
				   name, lost);
		else
			doctor_say(doctor, DOCTOR_ok, NULL,
				   "%s: up, %" JSON_INTEGER_FORMAT " records sent, none lost%s",
				   name, doctor_number(collector, "records_sent"),
				   strcmp(doctor_text(collector, "transport"), "udp") == 0
					   ? " (UDP cannot confirm)"
					   : "");
	}
	if (doctor->said == 0)
		doctor_say(
			doctor, DOCTOR_note, NULL,
			"none is configured: the agent keeps a local view only; \"agentctl setup "
			"--collector HOST:PORT\" adds one");
}

/* Whether packets are sampled, by the agent or by the rule, or flows for this collector. */
static bool has_sampling(const struct doctor *doctor, const json_t *collector)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status_later), index, source)
	{
		if (strcmp(doctor_text(source, "sampling"), "all") != 0)
			return true;
	}
	return doctor_number(collector, "sampling") > 1;
}

/* Whether the agent's configuration gives this collector times on the exporter's clock. */
static bool has_uptime(const struct doctor *doctor, const char *remote)
{
	const char *item = strstr(doctor_option(doctor, "collector"), remote);
	const char *key = item ? strstr(item, ",uptime=on") : NULL;

	return key && key < item + strcspn(item, " ");
}

/* Say that a collector must get what 'keys' say, with the command for that. */
static void say_wants(struct doctor *doctor, const json_t *collector, const char *keys,
		      const char *why)
{
	const char *remote = doctor_text(collector, "remote");
	char from[300], to[300], fix[1024];

	(void)snprintf(from, sizeof(from), "%s\\(,version=[0-9a-z]*\\)\\?", remote);
	(void)snprintf(to, sizeof(to), "%s,%s", remote, keys);
	doctor_say(doctor, DOCTOR_warn, doctor_fix_collector(doctor, from, to, fix, sizeof(fix)),
		   "%s: %s", doctor_text(collector, "name"), why);
}

/* goflow2 reads the times of v9 from fields 21 and 22 only, and takes a field of IPFIX that says
 * how far apart samples are for the rate. */
static void check_goflow2(struct doctor *doctor, const json_t *collector)
{
	const json_int_t version = doctor_number(collector, "version");

	if (version == 10 && has_sampling(doctor, collector))
		say_wants(doctor, collector, "version=9,uptime=on",
			  "goflow2 does not read the sampling rate of IPFIX: send NetFlow v9 with "
			  "uptime=on");
	else if (version == 9 && !has_uptime(doctor, doctor_text(collector, "remote")))
		say_wants(doctor, collector,
			  has_sampling(doctor, collector) ? "version=9,uptime=on" : "version=10",
			  "goflow2 does not read the times of NetFlow v9 that have milliseconds: "
			  "send IPFIX, or v9 with uptime=on");
}

/* akvorado rejects flows without a rate; the agent announces one always, 1 included. It takes the
 * method of sampling in v5 for a part of the rate, and the last rate of IPFIX for all. */
static void check_akvorado(struct doctor *doctor, const json_t *collector)
{
	if (doctor_number(collector, "version") != 9 && has_sampling(doctor, collector))
		say_wants(doctor, collector, "version=9",
			  "akvorado reads sampling rates rightly in NetFlow v9 only: send that");
}

/* pmacct 1.7.9 has renamed the key that makes nfacctd look at sequence numbers. */
static void check_nfacctd(struct doctor *doctor, const json_t *collector,
			  const struct local_reader *reader)
{
	static const char old_key[] = "nfacctd_disable_checks";
	static const char new_key[] = "nfacctd_disable_sanity_checks";
	const char *wrong = reader->is_renamed ? old_key : new_key;
	const char *right = reader->is_renamed ? new_key : old_key;
	char fix[1024];

	if (!reader->settings || !strstr(reader->settings, wrong) ||
	    strstr(reader->settings, right))
		return;
	(void)snprintf(fix, sizeof(fix), "%ssed -i s/%s/%s/ %s", doctor_sudo(doctor), wrong, right,
		       reader->file);
	doctor_say(doctor, DOCTOR_warn, fix,
		   "%s: this nfacctd (%s) does not know the key %s: it is %s since pmacct 1.7.9",
		   doctor_text(collector, "name"), reader->version, wrong, new_key);
}

void doctor_check_reader(struct doctor *doctor)
{
	size_t index;
	const json_t *collector;

	json_array_foreach((json_t *)(uintptr_t)doctor_collectors(doctor->status_later), index,
			   collector)
	{
		struct local_reader reader;
		char host[256];
		const unsigned int port =
			split(doctor_text(collector, "remote"), host, sizeof(host));
		const size_t said = doctor->said;

		if (!is_local(host) || !local_reader_find(port, &reader))
			continue;
		if (strcmp(reader.program, "goflow2") == 0)
			check_goflow2(doctor, collector);
		else if (strcmp(reader.program, "akvorado") == 0)
			check_akvorado(doctor, collector);
		else if (strcmp(reader.program, "nfacctd") == 0)
			check_nfacctd(doctor, collector, &reader);
		if (doctor->said == said)
			doctor_say(doctor, DOCTOR_ok, NULL, "%s: read by %s (pid %u)",
				   doctor_text(collector, "name"), reader.program, reader.pid);
		local_reader_clear(&reader);
	}
}

/* The agent notices it, and its text names the collector and the number. */
void doctor_check_source_id(struct doctor *doctor)
{
	const json_t *problems = json_object_get(doctor->status_later, "problems");
	const size_t said = doctor->said;
	size_t index;
	const json_t *problem;

	if (json_array_size(doctor_collectors(doctor->status_later)) == 0)
		return;
	json_array_foreach((json_t *)(uintptr_t)problems, index, problem)
	{
		const char *text = doctor_text(problem, "problem");

		if (strstr(text, "with source id"))
			doctor_say(doctor, DOCTOR_warn, NULL, "%s", text);
	}
	if (doctor->said == said)
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "no other agent of this host sends under this agent's number");
}
