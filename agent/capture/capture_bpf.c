/* capture_bpf.c - live capture from a network interface by a BPF program at its tc hooks.
 *
 * Place: capture_bpf_program.c (in the kernel) -> ring -> here -> worker. Sees what the wire sees:
 * before the firewall on the way in, after it on the way out; its cost on the packet path is a
 * quarter of NFLOG's. Loading and attaching need capabilities (capture_bpf_kernel.h), reading none.
 * Invariant: seen = handed up + counted + lost + foreign, as the program counts them for each CPU.
 *
 * Sleep: the program wakes the agent only where it has asked for it (struct capture_bpf_control).
 * While packets come, a timer does: at most PAUSE_MS of packets wait, or a quarter of the ring.
 * When none came during a pause, the next packet does, and an idle agent sleeps.
 *
 * Restart: capture_bpf_continue.c.
 *
 * An interface is what its name says: when that is gone, or another one has it, the source fails,
 * after it has given all that is in the ring. So it does when another program has taken ours off:
 * opened again, it is attached again. */
#include "capture_sources.h"

#include "capture_bpf_interface.h"
#include "capture_bpf_kept.h"
#include "capture_bpf_name.h"
#include "capture_bpf_offload.h"
#include "capture_bpf_parts.h"
#include "capture_watch.h"
#include "fault_text.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	DEFAULT_RING_BYTES = 32 * 1024 * 1024,
	PAUSE_MS = 50,
	FOLLOW_MS =
		100, /* while packets come: between two looks at the interface, or the counters */
	ATTACHED_MS = 1000, /* between two looks whether it is still attached */
};

static void unmap(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}

static void close_descriptor(int descriptor)
{
	if (descriptor >= 0)
		(void)close(descriptor);
}

static size_t counters_bytes(const struct capture *capture)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t size = capture->cpus * sizeof(*capture->counters);

	return (size + page - 1) / page * page;
}

void capture_bpf_unmap(struct capture *capture)
{
	capture_bpf_ring_close(&capture->ring);
	unmap(capture->counters, counters_bytes(capture));
	unmap(capture->control, sizeof(*capture->control));
}

void capture_bpf_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->is_held)
		capture_bpf_kernel_leave(&capture->kernel);
	capture_bpf_offload_destroy(capture->offload);
	capture_bpf_kernel_close(&capture->kernel);
	close_descriptor(capture->kept);
	capture_bpf_unmap(capture);
	close_descriptor(capture->socket);
	close_descriptor(capture->watch);
	close_descriptor(capture->timer);
	close_descriptor(capture->events);
	free(capture->reported);
	free(capture);
}

uint32_t capture_bpf_index(const struct capture *capture)
{
	return capture_bpf_interface_index(capture->socket, capture->name);
}

static void *map_array(int descriptor, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

	/* cppcheck-suppress memleak ; the caller gets it */
	return memory == MAP_FAILED ? NULL : memory;
}

int capture_bpf_map(struct capture *capture)
{
	int result =
		capture_bpf_ring_open(&capture->ring, capture->kernel.ring, capture->ring_bytes);

	if (result)
		return result;
	capture->counters = map_array(capture->kernel.counters, counters_bytes(capture));
	capture->control = map_array(capture->kernel.control, sizeof(*capture->control));
	return capture->counters && capture->control ? 0 : -errno;
}

static int add_event(struct capture *capture, int descriptor, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(capture->events, EPOLL_CTL_ADD, descriptor, &event) ? -errno : 0;
}

/* What there is to wake the worker. The ring is readable whenever it is not empty: only what the
 * program reports counts, which is an edge. */
static int open_events(struct capture *capture)
{
	int result;

	capture->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	capture->events = epoll_create1(EPOLL_CLOEXEC);
	if (capture->timer < 0 || capture->events < 0)
		return -errno;
	result = add_event(capture, capture->kernel.ring, EPOLLIN | EPOLLET);
	if (!result)
		result = add_event(capture, capture->timer, EPOLLIN);
	if (!result && capture->watch >= 0)
		result = add_event(capture, capture->watch, EPOLLIN);
	if (!result && capture->offload)
		result = add_event(capture, capture_bpf_offload_descriptor(capture->offload),
				   EPOLLIN);
	return result;
}

