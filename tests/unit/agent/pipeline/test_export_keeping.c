/* test_export_keeping.c - a change of collectors whose process is killed at any moment, and another
 * one that continues from what the service manager has by then: the old collectors or the new ones,
 * and each record with one of them.
 *
 * A child makes the change, step by step. While it stands still, the test looks at copies of the
 * memories whose descriptors have come, as the next agent would. */
#include "export_keeping.h"

#include "export_kept.h"
#include "exporter_change.h"
#include "exporter_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUILD   "a build"
#define RECORDS 20  /* before the change */
#define MORE    5   /* after it */
#define STRIDE  499 /* instructions between two looks; a prime */
#define NAMES   16

/* What the service manager has. */
static struct stored {
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int descriptor;
} stored[NAMES];
static size_t stored_count;
static char directory[] = "/tmp/test-keeping-XXXXXX";
static char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
static int manager; /* where the messages arrive */

static void listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	CHECK(mkdtemp(directory) != NULL);
	(void)snprintf(path, sizeof(path), "%s/notify", directory);
	memcpy(address.sun_path, path, sizeof(path));
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void forget_stored(const char *name)
{
	for (size_t i = 0; i < stored_count; i++) {
		if (strcmp(stored[i].name, name) != 0)
			continue;
		(void)close(stored[i].descriptor);
		stored[i] = stored[--stored_count];
		return;
	}
}

static void take_message(const char *text, int descriptor)
{
	const char *name = strstr(text, "FDNAME=");

	CHECK(name != NULL && stored_count < NAMES);
	name += strlen("FDNAME=");
	if (strstr(text, "FDSTOREREMOVE=1")) {
		forget_stored(name);
		return;
	}
	(void)snprintf(stored[stored_count].name, DESCRIPTOR_STORE_NAME_SIZE, "%s", name);
	stored[stored_count++].descriptor = descriptor;
}

static void take_messages(void)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char text[256];
	struct iovec vector = { text, sizeof(text) - 1 };
	ssize_t size;

	for (;;) {
		struct msghdr message = { .msg_iov = &vector,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		int descriptor = -1;

		size = recvmsg(manager, &message, MSG_CMSG_CLOEXEC);
		if (size < 0)
			return;
		text[size] = '\0';
		if (CMSG_FIRSTHDR(&message))
			memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(descriptor));
		take_message(text, descriptor);
	}
}

/* ---- the process that is killed ---- */

static struct export_input input = { .kept = { .file = 1000, .max_flows = 10 } };
static struct samplers *samplers;
static const struct worker_ledger nothing;

static void begin(struct export_thread *thread, struct exporter *exporter,
		  struct export_keeping *keeping)
{
	if (!input.ring)
		input.ring = record_ring_create(8, sizeof(struct ring_entry));
	if (!samplers)
		samplers = samplers_create();
	CHECK(input.ring && samplers);
	*thread = (struct export_thread){
		.config = { .exporter = exporter, .input_count = 1 },
		.inputs = &input,
	};
	*keeping = (struct export_keeping){
		.store = descriptor_store_open(),
		.samplers = samplers,
		.build = BUILD,
		.head = { .descriptor = -1 },
		.next_file = 1,
	};
}

static void end(struct exporter *exporter, struct export_keeping *keeping)
{
	export_keeping_clear(keeping);
	exporter_destroy(exporter);
	descriptor_store_close(keeping->store);
}

static void add_records(struct exporter *exporter, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(exporter, 1);
}

static struct exporter_plan plan(const char *name, enum exporter_action action)
{
	return (struct exporter_plan){
		.config = { .name = name,
			    .transport_type = &fake_transport_datagrams,
			    .version = 9,
			    .address = { .host = "fake", .port = 2 },
			    .datagram_size = 1400 },
		.action = action,
	};
}

/* Collector 1 goes, another one comes. */
static void change(struct exporter *exporter)
{
	const struct exporter_plan plans[] = { plan("0", EXPORTER_KEEP), plan("2", EXPORTER_ADD) };
	struct error_text error;

	CHECK_EQ(exporter_change(exporter, &(struct exporter_change){ .plans = plans, .count = 2 },
				 &error),
		 0);
}

