/* transport_writer.c - the ring between the export thread and a writer thread.
 *
 * Place: outbox -> transport_writer -> (thread) transport_file -> kernel. 'lock' protects all of
 * struct shared but 'next', which belongs to the thread while it runs; it is never held over a
 * call that may hang.
 *
 * Invariant: messages are written in order, each in the session that the outbox knew when it
 * handed it over: those of another session are thrown away, and go out again in the next. A session
 * begins only while the outbox knows of all that has arrived in the last one ('is_seen'), so that
 * nothing is written twice. Who comes second, the thread or close(), frees all. */
#include "transport_writer.h"

#include "fault_text.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS       100  /* between two looks at the next transport while all is well */
#define CLOSE_WAIT_MS 2000 /* for the last call of the next transport */

struct slot {
	uint8_t *bytes; /* owned */
	size_t size, capacity;
	uint64_t session;
	uint64_t file;
	int64_t file_ms;
};

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* for the thread */
	pthread_cond_t ended; /* a call, or the thread: for settle() and close() */

	const struct transport_type *type; /* static */
	struct transport *next;            /* owned */
	struct slot slots[TRANSPORT_WRITER_MESSAGES];
	size_t first, count;
	size_t begun; /* of them, in the call that is under way */

	/* Asked of the thread. */
	bool is_poll_wanted, is_close_wanted;
	int64_t now_ms;
	bool is_seen;    /* the outbox has seen 'session' as it stands here */
	bool is_settled; /* messages that are not begun must not be sent */

	/* Said by it. */
	int poll_result;                  /* negative errno, 0 */
	int send_error;                   /* negative errno why the first message stays, 0 */
	struct transport_session session; /* of the next transport */
	uint64_t calls;                   /* ended */
	int event;                        /* owned eventfd: a call has ended since poll() */
	bool is_busy;                     /* in a call */
	bool has_ended;
	bool is_abandoned; /* nobody waits for the end */
};

struct transport {
	struct shared *shared;
	pthread_t thread;
	bool is_running;
	int start_error;        /* positive errno why not, or 0 */
	uint64_t known_session; /* number that the outbox knows */
	uint64_t file;          /* of the messages that come next */
	int64_t file_ms;
	uint64_t last_file;  /* of the message handed over last */
	uint64_t seen_calls; /* and when that changed, or nothing was under way */
	int64_t seen_ms;
	int64_t polled_ms;
	bool has_polled;
	bool is_given_up; /* settle() has waited in vain */
};

static struct slot *slot_at(struct shared *shared, size_t i)
{
	return &shared->slots[(shared->first + i) % TRANSPORT_WRITER_MESSAGES];
}

static void pop(struct shared *shared, size_t count)
{
	shared->first = (shared->first + count) % TRANSPORT_WRITER_MESSAGES;
	shared->count -= count;
}

static void shared_free(struct shared *shared)
{
	for (size_t i = 0; i < TRANSPORT_WRITER_MESSAGES; i++)
		free(shared->slots[i].bytes);
	(void)pthread_cond_destroy(&shared->work);
	(void)pthread_cond_destroy(&shared->ended);
	(void)pthread_mutex_destroy(&shared->lock);
	(void)close(shared->event);
	free(shared);
}

/* Around each call of the next transport; the lock is held before and after, not within. */
static void call_begin(struct shared *shared)
{
	shared->is_busy = true;
	(void)pthread_mutex_unlock(&shared->lock);
}

static void call_end(struct shared *shared)
{
	struct transport_session session;

	shared->type->session(shared->next, &session);
	(void)pthread_mutex_lock(&shared->lock);
	session.send_errors = shared->session.send_errors;
	shared->session = session;
	shared->is_seen = false;
	shared->is_busy = false;
	shared->calls++;
	(void)eventfd_write(shared->event, 1);
	(void)pthread_cond_signal(&shared->ended);
}

