/* capture_tap_pcap.c - taps an interface by libpcap: what capture_tap_ring.c cannot.
 *
 * Place: packet socket's ring -> libpcap -> here -> capture_interface.c. For links that need a
 * header made up ("any", PPP, tunnels), devices that are none of the kernel's interfaces, and
 * filters that must know of VLAN tags.
 * Invariant: packets are copied into the batch's own storage, because libpcap's pointers are good
 * during its callback only; a read gives at most as many as there is storage for. */
#include "capture_tap.h"

#include "bytes.h"
#include "capture_pcap_format.h"
#include "capture_side.h"
#include "fault_text.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>

enum {
	BATCH = 64, /* packets that there is storage for */
	/* Linux cooked headers, both in network order: packet type, address, protocol; and
	 * protocol, reserved, interface, hardware type, packet type (1 byte), address */
	SLL_HEADER_SIZE = 16,
	SLL_PACKET_TYPE = 1, /* its lower byte */
	SLL2_HEADER_SIZE = 20,
	SLL2_INTERFACE = 4,
	SLL2_PACKET_TYPE = 10,
};

struct capture_tap {
	const char *name; /* borrowed */
	pcap_t *handle;   /* owned */
	uint32_t index;   /* of the interface; 0 for "any" */
	uint8_t link;     /* enum link_type */
	uint32_t snaplen;
	struct capture_side_addresses own;
	struct capture_statistics statistics;
	struct pcap_stat last;     /* its counters wrap at 2^32 */
	struct packet_view *views; /* of the read under way; borrowed */
	size_t count;              /* given out so far */
	uint8_t *storage;          /* BATCH * snaplen bytes; owned */
};

static void close_pcap(struct capture_tap *tap)
{
	if (!tap)
		return;
	if (tap->handle)
		pcap_close(tap->handle);
	capture_side_clear(&tap->own);
	free(tap->storage);
	free(tap);
}

/* libpcap's reason; where a limit of open files is reached, 'errno' is still that. */
static void fail_capture(const struct capture_tap *tap, const char *reason,
			 struct error_text *error)
{
	const bool is_limit = errno == EMFILE || errno == ENFILE;

	error_text_set(error, "%s: cannot be captured: %s", tap->name,
		       is_limit ? fault_text(errno) : reason);
}

static int explain_activate(const struct capture_tap *tap, int status, struct error_text *error)
{
	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE: return -ENODEV;
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED: return -EPERM;
	case PCAP_ERROR_IFACE_NOT_UP: return -ENETDOWN;
	default:
		fail_capture(tap,
			     status == PCAP_ERROR ? pcap_geterr(tap->handle)
						  : pcap_statustostr(status),
			     error);
		return -EIO;
	}
}

static int activate(struct capture_tap *tap, const struct capture_tap_request *request,
		    struct error_text *error)
{
	const uint32_t size = request->buffer_bytes;
	char reason[PCAP_ERRBUF_SIZE] = "";
	int status;

	errno = 0;
	tap->handle = pcap_create(tap->name, reason);
	if (!tap->handle) {
		fail_capture(tap, reason, error);
		return -EIO;
	}
	(void)pcap_set_snaplen(tap->handle, (int)tap->snaplen);
	(void)pcap_set_promisc(tap->handle, request->is_promiscuous);
	(void)pcap_set_timeout(tap->handle, CAPTURE_TAP_TIMEOUT_MS);
	(void)pcap_set_buffer_size(tap->handle, size > INT_MAX ? INT_MAX : (int)size);
	status = pcap_activate(tap->handle);
	if (status < 0)
		return explain_activate(tap, status, error);
	if (pcap_setnonblock(tap->handle, 1, reason) < 0) {
		error_text_set(error, "%s: cannot be captured: %s", tap->name, reason);
		return -EIO;
	}
	/* libpcap does not report what the kernel gave it; it refuses to start without a ring. */
	tap->statistics.receive_buffer_bytes = size;
	return 0;
}

static int choose_link(struct capture_tap *tap, struct error_text *error)
{
	const char *name;
	int type;

	/* All interfaces at once: version 2 names the interface of each packet. */
	if (strcmp(tap->name, "any") == 0)
		(void)pcap_set_datalink(tap->handle, DLT_LINUX_SLL2);
	type = pcap_datalink(tap->handle);
	tap->link = type < 0 ? LINK_UNKNOWN : capture_pcap_link((uint32_t)type);
	if (tap->link != LINK_UNKNOWN)
		return 0;
	name = pcap_datalink_val_to_name(type);
	error_text_set(error, "%s: link type %d (%s) cannot be decoded", tap->name, type,
		       name ? name : "unknown");
	return -EOPNOTSUPP;
}