/* The least power of two that is not smaller than 'wanted': the kernel takes no other. */
static uint32_t ring_size(uint32_t wanted)
{
	uint32_t size = (uint32_t)sysconf(_SC_PAGESIZE);

	while (size < wanted && size < UINT32_C(1) << 30)
		size *= 2;
	return size;
}

int capture_bpf_set_up(struct capture *capture)
{
	int result = capture_bpf_map(capture);

	if (!result && capture->threshold) {
		capture->offload = capture_bpf_offload_create(&capture->kernel, capture->threshold,
							      capture->is_adopted);
		result = capture->offload ? 0 : -errno;
	}
	return result ? result : open_events(capture);
}

static int make_kept(struct capture *capture)
{
	const struct capture_bpf_kernel *kernel = &capture->kernel;
	const struct capture_bpf_facts facts = {
		.layout = CAPTURE_BPF_LAYOUT,
		.index = kernel->index,
		.ring_bytes = capture->ring_bytes,
		.cpus = capture->cpus,
		.takes = capture->takes,
		.filter = { kernel->filter[0], kernel->filter[1] },
		.link = capture->scene.link,
	};

	capture->kept = capture_bpf_kept_make(kernel, &facts);
	return capture->kept < 0 ? capture->kept : 0;
}

static int fail_open(const struct capture *capture, int result, struct error_text *error)
{
	error_text_set(error, "%s: cannot be captured: %s", capture->name, fault_text(-result));
	return result;
}

uint8_t capture_bpf_link_bytes(const struct capture *capture)
{
	return capture->scene.link == LINK_ETHERNET ? ETH_HLEN : 0;
}

static int load(struct capture *capture, struct error_text *error)
{
	const struct capture_bpf_settings settings = {
		.ring_bytes = capture->ring_bytes,
		.cpus = capture->cpus,
		.slot_count = CAPTURE_BPF_SLOTS,
		.takes = capture->takes,
		.link_bytes = capture_bpf_link_bytes(capture),
	};

	return capture_bpf_kernel_load(&capture->kernel, capture->name, &settings, error);
}

static int open_parts(struct capture *capture, struct error_text *error)
{
	int result = capture_bpf_interface_link(capture->socket, capture->name,
						&capture->scene.link, error);

	if (result)
		return result;
	capture->scene.interface_index = capture_bpf_index(capture);
	result = load(capture, error);
	if (result)
		return result;
	result = capture_bpf_set_up(capture);
	if (result)
		return fail_open(capture, result, error);
	result = capture_bpf_kernel_attach(&capture->kernel, capture->name,
					   capture->scene.interface_index, error);
	if (result)
		return result;
	result = make_kept(capture);
	return result ? fail_open(capture, result, error) : 0;
}

static uint8_t takes_of(const struct source_config *config)
{
	uint8_t takes = 0;

	if (config->promiscuous == SOURCE_SWITCH_on)
		takes |= CAPTURE_BPF_TAKES_FOREIGN;
	if (config->owners)
		takes |= CAPTURE_BPF_TAKES_OWNER;
	if (config->offload)
		takes |= CAPTURE_BPF_TAKES_OFFLOAD;
	if (config->offload && config->takes_ttl)
		takes |= CAPTURE_BPF_TAKES_TTL;
	return takes;
}

struct capture *capture_bpf_begin(const struct source_config *config, struct error_text *error)
{
	const char *name = config->name + strlen(CAPTURE_BPF_PREFIX);
	const int cpus = capture_bpf_kernel_cpus(name, error);
	struct capture *capture;
	struct reported *reported;

	if (cpus < 0)
		return NULL;
	capture = calloc(1, sizeof(*capture));
	reported = calloc(1, sizeof(*reported));
	if (!capture || !reported) {
		free(capture);
		free(reported);
		error_text_set(error, "%s: no memory", config->name);
		return NULL;
	}
	capture->reported = reported;
	capture->kernel = CAPTURE_BPF_KERNEL_NONE;
	capture->name = name;
	capture->cpus = (uint32_t)cpus;
	capture->ring.owners = config->owners;
	capture->threshold = config->offload;
	capture->takes = takes_of(config);
	capture->ring_wanted = config->receive_buffer ? config->receive_buffer : DEFAULT_RING_BYTES;
	capture->ring_bytes = ring_size(capture->ring_wanted);
	capture->timer = capture->events = capture->kept = -1;
	/* Before the first look at the interface: no change goes unseen. */
	capture->watch = capture_watch_open();
	capture->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (capture->socket >= 0)
		return capture;
	(void)fail_open(capture, -errno, error);
	capture_bpf_close(capture);
	return NULL;
}

