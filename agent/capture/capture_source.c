/* capture_source.c - waits for a source that is away.
 *
 * Place: capture_<name>.c -> here -> worker. Invariant: either the capture is open, or 'reason'
 * says why not; then the watch was opened before the last attempt, so no change goes unseen. */
#include "capture_source.h"

#include "capture_watch.h"
#include "log.h"
#include "rights.h"
#include "time_now.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { RETRY_MS = 1000 };

static bool waits(const struct capture_source *source)
{
	return source->type->is_live && source->config->wait != SOURCE_SWITCH_off;
}

/* Whether the source may be there later, as the error of its first opening says. */
static bool is_away(int result)
{
	return result == -ENODEV || result == -ENETDOWN || result == -EBUSY;
}

static void begin_watch(struct capture_source *source)
{
	if (source->type->is_of_link && source->watch < 0)
		source->watch = capture_watch_open(); /* without it, once a second must do */
}

static void end_watch(struct capture_source *source)
{
	if (source->watch >= 0)
		(void)close(source->watch);
	source->watch = -1;
}

static void say_away(const struct capture_source *source)
{
	const struct error_text *reason = &source->reason;
	const bool has_hint = reason->hint[0];

	log_problem(LOG_LEVEL_warning, "away", "source-away", source->config->name,
		    "%s%s%s%s; waiting for it", reason->text, has_hint ? " (" : "", reason->hint,
		    has_hint ? ")" : "");
}

static int try_open(struct capture_source *source, struct error_text *error)
{
	struct rights_section before;
	int result;

	source->retry_ms = time_now_ms(CLOCK_MONOTONIC_COARSE) + RETRY_MS;
	before = rights_raise();
	result = source->type->open(source->config, &source->capture, error);
	rights_restore(before);
	if (!result && source->is_noted)
		source->type->use_memory(source->capture, true, source->memory);
	return result;
}

/* Continue with what an earlier agent has left. Returns whether that works. */
static bool try_adopt(struct capture_source *source, const struct capture_kept *kept)
{
	const char *name = source->config->name;
	struct error_text error = { .text = "" };

	if (source->type->adopt(source->config, kept, &source->capture, &error) == 0) {
		source->is_continued = true;
		log_event(LOG_LEVEL_info, "source-continued", name,
			  "%s: continued: packets that came between the two agents wait in its "
			  "queue%s",
			  name,
			  kept->has_sequence
				  ? ""
				  : "; how many were lost with the last one is not known");
		return true;
	}
	log_warning("%s; it is opened anew: packets that came since the last agent are lost",
		    error.text);
	return false;
}

/* Packets that wait in what could not be continued are lost, and counted. */
static void count_left(struct capture_source *source, const struct capture_kept *kept)
{
	source->has_left = true;
	source->type->left(source->capture, kept, &source->left);
	source->before.packets_lost = source->before.packets_seen = source->left.packets_lost;
}

static int open_or_wait(struct capture_source *source, struct error_text *error)
{
	int result = try_open(source, error);

	if (!is_away(result) || !waits(source))
		return result;
	begin_watch(source);
	/* It may have come before the watch began. */
	result = try_open(source, error);
	if (!is_away(result)) {
		end_watch(source);
		return result;
	}
	source->has_begun_away = true;
	source->reason = *error;
	*error = (struct error_text){ .text = "" };
	say_away(source);
	return 0;
}

int capture_source_open(struct capture_source *source, const struct source_config *config,
			const struct capture_kept *kept, struct error_text *error)
{
	struct capture_kept copy;
	int result;

	*source = (struct capture_source){
		.config = config,
		.type = config->type,
		.watch = -1,
	};
	if (kept) {
		source->counted = kept->counted;
		source->more = kept->more;
	}
	if (!kept || kept->descriptor < 0)
		return open_or_wait(source, error);
	copy = *kept;
	copy.descriptor = config->type->left ? fcntl(kept->descriptor, F_DUPFD_CLOEXEC, 0) : -1;
	result = try_adopt(source, kept) ? 0 : open_or_wait(source, error);
	if (copy.descriptor >= 0) {
		if (!result && !source->is_continued)
			count_left(source, &copy);
		(void)close(copy.descriptor);
	}
	return result;
}

void capture_source_close(struct capture_source *source)
{
	if (!source->type)
		return;
	if (source->capture)
		source->type->close(source->capture);
	source->capture = NULL;
	end_watch(source);
}

static void add_statistics(struct capture_statistics *sum, const struct capture_statistics *added)
{
	sum->packets_lost += added->packets_lost;
	sum->overruns += added->overruns;
	sum->messages += added->messages;
	sum->messages_truncated += added->messages_truncated;
	sum->messages_malformed += added->messages_malformed;
	sum->packets_truncated += added->packets_truncated;
	sum->packets_unstamped += added->packets_unstamped;
	sum->packets_seen += added->packets_seen;
	sum->packets_foreign += added->packets_foreign;
	sum->packets_counted += added->packets_counted;
	sum->is_loss_unknown = added->is_loss_unknown;
	sum->receive_buffer_bytes = added->receive_buffer_bytes;
	sum->receive_buffer_wanted = added->receive_buffer_wanted;
}