/* Compiled for the link type that was chosen. The kernel gets it, if it can take it. */
static int set_filter(struct capture_tap *tap, const char *words, struct error_text *error)
{
	struct bpf_program program;
	bool is_set;

	if (!*words)
		return 0;
	if (pcap_compile(tap->handle, &program, words, 1, PCAP_NETMASK_UNKNOWN)) {
		error_text_set(error, "%s: filter \"%.100s\": %.200s", tap->name, words,
			       pcap_geterr(tap->handle));
		return -EINVAL;
	}
	is_set = pcap_setfilter(tap->handle, &program) == 0;
	pcap_freecode(&program);
	if (is_set)
		return 0;
	error_text_set(error, "%s: the filter cannot be set: %.200s", tap->name,
		       pcap_geterr(tap->handle));
	return -EIO;
}

static int open_pcap(const struct capture_tap_request *request, struct capture_tap **opened,
		     struct error_text *error)
{
	struct capture_tap *tap = calloc(1, sizeof(*tap));
	int result = -ENOMEM;

	if (tap)
		tap->storage = malloc((size_t)BATCH * request->snaplen);
	if (!tap || !tap->storage) {
		error_text_set(error, "%s: no memory", request->name);
		goto out;
	}
	tap->name = request->name;
	tap->snaplen = request->snaplen;
	result = activate(tap, request, error);
	if (!result)
		result = choose_link(tap, error);
	if (!result)
		result = set_filter(tap, request->filter, error);
	if (!result && strcmp(tap->name, "any") != 0)
		tap->index = if_nametoindex(tap->name);
out:
	if (result)
		close_pcap(tap);
	else
		*opened = tap;
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
	struct capture_tap *tap = (void *)context;
	struct packet_view *view = &tap->views[tap->count];
	uint8_t *copy = tap->storage + tap->count * tap->snaplen;
	uint32_t size = header->caplen < tap->snaplen ? header->caplen : tap->snaplen;
	uint32_t index = tap->index;

	memcpy(copy, bytes, size);
	*view = (struct packet_view){
		.bytes = copy,
		.captured_bytes = size,
		.original_bytes = header->len,
		.time_ms = (unix_ms)header->ts.tv_sec * 1000 + header->ts.tv_usec / 1000,
		.microseconds = (uint16_t)(header->ts.tv_usec % 1000),
		.link = tap->link,
		.side = (uint8_t)capture_side_of(&tap->own, tap->link, copy, size),
	};
	read_cooked(view, &index);
	if (view->side == SIDE_egress)
		view->output_interface = index;
	else
		view->input_interface = index;
	tap->statistics.packets_truncated += size < header->len;
	tap->count++;
}

static int read_pcap(struct capture_tap *tap, struct packet_view *views, size_t capacity,
		     struct error_text *error)
{
	int result;

	tap->views = views;
	tap->count = 0;
	result = pcap_dispatch(tap->handle, capacity < BATCH ? (int)capacity : BATCH, take_packet,
			       (void *)tap);
	if (tap->count) {
		tap->statistics.messages++;
		return (int)tap->count;
	}
	if (result >= 0)
		return 0;
	error_text_set(error, "%s: cannot be captured any more: %s", tap->name,
		       pcap_geterr(tap->handle));
	return -EIO;
}

static int descriptor_of(const struct capture_tap *tap)
{
	return pcap_get_selectable_fd(tap->handle);
}

/* Packets of a link without a header of its own show their side by the host's addresses. */
static void follow_addresses(struct capture_tap *tap)
{
	(void)capture_side_read(&tap->own, tap->name);
}

static void pcap_statistics(struct capture_tap *tap, struct capture_statistics *statistics)
{
	struct pcap_stat now;

	if (pcap_stats(tap->handle, &now) == 0) {
		const uint32_t device = now.ps_ifdrop - tap->last.ps_ifdrop;

		tap->statistics.packets_lost += now.ps_drop - tap->last.ps_drop;
		/* Told in promiscuous mode only; 0 again when the interface has gone. */
		if (device <= INT32_MAX)
			tap->statistics.packets_lost += device;
		tap->last = now;
	}
	*statistics = tap->statistics;
}

const struct capture_tap_type capture_tap_pcap = {
	.open = open_pcap,
	.read = read_pcap,
	.descriptor = descriptor_of,
	.follow = follow_addresses,
	.statistics = pcap_statistics,
	.close = close_pcap,
};
