/* capture_interface.c - live capture from a network interface, by libpcap.
 *
 * Place: packet socket's ring -> libpcap -> here -> worker. Needs CAP_NET_RAW to open.
 * Invariant: packets are copied into the batch's own storage, because libpcap's pointers are good
 * during its callback only; a read() gives at most as many as there is storage for.
 *
 * Promiscuous mode is off unless asked for: the agent runs on the server whose traffic it counts,
 * and packets for others are not that. Frames of others have SIDE_unknown.
 *
 * An interface is what its name says: when that is gone, or another one has it, the source fails.
 * Before read() says so, it gives all that the kernel has taken for the interface. */
#include "capture_sources.h"

#include "bytes.h"
#include "capture_interface_name.h"
#include "capture_pcap_format.h"
#include "capture_side.h"
#include "capture_watch.h"
#include "defaults.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_SNAPLEN = 65535,
	DEFAULT_RECEIVE_BUFFER = 32 * 1024 * 1024,
	TIMEOUT_MS =
		100, /* after which the kernel hands over a block of its ring that is not full */
	STOP_MS = TIMEOUT_MS + 60, /* until then it has handed over everything */
	/* Own addresses and name are looked at this often, and this soon after the kernel has
	 * reported a change. */
	ADDRESSES_MS = 10000,
	NEWS_MS = 100,
	BATCH = 64, /* packets that there is storage for */
	/* Linux cooked headers, both in network order: packet type, address, protocol; and
	 * protocol, reserved, interface, hardware type, packet type (1 byte), address */
	SLL_HEADER_SIZE = 16,
	SLL_PACKET_TYPE = 1, /* its lower byte */
	SLL2_HEADER_SIZE = 20,
	SLL2_INTERFACE = 4,
	SLL2_PACKET_TYPE = 10,
};

struct capture {
	char *name;     /* owned */
	pcap_t *handle; /* owned */
	uint32_t index; /* of the interface; 0 for "any" */
	uint8_t link;   /* enum link_type */
	uint32_t snaplen;
	struct capture_side_addresses own;
	bool is_promiscuous;
	int watch;                  /* capture_watch.h; owned */
	int64_t addresses_until_ms; /* CLOCK_MONOTONIC */
	int64_t news_until_ms;
	int64_t stop_until_ms; /* 0 until stop_interface(), or a failure */
	int failure;           /* negative errno: what the last read() returns; 0: none */
	struct error_text failure_text;
	struct capture_statistics statistics;
	struct pcap_stat last;     /* its counters wrap at 2^32 */
	struct packet_view *views; /* of the read() under way; borrowed */
	size_t count;              /* given out so far */
	uint8_t *storage;          /* BATCH * snaplen bytes; owned */
};

static void close_interface(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->handle)
		pcap_close(capture->handle);
	if (capture->watch >= 0)
		(void)close(capture->watch);
	capture_side_clear(&capture->own);
	free(capture->storage);
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
	if (ioctl(pcap_fileno(capture->handle), SIOCGIFINDEX, &request) < 0)
		return 0;
	return (uint32_t)request.ifr_ifindex;
}

/* libpcap's reason; where a limit of open files is reached, 'errno' is still that. */
static void fail_capture(const struct capture *capture, const char *reason,
			 struct error_text *error)
{
	const bool is_limit = errno == EMFILE || errno == ENFILE;

	error_text_set(error, "%s: cannot be captured: %s", capture->name,
		       is_limit ? fault_text(errno) : reason);
}

static int explain_activate(const struct capture *capture, int status, struct error_text *error)
{
	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		error_text_set(error, "%s: no such interface", capture->name);
		hint_interfaces(error);
		return -ENODEV;
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		error_text_set(error, "%s: no permission to capture", capture->name);
		error_text_hint(error, "run as root, or with the capability CAP_NET_RAW");
		return -EPERM;
	case PCAP_ERROR_IFACE_NOT_UP:
		error_text_set(error, "%s: the interface is down", capture->name);
		error_text_hint(error, "ip link set %s up", capture->name);
		return -ENETDOWN;
	default:
		fail_capture(capture,
			     status == PCAP_ERROR ? pcap_geterr(capture->handle)
						  : pcap_statustostr(status),
			     error);
		return -EIO;
	}
}