/* It has gone, or failed: close it, keep what it has counted, and wait. */
static void begin_wait(struct capture_source *source, const struct error_text *error)
{
	struct capture_statistics statistics;

	if (source->leaving)
		source->leaving(source->leaving_context);
	source->type->statistics(source->capture, &statistics);
	add_statistics(&source->before, &statistics);
	source->type->close(source->capture);
	source->capture = NULL;
	atomic_fetch_add(&source->changes, 1);
	source->reason = *error;
	source->retry_ms = 0; /* it may be back already */
	begin_watch(source);
	say_away(source);
}

/* Whether it is there again. */
static bool come_back(struct capture_source *source)
{
	struct error_text error = { .text = "" };

	if (!capture_watch_has_news(source->watch) &&
	    time_now_ms(CLOCK_MONOTONIC_COARSE) < source->retry_ms)
		return false;
	if (try_open(source, &error)) {
		source->reason = error;
		return false;
	}
	end_watch(source);
	atomic_fetch_add(&source->changes, 1);
	source->reason = (struct error_text){ .text = "" };
	log_problem_over("away", source->config->name);
	log_event(LOG_LEVEL_notice, "source-back", source->config->name, "%s: there; reading it",
		  source->config->name);
	return true;
}

int capture_source_read(struct capture_source *source, struct packet_view *views, size_t capacity,
			struct error_text *error)
{
	int result;

	if (!source->capture) {
		if (source->is_stopped)
			return -ENODATA;
		if (!come_back(source))
			return 0;
	}
	result = source->type->read(source->capture, views, capacity, error);
	if (result >= 0 || result == -ENODATA || !waits(source))
		return result;
	if (source->is_stopped)
		return -ENODATA;
	begin_wait(source, error);
	return 0;
}

int capture_source_descriptor(const struct capture_source *source)
{
	return source->capture ? source->type->descriptor(source->capture) : source->watch;
}

bool capture_source_stop(struct capture_source *source)
{
	source->is_stopped = true;
	if (!source->capture || !source->type->stop)
		return false;
	source->type->stop(source->capture);
	return true;
}

bool capture_source_hold(struct capture_source *source)
{
	if (!source->capture || !source->type->hold)
		return capture_source_stop(source);
	source->is_stopped = source->is_held = true;
	source->type->hold(source->capture, true);
	return true;
}

bool capture_source_rest(struct capture_source *source, bool is_held)
{
	if (!source->capture || !source->type->hold)
		return false;
	source->is_held = is_held;
	source->type->hold(source->capture, is_held);
	return true;
}

void capture_source_begin(struct capture_source *source)
{
	if (source->capture && source->type->begin)
		source->type->begin(source->capture, source->is_continued);
}

void capture_source_leave(struct capture_source *source)
{
	if (source->is_continued)
		(void)capture_source_rest(source, true);
}

int capture_source_stored(const struct capture_source *source)
{
	const struct capture_type *type = source->type;

	return type->stored ? type->stored(source->capture) : type->descriptor(source->capture);
}

static void add_counts(struct capture_counts *sum, const struct capture_statistics *added)
{
	sum->seen += added->packets_seen;
	sum->foreign += added->packets_foreign;
}

void capture_source_continue(struct capture_source *source, uint64_t packets_lost)
{
	struct capture_kept now = { .descriptor = -1 };
	struct capture_counts before = source->counted;

	if (source->is_continued)
		source->type->keep(source->capture, &now);
	if (source->is_continued || source->has_left)
		before = source->more;
	if (source->has_left)
		add_counts(&before, &source->left);
	source->before.packets_lost += packets_lost;
	source->before.packets_seen = before.seen - now.more.seen;
	source->before.packets_foreign = before.foreign - now.more.foreign;
}

void capture_source_had_read(struct capture_source *source, uint64_t count)
{
	if (count > source->left.packets_lost)
		count = source->left.packets_lost;
	source->left.packets_lost -= count;
	source->before.packets_lost -= count;
}

void capture_source_lose(struct capture_source *source, uint64_t count)
{
	source->before.packets_lost += count;
}

bool capture_source_keep(struct capture_source *source, struct capture_kept *kept)
{
	const bool is_kept = source->is_held && source->capture;
	struct capture_statistics statistics;

	*kept = (struct capture_kept){ .descriptor = -1 };
	if (is_kept)
		source->type->keep(source->capture, kept);
	add_counts(&kept->more, &source->before);
	capture_source_statistics(source, &statistics);
	add_counts(&kept->counted, &statistics);
	return is_kept;
}

void capture_source_use_memory(struct capture_source *source, bool is_noted, void *memory)
{
	source->is_noted = is_noted;
	source->memory = memory;
	if (source->capture)
		source->type->use_memory(source->capture, is_noted, memory);
}

void capture_source_position(const struct capture_source *source, struct capture_position *position)
{
	*position = (struct capture_position){ .is_sequence_unknown = true };
	if (source->capture && source->is_noted)
		source->type->position(source->capture, position);
	add_counts(&position->counted, &source->before);
	add_counts(&position->more, &source->before);
}

bool capture_source_resume(struct capture_source *source, const struct capture_position *position)
{
	return source->capture && source->is_noted &&
	       source->type->resume(source->capture, position);
}

void capture_source_refresh(const struct capture_source *source)
{
	if (source->capture && source->type->refresh)
		source->type->refresh(source->capture);
}

void capture_source_statistics(struct capture_source *source, struct capture_statistics *statistics)
{
	struct capture_statistics now;

	*statistics = source->before;
	if (!source->capture)
		return;
	source->type->statistics(source->capture, &now);
	add_statistics(statistics, &now);
}