static int open_bpf(const struct source_config *config, struct capture **opened,
		    struct error_text *error)
{
	struct capture *capture = capture_bpf_begin(config, error);
	int result;

	if (!capture)
		return -ENOMEM;
	result = open_parts(capture, error);
	if (result)
		capture_bpf_close(capture);
	else
		*opened = capture;
	return result;
}

/* Take the program off; what it has put into the ring stays. */
static void stop_bpf(struct capture *capture)
{
	if (!capture->is_stopped)
		capture_bpf_kernel_detach(&capture->kernel);
	capture->is_stopped = true;
}

static bool is_there(const struct capture *capture)
{
	return capture_bpf_index(capture) == capture->scene.interface_index;
}

/* Looked at now and then: it takes two calls. */
static bool is_attached(struct capture *capture)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);

	if (now_ms < capture->attached_ms)
		return true;
	capture->attached_ms = now_ms + ATTACHED_MS;
	return capture_bpf_kernel_is_attached(&capture->kernel);
}

/* Whether the interface is still the one that the program is attached to, and has it. */
static void follow_interface(struct capture *capture)
{
	if (capture->is_stopped || (is_there(capture) && is_attached(capture)))
		return;
	error_text_set(&capture->failure_text,
		       is_there(capture) ? "%s: another program has taken the BPF program off"
					 : "%s: the interface has disappeared",
		       capture->name);
	capture->failure = -ENODEV;
	stop_bpf(capture);
}

static void follow_now_and_then(struct capture *capture)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);

	if (now_ms < capture->follow_ms)
		return;
	capture->follow_ms = now_ms + FOLLOW_MS;
	follow_interface(capture);
}

/* From the clock of the records to the time of day, as of now. */
static int64_t clock_offset_ns(void)
{
	struct timespec day, boot;

	(void)clock_gettime(CLOCK_REALTIME, &day);
	(void)clock_gettime(CLOCK_MONOTONIC, &boot);
	return (int64_t)(day.tv_sec - boot.tv_sec) * 1000000000 + (day.tv_nsec - boot.tv_nsec);
}

static void set_timer(const struct capture *capture, int64_t ms)
{
	struct itimerspec time = { .it_value.tv_nsec = (long)ms * 1000000 };

	(void)timerfd_settime(capture->timer, 0, &time, NULL);
}

static uint64_t sum_of(const struct capture *capture, size_t member)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < capture->cpus; i++) {
		const uint8_t *counters = (const uint8_t *)&capture->counters[i];

		sum += __atomic_load_n((const uint64_t *)(const void *)(counters + member),
				       __ATOMIC_RELAXED);
	}
	return sum;
}

/* What the program has seen it counts first, so that is looked at last: no sample has more of what
 * became of packets than there were. */
struct capture_bpf_counters capture_bpf_sums(const struct capture *capture)
{
	struct capture_bpf_counters sums = { .seen = 0 };

	sums.lost = sum_of(capture, offsetof(struct capture_bpf_counters, lost));
	sums.foreign = sum_of(capture, offsetof(struct capture_bpf_counters, foreign));
	sums.counted = sum_of(capture, offsetof(struct capture_bpf_counters, counted));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	sums.seen = sum_of(capture, offsetof(struct capture_bpf_counters, seen));
	return sums;
}

void capture_bpf_refresh(const struct capture *capture)
{
	capture->reported->sums = capture_bpf_sums(capture);
}

/* While packets come, now and then: there may be many CPUs. */
void capture_bpf_refresh_if_due(const struct capture *capture)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC_COARSE);

	if (now_ms < capture->reported->due_ms)
		return;
	capture->reported->due_ms = now_ms + FOLLOW_MS;
	capture_bpf_refresh(capture);
}

/* Say what is to wake the worker, which will sleep now. What comes in between is seen by the
 * program, or waits for the timer. */
