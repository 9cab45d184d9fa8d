/* capture_interface.c - live capture from a network interface.
 *
 * Place: capture_tap_ring.c, or else capture_tap_pcap.c -> here -> worker. Needs CAP_NET_RAW to
 * open.
 *
 * Promiscuous mode is off unless asked for: the agent runs on the server whose traffic it counts,
 * and packets for others are not that. Frames of others have SIDE_unknown.
 *
 * An interface is what its name says: when that is gone, or another one has it, the source fails.
 * Before read() says so, it gives all that the kernel has taken for the interface. */
#include "capture_sources.h"

#include "capture_interface_name.h"
#include "capture_tap.h"
#include "capture_watch.h"
#include "defaults.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_SNAPLEN = 65535,
	DEFAULT_RECEIVE_BUFFER = 32 * 1024 * 1024,
	STOP_MS =
		CAPTURE_TAP_TIMEOUT_MS + 60, /* until then the kernel has handed over everything */
	/* Own addresses and name are looked at this often, and this soon after the kernel has
	 * reported a change. */
	ADDRESSES_MS = 10000,
	NEWS_MS = 100,
};

struct capture {
	char *name;                         /* owned */
	const struct capture_tap_type *way; /* of the tap */
	struct capture_tap *tap;            /* owned */
	uint32_t index;                     /* of the interface; 0 for "any" */
	int watch;                          /* capture_watch.h; owned */
	int64_t addresses_until_ms;         /* CLOCK_MONOTONIC */
	int64_t news_until_ms;
	int64_t stop_until_ms; /* 0 until stop_interface(), or a failure */
	int failure;           /* negative errno: what the last read() returns; 0: none */
	struct error_text failure_text;
	uint32_t receive_buffer_wanted;
};

static void close_interface(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->tap)
		capture->way->close(capture->tap);
	if (capture->watch >= 0)
		(void)close(capture->watch);
	free(capture->name);
	free(capture);
}

/* "lo, eth0, ...": what could have been meant. */
static void hint_interfaces(struct error_text *error)
{
	struct if_nameindex *names = if_nameindex();
	char text[256] = "";
	size_t length = 0;

	for (struct if_nameindex *name = names; name && name->if_index; name++) {
		int added = snprintf(text + length, sizeof(text) - length, "%s%s",
				     length ? ", " : "", name->if_name);

		if (added < 0 || (size_t)added >= sizeof(text) - length) {
			text[length] = '\0'; /* the rest does not fit */
			break;
		}
		length += (size_t)added;
	}
	error_text_hint(error, "there are: %s", text);
	if_freenameindex(names);
}

/* The index of the interface that has the name now; 0: none has, as with "any". The socket that is
 * there is asked: if_nametoindex() needs another one, and where no more may be opened the interface
 * would seem to be gone. */
static uint32_t index_by_name(const struct capture *capture)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", capture->name);
	if (ioctl(capture->way->descriptor(capture->tap), SIOCGIFINDEX, &request) < 0)
		return 0;
	return (uint32_t)request.ifr_ifindex;
}

/* What both ways leave to be said. */
static void explain_open(const char *name, int result, struct error_text *error)
{
	switch (result) {
	case -ENODEV:
		error_text_set(error, "%s: no such interface", name);
		hint_interfaces(error);
		break;
	case -EPERM:
		error_text_set(error, "%s: no permission to capture", name);
		error_text_hint(error, "run as root, or with the capability CAP_NET_RAW");
		break;
	case -ENETDOWN:
		error_text_set(error, "%s: the interface is down", name);
		error_text_hint(error, "ip link set %s up", name);
		break;
	default: break;
	}
}

static int open_tap(struct capture *capture, const struct source_config *config,
		    struct error_text *error)
{
	const uint32_t snaplen = config->snaplen ? config->snaplen : DEFAULT_SNAPLEN;
	const struct capture_tap_request request = {
		.name = capture->name,
		.filter = config->filter,
		.snaplen = snaplen > MAX_SNAPLEN ? MAX_SNAPLEN : snaplen,
		.buffer_bytes = capture->receive_buffer_wanted,
		.is_promiscuous = config->promiscuous == SOURCE_SWITCH_on,
	};
	int result;

	capture->way = &capture_tap_ring;
	result = capture->way->open(&request, &capture->tap, error);
	/* It knows devices that are no interfaces, too. */
	if (result == -EOPNOTSUPP || result == -ENODEV) {
		*error = (struct error_text){ .text = "" };
		capture->way = &capture_tap_pcap;
		result = capture->way->open(&request, &capture->tap, error);
	}
	explain_open(capture->name, result, error);
	return result;
}

