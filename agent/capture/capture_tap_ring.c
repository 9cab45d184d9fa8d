/* capture_tap_ring.c - the packet socket's ring (TPACKET_V3): its socket half. The bytes are
 * understood in capture_ring_parse.c.
 *
 * Place: kernel -> here -> capture_interface.c. A block of some thousand packets costs one wake-up,
 * and no packet a call or a copy: views borrow from the block, which the kernel gets back with the
 * read after its last one. A filter in the kernel cuts packets at 'snaplen' bytes, so that it
 * copies no more and the ring holds many.
 *
 * Links are those that need no header made up: Ethernet and bare IP. All others are libpcap's.
 * Invariant: what the kernel could not put into the ring it counts to the packet (tp_drops). */
#include "capture_tap.h"

#include "capture_device_losses.h"
#include "capture_filter.h"
#include "capture_ring_parse.h"
#include "fault_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

enum {
	BLOCK_BYTES = 256 * 1024, /* at 300000 packets a second, 160 of them */
	BLOCKS = 8,               /* at least, as long as each holds the longest packet */
	BLOCKS_MIN = 2,
	FRAME_BYTES = 2048,   /* blocks are a multiple; means nothing else in TPACKET_V3 */
	OVERHEAD_BYTES = 512, /* of a block, and of the packet in it: more than they are */
};

struct capture_tap {
	const char *name; /* borrowed */
	int descriptor;   /* owned */
	uint8_t *ring;    /* mapped: 'blocks' blocks, one after the other; owned */
	uint32_t block_bytes;
	uint32_t blocks;
	uint32_t current; /* number of the block that comes next, or is held */
	bool is_held;     /* the block is ours: views of it may be out */
	bool is_promiscuous;
	uint64_t blocks_read;
	uint64_t packets_lost;
	struct capture_device_losses device;
	struct capture_ring_parser parser;
};

static void close_ring(struct capture_tap *tap)
{
	if (!tap)
		return;
	if (tap->ring)
		(void)munmap(tap->ring, (size_t)tap->blocks * tap->block_bytes);
	if (tap->descriptor >= 0)
		(void)close(tap->descriptor);
	free(tap);
}

/* A switch that leads to a host's own network has tags of its maker before the packet. */
static bool has_switch_tags(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/dsa/tagging", name);
	return access(path, F_OK) == 0;
}

/* Which interface it is, and how its packets begin. */
static int look_at_interface(struct capture_tap *tap)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	if ((size_t)snprintf(request.ifr_name, IFNAMSIZ, "%s", tap->name) >= IFNAMSIZ)
		return -ENODEV;
	if (ioctl(tap->descriptor, SIOCGIFINDEX, &request) < 0)
		return -errno;
	tap->parser.interface_index = (uint32_t)request.ifr_ifindex;
	if (ioctl(tap->descriptor, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_LOOPBACK:
		tap->parser.is_loopback = true;
		tap->parser.link = LINK_ETHERNET;
		return 0;
	case ARPHRD_ETHER:
		tap->parser.link = LINK_ETHERNET;
		return has_switch_tags(tap->name) ? -EOPNOTSUPP : 0;
	case ARPHRD_NONE: tap->parser.link = LINK_RAW; return 0;
	default: return -EOPNOTSUPP;
	}
}

/* A program of libpcap says whether a packet is taken; of those that are, 'snaplen' bytes. */
static void cut_packets(struct sock_fprog *program, uint32_t snaplen)
{
	for (size_t i = 0; i < program->len; i++) {
		struct sock_filter *step = &program->filter[i];

		if (step->code == (BPF_RET | BPF_K) && step->k)
			step->k = snaplen;
	}
}