static void poll_next(struct shared *shared)
{
	const int64_t now_ms = shared->now_ms;
	int result;

	shared->is_poll_wanted = false;
	call_begin(shared);
	result = shared->type->poll(shared->next, now_ms);
	call_end(shared);
	shared->poll_result = result;
}

/* How many messages, from the first on, belong to one file and to the session that stands. */
static size_t count_alike(struct shared *shared, struct datagram *datagrams)
{
	const struct slot *first = slot_at(shared, 0);
	size_t count = 0;

	while (count < shared->count) {
		const struct slot *slot = slot_at(shared, count);

		if (slot->session != first->session || slot->file != first->file)
			break;
		datagrams[count++] = (struct datagram){ slot->bytes, slot->size };
	}
	return count;
}

/* Write what there is of one file. Slots stay where they are meanwhile: others come after them. */
static void send_next(struct shared *shared)
{
	struct datagram datagrams[TRANSPORT_WRITER_MESSAGES];
	const struct slot first = *slot_at(shared, 0);
	const size_t count = count_alike(shared, datagrams);
	struct transport_result result;

	if (first.session != shared->session.number) {
		pop(shared, count);
		return;
	}
	shared->begun = count;
	call_begin(shared);
	shared->type->file(shared->next, first.file, first.file_ms);
	result = shared->type->send(shared->next, datagrams, count);
	call_end(shared);
	pop(shared, result.sent);
	shared->begun = 0;
	shared->send_error = result.sent == count ? 0 : result.error ? result.error : -EAGAIN;
	shared->session.send_errors += result.error && result.error != -EAGAIN;
}

static bool may_poll(const struct shared *shared)
{
	return shared->is_poll_wanted && shared->is_seen;
}

/* After a failure the first message waits for the next poll. */
static bool may_send(const struct shared *shared)
{
	return shared->count && !shared->is_settled && !shared->poll_result && !shared->send_error;
}

static void *run(void *context)
{
	struct shared *shared = context;
	bool is_abandoned;

	(void)pthread_mutex_lock(&shared->lock);
	while (!shared->is_close_wanted) {
		if (may_poll(shared)) {
			poll_next(shared);
			shared->send_error = 0;
		} else if (may_send(shared)) {
			send_next(shared);
		} else {
			(void)pthread_cond_wait(&shared->work, &shared->lock);
		}
	}
	(void)pthread_mutex_unlock(&shared->lock);
	shared->type->close(shared->next);
	(void)pthread_mutex_lock(&shared->lock);
	shared->has_ended = true;
	is_abandoned = shared->is_abandoned;
	(void)pthread_cond_signal(&shared->ended);
	(void)pthread_mutex_unlock(&shared->lock);
	if (is_abandoned)
		shared_free(shared);
	return NULL;
}

static int shared_init(struct shared *shared)
{
	pthread_condattr_t attributes;

	shared->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (shared->event < 0)
		return -errno;
	/* Waiting goes by a clock that nobody sets. */
	if (pthread_condattr_init(&attributes)) {
		(void)close(shared->event);
		return -ENOMEM;
	}
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&shared->lock, NULL);
	(void)pthread_cond_init(&shared->work, NULL);
	(void)pthread_cond_init(&shared->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	shared->poll_result = -EALREADY;
	shared->is_seen = true;
	return 0;
}

int transport_writer_open(const struct transport_type *next, const struct transport_config *config,
			  struct transport **transport, struct error_text *error)
{
	struct transport *writer = calloc(1, sizeof(*writer));
	struct shared *shared = calloc(1, sizeof(*shared));
	int result = writer && shared ? shared_init(shared) : -ENOMEM;

	if (result) {
		error_text_set(error, "%s", fault_text(-result));
		free(shared);
		free(writer);
		return result;
	}
	shared->type = next;
	result = next->open(config, &shared->next, error);
	if (result) {
		shared_free(shared);
		free(writer);
		return result;
	}
	writer->shared = shared;
	*transport = writer;
	return 0;
}

static int writer_open(const struct transport_config *config, struct transport **transport,
		       struct error_text *error)
{
	return transport_writer_open(&transport_file, config, transport, error);
}