static void run(void)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct export_thread thread;
	struct export_keeping keeping;

	begin(&thread, exporter, &keeping);
	CHECK_EQ(export_keeping_make(&keeping, &thread, "old", &nothing), 0);
	CHECK_EQ(export_keeping_put(&keeping), 0);
	add_records(exporter, RECORDS);
	export_kept_note(&thread);
	export_kept_set_valid(&keeping.head, true);
	(void)raise(SIGSTOP);
	change(exporter);
	CHECK_EQ(export_keeping_renew(&keeping, &thread, "new", &nothing), 0);
	add_records(exporter, MORE);
	export_kept_note(&thread);
	(void)raise(SIGSTOP);
	end(exporter, &keeping);
}

/* ---- the one that continues ---- */

static int copy_of(int descriptor)
{
	const int copy = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat status;
	off_t from = 0;

	CHECK(copy >= 0 && fstat(descriptor, &status) == 0);
	while (from < status.st_size)
		CHECK(sendfile(copy, descriptor, &from, (size_t)(status.st_size - from)) > 0);
	CHECK_EQ(fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return copy;
}

static void check_collector(const struct exporter *exporter, size_t number, uint64_t taken,
			    uint64_t absent)
{
	const struct collector_ledger *ledger = exporter_collector_ledger(exporter, number);

	CHECK(collector_ledger_closes(ledger));
	CHECK_EQ(ledger->taken.records, taken);
	CHECK_EQ(ledger->waiting.records, taken - absent);
	CHECK_EQ(ledger->excluded[EXCLUDED_ABSENT].records, absent);
}

/* Returns whether it has the new collectors. */
static bool check_continued(void)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct collector_ledger removed;
	struct export_thread thread;
	struct export_keeping keeping;
	bool is_new;
	uint64_t taken;

	begin(&thread, exporter, &keeping);
	for (size_t i = 0; i < stored_count; i++)
		CHECK_EQ(descriptor_store_add(keeping.store, stored[i].name,
					      copy_of(stored[i].descriptor)),
			 0);
	CHECK_EQ(export_keeping_find(&keeping), 0);
	CHECK_EQ(export_keeping_open_files(&keeping), 0);
	is_new = strcmp(export_kept_facts(&keeping.head), "new") == 0;
	CHECK_EQ(export_kept_recover(&thread, &keeping.head, keeping.files, NULL),
		 is_new ? RECORDS : 0);
	taken = exporter_collector_ledger(exporter, 0)->taken.records;
	CHECK(taken == RECORDS || (is_new && taken == RECORDS + MORE));
	check_collector(exporter, 0, taken, 0);
	check_collector(exporter, 1, taken, is_new ? RECORDS : 0);
	exporter_removed(exporter, &removed);
	CHECK_EQ(removed.taken.records, is_new ? RECORDS : 0);
	CHECK_EQ(removed.lost[LOSS_IN_DOUBT].records, removed.taken.records);
	end(exporter, &keeping);
	return is_new;
}

/* To the next instruction, or system call. Returns whether the change goes on. */
static bool go_on(pid_t child, int request)
{
	int status;

	CHECK_EQ(ptrace(request, child, NULL, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status) != SIGSTOP;
}

static struct kept_memory stored_memory(const char *name)
{
	struct kept_memory memory = { .descriptor = -1 };

	for (size_t i = 0; i < stored_count; i++)
		if (!strcmp(stored[i].name, name))
			CHECK_EQ(kept_memory_open(&memory,
						  fcntl(stored[i].descriptor, F_DUPFD_CLOEXEC, 0),
						  BUILD, 0),
				 0);
	return memory;
}

/* Each system call is looked at: what is seen from outside. Between those at which one head comes
 * and the other one goes it is instructions, and at each of them one is valid. */
static bool next_look(pid_t child)
{
	struct kept_memory one = stored_memory("kept");
	struct kept_memory other = stored_memory("kept-b");
	bool goes_on = true;

	if (!one.bytes || !other.bytes)
		goes_on = go_on(child, PTRACE_SYSCALL);
	for (int i = 0; one.bytes && other.bytes && goes_on && i < STRIDE; i++) {
		CHECK(export_kept_is_valid(&one) || export_kept_is_valid(&other));
		goes_on = go_on(child, PTRACE_SINGLESTEP);
	}
	kept_memory_clear(&one);
	kept_memory_clear(&other);
	return goes_on;
}

static pid_t begin_child(void)
{
	const pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || setenv("NOTIFY_SOCKET", path, 1))
			_exit(1);
		run();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSTOPPED(status));
	return child;
}

