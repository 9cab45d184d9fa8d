/* agentctl_selftest.c - is this installation able to count packets and to export them?
 *
 * An agent of its own reads a file of known packets and exports it over loopback, once for each
 * protocol; then, for root, one reads a log group in a network namespace of its own. What comes is
 * decoded by agent/listen and compared. The service is neither asked nor disturbed. */
#include "agentctl_selftest.h"

#include "agentctl_program.h"
#include "agentctl_selftest_packets.h"
#include "agentctl_table.h"
#include "fault_text.h"
#include "time_now.h"
#include "write_all.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_SIZE   512
#define PATIENCE_MS 500 /* loopback has delivered what the agent has sent when it has ended */

static void on_record(void *context, const struct listen_stream *stream,
		      const struct listen_header *header, const struct listen_record *record,
		      uint32_t sampling)
{
	enum { IE_octetDeltaCount = 1, IE_packetDeltaCount = 2, IE_destinationTransportPort = 11 };
	struct selftest_heard *heard = context;
	const struct listen_field *packets = listen_field_find(record, IE_packetDeltaCount);
	const struct listen_field *bytes = listen_field_find(record, IE_octetDeltaCount);
	const struct listen_field *port = listen_field_find(record, IE_destinationTransportPort);

	(void)stream;
	(void)header;
	(void)sampling;
	if (record->is_options || !packets || !bytes ||
	    (heard->port && (!port || listen_field_number(port) != heard->port)))
		return;
	heard->flows++;
	heard->packets += listen_field_number(packets);
	heard->bytes += listen_field_number(bytes);
}

static void on_finding(void *context, const struct listen_stream *stream,
		       enum listen_finding finding, const char *text)
{
	struct selftest_heard *heard = context;

	(void)stream;
	if (listen_finding_is_fault(finding) && !heard->fault[0])
		(void)snprintf(heard->fault, sizeof(heard->fault), "%s: %s",
			       listen_finding_name(finding), text);
}

bool selftest_listener_open(struct selftest_listener *listener, struct error_text *error)
{
	const struct listen_sink sink = { &listener->heard, on_record, on_finding };

	*listener = (struct selftest_listener){ .listener = NULL };
	if (agentctl_listen_open(&listener->sockets, "127.0.0.1:0", listener->place, error))
		return false;
	listener->listener = listener_create(&sink);
	if (listener->listener)
		return true;
	error_text_set(error, "out of memory");
	agentctl_listen_close(&listener->sockets);
	return false;
}

void selftest_listener_close(struct selftest_listener *listener)
{
	listener_destroy(listener->listener);
	agentctl_listen_close(&listener->sockets);
}

void selftest_listener_read(struct selftest_listener *listener, uint64_t packets, int patience_ms)
{
	struct agentctl_listen_sockets *sockets = &listener->sockets;

	while (listener->heard.packets < packets &&
	       poll(sockets->polled, 2 + LISTEN_SESSIONS, patience_ms) > 0)
		agentctl_listen_read(sockets, listener->listener, UINT_MAX);
}

/* A file in memory with the packets, which a child inherits. Returns a descriptor or a negative
 * errno. */
static int packets_file(struct selftest_sums *sums)
{
	uint8_t bytes[SELFTEST_FILE_SIZE];
	const size_t size = selftest_packets_write(bytes, time_now_ms(CLOCK_REALTIME), sums);
	const int descriptor = memfd_create("selftest.pcap", 0);
	int fault = descriptor < 0 ? -errno : write_all(descriptor, bytes, size);

	if (!fault)
		return descriptor;
	if (descriptor >= 0)
		(void)close(descriptor);
	return fault;
}

/* Run the agent on the file. Returns whether it has ended well; otherwise why not is in 'text'. */
static bool run_agent(const char *program, int file, const char *collector, char *text)
{
	char path[40];
	const char *const arguments[] = { program,   "--read",    path, "--collector",
					  collector, "--summary", "-",  NULL };
	struct program_result result;
	int fault;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fault = agentctl_program_run(arguments, NULL, &result);
	if (fault) {
		(void)snprintf(text, TEXT_SIZE, "cannot run %s: %s", program, fault_text(-fault));
		return false;
	}
	if (result.status)
		(void)snprintf(text, TEXT_SIZE, "%s: exit status %d: %s", program, result.status,
			       result.fault);
	fault = result.status;
	agentctl_program_clear(&result);
	return fault == 0;
}