/* The thread inherits this mask: signals are for the control thread. Fails with -ENOMEM: EAGAIN,
 * which is what threads that are too many bring, would be taken for a reader that is slow. */
static int start(struct transport *writer)
{
	sigset_t all, before;
	int result;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&writer->thread, NULL, run, writer->shared);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	writer->is_running = result == 0;
	writer->start_error = result;
	return result ? -ENOMEM : 0;
}

/* Whether one call has been under way for long. The lock is held. */
static bool is_hanging(struct transport *writer, int64_t now_ms)
{
	const struct shared *shared = writer->shared;

	if (!shared->is_busy || shared->calls != writer->seen_calls) {
		writer->seen_calls = shared->calls;
		writer->seen_ms = now_ms;
	}
	return now_ms - writer->seen_ms >= TRANSPORT_WRITER_HANG_MS;
}

static const char *writer_fault(const struct transport *writer)
{
	return writer->start_error == EAGAIN
		       ? "cannot start its thread: Resource temporarily unavailable (ulimit -u, "
			 "or TasksMax= of the unit)"
		       : NULL;
}

static int writer_poll(struct transport *writer, int64_t now_ms)
{
	struct shared *shared = writer->shared;
	int result = writer->is_running ? 0 : start(writer);
	eventfd_t events;

	if (result)
		return result;
	(void)eventfd_read(shared->event, &events);
	(void)pthread_mutex_lock(&shared->lock);
	if (!writer->has_polled || shared->poll_result || shared->send_error ||
	    shared->session.unconfirmed || now_ms - writer->polled_ms >= POLL_MS) {
		writer->has_polled = true;
		writer->polled_ms = now_ms;
		shared->now_ms = now_ms;
		shared->is_poll_wanted = true;
		(void)pthread_cond_signal(&shared->work);
	}
	result = shared->poll_result;
	if (!result && shared->count && shared->send_error != -EAGAIN)
		result = shared->send_error;
	if (is_hanging(writer, now_ms))
		result = -ETIME;
	(void)pthread_mutex_unlock(&shared->lock);
	return result;
}

static bool slot_fill(struct slot *slot, const struct datagram *datagram)
{
	if (slot->capacity < datagram->size) {
		uint8_t *bytes = realloc(slot->bytes, datagram->size);

		if (!bytes)
			return false;
		slot->bytes = bytes;
		slot->capacity = datagram->size;
	}
	memcpy(slot->bytes, datagram->bytes, datagram->size);
	slot->size = datagram->size;
	return true;
}

/* Whether a message of the file may be handed over now: one of another file ends a session. */
static bool may_hand_over(const struct transport *writer)
{
	const struct shared *shared = writer->shared;

	if (shared->session.number != writer->known_session || !writer->known_session)
		return false;
	return writer->file == writer->last_file ||
	       (shared->count == 0 && !shared->is_busy && shared->is_seen &&
		shared->session.unconfirmed == 0);
}

static struct transport_result writer_send(struct transport *writer,
					   const struct datagram *datagrams, size_t count)
{
	struct shared *shared = writer->shared;
	struct transport_result result = { 0 };

	(void)pthread_mutex_lock(&shared->lock);
	if (shared->is_settled)
		shared->count = shared->begun;
	shared->is_settled = false;
	while (result.sent < count && shared->count < TRANSPORT_WRITER_MESSAGES &&
	       may_hand_over(writer)) {
		struct slot *slot = slot_at(shared, shared->count);

		if (!slot_fill(slot, &datagrams[result.sent])) {
			result.error = -ENOMEM;
			break;
		}
		slot->session = writer->known_session;
		slot->file = writer->file;
		slot->file_ms = writer->file_ms;
		writer->last_file = writer->file;
		shared->count++;
		result.sent++;
	}
	if (result.sent < count && !result.error)
		result.error = -EAGAIN;
	if (result.sent)
		(void)pthread_cond_signal(&shared->work);
	(void)pthread_mutex_unlock(&shared->lock);
	return result;
}

