/* capture_bpf_ring.c - the kernel's ring buffer, read without libbpf: that calls back for each
 * record and gives its room back at once, but views must last for a batch. */
#include "capture_bpf_ring.h"

#include "capture_bpf_record.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VLAN_ID_MASK 0x0fff

#define CGROUP_ROOT   1
#define USER_OVERFLOW 65534 /* of a socket that is none any more, or not yet: SYN-ACK */

/* Before each record: its length, with two flags above, and where its page is. */
#define LENGTH_MASK (~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT))

int capture_bpf_ring_open(struct capture_bpf_ring *ring, int descriptor, uint32_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	*ring = (struct capture_bpf_ring){ .size = size, .owners = ring->owners };
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	ring->mapped[0] = consumer;
	ring->mapped_bytes[0] = page;
	producer =
		mmap(NULL, page + 2 * (size_t)size, PROT_READ, MAP_SHARED, descriptor, (off_t)page);
	if (producer == MAP_FAILED)
		return -errno;
	ring->mapped[1] = producer;
	ring->mapped_bytes[1] = page + 2 * (size_t)size;
	ring->consumed = consumer;
	ring->produced = producer;
	ring->data = (const uint8_t *)producer + page;
	ring->next = *ring->consumed;
	return 0;
}

void capture_bpf_ring_close(struct capture_bpf_ring *ring)
{
	for (int i = 0; i < 2; i++)
		if (ring->mapped[i])
			(void)munmap(ring->mapped[i], ring->mapped_bytes[i]);
	*ring = (struct capture_bpf_ring){ .data = NULL };
}

static unsigned long produced(const struct capture_bpf_ring *ring)
{
	return __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE);
}

size_t capture_bpf_ring_waiting(const struct capture_bpf_ring *ring)
{
	return produced(ring) - ring->next;
}

void capture_bpf_ring_give_back(struct capture_bpf_ring *ring)
{
	__atomic_store_n(ring->consumed, ring->next, __ATOMIC_RELEASE);
}

uint64_t capture_bpf_ring_position(const struct capture_bpf_ring *ring)
{
	return ring->next;
}

bool capture_bpf_ring_resume(struct capture_bpf_ring *ring, uint64_t position)
{
	const unsigned long next = (unsigned long)position;

	if (next - *ring->consumed > produced(ring) - *ring->consumed || next % 8)
		return false;
	ring->next = next;
	return true;
}

static void fill_view(struct packet_view *view, const struct capture_bpf_record *record,
		      const struct capture_bpf_scene *scene)
{
	const int64_t time_us = ((int64_t)record->time_ns + scene->offset_ns) / 1000;

	*view = (struct packet_view){
		.bytes = record->bytes,
		.captured_bytes = record->captured,
		.original_bytes = record->length,
		.time_ms = time_us / 1000,
		.microseconds = (uint16_t)(time_us % 1000),
		.mark = record->mark,
		.segment_bytes = record->segment_bytes,
		.vlan_id = record->vlan_tag & VLAN_ID_MASK,
		.link = scene->link,
	};
	if (record->is_egress) {
		view->side = SIDE_egress;
		view->output_interface = scene->interface_index;
	} else {
		view->side = SIDE_ingress;
		view->input_interface = scene->interface_index;
	}
}

/* Of root in the root's control group nobody can say whether it is a socket of the kernel. */
static struct packet_owner owner_of(const struct capture_bpf_record *record, uint32_t length)
{
	const struct capture_bpf_owned *owned = (const void *)record;

	if (length != sizeof(*owned) || !owned->cgroup ||
	    (owned->cgroup == CGROUP_ROOT && (!owned->user || owned->user == USER_OVERFLOW)))
		return (struct packet_owner){ .user = 0 };
	return (struct packet_owner){
		.cgroup = owned->cgroup == CGROUP_ROOT ? 0 : owned->cgroup,
		.user = owned->user + 1,
	};
}

/* Whether it is one of our program's. Only another program could write others. */
static bool is_sound(const struct capture_bpf_record *record, uint32_t length)
{
	return (length == sizeof(*record) || length == sizeof(struct capture_bpf_owned)) &&
	       record->captured <= sizeof(record->bytes);
}

/* One record of the ring. */
struct slot {
	const struct capture_bpf_record *record;
	uint32_t length;
	bool is_discarded;
};

/* Take the one at '*next'. Returns false if it is not ready. */
static bool take_slot(const struct capture_bpf_ring *ring, unsigned long end, unsigned long *next,
		      struct slot *slot)
{
	const uint8_t *place = ring->data + (*next & (ring->size - 1));
	uint64_t whole;
	uint32_t header;

	if (end - *next < BPF_RINGBUF_HDR_SZ || end - *next > ring->size)
		return false; /* no ring holds more than itself */
	header = __atomic_load_n((const uint32_t *)(const void *)place, __ATOMIC_ACQUIRE);
	*slot = (struct slot){
		.record = (const void *)(place + BPF_RINGBUF_HDR_SZ),
		.length = header & LENGTH_MASK,
		.is_discarded = header & BPF_RINGBUF_DISCARD_BIT,
	};
	whole = ((uint64_t)slot->length + BPF_RINGBUF_HDR_SZ + 7) & ~7ull;
	if (header & BPF_RINGBUF_BUSY_BIT || whole > end - *next)
		return false;
	*next += (unsigned long)whole;
	return true;
}

uint64_t capture_bpf_ring_count(const struct capture_bpf_ring *ring, const uint64_t before_ns[2])
{
	const unsigned long end = produced(ring);
	unsigned long next = ring->next;
	uint64_t count = 0;
	struct slot slot;

	while (take_slot(ring, end, &next, &slot))
		count += !slot.is_discarded && is_sound(slot.record, slot.length) &&
			 slot.record->time_ns < before_ns[slot.record->is_egress != 0];
	return count;
}

size_t capture_bpf_ring_read(struct capture_bpf_ring *ring, const struct capture_bpf_scene *scene,
			     struct packet_view *views, size_t capacity)
{
	const unsigned long end = produced(ring);
	size_t count = 0;
	struct slot slot;

	capture_bpf_ring_give_back(ring);
	while (count < capacity && take_slot(ring, end, &ring->next, &slot)) {
		if (slot.is_discarded)
			continue;
		if (!is_sound(slot.record, slot.length)) {
			ring->malformed++;
			continue;
		}
		ring->truncated += slot.record->captured < slot.record->length;
		if (ring->owners)
			ring->owners[count] = owner_of(slot.record, slot.length);
		fill_view(&views[count++], slot.record, scene);
	}
	return count;
}