static int attach_filter(const struct capture_tap *tap, const struct capture_tap_request *request)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	struct sock_fprog program = { .len = 1, .filter = &all };
	int result = 0;

	if (*request->filter)
		result = capture_filter_compile(request->filter, tap->parser.link, &program);
	if (result)
		return result;
	cut_packets(&program, request->snaplen);
	if (setsockopt(tap->descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) <
	    0)
		result = -EOPNOTSUPP; /* libpcap can filter here */
	if (program.filter != &all)
		free(program.filter);
	return result;
}

/* What the kernel is told before any packet comes. */
static int set_up(const struct capture_tap *tap, const struct capture_tap_request *request)
{
	const int version = TPACKET_V3, reserve = CAPTURE_RING_RESERVE, yes = 1;
	const struct packet_mreq membership = {
		.mr_ifindex = (int)tap->parser.interface_index,
		.mr_type = PACKET_MR_PROMISC,
	};

	if (setsockopt(tap->descriptor, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) <
		    0 ||
	    setsockopt(tap->descriptor, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve)) < 0)
		return -EOPNOTSUPP;
	/* Else the parser passes them over. */
	if (tap->parser.is_loopback)
		(void)setsockopt(tap->descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
				 sizeof(yes));
	if (request->is_promiscuous &&
	    setsockopt(tap->descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
		       sizeof(membership)) < 0)
		return -errno;
	return attach_filter(tap, request);
}

/* Blocks are a power of two. */
static uint32_t choose_block_bytes(uint32_t buffer_bytes, uint32_t snaplen)
{
	uint32_t bytes = BLOCK_BYTES;

	while (bytes > FRAME_BYTES && bytes > buffer_bytes / BLOCKS)
		bytes /= 2;
	while (bytes < (uint32_t)sysconf(_SC_PAGESIZE) || bytes < snaplen + OVERHEAD_BYTES)
		bytes *= 2;
	return bytes;
}

/* Where memory is short, with fewer blocks. */
static int make_ring(struct capture_tap *tap, uint32_t buffer_bytes, uint32_t snaplen)
{
	void *ring;

	tap->block_bytes = choose_block_bytes(buffer_bytes, snaplen);
	for (uint32_t blocks = buffer_bytes / tap->block_bytes;; blocks /= 2) {
		const uint32_t count = blocks < BLOCKS_MIN ? BLOCKS_MIN : blocks;
		struct tpacket_req3 request = {
			.tp_block_size = tap->block_bytes,
			.tp_block_nr = count,
			.tp_frame_size = FRAME_BYTES,
			.tp_frame_nr = tap->block_bytes / FRAME_BYTES * count,
			.tp_retire_blk_tov = CAPTURE_TAP_TIMEOUT_MS,
		};

		if (setsockopt(tap->descriptor, SOL_PACKET, PACKET_RX_RING, &request,
			       sizeof(request)) == 0) {
			tap->blocks = count;
			break;
		}
		if (errno != ENOMEM || blocks <= BLOCKS_MIN)
			return -errno;
	}
	ring = mmap(NULL, (size_t)tap->blocks * tap->block_bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED, tap->descriptor, 0);
	if (ring == MAP_FAILED)
		return -errno;
	tap->ring = ring;
	return 0;
}

