/* sequence_file.c - keeps sequence numbers over a restart. */
#include "sequence_file.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Path of the file in 'path'. Returns false if nothing is to be kept. One file per source id:
 * instances do not mix. */
static bool file_path(uint32_t source_id, char *path, size_t size)
{
	const char *directory = getenv("STATE_DIRECTORY");

	if (!directory || !directory[0])
		return false;
	return snprintf(path, size, "%.*s/sequence-%" PRIu32, (int)strcspn(directory, ":"),
			directory, source_id) < (int)size;
}

void sequence_file_restore(struct exporter *exporter, uint32_t source_id)
{
	char path[4096];
	char line[512];
	FILE *file;

	if (!file_path(source_id, path, sizeof(path)))
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		char *name;
		unsigned long sequence = strtoul(line, &name, 10);

		name += strspn(name, " ");
		name[strcspn(name, "\n")] = '\0';
		for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
			struct collector_status status;

			exporter_collector_status(exporter, i, &status);
			if (strcmp(status.name, name) == 0)
				exporter_set_sequence(exporter, i, (uint32_t)sequence);
		}
	}
	(void)fclose(file);
	(void)unlink(path);
}

void sequence_file_save(const struct exporter *exporter, uint32_t source_id)
{
	char path[4096];
	FILE *file;
	bool has_failed;

	if (!file_path(source_id, path, sizeof(path)))
		return;
	file = fopen(path, "we");
	if (!file) {
		log_warning("%s: cannot keep sequence numbers: %s", path, strerror(errno));
		return;
	}
	for (size_t i = 0; i < exporter_collector_count(exporter); i++) {
		struct collector_status status;

		exporter_collector_status(exporter, i, &status);
		(void)fprintf(file, "%" PRIu32 " %s\n", status.sequence, status.name);
	}
	has_failed = ferror(file) != 0;
	if (fclose(file) != 0 || has_failed)
		log_warning("%s: cannot keep sequence numbers: %s", path, strerror(errno));
}
