/* log_journal.c - a message as lines of one datagram.
 *
 * Place: log.c -> here -> systemd-journald.
 * Invariant: it never waits, and no value has a newline. */
#include "log_journal.h"

#include "log_event.h"
#include "printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DATAGRAM_SIZE 2048 /* a text is below 1100 bytes */
#define OBJECT_SIZE   256

int log_journal_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return -1;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return descriptor;
	(void)close(descriptor);
	return -1;
}

/* Write a field whose value comes from outside: a newline in it would begin another field. */
static void put_field(FILE *out, const char *name, const char *value)
{
	char text[OBJECT_SIZE];

	(void)snprintf(text, sizeof(text), "%s", value);
	printable_make(text);
	(void)fprintf(out, "%s=%s\n", name, text);
}

static bool is_there(const char *text)
{
	return text && *text;
}

bool log_journal_send(int descriptor, const struct log_journal_message *message)
{
	char datagram[DATAGRAM_SIZE];
	FILE *out = fmemopen(datagram, sizeof(datagram), "w");
	long size;

	if (!out)
		return false;
	(void)fprintf(out, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nSYSLOG_FACILITY=3\n",
		      message->text, message->priority, message->program);
	if (message->row)
		(void)fprintf(out, "MESSAGE_ID=%s\nFLOWAGENT_EVENT=%s\n", message->row->id,
			      message->row->name);
	if (message->row && is_there(message->object))
		put_field(out, message->row->object_field, message->object);
	if (is_there(message->reason))
		put_field(out, "FLOWAGENT_REASON", message->reason);
	if (message->suppressed)
		(void)fprintf(out, "FLOWAGENT_SUPPRESSED=%" PRIu64 "\n", message->suppressed);
	(void)fflush(out);
	size = ferror(out) ? -1 : ftell(out);
	(void)fclose(out);
	return size > 0 && send(descriptor, datagram, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
				   (ssize_t)size;
}
