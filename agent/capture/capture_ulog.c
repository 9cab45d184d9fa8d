/* capture_ulog.c - reads groups of the old netfilter log, ULOG, which Linux had up to 3.16: the
 * socket half. The bytes are understood in capture_ulog_parse.c.
 *
 * Place: kernel (rules "-j ULOG") -> here -> worker. Needs CAP_NET_ADMIN to join the groups. All
 * groups of a mask come by one socket. Invariant: the next datagram is received only when the one
 * before is given out, so views stay valid for their batch without a copy.
 *
 * A kernel without it has no netlink family of that number: then opening fails, and names the rule
 * of NFLOG that does the same. What the kernel could not deliver it does not count: it is known
 * that there was a loss, not how many. */
#include "capture_ulog.h"

#include "capture_interface_name.h"
#include "capture_netlink.h"
#include "capture_sources.h"
#include "capture_ulog_parse.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FAMILY = 5, /* NETLINK_NFLOG, up to Linux 3.16 */
	GROUPS = 32,
	DATAGRAM_SIZE = 256 * 1024, /* the kernel's are 128 KiB at most */
	FLUSH_MS = 120,             /* it holds packets for 100 ms, unless its module was told */
	NAMES = 64,
	NAME_LIFETIME_MS = 10000, /* an interface may be made anew under its name */
};

/* Numbers of interfaces, for which ULOG has names: asking the kernel is not for each packet. */
struct name {
	char text[ULOG_NAME_SIZE + 1];
	uint32_t index;
	int64_t due_ms; /* CLOCK_MONOTONIC_COARSE: to be asked anew */
};

struct capture {
	int descriptor; /* owned */
	struct capture_ulog_parser parser;
	uint32_t mask;
	bool is_draining; /* stop() was called */
	bool has_left;    /* the groups: what is in the queue now is all that comes */
	int64_t drain_until_ms;
	int64_t now_ms; /* CLOCK_MONOTONIC_COARSE, of this datagram */
	struct capture_netlink netlink;
	struct name names[NAMES];
	size_t name_count;
	uint8_t datagram[DATAGRAM_SIZE];
};

/* The netlink family, and who may send in it. Debugging builds let a test stand for the kernel, in
 * a family where user space may send. */
static int family_of(bool *is_kernel_alone)
{
	*is_kernel_alone = true;
#ifdef FLOWAGENT_INVARIANTS
	if (getenv("FLOWAGENT_TEST_ULOG")) {
		*is_kernel_alone = false;
		return NETLINK_USERSOCK;
	}
#endif
	return FAMILY;
}

static int make_socket(void)
{
	bool is_kernel_alone;
	const int family = family_of(&is_kernel_alone);
	const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family);

	/* cppcheck-suppress resourceLeak ; the caller gets it */
	return descriptor < 0 ? -errno : descriptor;
}

bool capture_ulog_is_there(void)
{
	const int descriptor = make_socket();

	if (descriptor < 0)
		return descriptor != -EPROTONOSUPPORT;
	(void)close(descriptor);
	return true;
}

/* For a kernel without: the same groups of NFLOG. */
static void explain_absence(uint32_t mask, struct error_text *error)
{
	char groups[128] = "";
	char options[400] = "";
	const char *number;

	for (unsigned int bit = 0; bit < GROUPS; bit++) {
		const size_t length = strlen(groups);
		const size_t used = strlen(options);

		if (!(mask >> bit & 1))
			continue;
		(void)snprintf(groups + length, sizeof(groups) - length, "%s%u", length ? "," : "",
			       bit + 1);
		(void)snprintf(options + used, sizeof(options) - used, " -g %u", bit + 1);
	}
	number = strchr(groups, ',') ? "N" : groups;
	error_text_set(error,
		       "this kernel has no ULOG (Linux has had none since 3.17): use NFLOG, also "
		       "for IPv6 (group %s)",
		       groups);
	error_text_hint(error,
			"in each rule write \"-j NFLOG --nflog-group %s --nflog-size 128\" for "
			"\"-j ULOG --ulog-nlgroup %s ...\", and start flowagent%s",
			number, number, strlen(options) < 100 ? options : " with -g N for each");
}

static int explain(uint32_t mask, int result, struct error_text *error)
{
	if (result == -EPROTONOSUPPORT) {
		explain_absence(mask, error);
		return result;
	}
	error_text_set(error, "ULOG groups %#x: cannot be read: %s", mask, fault_text(-result));
	if (result == -EPERM)
		error_text_hint(error, "run as root, or with the capability CAP_NET_ADMIN");
	else if (result == -EAFNOSUPPORT)
		error_text_hint(error, "let the service use netlink: RestrictAddressFamilies="
				       "AF_NETLINK");
	return result;
}

/* Of names that are not in the table and have no room there, the kernel is asked each time. */
static struct name *find_name(struct capture *capture, const char *text)
{
	for (size_t i = 0; i < capture->name_count; i++)
		if (strcmp(capture->names[i].text, text) == 0)
			return &capture->names[i];
	if (capture->name_count == NAMES)
		return NULL;
	(void)snprintf(capture->names[capture->name_count].text, sizeof(capture->names[0].text),
		       "%s", text);
	return &capture->names[capture->name_count++];
}

static uint32_t index_of(void *context, const char *text)
{
	struct capture *capture = context;
	struct name *name = find_name(capture, text);

	if (!name)
		return if_nametoindex(text);
	if (name->due_ms <= capture->now_ms) {
		name->index = if_nametoindex(text);
		name->due_ms = capture->now_ms + NAME_LIFETIME_MS;
	}
	return name->index;
}

static void close_groups(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->descriptor >= 0)
		(void)close(capture->descriptor);
	free(capture);
}

