/* control_process.c - CPU time, memory and descriptors of this process, as /proc/self has them. */
#include "control_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t milliseconds(struct timeval time)
{
	return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000;
}

static json_t *cpu_json(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return json_null();
	return json_integer(milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime));
}

/* The second number of statm: pages. */
static json_t *resident_json(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	int64_t pages = -1;

	if (!file)
		return json_null();
	if (fscanf(file, "%*s %" SCNd64, &pages) != 1)
		pages = -1;
	(void)fclose(file);
	return pages < 0 ? json_null() : json_integer(pages * sysconf(_SC_PAGESIZE));
}

/* Without ".", "..", and the one that reads them. */
static json_t *descriptors_json(void)
{
	DIR *directory = opendir("/proc/self/fd");
	json_int_t count = -3;

	if (!directory)
		return json_null();
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return json_integer(count);
}

json_t *control_process_json(void)
{
	return json_pack("{s:o, s:o, s:o}", "cpu_ms", cpu_json(), "resident_bytes",
			 resident_json(), "open_fds", descriptors_json());
}
