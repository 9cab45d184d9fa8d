/* fake_offload.h - a kernel that counts packets of flows: tables, slots, and CPUs that have found a
 * slot and not added to it yet. Flows are numbers; odd ones are IPv6. */
#ifndef FAKE_OFFLOAD_H
#define FAKE_OFFLOAD_H

#include "check.h"
#include "flow_offload.h"

#define FAKE_FLOWS  24
#define FAKE_LATE   8
#define FAKE_OCTETS 100
#define FAKE_NOBODY UINT32_MAX
#define NS_PER_MS   1000000

struct fake_late {
	uint32_t slot; /* FAKE_NOBODY: no such CPU */
	uint64_t now_ns;
};

struct fake_kernel {
	struct flow_offload_slot *slots;
	struct flow_offload_entry *entries;
	uint32_t table[FAKE_FLOWS]; /* slot of each flow; FAKE_NOBODY */
	struct fake_late late[FAKE_LATE];
	struct flow_offload_cycle cycle; /* given, not done */
};

static inline void fake_kernel_init(struct fake_kernel *kernel, struct flow_offload_slot *slots,
				    struct flow_offload_entry *entries)
{
	*kernel = (struct fake_kernel){ .slots = slots, .entries = entries };
	for (uint32_t i = 0; i < FAKE_FLOWS; i++)
		kernel->table[i] = FAKE_NOBODY;
	for (uint32_t i = 0; i < FAKE_LATE; i++)
		kernel->late[i].slot = FAKE_NOBODY;
}

static inline struct packet_info fake_packet(uint32_t flow, cache_ms now, uint8_t tcp_flags)
{
	struct packet_info info = {
		.octets = FAKE_OCTETS,
		.time_ms = now,
		.clock_ms = now,
		.tcp_flags = tcp_flags,
	};

	info.key.ip_version = flow & 1 ? 6 : 4;
	info.key.protocol = flow & 2 ? 17 : 6;
	info.key.source_port = (uint16_t)flow;
	info.key.addresses[0] = 10;
	return info;
}

/* The kernel's key of a flow is its number. */
static inline uint32_t fake_flow_of(const struct flow_offload_entry *entry)
{
	return entry->key[0];
}

/* A CPU finds the flow's slot: FAKE_NOBODY if its packet has to come up. */
static inline uint32_t fake_find(const struct fake_kernel *kernel, uint32_t flow, uint64_t now_ns)
{
	const uint32_t number = kernel->table[flow];
	const struct flow_offload_slot *slot;

	if (number == FAKE_NOBODY)
		return FAKE_NOBODY;
	slot = &kernel->slots[number];
	if (now_ns >= slot->deadline_ns ||
	    (int64_t)(now_ns - slot->last_ns) >= (int64_t)slot->idle_ms * NS_PER_MS)
		return FAKE_NOBODY;
	return number;
}

/* And adds to it, at once or later. */
static inline void fake_add(struct fake_kernel *kernel, uint32_t number, uint64_t now_ns)
{
	struct flow_offload_slot *slot = &kernel->slots[number];

	slot->last_ns = now_ns;
	slot->octets += FAKE_OCTETS;
	slot->packets++;
}

/* A grace period: whoever has found a slot is done. */
static inline void fake_grace(struct fake_kernel *kernel)
{
	for (uint32_t i = 0; i < FAKE_LATE; i++) {
		if (kernel->late[i].slot != FAKE_NOBODY)
			fake_add(kernel, kernel->late[i].slot, kernel->late[i].now_ns);
		kernel->late[i].slot = FAKE_NOBODY;
	}
}

/* What capture_bpf_offload.c does with a cycle. */
static inline void fake_cycle(struct fake_kernel *kernel, const struct flow_offload_cycle *cycle)
{
	for (size_t i = 0; i < cycle->deleted_count; i++) {
		struct flow_offload_entry *entry = &kernel->entries[cycle->deleted[i]];

		if (kernel->table[fake_flow_of(entry)] == cycle->deleted[i])
			kernel->table[fake_flow_of(entry)] = FAKE_NOBODY;
		entry->result = 0;
	}
	if (cycle->deleted_count)
		fake_grace(kernel);
	for (size_t i = 0; i < cycle->installed_count; i++) {
		struct flow_offload_entry *entry = &kernel->entries[cycle->installed[i]];
		const uint32_t flow = fake_flow_of(entry);

		CHECK_EQ(kernel->table[flow], FAKE_NOBODY); /* BPF_NOEXIST */
		kernel->table[flow] = cycle->installed[i];
		entry->result = 0;
	}
}

#endif
