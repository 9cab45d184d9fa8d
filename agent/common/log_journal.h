/* log_journal.h - one message to systemd's journal with its fields.
 *
 * The journal's own protocol (systemd.io, "Native Journal Protocol"): a datagram of FIELD=VALUE
 * lines. Not sd_journal_send(): that waits for as long as the journal does not read. */
#ifndef LOG_JOURNAL_H
#define LOG_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct log_event_row;

struct log_journal_message {
	const char *program;
	int priority;                    /* of syslog(3) */
	const char *text;                /* printable, without newlines, as all texts here */
	const struct log_event_row *row; /* NULL: an event without a name */
	const char *object;              /* as it is; NULL or "": none */
	const char *reason;  /* the event's own name where that is not the row's; NULL */
	uint64_t suppressed; /* how many like it were held back */
};

/* A socket that sends to the journal at a path; -1 if there is none. */
int log_journal_open(const char *path);
/* Returns false if the journal takes nothing at the moment. */
bool log_journal_send(int descriptor, const struct log_journal_message *message);

#endif