static int activate(struct capture *capture, struct error_text *error)
{
	uint32_t size = capture->statistics.receive_buffer_wanted;
	char reason[PCAP_ERRBUF_SIZE] = "";
	int status;

	errno = 0;
	capture->handle = pcap_create(capture->name, reason);
	if (!capture->handle) {
		fail_capture(capture, reason, error);
		return -EIO;
	}
	(void)pcap_set_snaplen(capture->handle, (int)capture->snaplen);
	(void)pcap_set_promisc(capture->handle, capture->is_promiscuous);
	(void)pcap_set_timeout(capture->handle, TIMEOUT_MS);
	(void)pcap_set_buffer_size(capture->handle, size > INT_MAX ? INT_MAX : (int)size);
	status = pcap_activate(capture->handle);
	if (status < 0)
		return explain_activate(capture, status, error);
	if (pcap_setnonblock(capture->handle, 1, reason) < 0) {
		error_text_set(error, "%s: cannot be captured: %s", capture->name, reason);
		return -EIO;
	}
	/* libpcap does not report what the kernel gave it; it refuses to start without a ring. */
	capture->statistics.receive_buffer_bytes = size;
	return 0;
}

static int choose_link(struct capture *capture, struct error_text *error)
{
	const char *name;
	int type;

	/* All interfaces at once: version 2 names the interface of each packet. */
	if (strcmp(capture->name, "any") == 0)
		(void)pcap_set_datalink(capture->handle, DLT_LINUX_SLL2);
	type = pcap_datalink(capture->handle);
	capture->link = type < 0 ? LINK_UNKNOWN : capture_pcap_link((uint32_t)type);
	if (capture->link != LINK_UNKNOWN)
		return 0;
	name = pcap_datalink_val_to_name(type);
	error_text_set(error, "%s: link type %d (%s) cannot be decoded", capture->name, type,
		       name ? name : "unknown");
	return -EOPNOTSUPP;
}

/* Compiled for the link type that was chosen. The kernel gets it, if it can take it. */
static int set_filter(struct capture *capture, const char *words, struct error_text *error)
{
	struct bpf_program program;
	bool is_set;

	if (!*words)
		return 0;
	if (pcap_compile(capture->handle, &program, words, 1, PCAP_NETMASK_UNKNOWN)) {
		error_text_set(error, "%s: filter \"%.100s\": %.200s", capture->name, words,
			       pcap_geterr(capture->handle));
		return -EINVAL;
	}
	is_set = pcap_setfilter(capture->handle, &program) == 0;
	pcap_freecode(&program);
	if (is_set)
		return 0;
	error_text_set(error, "%s: the filter cannot be set: %.200s", capture->name,
		       pcap_geterr(capture->handle));
	return -EIO;
}

static int open_interface(const struct source_config *config, struct capture **opened,
			  struct error_text *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	uint32_t snaplen = config->snaplen ? config->snaplen : DEFAULT_SNAPLEN;
	int result = -ENOMEM;

	if (!capture) {
		error_text_set(error, "%s: no memory", config->name);
		return -ENOMEM;
	}
	capture->watch = capture_watch_open(); /* without it, ADDRESSES_MS must do */
	capture->is_promiscuous = config->promiscuous == SOURCE_SWITCH_on;
	capture->snaplen = snaplen > MAX_SNAPLEN ? MAX_SNAPLEN : snaplen;
	capture->statistics.receive_buffer_wanted =
		config->receive_buffer ? config->receive_buffer : DEFAULT_RECEIVE_BUFFER;
	capture->name = strdup(config->name);
	capture->storage = malloc((size_t)BATCH * capture->snaplen);
	if (!capture->name || !capture->storage) {
		error_text_set(error, "%s: no memory", config->name);
		goto out;
	}
	result = activate(capture, error);
	if (!result)
		result = choose_link(capture, error);
	if (!result)
		result = set_filter(capture, config->filter, error);
	if (!result)
		capture->index = index_by_name(capture);
out:
	if (result)
		close_interface(capture);
	else
		*opened = capture;
	return result;
}

/* What libpcap puts before a packet where the link has no usable header of its own (PPP, "any"):
 * its direction, and in version 2 its interface. */