static int open_groups(const struct source_config *config, struct capture **opened,
		       struct error_text *error)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = config->mask };
	struct capture *capture = calloc(1, sizeof(*capture));
	int result;

	if (!capture) {
		error_text_set(error, "ULOG groups: no memory");
		return -ENOMEM;
	}
	capture->mask = config->mask;
	capture->parser.index_of = index_of;
	capture->parser.context = capture;
	capture->netlink.receive_buffer_wanted = config->receive_buffer;
	capture->descriptor = result = make_socket();
	if (result >= 0 &&
	    bind(result, (const struct sockaddr *)(const void *)&address, sizeof(address)))
		result = -errno;
	if (result < 0) {
		result = explain(config->mask, result, error);
		close_groups(capture);
		return result;
	}
	capture_netlink_grow(&capture->netlink, capture->descriptor);
	*opened = capture;
	return 0;
}

/* Read the next datagram. Returns 1, 0 if there is none now, or a negative errno. */
static int receive_datagram(struct capture *capture, struct error_text *error)
{
	bool is_kernel_alone;
	ssize_t size;

	(void)family_of(&is_kernel_alone);
	size = capture_netlink_receive(&capture->netlink, capture->descriptor, capture->datagram,
				       sizeof(capture->datagram), is_kernel_alone);
	if (size < 0) {
		const int result = capture_netlink_fault(&capture->netlink, (int)size);

		return result < 0 ? explain(capture->mask, result, error) : result;
	}
	capture->now_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);
	capture_ulog_parse_begin(&capture->parser, capture->datagram, (size_t)size,
				 time_now_ms(CLOCK_REALTIME));
	return 1;
}

static void leave_groups(struct capture *capture)
{
	for (int group = 1; group <= GROUPS; group++)
		if (capture->mask >> (group - 1) & 1)
			(void)setsockopt(capture->descriptor, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP,
					 &group, sizeof(group));
	capture->has_left = true;
}

/* The queue is empty, and stop() was called. Returns whether more may come. */
static bool drain(struct capture *capture)
{
	const int64_t left_ms = capture->drain_until_ms - time_now_ms(CLOCK_MONOTONIC);
	struct pollfd queue = { .fd = capture->descriptor, .events = POLLIN };

	if (capture->has_left)
		return false;
	if (left_ms > 0)
		(void)poll(&queue, 1, (int)left_ms);
	else
		leave_groups(capture);
	return true;
}

static int read_groups(struct capture *capture, struct packet_view *views, size_t capacity,
		       struct error_text *error)
{
	bool is_new = false;

	for (;;) {
		const size_t count = capture_ulog_parse(&capture->parser, views, capacity);
		int result;

		if (count) {
			capture->netlink.messages += is_new;
			return (int)count;
		}
		if (capture->is_draining && !capture->has_left &&
		    time_now_ms(CLOCK_MONOTONIC) >= capture->drain_until_ms)
			leave_groups(capture);
		result = receive_datagram(capture, error);
		if (result < 0)
			return result;
		is_new = result > 0;
		if (!is_new && !capture->is_draining)
			return 0;
		if (!is_new && !drain(capture))
			return -ENODATA;
	}
}

static int groups_descriptor(const struct capture *capture)
{
	return capture->descriptor;
}

/* The kernel gathers packets and sends them when its time is up: that much longer. */
static void stop_groups(struct capture *capture)
{
	if (capture->is_draining)
		return;
	capture->is_draining = true;
	capture->drain_until_ms = time_now_ms(CLOCK_MONOTONIC) + FLUSH_MS;
}

static void groups_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	*statistics = (struct capture_statistics){
		.packets_lost = capture->parser.packets_lost,
		.is_loss_unknown = capture->netlink.overruns > 0,
		.messages_malformed = capture->parser.messages_malformed,
		.packets_unstamped = capture->parser.packets_unstamped,
	};
	capture_netlink_statistics(&capture->netlink, statistics);
}

/* fprobe-ulog's -U: bit N-1 is ULOG group N. Decimal, or hexadecimal with 0x. */
static int mask_parse(const char *text, size_t index, struct source_config *source,
		      struct error_text *error)
{
	char *end;
	unsigned long mask;

	if (index > 0)
		return 0;
	errno = 0;
	mask = strtoul(text, &end, 0);
	if (*end || errno || *text < '0' || *text > '9' || mask == 0 || mask > UINT32_MAX) {
		error_text_set(error, "expected a mask of ULOG groups from 1 to 0xffffffff");
		return -EINVAL;
	}
	source->mask = (uint32_t)mask;
	return capture_name_set(source, error, "ulog:%lu", mask);
}

static int mask_check(const struct source_config *source, struct error_text *error)
{
	return source->promiscuous == SOURCE_SWITCH_on ? capture_interface_refuse_promiscuous(error)
						       : 0;
}

static int mask_check_access(const struct source_config *source, struct error_text *error)
{
	if (capture_ulog_is_there())
		return 0;
	explain_absence(source->mask, error);
	return -EOPNOTSUPP;
}

const struct capture_type capture_ulog = {
	.noun = "mask of log groups",
	.prefix = "ulog:",
	.section = "\"ulog:MASK\"",
	.keys = CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT | CAPTURE_KEY_PROMISCUOUS,
	.has_rules = true,
	.rights = RIGHTS_NET_ADMIN,
	.is_live = true,
	.parse = mask_parse,
	.check = mask_check,
	.check_access = mask_check_access,
	.open = open_groups,
	.read = read_groups,
	.descriptor = groups_descriptor,
	.stop = stop_groups,
	.statistics = groups_statistics,
	.close = close_groups,
};
