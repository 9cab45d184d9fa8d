/* capture_bpf_kernel.c - libbpf's part of capture_bpf.c.
 *
 * Place: object of capture_bpf_program.c (made by the build) -> here -> kernel. Invariant: whatever
 * is attached is in 'links' or 'filter', so that detaching takes all of it off. */
#include "capture_bpf_kernel.h"

#include "capture_bpf_claim.h"
#include "capture_bpf_flow.h"
#include "capture_bpf_object.h"
#include "capture_bpf_record.h"
#include "fault_text.h"
#include "flow_offload.h"
#include "rights.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* linux/bpf.h of Linux 6.6, which the build's may be older than. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)
#define ATTACH_BEFORE      (1u << 3)

/* Of our filters in clsact, one for each agent: that of the one that runs, that of the one that
 * takes over from it, those of other agents, and those of agents that were killed. All see all
 * packets, as none ends the row. One that is there is never replaced. */
#define FILTER_HANDLE(number) (0xf109u + (number))
#define FILTER_PRIORITY       1
#define FILTERS               8

static const struct {
	const char *program;
	enum bpf_attach_type attach;
	enum bpf_tc_attach_point point;
} sides[2] = {
	{ "flowagent_in", ATTACH_TCX_INGRESS, BPF_TC_INGRESS },
	{ "flowagent_out", ATTACH_TCX_EGRESS, BPF_TC_EGRESS },
};

int capture_bpf_kernel_cpus(const char *name, struct error_text *error)
{
	const int count = libbpf_num_possible_cpus();

	if (count < 0)
		error_text_set(error,
			       "%s: cannot be captured: the kernel's list of CPUs cannot be read "
			       "from /sys/devices/system/cpu/possible: %s",
			       name, fault_text(-count));
	return count;
}

/* Which of the capabilities is not there; "" if all are. */
static const char *missing_right(void)
{
	if (!rights_has(RIGHTS_BPF))
		return "CAP_BPF";
	if (!rights_has(RIGHTS_PERFMON))
		return "CAP_PERFMON";
	return rights_has(RIGHTS_NET_ADMIN) ? "" : "CAP_NET_ADMIN";
}

/* Why the kernel refused 'what'. Only few of its answers say it themselves. */
static int explain(const char *name, const char *what, int result, struct error_text *error)
{
	const char *missing = missing_right();

	/* The verifier of Linux 6.12 takes what needs CAP_PERFMON for invalid without it. */
	if (result == -EINVAL && *missing)
		result = -EPERM;
	switch (-result) {
	case EPERM:
	case EACCES:
		error_text_set(error, "%s: no permission to %s: %s%s", name, what,
			       *missing ? "missing "
					: "a filter of system calls, a container or "
					  "kernel lockdown forbids bpf()",
			       missing);
		if (*missing)
			error_text_hint(error, "run as root, or with CAP_BPF, CAP_PERFMON and "
					       "CAP_NET_ADMIN; the service gets them by the "
					       "drop-in of flowagent(8), BPF");
		else
			error_text_hint(error, "--nflog and --interface need no bpf()");
		return -EPERM;
	case ENODEV: error_text_set(error, "%s: no such interface", name); return -ENODEV;
	case ENOMEM:
	case E2BIG:
		error_text_set(error, "%s: cannot %s: %s", name, what, fault_text(-result));
		error_text_hint(error, "a smaller buffer= may fit");
		return result;
	case ENOSYS:
	case EINVAL:
	case EOPNOTSUPP:
		error_text_set(error, "%s: this kernel cannot %s: %s", name, what,
			       fault_text(-result));
		error_text_hint(error, "it takes Linux 5.8 or later with CONFIG_BPF_SYSCALL and "
				       "CONFIG_NET_CLS_ACT; --interface and --nflog need neither");
		return -EOPNOTSUPP;
	default:
		error_text_set(error, "%s: cannot %s: %s", name, what, fault_text(-result));
		return result;
	}
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* The maps of flows that are counted in the kernel, which only then are made. */
static int prepare_tables(struct bpf_object *object, const struct capture_bpf_settings *settings)
{
	static const char *const names[] = { "flows4", "flows6", "slots" };
	static const uint32_t key_bytes[] = { CAPTURE_BPF_KEY4_BYTES, CAPTURE_BPF_KEY6_BYTES };
	const bool is_on = settings->takes & CAPTURE_BPF_TAKES_OFFLOAD;
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(names) / sizeof(*names); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		result = is_on ? bpf_map__set_max_entries(map, settings->slot_count)
			       : bpf_map__set_autocreate(map, false);
		if (!result && is_on && i < 2 && !(settings->takes & CAPTURE_BPF_TAKES_OWNER))
			result = bpf_map__set_key_size(map, key_bytes[i]);
	}
	return result;
}

