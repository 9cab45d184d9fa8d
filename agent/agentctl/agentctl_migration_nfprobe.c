/* agentctl_migration_nfprobe.c - timeouts of softflowd and nfprobe. Each class has a default of its
 * own there: all are written, so that none follows flowagent's.
 *
 * Source: softflowd(8), and nfprobe_timeouts of pmacct's CONFIG-KEYS. */
#include "agentctl_migration_nfprobe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned int seconds;
} rows[NFPROBE_TIMEOUTS] = {
	[NFPROBE_tcp] = { "tcp", 3600 },           [NFPROBE_tcp_rst] = { "tcp.rst", 120 },
	[NFPROBE_tcp_fin] = { "tcp.fin", 300 },    [NFPROBE_udp] = { "udp", 300 },
	[NFPROBE_icmp] = { "icmp", 300 },          [NFPROBE_general] = { "general", 3600 },
	[NFPROBE_maxlife] = { "maxlife", 604800 }, [NFPROBE_expint] = { "expint", 60 },
};

void nfprobe_timeouts_set_defaults(struct nfprobe_timeouts *timeouts)
{
	timeouts->has_expint = false;
	for (size_t i = 0; i < NFPROBE_TIMEOUTS; i++)
		timeouts->seconds[i] = rows[i].seconds;
}

/* Seconds of a unit, of which both cases mean the same; 0: it is none. */
static unsigned int seconds_of_unit(char unit)
{
	switch (unit) {
	case 's':
	case 'S': return 1;
	case 'm':
	case 'M': return 60;
	case 'h':
	case 'H': return 3600;
	case 'd':
	case 'D': return 86400;
	case 'w':
	case 'W': return 604800;
	default: return 0;
	}
}

/* A time as both have it: numbers, each with a unit, the last one perhaps without: seconds. */
static bool time_parse(const char *text, unsigned long long *seconds)
{
	const char *at = text;

	for (*seconds = 0; *at && *seconds <= UINT32_MAX;) {
		const unsigned long number = strtoul(at, NULL, 10);
		const size_t digits = strspn(at, "0123456789");
		unsigned int unit = 1;

		if (digits == 0 || digits > 9)
			return false;
		at += digits;
		if (*at)
			unit = seconds_of_unit(*at++);
		if (unit == 0)
			return false;
		*seconds += (unsigned long long)number * unit;
	}
	return at != text && *seconds <= UINT32_MAX;
}

bool nfprobe_timeouts_take(struct migration *migration, struct nfprobe_timeouts *timeouts,
			   const char *option, const char *text)
{
	const size_t length = strcspn(text, "=");

	for (size_t i = 0; text[length] && i < NFPROBE_TIMEOUTS; i++) {
		unsigned long long seconds;

		if (strlen(rows[i].name) != length || strncmp(rows[i].name, text, length) != 0)
			continue;
		if (!time_parse(text + length + 1, &seconds)) {
			migration_wrong(migration, "%s %s: expected a time such as 90, 1h30m or 1W",
					option, text);
			return false;
		}
		timeouts->seconds[i] = seconds;
		timeouts->has_expint |= i == NFPROBE_expint;
		return true;
	}
	migration_wrong(migration,
			"%s %s is no named timeout: %s refuses it, and its defaults are "
			"written",
			option, text, migration->peer);
	return false;
}

void nfprobe_timeouts_write(struct migration *migration, const struct nfprobe_timeouts *timeouts)
{
	const char *list = "";

	for (size_t i = 0; i < NFPROBE_maxlife; i++) {
		unsigned long long seconds = migration_timeout(
			migration, migration_print(migration, "timeout %s", rows[i].name),
			timeouts->seconds[i]);

		if (seconds == 0) {
			seconds = 1;
			migration_lost(migration, "timeout %s 0: the least, 1 s, is written",
				       rows[i].name);
		}
		list = migration_print(migration, "%s%s%s=%llus", list, *list ? "," : "",
				       rows[i].name, seconds);
	}
	migration_option(migration, "timeout", "%s", list);
	migration_active_timeout(migration, timeouts->seconds[NFPROBE_maxlife]);
	if (timeouts->has_expint)
		migration_not_needed(migration, "expint=%llu: flowagent exports flows when due",
				     timeouts->seconds[NFPROBE_expint]);
}