/* Compare what came with what was in the file. */
static enum selftest_result compare(const struct selftest_heard *heard, uint64_t flows,
				    uint64_t packets, uint64_t bytes, char *text)
{
	const bool is_equal =
		heard->flows == flows && heard->packets == packets && heard->bytes == bytes;
	const int length = snprintf(text, TEXT_SIZE,
				    "%" PRIu64 " flows, %" PRIu64 " packets, %" PRIu64
				    " bytes came over loopback",
				    heard->flows, heard->packets, heard->bytes);

	if (heard->fault[0])
		(void)snprintf(text + length, TEXT_SIZE - (size_t)length, "; %s", heard->fault);
	else if (!is_equal)
		(void)snprintf(text + length, TEXT_SIZE - (size_t)length,
			       "; expected %" PRIu64 ", %" PRIu64 " and %" PRIu64, flows, packets,
			       bytes);
	return is_equal && !heard->fault[0] ? SELFTEST_OK : SELFTEST_FAILED;
}

static enum selftest_result test_version(const char *program, int file, int version,
					 const struct selftest_sums *sums, char *text)
{
	const bool has_ipv6 = version != 5;
	struct selftest_listener listener;
	struct error_text error = { .text = "" };
	enum selftest_result result = SELFTEST_FAILED;
	char collector[LISTENER_TEXT_SIZE + 16];

	if (!selftest_listener_open(&listener, &error)) {
		(void)snprintf(text, TEXT_SIZE, "%s", error.text);
		return SELFTEST_FAILED;
	}
	(void)snprintf(collector, sizeof(collector), "%s,version=%d", listener.place, version);
	if (run_agent(program, file, collector, text)) {
		selftest_listener_read(&listener, UINT64_MAX, PATIENCE_MS);
		result = compare(&listener.heard, sums->flows - (has_ipv6 ? 0 : sums->flows_ipv6),
				 sums->packets - (has_ipv6 ? 0 : sums->packets_ipv6),
				 sums->bytes - (has_ipv6 ? 0 : sums->bytes_ipv6), text);
	}
	selftest_listener_close(&listener);
	return result;
}

static void print(struct agentctl_table *table, const char *step, enum selftest_result result,
		  const char *text)
{
	static const char *const words[] = { "ok", "FAIL", "skipped" };
	json_t *row =
		json_pack("{s:s, s:s, s:s}", "result", words[result], "step", step, "text", text);

	if (row)
		(void)agentctl_table_row(table, row);
	json_decref(row);
	(void)agentctl_table_finish(table);
	(void)fflush(stdout);
}

static unsigned int run_steps(struct agentctl_table *table, const char *program, int file,
			      const struct selftest_sums *sums)
{
	static const struct {
		const char *step;
		int version;
	} steps[] = { { "netflow5", 5 }, { "netflow9", 9 }, { "ipfix", 10 } };
	char text[TEXT_SIZE] = "";
	enum selftest_result result;
	unsigned int failed = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		result = test_version(program, file, steps[i].version, sums, text);
		print(table, steps[i].step, result, text);
		failed += result == SELFTEST_FAILED;
	}
	result = agentctl_selftest_live(program, text, sizeof(text));
	print(table, "nflog", result, text);
	return failed + (result == SELFTEST_FAILED);
}

enum agentctl_exit agentctl_selftest(const struct agentctl_command *command,
				     const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct agentctl_table *table = agentctl_table_create(command->columns, options, &error);
	char *program = agentctl_program_agent();
	struct selftest_sums sums;
	const int file = packets_file(&sums);
	enum agentctl_exit result = AGENTCTL_FAILED;

	if (table && program && file >= 0)
		result = run_steps(table, program, file, &sums) ? AGENTCTL_FAILED : AGENTCTL_DONE;
	else if (!error.text[0])
		error_text_set(&error, "no file in memory: %s",
			       fault_text(file < 0 ? -file : ENOMEM));
	else
		result = AGENTCTL_USAGE; /* a column that does not exist */
	agentctl_print_error(&error);
	if (file >= 0)
		(void)close(file);
	free(program);
	agentctl_table_destroy(table);
	return result;
}