TEST(a_kill_at_any_step_of_a_change_leaves_one_whole)
{
	unsigned int looks[2] = { 0 };
	int status;
	pid_t child;

	if (is_emulated()) /* no process can be traced there */
		return;
	child = begin_child();
	while (next_look(child)) {
		bool is_new;

		take_messages();
		is_new = check_continued();
		CHECK(is_new || !looks[true]); /* and none comes back */
		looks[is_new]++;
	}
	CHECK(looks[false] > 10 && looks[true] > 10);
	CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	take_messages();
	CHECK(check_continued());
	CHECK_EQ(stored_count, 4); /* a head, two collectors, and one that leaves */
	while (stored_count)
		forget_stored(stored[0].name);
}

/* As a process leaves them that is killed between the two stores. */
TEST(of_two_that_are_valid_the_later_one_holds)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct export_keeping keeping, next;
	struct export_thread thread;
	struct kept_memory other;

	CHECK_EQ(setenv("NOTIFY_SOCKET", path, 1), 0);
	begin(&thread, exporter, &keeping);
	CHECK_EQ(export_keeping_make(&keeping, &thread, "old", &nothing), 0);
	CHECK_EQ(export_keeping_put(&keeping), 0);
	export_kept_note(&thread);
	export_kept_set_valid(&keeping.head, true);
	take_messages();
	CHECK_EQ(stored_count, 3);
	CHECK_EQ(kept_memory_open(&other, fcntl(keeping.head.descriptor, F_DUPFD_CLOEXEC, 0), BUILD,
				  0),
		 0);
	change(exporter);
	CHECK_EQ(export_keeping_renew(&keeping, &thread, "new", &nothing), 0);
	CHECK(!export_kept_is_valid(&other));
	export_kept_set_valid(&other, true);
	CHECK_EQ(unsetenv("NOTIFY_SOCKET"), 0);

	for (int is_swapped = 0; is_swapped < 2; is_swapped++) {
		next = (struct export_keeping){ .store = descriptor_store_open(), .build = BUILD };
		CHECK_EQ(descriptor_store_add(next.store, is_swapped ? "kept" : "kept-b",
					      copy_of(keeping.head.descriptor)),
			 0);
		CHECK_EQ(descriptor_store_add(next.store, is_swapped ? "kept-b" : "kept",
					      copy_of(other.descriptor)),
			 0);
		CHECK_EQ(export_keeping_find(&next), 0);
		CHECK_TEXT(export_kept_facts(&next.head), "new");
		CHECK_EQ(next.is_second, !is_swapped);
		export_keeping_clear(&next);
		descriptor_store_close(next.store);
	}
	kept_memory_clear(&other);
	end(exporter, &keeping);
}

/* Where the manager has no room for the new one nothing is valid: half of it is not continued. */
TEST(without_room_nothing_is_kept)
{
	struct exporter *exporter = create(&(struct setup){ .collectors = 2 });
	struct export_keeping keeping;
	struct export_thread thread;
	struct kept_memory other;

	CHECK_EQ(setenv("NOTIFY_SOCKET", path, 1), 0);
	CHECK_EQ(setenv("FDSTORE", "4", 1), 0);
	begin(&thread, exporter, &keeping);
	CHECK_EQ(export_keeping_make(&keeping, &thread, "old", &nothing), 0);
	CHECK_EQ(export_keeping_put(&keeping), 0);
	export_kept_note(&thread);
	export_kept_set_valid(&keeping.head, true);
	CHECK_EQ(kept_memory_open(&other, fcntl(keeping.head.descriptor, F_DUPFD_CLOEXEC, 0), BUILD,
				  0),
		 0);
	change(exporter);
	CHECK_EQ(export_keeping_renew(&keeping, &thread, "new", &nothing), -ENOSPC);
	CHECK(!thread.kept && !export_kept_is_valid(&other) &&
	      !export_kept_is_valid(&keeping.head));
	add_records(exporter, MORE);
	kept_memory_clear(&other);
	end(exporter, &keeping);
	CHECK_EQ(unsetenv("NOTIFY_SOCKET") | unsetenv("FDSTORE"), 0);
}

static int clear(void **state)
{
	(void)state;
	record_ring_destroy(input.ring);
	samplers_destroy(samplers);
	(void)unlink(path);
	(void)rmdir(directory);
	return close(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_at_any_step_of_a_change_leaves_one_whole),
		cmocka_unit_test(of_two_that_are_valid_the_later_one_holds),
		cmocka_unit_test(without_room_nothing_is_kept),
	};

	listen_as_manager();
	return cmocka_run_group_tests(tests, NULL, clear);
}