/* What is set before the object is loaded. */
static int prepare(struct bpf_object *object, const struct capture_bpf_settings *settings)
{
	struct bpf_map *constants = bpf_object__find_map_by_name(object, ".rodata");
	struct bpf_map *ring = bpf_object__find_map_by_name(object, "ring");
	struct bpf_map *counters = bpf_object__find_map_by_name(object, "counters");
	const struct capture_bpf_constants values = { settings->takes, settings->link_bytes };
	int result;

	result = constants ? bpf_map__set_initial_value(constants, &values, sizeof(values))
			   : -ENOENT;
	if (!result)
		result = bpf_map__set_max_entries(ring, settings->ring_bytes);
	if (!result)
		result = bpf_map__set_max_entries(counters, settings->cpus);
	return result ? result : prepare_tables(object, settings);
}

/* A descriptor that outlives libbpf's object. */
static int keep(int descriptor)
{
	const int kept = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

	return kept < 0 ? -errno : kept;
}

static int keep_map(struct bpf_object *object, const char *name, int *kept)
{
	*kept = keep(bpf_object__find_map_fd_by_name(object, name));
	return *kept < 0 ? *kept : 0;
}

static int keep_program(struct bpf_object *object, const char *name, int *kept)
{
	*kept = keep(bpf_program__fd(bpf_object__find_program_by_name(object, name)));
	return *kept < 0 ? *kept : 0;
}

static int keep_all(struct capture_bpf_kernel *kernel, struct bpf_object *object)
{
	int result = keep_map(object, "ring", &kernel->ring);

	if (!result)
		result = keep_map(object, "counters", &kernel->counters);
	if (!result)
		result = keep_map(object, "control", &kernel->control);
	for (int side = 0; !result && side < 2; side++)
		result = keep_program(object, sides[side].program, &kernel->programs[side]);
	return result;
}

/* The maps of flows that are counted: of the program's, and what only the agent has. */
static int keep_tables(struct capture_bpf_kernel *kernel, struct bpf_object *object,
		       const struct capture_bpf_settings *settings)
{
	LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, outer);
	int *const tables = kernel->tables;
	int result = keep_map(object, "flows4", &tables[CAPTURE_BPF_flows4]);

	if (!result)
		result = keep_map(object, "flows6", &tables[CAPTURE_BPF_flows6]);
	if (!result)
		result = keep_map(object, "slots", &tables[CAPTURE_BPF_slots]);
	if (result)
		return result;
	tables[CAPTURE_BPF_entries] =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "entries", sizeof(uint32_t),
			       sizeof(struct flow_offload_entry), settings->slot_count, &mapped);
	tables[CAPTURE_BPF_inner] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", sizeof(uint32_t),
						   sizeof(uint32_t), 1, NULL);
	if (tables[CAPTURE_BPF_entries] < 0 || tables[CAPTURE_BPF_inner] < 0)
		return -errno;
	outer.inner_map_fd = (uint32_t)tables[CAPTURE_BPF_inner];
	tables[CAPTURE_BPF_barrier] = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "barrier",
						     sizeof(uint32_t), sizeof(uint32_t), 1, &outer);
	return tables[CAPTURE_BPF_barrier] < 0 ? -errno : 0;
}

int capture_bpf_kernel_load(struct capture_bpf_kernel *kernel, const char *name,
			    const struct capture_bpf_settings *settings, struct error_text *error)
{
	struct bpf_object *object;
	int result;

	*kernel = CAPTURE_BPF_KERNEL_NONE;
	libbpf_set_print(be_silent); /* explain() says it */
	object = bpf_object__open_mem(capture_bpf_object, capture_bpf_object_size, NULL);
	if (!object)
		return explain(name, "open the BPF program", -errno, error);
	result = prepare(object, settings);
	if (!result)
		result = bpf_object__load(object);
	if (!result)
		result = keep_all(kernel, object);
	if (!result && settings->takes & CAPTURE_BPF_TAKES_OFFLOAD)
		result = keep_tables(kernel, object, settings);
	bpf_object__close(object);
	return result ? explain(name, "load the BPF program", result, error) : 0;
}

static void close_all(int *descriptors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (descriptors[i] >= 0)
			(void)close(descriptors[i]);
		descriptors[i] = -1;
	}
}

static int attach_link(struct capture_bpf_kernel *kernel, int side)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = ATTACH_BEFORE);
	int link = bpf_link_create(kernel->programs[side], (int)kernel->index, sides[side].attach,
				   &options);

	if (link < 0)
		return link;
	kernel->links[side] = link;
	return 0;
}

static bool has_filter(const struct capture_bpf_kernel *kernel, int side, uint32_t number)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)kernel->index,
		    .attach_point = sides[side].point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE(number),
		    .priority = FILTER_PRIORITY);
	const int result = bpf_tc_query(&hook, &options);

	/* Of the queueing discipline, or the filter in it. */
	return result != -EINVAL && result != -ENOENT;
}