/* From now on packets come. */
static int bind_socket(const struct capture_tap *tap)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)tap->parser.interface_index,
	};
	int fault = 0;
	socklen_t size = sizeof(fault);

	if (bind(tap->descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* That the interface is down is told so. */
	if (getsockopt(tap->descriptor, SOL_SOCKET, SO_ERROR, &fault, &size) < 0)
		return -errno;
	return -fault;
}

/* Frames that the device had no room for: those for others are ours only in promiscuous mode, and
 * it does not say which were. */
static void count_device_losses(struct capture_tap *tap)
{
	char directory[64];

	if (!tap->is_promiscuous)
		return;
	(void)snprintf(directory, sizeof(directory), "/sys/class/net/%s/statistics", tap->name);
	tap->packets_lost += capture_device_losses_since(&tap->device, directory);
}

static int open_ring(const struct capture_tap_request *request, struct capture_tap **opened,
		     struct error_text *error)
{
	struct capture_tap *tap = calloc(1, sizeof(*tap));
	int result;

	if (!tap) {
		error_text_set(error, "%s: no memory", request->name);
		return -ENOMEM;
	}
	tap->name = request->name;
	tap->is_promiscuous = request->is_promiscuous;
	/* Of no protocol: nothing comes before it is bound. */
	tap->descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	result = tap->descriptor < 0 ? -errno : look_at_interface(tap);
	if (!result)
		result = set_up(tap, request);
	if (!result)
		result = make_ring(tap, request->buffer_bytes, request->snaplen);
	if (!result)
		result = bind_socket(tap);
	if (result) {
		error_text_set(error, "%s: cannot be captured: %s", request->name,
			       fault_text(-result));
		close_ring(tap);
		return result;
	}
	count_device_losses(tap); /* from here on */
	*opened = tap;
	return 0;
}

/* No block is ready: does the socket say why? A link that is down may come up again; one that has
 * gone is noticed by its name. */
static int look_for_fault(const struct capture_tap *tap, struct error_text *error)
{
	int fault = 0;
	socklen_t size = sizeof(fault);

	if (getsockopt(tap->descriptor, SOL_SOCKET, SO_ERROR, &fault, &size) == 0 &&
	    (!fault || fault == ENETDOWN))
		return 0;
	error_text_set(error, "%s: cannot be captured any more: %s", tap->name,
		       fault_text(fault ? fault : errno));
	return -EIO;
}

static uint32_t *block_status(const struct capture_tap *tap)
{
	struct tpacket_block_desc *block =
		(void *)(tap->ring + (size_t)tap->current * tap->block_bytes);

	return &block->hdr.bh1.block_status;
}

/* The block goes back to the kernel. */
static void give_back(struct capture_tap *tap)
{
	__atomic_store_n(block_status(tap), TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	tap->is_held = false;
	tap->current = tap->current + 1 == tap->blocks ? 0 : tap->current + 1;
}

static bool take_block(struct capture_tap *tap)
{
	if (!(__atomic_load_n(block_status(tap), __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	tap->is_held = true;
	tap->blocks_read++;
	capture_ring_parse_begin(&tap->parser, tap->ring + (size_t)tap->current * tap->block_bytes,
				 tap->block_bytes);
	return true;
}

static int read_ring(struct capture_tap *tap, struct packet_view *views, size_t capacity,
		     struct error_text *error)
{
	for (;;) {
		size_t count;

		if (tap->is_held && !tap->parser.left)
			give_back(tap);
		if (!tap->is_held && !take_block(tap))
			return look_for_fault(tap, error);
		count = capture_ring_parse(&tap->parser, views, capacity);
		if (count)
			return (int)count;
	}
}

static int descriptor_of(const struct capture_tap *tap)
{
	return tap->descriptor;
}

static void ring_statistics(struct capture_tap *tap, struct capture_statistics *statistics)
{
	struct tpacket_stats_v3 since = { .tp_drops = 0 }; /* the last question */
	socklen_t size = sizeof(since);

	if (getsockopt(tap->descriptor, SOL_PACKET, PACKET_STATISTICS, &since, &size) == 0)
		tap->packets_lost += since.tp_drops;
	count_device_losses(tap);
	*statistics = (struct capture_statistics){
		.packets_lost = tap->packets_lost + tap->parser.lost,
		.messages = tap->blocks_read,
		.messages_malformed = tap->parser.malformed,
		.packets_truncated = tap->parser.truncated,
		.receive_buffer_bytes = tap->blocks * tap->block_bytes,
	};
}

const struct capture_tap_type capture_tap_ring = {
	.open = open_ring,
	.read = read_ring,
	.descriptor = descriptor_of,
	.statistics = ring_statistics,
	.close = close_ring,
};