/* The end of a call; or the next transport, while the thread waits for that. */
static int writer_ready(const struct transport *writer, short *events)
{
	struct shared *shared = writer->shared;
	int descriptor = -1;

	(void)pthread_mutex_lock(&shared->lock);
	if (!shared->is_busy && shared->count && shared->send_error == -EAGAIN &&
	    shared->type->ready)
		descriptor = shared->type->ready(shared->next, events);
	(void)pthread_mutex_unlock(&shared->lock);
	if (descriptor >= 0)
		return descriptor;
	*events = POLLIN;
	return shared->event;
}

static void writer_file(struct transport *writer, uint64_t number, int64_t time_ms)
{
	writer->file = number;
	writer->file_ms = time_ms;
}

/* The type's session() is const, and only reads from outside; that it was asked is noted. */
static void writer_session(const struct transport *transport, struct transport_session *session)
{
	struct transport *writer = (struct transport *)(uintptr_t)transport;
	struct shared *shared = writer->shared;

	(void)pthread_mutex_lock(&shared->lock);
	*session = shared->session;
	for (size_t i = 0; i < shared->count; i++)
		session->unconfirmed += slot_at(shared, i)->session == session->number;
	if (!shared->is_seen) {
		shared->is_seen = true;
		if (may_poll(shared))
			(void)pthread_cond_signal(&shared->work);
	}
	if (writer->known_session != session->number)
		writer->last_file = writer->file;
	writer->known_session = session->number;
	(void)pthread_mutex_unlock(&shared->lock);
}

static socklen_t writer_address(const struct transport *writer, struct sockaddr_storage *address)
{
	(void)writer;
	(void)address;
	return 0;
}

static bool has_settled(const struct shared *shared)
{
	return !shared->is_busy && (!shared->count || shared->poll_result || shared->send_error);
}

/* Without this, messages that were counted as lost would be written nevertheless. */
static void writer_settle(struct transport *writer)
{
	struct shared *shared = writer->shared;
	struct timespec until;
	int result = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TRANSPORT_SETTLE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	(void)pthread_mutex_lock(&shared->lock);
	while (writer->is_running && !writer->is_given_up && !has_settled(shared) && result == 0)
		result = pthread_cond_timedwait(&shared->ended, &shared->lock, &until);
	writer->is_given_up |= result != 0;
	shared->is_settled = true; /* what is left counts as unconfirmed until the next send() */
	(void)pthread_mutex_unlock(&shared->lock);
}

/* Wait for the last call, but not for ever. Returns whether the thread has ended. */
static bool wait_for_end(struct shared *shared)
{
	struct timespec until;
	int result = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_WAIT_MS / 1000;
	shared->is_close_wanted = true;
	(void)pthread_cond_signal(&shared->work);
	while (!shared->has_ended && result == 0)
		result = pthread_cond_timedwait(&shared->ended, &shared->lock, &until);
	return shared->has_ended;
}

static void writer_close(struct transport *writer)
{
	struct shared *shared;
	bool has_ended = true;

	if (!writer)
		return;
	shared = writer->shared;
	if (writer->is_running) {
		(void)pthread_mutex_lock(&shared->lock);
		has_ended = wait_for_end(shared);
		shared->is_abandoned = !has_ended;
		(void)pthread_mutex_unlock(&shared->lock);
		(void)(has_ended ? pthread_join(writer->thread, NULL)
				 : pthread_detach(writer->thread));
	} else {
		shared->type->close(shared->next);
	}
	if (has_ended)
		shared_free(shared);
	free(writer);
}

const struct transport_type transport_writer = {
	.name = "file",
	.open = writer_open,
	.poll = writer_poll,
	.fault = writer_fault,
	.send = writer_send,
	.ready = writer_ready,
	.file = writer_file,
	.session = writer_session,
	.settle = writer_settle,
	.remote = writer_address,
	.local = writer_address,
	.close = writer_close,
};
