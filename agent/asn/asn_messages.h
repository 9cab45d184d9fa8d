/* asn_messages.h - what flowagent-asn says on standard error: results, reasons, progress. */
#ifndef ASN_MESSAGES_H
#define ASN_MESSAGES_H

#include "asn_input.h"
#include "asn_routes.h"
#include "error_text.h"

#include <stdbool.h>
#include <time.h>

struct asn_messages {
	bool is_quiet;            /* errors and warnings only */
	bool is_terminal;         /* standard error is one: progress is shown */
	bool has_progress;        /* a line of it stands there */
	struct timespec shown_at; /* CLOCK_MONOTONIC */
};

struct asn_messages asn_messages_begin(bool is_quiet);

/* How much of an input was read: on a terminal only, some times a second. */
void asn_messages_progress(struct asn_messages *messages, const struct asn_input *input);

/* A line of the result, unless the program is quiet. What is not printable becomes '?'. */
void asn_messages_line(struct asn_messages *messages, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A line that is always printed. */
void asn_messages_warning(struct asn_messages *messages, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void asn_messages_error(struct asn_messages *messages, const struct error_text *error);

/* What was skipped of an input: a line for each reason, with the first place. */
void asn_messages_skipped(struct asn_messages *messages, const char *name,
			  const struct asn_routes *routes);

#endif
