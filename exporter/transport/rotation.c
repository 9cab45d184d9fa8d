/* rotation.c - when the next file begins.
 *
 * Place: collector -> rotation. By size, a file ends while two of the largest messages fit: the
 * statistics at its end and one more. What is announced again at the front of each file, the
 * templates, is taken for as large as one message can be. */
#include "rotation.h"

/* Number of the interval that holds a time; rounds down before 1970, too. */
static int64_t interval_of(const struct rotation *rotation, unix_ms time)
{
	const int64_t interval_ms = rotation->settings.interval_ms;
	const int64_t number = time / interval_ms;

	return time % interval_ms < 0 ? number - 1 : number;
}

bool rotation_is_due(const struct rotation *rotation, unix_ms now)
{
	const struct rotation_settings *settings = &rotation->settings;

	if (rotation->bytes == 0)
		return false;
	if (settings->size && rotation->bytes + 2 * rotation->message_size > settings->size)
		return true;
	/* A clock that was set back begins no file. */
	return settings->interval_ms && interval_of(rotation, now) > rotation->interval;
}

void rotation_begin(struct rotation *rotation)
{
	rotation->number++;
	rotation->bytes = 0;
}

void rotation_add(struct rotation *rotation, size_t size, unix_ms now)
{
	if (rotation->bytes == 0) {
		rotation->bytes = rotation->message_size;
		if (rotation->settings.interval_ms)
			rotation->interval = interval_of(rotation, now);
	}
	rotation->bytes += size;
}

int64_t rotation_wait_ms(const struct rotation *rotation, unix_ms now)
{
	int64_t wait_ms;

	if (!rotation->settings.interval_ms || rotation->bytes == 0)
		return -1;
	wait_ms = (rotation->interval + 1) * rotation->settings.interval_ms - now;
	return wait_ms > 0 ? wait_ms : 0;
}