static int open_interface(const struct source_config *config, struct capture **opened,
			  struct error_text *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int result = -ENOMEM;

	if (!capture) {
		error_text_set(error, "%s: no memory", config->name);
		return -ENOMEM;
	}
	capture->watch = capture_watch_open(); /* without it, ADDRESSES_MS must do */
	capture->receive_buffer_wanted =
		config->receive_buffer ? config->receive_buffer : DEFAULT_RECEIVE_BUFFER;
	capture->name = strdup(config->name);
	if (!capture->name)
		error_text_set(error, "%s: no memory", config->name);
	else
		result = open_tap(capture, config, error);
	if (result) {
		close_interface(capture);
		return result;
	}
	capture->index = index_by_name(capture);
	*opened = capture;
	return 0;
}

/* After stop_interface(): wait until the kernel has handed over its last block. False when it has.
 */
static bool wait_for_last_block(const struct capture *capture)
{
	struct pollfd ready = { .fd = capture->way->descriptor(capture->tap), .events = POLLIN };
	int64_t left_ms = capture->stop_until_ms - time_now_ms(CLOCK_MONOTONIC_COARSE);

	return left_ms > 0 && poll(&ready, 1, (int)left_ms) >= 0;
}

/* Let the kernel put nothing more into the ring; what is in it stays. With libpcap the filter
 * is set without it: it would apply it to the ring's packets as well. */
static void stop_interface(struct capture *capture)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &refuse };

	if (capture->stop_until_ms)
		return;
	(void)setsockopt(capture->way->descriptor(capture->tap), SOL_SOCKET, SO_ATTACH_FILTER,
			 &program, sizeof(program));
	capture->stop_until_ms = time_now_ms(CLOCK_MONOTONIC_COARSE) + STOP_MS;
}

/* No packet comes any more, or none that should: read() gives what the kernel holds, then fails. */
static void begin_failure(struct capture *capture, int failure)
{
	if (capture->failure || capture->stop_until_ms)
		return;
	capture->failure = failure;
	stop_interface(capture);
}

/* Own addresses, and whose name it is: when the kernel has reported a change, and now and then. */
static void follow_interface(struct capture *capture)
{
	const int64_t now = time_now_ms(CLOCK_MONOTONIC_COARSE);

	if (now < capture->news_until_ms)
		return;
	capture->news_until_ms = now + NEWS_MS;
	if (!capture_watch_has_news(capture->watch) && now < capture->addresses_until_ms)
		return;
	capture->addresses_until_ms = now + ADDRESSES_MS;
	if (capture->way->follow)
		capture->way->follow(capture->tap);
	if (!capture->index || index_by_name(capture) == capture->index)
		return;
	error_text_set(&capture->failure_text, "%s: the interface has disappeared", capture->name);
	begin_failure(capture, -ENODEV);
}

/* The tap has failed, and says why. */
static void explain_failure(struct capture *capture, int failure, const struct error_text *reason)
{
	if (capture->failure || capture->stop_until_ms)
		return;
	capture->failure_text = *reason;
	if (capture->index && index_by_name(capture) != capture->index) {
		error_text_set(&capture->failure_text, "%s: the interface has disappeared",
			       capture->name);
		failure = -ENODEV;
	}
	begin_failure(capture, failure);
}

static int read_interface(struct capture *capture, struct packet_view *views, size_t capacity,
			  struct error_text *error)
{
	follow_interface(capture);
	for (;;) {
		struct error_text reason; /* filled when result < 0 */
		const int result = capture->way->read(capture->tap, views, capacity, &reason);

		if (result > 0)
			return result;
		if (result < 0)
			explain_failure(capture, result, &reason);
		if (!capture->stop_until_ms)
			return 0;
		if (!wait_for_last_block(capture))
			break;
	}
	*error = capture->failure_text;
	return capture->failure ? capture->failure : -ENODATA;
}

static int interface_descriptor(const struct capture *capture)
{
	return capture->way->descriptor(capture->tap);
}

static void interface_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	capture->way->statistics(capture->tap, statistics);
	statistics->receive_buffer_wanted = capture->receive_buffer_wanted;
}

const struct capture_type capture_interface = {
	.noun = "interface",
	.prefix = "",
	.section = "the name of an interface",
	.keys = CAPTURE_KEY_SNAPLEN | CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT |
		CAPTURE_KEY_PROMISCUOUS | CAPTURE_KEY_FILTER,
	.is_of_link = true,
	.is_live = true,
	.rights = RIGHTS_NET_RAW,
	.parse = capture_interface_name_parse,
	.check = capture_interface_name_check,
	.open = open_interface,
	.read = read_interface,
	.descriptor = interface_descriptor,
	.stop = stop_interface,
	.statistics = interface_statistics,
	.close = close_interface,
};
