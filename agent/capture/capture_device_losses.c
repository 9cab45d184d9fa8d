/* capture_device_losses.c - reads the counters, and compares each with what it was. */
#include "capture_device_losses.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[CAPTURE_DEVICE_COUNTERS] = { "rx_missed_errors", "rx_fifo_errors" };

static bool read_counter(const char *directory, const char *name, uint64_t *value)
{
	char path[128], text[32], *end = text;
	FILE *file;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		*value = strtoull(text, &end, 10);
	(void)fclose(file);
	return end != text;
}

uint64_t capture_device_losses_since(struct capture_device_losses *losses, const char *directory)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < CAPTURE_DEVICE_COUNTERS; i++) {
		const uint64_t before = losses->counters[i].value;
		uint64_t now = 0;

		if (!read_counter(directory, names[i], &now))
			continue;
		if (losses->counters[i].is_known && now > before)
			lost += now - before;
		losses->counters[i].value = now;
		losses->counters[i].is_known = true;
	}
	return lost;
}
