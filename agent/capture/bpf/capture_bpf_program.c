// SPDX-License-Identifier: GPL-2.0-or-later
/* capture_bpf_program.c - the program in the kernel's packet path: it copies the first bytes of
 * each packet of an interface into a ring, or counts it where its flow stands in a table.
 *
 * Place: tc ingress and egress of an interface -> here -> ring -> capture_bpf.c. clang compiles it
 * for the kernel, with the kernel's public headers only; the object is part of the agent.
 * Invariant: each packet is seen, and then handed up, counted, lost or foreign. The agent alone
 * writes the tables of flows, so none is evicted or counted twice. TC_ACT_UNSPEC always: what
 * becomes of a packet is not our business. It needs Linux 5.8, the first with ring buffers; Linux
 * 6.1 checks it more narrowly than later ones. */
#include "capture_bpf_flow.h"
#include "capture_bpf_record.h"

#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

/* Entries of both are set before the program is loaded: the size of the ring, and one for each CPU
 * that there may be. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct capture_bpf_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_bpf_control);
} control SEC(".maps");

/* From keys to slots; there, like the slots, only with CAPTURE_BPF_TAKES_OFFLOAD. The size of keys
 * is set before the program is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct capture_bpf_key4);
	__type(value, __u32);
} flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct capture_bpf_key6);
	__type(value, __u32);
} flows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_bpf_slot);
} slots SEC(".maps");

/* Set before the program is loaded: the kernel leaves out what it does not take. */
const volatile struct capture_bpf_constants constants = { .takes = 0 };

/* A frame shorter than the room for it has its length as the bound. That it is not 0 must be said
 * by arithmetic: Linux 6.1 does not learn it from a comparison. */
static __always_inline __u16 copy_headers(struct __sk_buff *skb, struct capture_bpf_record *record)
{
	__u32 last = skb->len - 1;

	if (skb->len >= CAPTURE_BPF_HEADER_BYTES)
		return bpf_skb_load_bytes(skb, 0, record->bytes, CAPTURE_BPF_HEADER_BYTES)
			       ? 0
			       : CAPTURE_BPF_HEADER_BYTES;
	__asm__ volatile("" : "+r"(last));
	if (last >= CAPTURE_BPF_HEADER_BYTES || bpf_skb_load_bytes(skb, 0, record->bytes, last + 1))
		return 0;
	return (__u16)(last + 1);
}

/* Whether this packet is the one that wakes the agent: one is enough. */
static __always_inline __u64 wake_flags(void)
{
	const __u32 first = 0;
	volatile struct capture_bpf_control *wanted = bpf_map_lookup_elem(&control, &first);
	__u64 wake_bytes;

	if (!wanted)
		return BPF_RB_NO_WAKEUP;
	wake_bytes = wanted->wake_bytes;
	if (wake_bytes == CAPTURE_BPF_NEVER ||
	    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= wake_bytes)
		return BPF_RB_NO_WAKEUP;
	wanted->wake_bytes = CAPTURE_BPF_NEVER;
	return BPF_RB_FORCE_WAKEUP;
}

/* Room for a record with its owner, which is filled in. */
static __always_inline struct capture_bpf_record *reserve_owned(struct __sk_buff *skb,
								__u8 is_egress)
{
	struct capture_bpf_owned *owned = bpf_ringbuf_reserve(&ring, sizeof(*owned), 0);

	if (!owned)
		return 0;
	owned->cgroup = is_egress ? bpf_skb_cgroup_id(skb) : 0;
	owned->user = is_egress && owned->cgroup ? bpf_get_socket_uid(skb) : 0;
	owned->zero = 0;
	return &owned->packet;
}

/* Add a packet to a slot that it may be added to. Superpackets come after 'packets', so whoever
 * reads them before finds no more of them than packets. */
static __always_inline int add_to_slot(const __u32 *number, __u16 segment_bytes,
				       const struct capture_bpf_sums *sums)
{
	struct capture_bpf_slot *slot = number ? bpf_map_lookup_elem(&slots, number) : 0;
	__u64 now_ns;

	if (!slot)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (now_ns >= slot->deadline_ns ||
	    (__s64)(now_ns - slot->last_ns) >= (__s64)slot->idle_ms * 1000000)
		return 0;
	slot->last_ns = now_ns;
	if ((slot->tcp_flags | sums->tcp_flags) != slot->tcp_flags)
		__sync_fetch_and_or(&slot->tcp_flags, sums->tcp_flags);
	__sync_fetch_and_add(&slot->octets, sums->octets);
	__sync_fetch_and_add(&slot->packets, sums->packets);
	if (!segment_bytes)
		return 1;
	__sync_fetch_and_add(&slot->superpackets, 1);
	__sync_fetch_and_add(&slot->segments, sums->packets - 1);
	__sync_fetch_and_add(&slot->segment_octets, sums->segment_octets);
	return 1;
}

