/* agentctl_migration_nfprobe.c - timeouts of softflowd and nfprobe. Each class has a default of its
 * own there: all are written, so that none follows flowagent's.
 *
 * Source: softflowd(8), and nfprobe_timeouts of pmacct's CONFIG-KEYS. */
#include "agentctl_migration_nfprobe.h"

#include "units.h"

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

bool nfprobe_timeouts_take(struct migration *migration, struct nfprobe_timeouts *timeouts,
			   const char *option, const char *text)
{
	const size_t length = strcspn(text, "=");

	for (size_t i = 0; text[length] && i < NFPROBE_TIMEOUTS; i++) {
		uint32_t milliseconds = 0;

		if (strlen(rows[i].name) != length || strncmp(rows[i].name, text, length) != 0)
			continue;
		if (units_duration_parse(text + length + 1, &milliseconds)) {
			migration_wrong(migration, "%s %s: expected a time of at most 49 days",
					option, text);
			return false;
		}
		timeouts->seconds[i] = milliseconds / 1000;
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
		unsigned long long seconds = timeouts->seconds[i];

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