/* Before Linux 6.6. The queueing discipline stays when we go: others may have come to it. A filter
 * that is there may be of an agent that still runs: see capture_bpf_kernel_supersede(). */
static int attach_filter(struct capture_bpf_kernel *kernel, int side)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)kernel->index,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .priority = FILTER_PRIORITY,
		    .prog_fd = kernel->programs[side]);
	int result = bpf_tc_hook_create(&hook);
	uint8_t number = 1;

	if (result && result != -EEXIST)
		return result;
	while (number <= FILTERS && has_filter(kernel, side, number))
		number++;
	if (number > FILTERS)
		return -EBUSY;
	hook.attach_point = sides[side].point;
	options.handle = FILTER_HANDLE(number);
	/* Before it is there: another agent that starts now takes off what nobody has. */
	kernel->claims[side] = capture_bpf_claim(kernel->index, side == 1, number);
	result = bpf_tc_attach(&hook, &options);
	if (!result)
		kernel->filter[side] = number;
	return result;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int capture_bpf_kernel_attach(struct capture_bpf_kernel *kernel, const char *name, uint32_t index,
			      struct error_text *error)
{
	int result = 0;

	kernel->index = index;
	for (int side = 0; !result && side < 2; side++) {
		result = attach_link(kernel, side);
		if (result == -EINVAL)
			result = attach_filter(kernel, side);
		kernel->attached_ns[side] = now_ns();
	}
	close_all(kernel->programs, 2); /* what is attached holds them */
	if (!result)
		return 0;
	capture_bpf_kernel_detach(kernel);
	return explain(name, "attach the BPF program", result, error);
}

/* A link has no interface any more once it is taken off. The number of that is at one place in the
 * facts of all links to interfaces, also in headers that know none of these. */
static bool has_link(int link)
{
	struct bpf_link_info info = { .type = 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(link, &info, &size) || info.xdp.ifindex != 0;
}

bool capture_bpf_kernel_is_attached(const struct capture_bpf_kernel *kernel)
{
	bool is_attached = true;

	for (int side = 0; side < 2; side++)
		is_attached &= kernel->links[side] >= 0 ? has_link(kernel->links[side])
			       : kernel->filter[side]
				       ? has_filter(kernel, side, kernel->filter[side])
				       : false;
	return is_attached;
}

/* Others may have it open. */
static void detach_link(int link)
{
	(void)bpf_link_detach(link);
	(void)close(link);
}

static void detach_filter(const struct capture_bpf_kernel *kernel, int side, uint32_t number)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)kernel->index,
		    .attach_point = sides[side].point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE(number),
		    .priority = FILTER_PRIORITY);
	struct rights_section before = rights_raise();

	(void)bpf_tc_detach(&hook, &options);
	rights_restore(before);
}

void capture_bpf_kernel_claim(struct capture_bpf_kernel *kernel)
{
	for (int side = 0; side < 2; side++)
		if (kernel->filter[side] && kernel->claims[side] < 0)
			kernel->claims[side] =
				capture_bpf_claim(kernel->index, side == 1, kernel->filter[side]);
}

void capture_bpf_kernel_unclaim(struct capture_bpf_kernel *kernel)
{
	close_all(kernel->claims, 2);
}

void capture_bpf_kernel_supersede(struct capture_bpf_kernel *kernel)
{
	libbpf_set_print(be_silent); /* there may be none */
	capture_bpf_kernel_claim(kernel);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 1; kernel->filter[side] && i <= FILTERS; i++)
			if (i != kernel->filter[side] &&
			    !capture_bpf_is_claimed(kernel->index, side == 1, i))
				detach_filter(kernel, side, i);
}

void capture_bpf_kernel_detach(struct capture_bpf_kernel *kernel)
{
	bool was_attached = false;

	for (int side = 0; side < 2; side++) {
		if (kernel->links[side] >= 0)
			detach_link(kernel->links[side]);
		else if (kernel->filter[side])
			detach_filter(kernel, side, kernel->filter[side]);
		else
			continue;
		kernel->links[side] = -1;
		kernel->filter[side] = 0;
		was_attached = true;
	}
	capture_bpf_kernel_unclaim(kernel);
	/* A CPU may be in the program still. The kernel makes this call wait until each has left
	 * what it was in when it began. */
	if (was_attached)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

void capture_bpf_kernel_leave(struct capture_bpf_kernel *kernel)
{
	close_all(kernel->links, 2);
	kernel->filter[0] = kernel->filter[1] = 0;
	capture_bpf_kernel_unclaim(kernel);
}

void capture_bpf_kernel_close(struct capture_bpf_kernel *kernel)
{
	capture_bpf_kernel_detach(kernel);
	close_all(kernel->programs, 2);
	close_all(&kernel->ring, 1);
	close_all(&kernel->counters, 1);
	close_all(&kernel->control, 1);
	close_all(kernel->tables, CAPTURE_BPF_TABLES);
}
