/* capture_nflog.c - reads a netfilter log group: the socket half. The kernel is asked for the group
 * in capture_nflog_group.c, the bytes are understood in capture_nflog_parse.c.
 *
 * Place: kernel (rule "log group N") -> here -> worker. Needs CAP_NET_ADMIN to bind and for a
 * receive buffer beyond net.core.rmem_max, and again to unbind; nothing in between does.
 * Invariant: the next datagram is received only when the one before is given out, so views stay
 * valid for their batch without a copy. */
#include "capture_sources.h"

#include "capture_interface_name.h"
#include "capture_netlink.h"
#include "capture_nflog_group.h"
#include "capture_nflog_memory.h"
#include "capture_nflog_parse.h"
#include "defaults.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"
#include "units.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_SNAPLEN = 65535,
	DRAIN_MS = 100, /* how long stop() waits for an empty queue before it unbinds */
};

enum phase {
	PHASE_opened, /* not bound yet */
	PHASE_bound,
	PHASE_draining, /* stop() was called: when the queue is empty, unbind */
	PHASE_unbound,  /* what is in the queue now is all that comes */
	PHASE_held,     /* what is in the queue, and comes there, is for the next agent */
};

/* After a report that the queue was full: whether packets lost then may be missing from the count.
 * Those that were in the queue before come first; the first after them tells by its number. */
enum doubt { DOUBT_none, DOUBT_until_empty, DOUBT_until_packet };

struct capture {
	struct capture_nflog_group group; /* owned */
	struct capture_nflog_parser parser;
	enum phase phase;
	enum doubt doubt;
	int64_t drain_until_ms; /* CLOCK_MONOTONIC */
	struct capture_netlink netlink;
	struct capture_nflog_memory *memory; /* 'own', or borrowed: it outlives the process */
	struct capture_nflog_memory own;
};

static int descriptor_of(const struct capture *capture)
{
	return capture_nflog_group_descriptor(&capture->group);
}

/* A group lives as long as any descriptor of its socket, and another may be kept for a later agent
 * (descriptor_store.h): so it is unbound here, unless that agent is to have it. */
static void close_group(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->phase == PHASE_bound || capture->phase == PHASE_draining)
		capture_nflog_group_unbind(&capture->group);
	capture_nflog_group_close(&capture->group);
	free(capture);
}

static struct capture *new_capture(const struct source_config *config, struct error_text *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	uint32_t snaplen = config->snaplen ? config->snaplen : DEFAULT_SNAPLEN;

	if (!capture) {
		error_text_set(error, "NFLOG group %u: no memory", config->group);
		return NULL;
	}
	capture->memory = &capture->own;
	capture->group.number = config->group;
	capture->parser.snaplen = snaplen > MAX_SNAPLEN ? MAX_SNAPLEN : snaplen;
	capture->netlink.receive_buffer_wanted = config->receive_buffer;
	capture->parser.takes_link_headers = config->takes_link_headers;
	capture->parser.owners = config->owners;
	return capture;
}

static int open_group(const struct source_config *config, struct capture **opened,
		      struct error_text *error)
{
	struct capture *capture = new_capture(config, error);
	int result;

	if (!capture)
		return -ENOMEM;
	result = capture_nflog_group_open(&capture->group, error);
	if (result)
		goto out;
	capture_netlink_grow(&capture->netlink, capture_nflog_group_descriptor(&capture->group));
	result = capture_nflog_group_bind(&capture->group, capture->parser.snaplen, error);
	if (result > 0) { /* the report is read, and says as much as one that comes later */
		(void)capture_netlink_fault(&capture->netlink, -ENOBUFS);
		capture->doubt = DOUBT_until_empty;
		result = 0;
	}
out:
	if (result) {
		close_group(capture);
		return result;
	}
	capture->phase = PHASE_bound;
	*opened = capture;
	return 0;
}

static int adopt_group(const struct source_config *config, const struct capture_kept *kept,
		       struct capture **adopted, struct error_text *error)
{
	struct capture *capture = NULL;

	if (!capture_nflog_group_is_socket(kept->descriptor)) {
		error_text_set(error, "NFLOG group %u: what was kept is no netfilter socket",
			       config->group);
		goto fail;
	}
	if (!capture_nflog_group_is_read(config->group)) {
		error_text_set(error, "NFLOG group %u: the socket that was kept does not read it",
			       config->group);
		goto fail;
	}
	capture = new_capture(config, error);
	if (!capture)
		goto fail;
	if (capture_nflog_group_adopt(&capture->group, kept->descriptor)) {
		error_text_set(error, "NFLOG group %u: no memory", config->group);
		goto fail;
	}
	capture->parser.next_sequence = kept->next_sequence;
	capture->parser.is_sequence_unknown = !kept->has_sequence;
	capture->doubt = kept->is_loss_unknown ? DOUBT_until_empty : DOUBT_none;
	capture->phase = PHASE_bound;
	*adopted = capture;
	return 0;
fail:
	close_group(capture);
	(void)close(kept->descriptor);
	return -EINVAL;
}

