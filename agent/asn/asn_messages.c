/* asn_messages.c - lines on standard error. Place: flowagent-asn, beside its stages, which return
 * what the caller reports. */
#include "asn_messages.h"

#include "printable.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_SIZE   1024
#define PROGRESS_MS 200

struct asn_messages asn_messages_begin(bool is_quiet)
{
	return (struct asn_messages){
		.is_quiet = is_quiet,
		.is_terminal = !is_quiet && isatty(STDERR_FILENO),
	};
}

static void clear_progress(struct asn_messages *messages)
{
	if (messages->has_progress)
		(void)fputs("\r\033[K", stderr);
	messages->has_progress = false;
}

static void print_line(struct asn_messages *messages, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void print_line(struct asn_messages *messages, const char *format, va_list arguments)
{
	char line[LINE_SIZE];

	clear_progress(messages);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	printable_make(line);
	(void)fprintf(stderr, "flowagent-asn: %s\n", line);
}

void asn_messages_line(struct asn_messages *messages, const char *format, ...)
{
	va_list arguments;

	if (messages->is_quiet)
		return;
	va_start(arguments, format);
	print_line(messages, format, arguments);
	va_end(arguments);
}

void asn_messages_warning(struct asn_messages *messages, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line(messages, format, arguments);
	va_end(arguments);
}

void asn_messages_error(struct asn_messages *messages, const struct error_text *error)
{
	asn_messages_warning(messages, "%s", error->text);
	if (error->hint[0])
		(void)fprintf(stderr, "  hint: %s\n", error->hint);
}

static int64_t milliseconds_between(const struct timespec *one, const struct timespec *other)
{
	return (int64_t)(other->tv_sec - one->tv_sec) * 1000 +
	       (other->tv_nsec - one->tv_nsec) / 1000000;
}

void asn_messages_progress(struct asn_messages *messages, const struct asn_input *input)
{
	const uint64_t size = asn_input_size(input);
	struct timespec now;
	char line[LINE_SIZE];

	if (!messages->is_terminal || clock_gettime(CLOCK_MONOTONIC, &now) != 0 ||
	    (messages->has_progress &&
	     milliseconds_between(&messages->shown_at, &now) < PROGRESS_MS))
		return;
	if (size)
		(void)snprintf(line, sizeof(line), "%.200s: %3u %% of %" PRIu64 " MB",
			       asn_input_name(input),
			       (unsigned int)(asn_input_position(input) * 100 / size),
			       size / 1000000);
	else
		(void)snprintf(line, sizeof(line), "%.200s: %" PRIu64 " MB", asn_input_name(input),
			       asn_input_position(input) / 1000000);
	printable_make(line);
	(void)fprintf(stderr, "\r%s\033[K", line);
	messages->has_progress = true;
	messages->shown_at = now;
}

void asn_messages_skipped(struct asn_messages *messages, const char *name,
			  const struct asn_routes *routes)
{
	for (enum asn_skip skip = 0; skip < ASN_SKIP_COUNT; skip++) {
		const struct asn_skipped *skipped = asn_routes_skipped(routes, skip);
		char address[ADDRESS_TEXT_SIZE];
		char prefix[ADDRESS_TEXT_SIZE + 8] = "";
		char place[32] = "";

		if (!skipped->count)
			continue;
		if (skipped->prefix.ip_version)
			(void)snprintf(prefix, sizeof(prefix), " %s/%u",
				       address_format(skipped->prefix.ip_version,
						      skipped->prefix.address, address),
				       (unsigned int)skipped->prefix.length);
		if (skipped->has_offset)
			(void)snprintf(place, sizeof(place), " at byte %" PRIu64, skipped->offset);
		asn_messages_line(messages, "%.200s: skipped %s: %" PRIu64 ", the first%s%s", name,
				  asn_skip_text(skip), skipped->count, prefix, place);
	}
}