static __always_inline int count_ipv4(struct __sk_buff *skb, const struct capture_bpf_frame *frame)
{
	struct capture_bpf_key4 key = { .zero = 0 };
	struct capture_bpf_sums sums = { .packets = 0 };

	if (!capture_bpf_flow4((void *)(long)skb->data, (void *)(long)skb->data_end, frame, &key,
			       &sums))
		return 0;
	if (constants.takes & CAPTURE_BPF_TAKES_OWNER && frame->is_egress) {
		key.cgroup = bpf_skb_cgroup_id(skb);
		key.user = key.cgroup ? bpf_get_socket_uid(skb) : 0;
	}
	return add_to_slot(bpf_map_lookup_elem(&flows4, &key), frame->segment_bytes, &sums);
}

static __always_inline int count_ipv6(struct __sk_buff *skb, const struct capture_bpf_frame *frame)
{
	struct capture_bpf_key6 key = { .zero = 0 };
	struct capture_bpf_sums sums = { .packets = 0 };

	if (!capture_bpf_flow6((void *)(long)skb->data, (void *)(long)skb->data_end, frame, &key,
			       &sums))
		return 0;
	if (constants.takes & CAPTURE_BPF_TAKES_OWNER && frame->is_egress) {
		key.cgroup = bpf_skb_cgroup_id(skb);
		key.user = key.cgroup ? bpf_get_socket_uid(skb) : 0;
	}
	return add_to_slot(bpf_map_lookup_elem(&flows6, &key), frame->segment_bytes, &sums);
}

/* Whether the packet is one of a flow that is counted here. */
static __always_inline int count_in_slot(struct __sk_buff *skb, __u8 is_egress)
{
	const struct capture_bpf_frame frame = {
		.length = skb->len,
		.segment_bytes = (__u16)skb->gso_size,
		.vlan_tag = skb->vlan_present ? (__u16)skb->vlan_tci : 0,
		.is_egress = is_egress,
		.takes = constants.takes,
		.link_bytes = constants.link_bytes,
	};

	switch (capture_bpf_version((void *)(long)skb->data, (void *)(long)skb->data_end, &frame)) {
	case 4: return count_ipv4(skb, &frame);
	case 6: return count_ipv6(skb, &frame);
	default: return 0;
	}
}

static __always_inline int hand_up(struct __sk_buff *skb, __u8 is_egress)
{
	const __u32 cpu = bpf_get_smp_processor_id();
	struct capture_bpf_counters *count = bpf_map_lookup_elem(&counters, &cpu);
	struct capture_bpf_record *record;

	if (!count)
		return TC_ACT_UNSPEC; /* cannot be: each CPU has one */
	count->seen++;
	if (skb->pkt_type == PACKET_OTHERHOST && !(constants.takes & CAPTURE_BPF_TAKES_FOREIGN)) {
		count->foreign++;
		return TC_ACT_UNSPEC;
	}
	if (constants.takes & CAPTURE_BPF_TAKES_OFFLOAD && count_in_slot(skb, is_egress)) {
		count->counted++;
		return TC_ACT_UNSPEC;
	}
	record = constants.takes & CAPTURE_BPF_TAKES_OWNER
			 ? reserve_owned(skb, is_egress)
			 : bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count->lost++;
		return TC_ACT_UNSPEC;
	}
	record->time_ns = bpf_ktime_get_ns();
	record->length = skb->len;
	record->mark = skb->mark;
	record->segment_bytes = (__u16)skb->gso_size;
	record->vlan_tag = skb->vlan_present ? (__u16)skb->vlan_tci : 0;
	record->is_egress = is_egress;
	record->zero = 0;
	record->captured = copy_headers(skb, record);
	bpf_ringbuf_submit(record, wake_flags());
	return TC_ACT_UNSPEC;
}

SEC("tc") int flowagent_in(struct __sk_buff *skb)
{
	return hand_up(skb, 0);
}

SEC("tc") int flowagent_out(struct __sk_buff *skb)
{
	return hand_up(skb, 1);
}

/* The kernel lets only such programs take the time. */
char program_license[] SEC("license") = "GPL";