static void begin_group(struct capture *capture, bool is_continued)
{
	if (!is_continued)
		return;
	capture_netlink_grow(&capture->netlink, descriptor_of(capture));
	capture_nflog_group_set_up(&capture->group, capture->parser.snaplen);
}

/* Of the memory from the next instruction on: the kernel reports it once. */
static void set_doubt(struct capture *capture, enum doubt doubt)
{
	capture->memory->is_loss_unknown = doubt != DOUBT_none;
	capture->doubt = doubt;
}

/* Nothing was received, with this negative errno. Returns 1 to go on, 0 if there is none now, or
 * the error. */
static int explain_receive(struct capture *capture, int result, struct error_text *error)
{
	if (result == -EAGAIN && capture->doubt == DOUBT_until_empty)
		set_doubt(capture, DOUBT_until_packet);
	if (result == -ENOBUFS)
		set_doubt(capture, DOUBT_until_empty);
	result = capture_netlink_fault(&capture->netlink, result);
	if (result < 0)
		error_text_set(error, "NFLOG group %u: cannot be read: %s", capture->group.number,
			       fault_text(-result));
	return result;
}

/* Whether what is received now may have to be found by another process. Then its length is noted.
 * Returns 0 or a negative errno. */
static int expect_datagram(struct capture *capture)
{
	ssize_t size;

	if (capture->memory == &capture->own)
		return 0;
	/* cppcheck-suppress nullPointer ; of no bytes: recv(2) gives the size */
	size = recv(descriptor_of(capture), NULL, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	if (size < 0)
		return -errno;
	capture_nflog_memory_expect(capture->memory, (size_t)size, time_now_ms(CLOCK_REALTIME));
	return 0;
}

/* Read the next datagram. Returns 1, 0 if there is none now, or a negative errno. */
static int receive_datagram(struct capture *capture, struct error_text *error)
{
	struct capture_nflog_memory *memory = capture->memory;
	int result = expect_datagram(capture);
	ssize_t size;

	if (result)
		return explain_receive(capture, result, error);
	size = capture_netlink_receive(&capture->netlink, descriptor_of(capture), memory->datagram,
				       sizeof(memory->datagram), true);
	if (size < 0)
		return explain_receive(capture, (int)size, error);
	/* One reading of the clock for all of a datagram; packets without a time stamp of their own
	 * waited up to 100 ms in the kernel. */
	capture_nflog_memory_receive(memory, (size_t)size, time_now_ms(CLOCK_REALTIME));
	capture_nflog_parse_begin(&capture->parser, memory->datagram, (size_t)size,
				  memory->received_ms);
	return 1;
}

/* What the kernel sends now that it unbinds is dropped if the queue is full, hence draining first;
 * and where packets come faster than they are read, the queue is made larger, so that the numbers
 * of the last ones show how many were lost before. */
static void unbind_group(struct capture *capture)
{
	int size = (int)(capture->netlink.receive_buffer_bytes < INT_MAX / 4
				 ? 2 * capture->netlink.receive_buffer_bytes + 2 * DATAGRAM_SIZE
				 : INT_MAX / 2);
	const struct rights_section before = rights_raise();

	(void)setsockopt(descriptor_of(capture), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	capture_nflog_group_unbind(&capture->group);
	rights_restore(before);
	capture->phase = PHASE_unbound;
}

static int read_group(struct capture *capture, struct packet_view *views, size_t capacity,
		      struct error_text *error)
{
	bool is_new = false;

	for (;;) {
		size_t count = capture_nflog_parse(&capture->parser, views, capacity);
		int result;

		if (count) {
			capture->netlink.messages += is_new;
			if (is_new && capture->doubt == DOUBT_until_packet)
				set_doubt(capture, DOUBT_none);
			return (int)count;
		}
		if (capture->phase == PHASE_held)
			return -ENODATA;
		if (capture->phase == PHASE_draining &&
		    time_now_ms(CLOCK_MONOTONIC) >= capture->drain_until_ms)
			unbind_group(capture);
		result = receive_datagram(capture, error);
		if (result < 0)
			return result;
		is_new = result > 0;
		if (is_new)
			continue;
		if (capture->phase == PHASE_bound)
			return 0;
		if (capture->phase == PHASE_unbound)
			return -ENODATA;
		unbind_group(capture);
	}
}

static void stop_group(struct capture *capture)
{
	if (capture->phase != PHASE_bound)
		return;
	capture->phase = PHASE_draining;
	capture->drain_until_ms = time_now_ms(CLOCK_MONOTONIC) + DRAIN_MS;
}

static void hold_group(struct capture *capture, bool is_held)
{
	capture->phase = is_held ? PHASE_held : PHASE_bound;
}

static void keep_group(const struct capture *capture, struct capture_kept *kept)
{
	*kept = (struct capture_kept){
		.descriptor = descriptor_of(capture),
		.has_sequence = !capture->parser.is_sequence_unknown,
		.next_sequence = capture->parser.next_sequence,
		.is_loss_unknown = capture->doubt != DOUBT_none,
	};
}

static void use_memory_of_group(struct capture *capture, bool is_noted, void *memory)
{
	capture->memory = is_noted ? memory : &capture->own;
}

static void position_of_group(const struct capture *capture, struct capture_position *position)
{
	capture_nflog_memory_position(capture->memory, &capture->parser, position);
	position->is_loss_unknown = capture->doubt != DOUBT_none;
}

static bool resume_group(struct capture *capture, const struct capture_position *position)
{
	capture_nflog_memory_resume(capture->memory, &capture->parser, position);
	set_doubt(capture, position->is_loss_unknown || capture->memory->is_loss_unknown
				   ? DOUBT_until_empty
				   : DOUBT_none);
	return true;
}

static void group_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	*statistics = (struct capture_statistics){
		.packets_lost = capture->parser.packets_lost,
		.is_loss_unknown = capture->doubt != DOUBT_none,
		.messages_malformed = capture->parser.messages_malformed,
		.packets_truncated = capture->parser.packets_at_range,
		.packets_unstamped = capture->parser.packets_unstamped,
	};
	capture_netlink_statistics(&capture->netlink, statistics);
}

/* "40" or "40-43". */
static int groups_parse(const char *text, uint16_t *first, uint16_t *last, struct error_text *error)
{
	char copy[UNITS_TEXT_SIZE];
	uint64_t from = 0;
	uint64_t to = 0;
	char *dash;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		goto wrong;
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (units_number_parse(copy, &from) || units_number_parse(dash ? dash : copy, &to))
		goto wrong;
	if (to > UINT16_MAX || from > to)
		goto wrong;
	if (to - from >= SOURCES_MAX) {
		error_text_set(error, "expected at most %d groups, each has a thread", SOURCES_MAX);
		return -EINVAL;
	}
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
wrong:
	error_text_set(error, "expected a netfilter log group from 0 to 65535, or a range such as "
			      "40-43");
	return -EINVAL;
}

static int group_parse(const char *text, size_t index, struct source_config *source,
		       struct error_text *error)
{
	uint16_t first;
	uint16_t last;
	const int result = groups_parse(text, &first, &last, error);

	if (result || index > (size_t)(last - first))
		return result;
	source->group = (uint16_t)(first + index);
	return capture_name_set(source, error, "nflog:%u", (unsigned int)source->group);
}

/* A log group gets what passes the hook, whatever the interface takes in; "off" says as much. */
static int group_check(const struct source_config *source, struct error_text *error)
{
	return source->promiscuous == SOURCE_SWITCH_on ? capture_interface_refuse_promiscuous(error)
						       : 0;
}

const struct capture_type capture_nflog = {
	.noun = "log group",
	.prefix = "nflog:",
	.section = "\"nflog:GROUP\" with a group from 0 to 65535",
	.keys = CAPTURE_KEY_SNAPLEN | CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT |
		CAPTURE_KEY_PROMISCUOUS,
	.has_rules = true,
	.rights = RIGHTS_NET_ADMIN,
	.has_group = true,
	.is_live = true,
	.parse = group_parse,
	.check = group_check,
	.open = open_group,
	.read = read_group,
	.descriptor = descriptor_of,
	.stop = stop_group,
	.adopt = adopt_group,
	.begin = begin_group,
	.hold = hold_group,
	.keep = keep_group,
	.can_resume = true,
	.memory_size = sizeof(struct capture_nflog_memory),
	.use_memory = use_memory_of_group,
	.position = position_of_group,
	.resume = resume_group,
	.statistics = group_statistics,
	.close = close_group,
};