static void prepare_sleep(struct capture *capture)
{
	struct epoll_event old[4];
	bool is_busy = capture->has_read;

	capture->has_read = false;
	capture_bpf_refresh(capture); /* nothing was read: the next position agrees with them */
	(void)epoll_wait(capture->events, old, 4, 0); /* edges of before */
	if (!is_busy) {
		__atomic_store_n(&capture->control->wake_bytes, 0, __ATOMIC_SEQ_CST);
		is_busy = capture_bpf_ring_waiting(&capture->ring) > 0;
	}
	if (is_busy)
		__atomic_store_n(&capture->control->wake_bytes, capture->ring_bytes / 4,
				 __ATOMIC_SEQ_CST);
	set_timer(capture, is_busy ? PAUSE_MS : 0);
}

static int end_of(const struct capture *capture, struct error_text *error)
{
	capture_bpf_refresh(capture);
	*error = capture->failure_text;
	return capture->failure ? capture->failure : -ENODATA;
}

static int read_bpf(struct capture *capture, struct packet_view *views, size_t capacity,
		    struct error_text *error)
{
	size_t count;

	if (capture->is_held) {
		capture_bpf_ring_give_back(&capture->ring);
		return -ENODATA;
	}
	if (!capture->is_noted)
		capture_bpf_refresh_if_due(capture);

	capture->scene.offset_ns = clock_offset_ns();
	count = capture_bpf_ring_read(&capture->ring, &capture->scene, views, capacity);
	if (count) {
		capture->messages++;
		capture->has_read = true;
		follow_now_and_then(capture);
		return (int)count;
	}
	if (!capture->is_stopped) {
		(void)capture_watch_has_news(capture->watch);
		follow_interface(capture);
		/* The last packets may have come before it went. */
		if (!capture->is_stopped || capture_bpf_ring_waiting(&capture->ring)) {
			prepare_sleep(capture);
			return 0;
		}
	}
	return end_of(capture, error);
}

static int bpf_descriptor(const struct capture *capture)
{
	return capture->events;
}

static void bpf_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	const struct capture_bpf_counters *now = &capture->reported->sums, *base = &capture->base;

	*statistics = (struct capture_statistics){
		.packets_lost = now->lost - base->lost,
		.packets_seen = now->seen - base->seen,
		.packets_foreign = now->foreign - base->foreign,
		.packets_counted = now->counted - base->counted,
		.messages = capture->messages,
		.messages_malformed = capture->ring.malformed,
		.packets_truncated = capture->ring.truncated,
		.receive_buffer_bytes = capture->ring_bytes,
		.receive_buffer_wanted = capture->ring_wanted,
	};
}

/* To open it again when it comes back. Before Linux 6.6 what is attached is a filter, which only
 * CAP_NET_ADMIN takes off. */
static uint64_t rights_later(const struct source_config *source)
{
	struct utsname system;
	unsigned int major = 0, minor = 0;

	if (source->wait != SOURCE_SWITCH_off)
		return CAPTURE_BPF_RIGHTS;
	if (uname(&system) == 0)
		(void)sscanf(system.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 6) ? 0 : RIGHTS_NET_ADMIN;
}

static void begin_bpf(struct capture *capture, bool is_continued)
{
	(void)is_continued;
	capture_bpf_kernel_supersede(&capture->kernel);
}

const struct capture_type capture_bpf = {
	.noun = "interface",
	.prefix = CAPTURE_BPF_PREFIX,
	.section = "\"bpf:IFACE\"",
	.keys = CAPTURE_BPF_KEYS,
	.has_segments = true,
	.is_of_link = true,
	.is_live = true,
	.rights = CAPTURE_BPF_RIGHTS,
	.rights_later = rights_later,
	.check = capture_bpf_name_check,
	.offload = &capture_bpf_offloads,
	.parse = capture_bpf_name_parse,
	.open = open_bpf,
	.read = read_bpf,
	.descriptor = bpf_descriptor,
	.stored = capture_bpf_stored,
	.stop = stop_bpf,
	.adopt = capture_bpf_adopt,
	.begin = begin_bpf,
	.hold = capture_bpf_hold,
	.keep = capture_bpf_keep,
	.left = capture_bpf_left,
	.can_resume = true,
	.use_memory = capture_bpf_use_memory,
	.position = capture_bpf_position,
	.resume = capture_bpf_resume,
	.refresh = capture_bpf_refresh,
	.statistics = bpf_statistics,
	.close = capture_bpf_close,
};
