/* capture_bpf_offload.c - keys into the kernel's tables and out of them, in a thread. */
#include "capture_bpf_offload.h"

#include "capture_bpf_flow.h"
#include "capture_bpf_parts.h"
#include "capture_bpf_record.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* The same in both worlds. */
#define SAME(member)                                                       \
	_Static_assert(offsetof(struct capture_bpf_slot, member) ==        \
			       offsetof(struct flow_offload_slot, member), \
		       "one slot: " #member)
SAME(packets);
SAME(octets);
SAME(last_ns);
SAME(deadline_ns);
SAME(superpackets);
SAME(segments);
SAME(segment_octets);
SAME(idle_ms);
SAME(tcp_flags);
_Static_assert(sizeof(struct capture_bpf_slot) == sizeof(struct flow_offload_slot), "one slot");
_Static_assert(sizeof(struct capture_bpf_key6) <= FLOW_OFFLOAD_KEY_SIZE, "keys have room");

enum state { STATE_idle, STATE_given, STATE_done, STATE_quit };

struct capture_bpf_offload {
	int tables[CAPTURE_BPF_TABLES]; /* borrowed */
	uint32_t threshold;
	bool is_continued;
	struct flow_offload_slot *slots; /* mapped, like the next */
	struct flow_offload_entry *entries;
	struct flow_offload_cycle cycle; /* the thread's while STATE_given */
	_Atomic int state;
	int given, done; /* eventfd: for the thread, for the worker; owned */
	pthread_t thread;
	bool has_thread;
};

/* ---- the thread ---- */

static int table_of(const struct capture_bpf_offload *offload, uint32_t number)
{
	const bool is_ipv6 = offload->entries[number].key_size > sizeof(struct capture_bpf_key4);

	return offload->tables[is_ipv6 ? CAPTURE_BPF_flows6 : CAPTURE_BPF_flows4];
}

static int delete_key(const struct capture_bpf_offload *offload, uint32_t number)
{
	const int result =
		bpf_map_delete_elem(table_of(offload, number), offload->entries[number].key);

	return result == -ENOENT ? 0 : result; /* it may not have been there yet */
}

/* Whoever was looking at a table when this began has finished when it returns: the kernel waits for
 * that, as maps of maps may be taken away. */
static int wait_grace(const struct capture_bpf_offload *offload)
{
	const uint32_t first = 0;

	return bpf_map_update_elem(offload->tables[CAPTURE_BPF_barrier], &first,
				   &offload->tables[CAPTURE_BPF_inner], BPF_ANY);
}

static void set_results(const struct capture_bpf_offload *offload, const uint32_t *numbers,
			size_t count, int result)
{
	for (size_t i = 0; i < count; i++)
		offload->entries[numbers[i]].result = result;
}

/* In this order: flow_offload.h. */
static void run_cycle(const struct capture_bpf_offload *offload)
{
	const struct flow_offload_cycle *cycle = &offload->cycle;
	int result = 0;

	for (size_t i = 0; i < cycle->deleted_count; i++)
		offload->entries[cycle->deleted[i]].result = delete_key(offload, cycle->deleted[i]);
	if (cycle->deleted_count)
		result = wait_grace(offload);
	if (result) {
		set_results(offload, cycle->deleted, cycle->deleted_count, result);
		set_results(offload, cycle->installed, cycle->installed_count, result);
		return;
	}
	for (size_t i = 0; i < cycle->installed_count; i++) {
		const uint32_t number = cycle->installed[i];

		offload->entries[number].result =
			bpf_map_update_elem(table_of(offload, number), offload->entries[number].key,
					    &number, BPF_NOEXIST);
	}
}

static void tell(int descriptor)
{
	const uint64_t one = 1;

	(void)!write(descriptor, &one, sizeof(one));
}

static void *offload_main(void *context)
{
	struct capture_bpf_offload *offload = context;
	uint64_t count;

	for (;;) {
		if (read(offload->given, &count, sizeof(count)) < 0 && errno != EINTR)
			return NULL;
		switch (atomic_load(&offload->state)) {
		case STATE_quit: return NULL;
		case STATE_given:
			run_cycle(offload);
			atomic_store(&offload->state, STATE_done);
			tell(offload->done);
			break;
		default: break;
		}
	}
}

/* ---- the worker ---- */

static void *map_array(int descriptor, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

	/* cppcheck-suppress memleak ; the caller gets it */
	return memory == MAP_FAILED ? NULL : memory;
}

#define SLOTS_BYTES   (CAPTURE_BPF_SLOTS * sizeof(struct flow_offload_slot))
#define ENTRIES_BYTES (CAPTURE_BPF_SLOTS * sizeof(struct flow_offload_entry))

static int map_tables(struct capture_bpf_offload *offload, const struct capture_bpf_kernel *kernel)
{
	memcpy(offload->tables, kernel->tables, sizeof(offload->tables));
	offload->slots = map_array(offload->tables[CAPTURE_BPF_slots], SLOTS_BYTES);
	if (!offload->slots)
		return -errno;
	offload->entries = map_array(offload->tables[CAPTURE_BPF_entries], ENTRIES_BYTES);
	return offload->entries ? 0 : -errno;
}

static void unmap_tables(const struct capture_bpf_offload *offload)
{
	if (offload->slots)
		(void)munmap(offload->slots, SLOTS_BYTES);
	if (offload->entries)
		(void)munmap(offload->entries, ENTRIES_BYTES);
}

struct capture_bpf_offload *capture_bpf_offload_create(const struct capture_bpf_kernel *kernel,
						       uint32_t threshold, bool is_continued)
{
	struct capture_bpf_offload *offload = calloc(1, sizeof(*offload));
	int result;

	if (!offload)
		return NULL;
	offload->threshold = threshold;
	offload->is_continued = is_continued;
	offload->given = eventfd(0, EFD_CLOEXEC);
	offload->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = offload->given < 0 || offload->done < 0 ? -errno : map_tables(offload, kernel);
	if (!result)
		return offload;
	capture_bpf_offload_destroy(offload);
	errno = -result;
	return NULL;
}

void capture_bpf_offload_destroy(struct capture_bpf_offload *offload)
{
	if (!offload)
		return;
	if (offload->has_thread) {
		capture_bpf_offload_wait(offload);
		atomic_store(&offload->state, STATE_quit);
		tell(offload->given);
		(void)pthread_join(offload->thread, NULL);
	}
	unmap_tables(offload);
	if (offload->given >= 0)
		(void)close(offload->given);
	if (offload->done >= 0)
		(void)close(offload->done);
	free(offload);
}

int capture_bpf_offload_descriptor(const struct capture_bpf_offload *offload)
{
	return offload ? offload->done : -1;
}

/* Begun with the first cycle, by the worker: so it has no more rights than that. */
static int capture_bpf_offload_begin(struct capture_bpf_offload *offload,
				     const struct flow_offload_cycle *cycle)
{
	int result = 0;

	if (!offload->has_thread)
		result = pthread_create(&offload->thread, NULL, offload_main, offload);
	if (result) {
		set_results(offload, cycle->deleted, cycle->deleted_count, -result);
		set_results(offload, cycle->installed, cycle->installed_count, -result);
		return -result;
	}
	offload->has_thread = true;
	offload->cycle = *cycle;
	atomic_store(&offload->state, STATE_given);
	tell(offload->given);
	return 0;
}

bool capture_bpf_offload_is_done(struct capture_bpf_offload *offload)
{
	uint64_t count;

	if (atomic_load(&offload->state) == STATE_given)
		return false;
	if (atomic_load(&offload->state) == STATE_done) {
		(void)!read(offload->done, &count, sizeof(count));
		atomic_store(&offload->state, STATE_idle);
	}
	return true;
}

void capture_bpf_offload_wait(struct capture_bpf_offload *offload)
{
	while (atomic_load(&offload->state) == STATE_given)
		(void)usleep(1000);
}

uint64_t capture_bpf_offload_left(const struct capture_bpf_kernel *kernel)
{
	struct capture_bpf_offload offload = { .threshold = 0 };
	struct flow_offload_sums left = { 0 };

	if (kernel->tables[CAPTURE_BPF_slots] < 0)
		return 0;
	if (map_tables(&offload, kernel) == 0)
		left = flow_offload_left(offload.slots, offload.entries, CAPTURE_BPF_SLOTS);
	unmap_tables(&offload);
	return left.packets - left.segments;
}

/* ---- struct capture_offload_type ---- */

static bool config_of(const struct capture *capture, struct flow_offload_config *config)
{
	const struct capture_bpf_offload *offload = capture->offload;

	if (!offload)
		return false;
	*config = (struct flow_offload_config){
		.slot_count = CAPTURE_BPF_SLOTS,
		.threshold = offload->threshold,
		.slots = offload->slots,
		.entries = offload->entries,
		.is_continued = offload->is_continued,
	};
	return true;
}

static void begin_cycle(struct capture *capture, const struct flow_offload_cycle *cycle)
{
	(void)capture_bpf_offload_begin(capture->offload, cycle);
}

static bool is_done(struct capture *capture)
{
	return capture_bpf_offload_is_done(capture->offload);
}

static void wait_done(struct capture *capture)
{
	capture_bpf_offload_wait(capture->offload);
}

static size_t key_of(const struct capture *capture, const struct packet_view *view, uint8_t *key,
		     uint8_t *ttl)
{
	const uint8_t *record = view->bytes - offsetof(struct capture_bpf_record, bytes);

	return capture_bpf_offload_key((const struct capture_bpf_record *)(const void *)record,
				       capture->takes, capture_bpf_link_bytes(capture), key, ttl);
}

const struct capture_offload_type capture_bpf_offloads = {
	.config = config_of,
	.begin = begin_cycle,
	.is_done = is_done,
	.wait = wait_done,
	.key = key_of,
};

size_t capture_bpf_offload_key(const struct capture_bpf_record *record, uint8_t takes,
			       uint8_t link_bytes, uint8_t key[static FLOW_OFFLOAD_KEY_SIZE],
			       uint8_t *ttl)
{
	const uint8_t *const end = record->bytes + record->captured;
	const bool has_owner = takes & CAPTURE_BPF_TAKES_OWNER;
	const struct capture_bpf_owned *owned = (const void *)record;
	const struct capture_bpf_frame frame = {
		.length = record->length,
		.segment_bytes = record->segment_bytes,
		.vlan_tag = record->vlan_tag,
		.is_egress = record->is_egress,
		.takes = takes,
		.link_bytes = link_bytes,
	};
	struct capture_bpf_key4 key4 = { .zero = 0 };
	struct capture_bpf_key6 key6 = { .zero = 0 };
	struct capture_bpf_sums sums = { .packets = 0 };

	switch (capture_bpf_version(record->bytes, end, &frame)) {
	case 4:
		if (!capture_bpf_flow4(record->bytes, end, &frame, &key4, &sums))
			return 0;
		key4.user = has_owner ? owned->user : 0;
		key4.cgroup = has_owner ? owned->cgroup : 0;
		memcpy(key, &key4, sizeof(key4));
		*ttl = key4.ttl;
		return has_owner ? sizeof(key4) : CAPTURE_BPF_KEY4_BYTES;
	case 6:
		if (!capture_bpf_flow6(record->bytes, end, &frame, &key6, &sums))
			return 0;
		key6.user = has_owner ? owned->user : 0;
		key6.cgroup = has_owner ? owned->cgroup : 0;
		memcpy(key, &key6, sizeof(key6));
		*ttl = key6.ttl;
		return has_owner ? sizeof(key6) : CAPTURE_BPF_KEY6_BYTES;
	default: return 0;
	}
}