static void read_cooked(struct packet_view *view, uint32_t *index)
{
	uint8_t packet_type;

	if (view->link == LINK_LINUX_SLL2 && view->captured_bytes >= SLL2_HEADER_SIZE) {
		*index = load_be32(view->bytes + SLL2_INTERFACE);
		packet_type = view->bytes[SLL2_PACKET_TYPE];
	} else if (view->link == LINK_LINUX_SLL && view->captured_bytes >= SLL_HEADER_SIZE) {
		packet_type = view->bytes[SLL_PACKET_TYPE];
	} else {
		return;
	}
	view->side = packet_type == PACKET_OUTGOING ? SIDE_egress : SIDE_ingress;
}

static void take_packet(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct capture *capture = (void *)context;
	struct packet_view *view = &capture->views[capture->count];
	uint8_t *copy = capture->storage + capture->count * capture->snaplen;
	uint32_t size = header->caplen < capture->snaplen ? header->caplen : capture->snaplen;
	uint32_t index = capture->index;

	memcpy(copy, bytes, size);
	*view = (struct packet_view){
		.bytes = copy,
		.captured_bytes = size,
		.original_bytes = header->len,
		.time_ms = (unix_ms)header->ts.tv_sec * 1000 + header->ts.tv_usec / 1000,
		.link = capture->link,
		.side = (uint8_t)capture_side_of(&capture->own, capture->link, copy, size),
	};
	read_cooked(view, &index);
	if (view->side == SIDE_egress)
		view->output_interface = index;
	else
		view->input_interface = index;
	capture->statistics.packets_truncated += size < header->len;
	capture->count++;
}

/* Why libpcap gave up. */
static int explain_read(const struct capture *capture, struct error_text *error)
{
	if (capture->index && index_by_name(capture) != capture->index) {
		error_text_set(error, "%s: the interface has disappeared", capture->name);
		return -ENODEV;
	}
	error_text_set(error, "%s: cannot be captured any more: %s", capture->name,
		       pcap_geterr(capture->handle));
	return -EIO;
}

/* After stop_interface(): wait until the kernel has handed over its last block. False when it has.
 */
static bool wait_for_last_block(const struct capture *capture)
{
	struct pollfd ready = { .fd = pcap_get_selectable_fd(capture->handle), .events = POLLIN };
	int64_t left_ms = capture->stop_until_ms - time_now_ms(CLOCK_MONOTONIC_COARSE);

	return left_ms > 0 && poll(&ready, 1, (int)left_ms) >= 0;
}

/* Let the kernel put nothing more into the ring; what is in it stays. The filter is set without
 * libpcap, which would apply it to the ring's packets as well. */
static void stop_interface(struct capture *capture)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &refuse };

	if (capture->stop_until_ms)
		return;
	(void)setsockopt(pcap_fileno(capture->handle), SOL_SOCKET, SO_ATTACH_FILTER, &program,
			 sizeof(program));
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
	(void)capture_side_read(&capture->own, capture->name);
	if (!capture->index || index_by_name(capture) == capture->index)
		return;
	error_text_set(&capture->failure_text, "%s: the interface has disappeared", capture->name);
	begin_failure(capture, -ENODEV);
}

static int read_interface(struct capture *capture, struct packet_view *views, size_t capacity,
			  struct error_text *error)
{
	follow_interface(capture);
	capture->views = views;
	capture->count = 0;
	for (;;) {
		int result =
			pcap_dispatch(capture->handle, capacity < BATCH ? (int)capacity : BATCH,
				      take_packet, (void *)capture);

		if (capture->count) {
			capture->statistics.messages++;
			return (int)capture->count;
		}
		if (result < 0)
			begin_failure(capture, explain_read(capture, &capture->failure_text));
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
	return pcap_get_selectable_fd(capture->handle);
}

static void interface_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	struct pcap_stat now;

	if (pcap_stats(capture->handle, &now) == 0) {
		const uint32_t device = now.ps_ifdrop - capture->last.ps_ifdrop;

		capture->statistics.packets_lost += now.ps_drop - capture->last.ps_drop;
		/* Told in promiscuous mode only; 0 again when the interface has gone. */
		if (device <= INT32_MAX)
			capture->statistics.packets_lost += device;
		capture->last = now;
	}
	*statistics = capture->statistics;
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
