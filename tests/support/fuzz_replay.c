/* fuzz_replay.c - runs a fuzz target over the files of its corpus, each in a block of exactly its size. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0;
	int c;

	if (!file) {
		perror(path);
		return 1;
	}
	while ((c = getc(file)) != EOF)
		size++;
	rewind(file);
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size) {
		perror(path);
		free(data);
		(void)fclose(file);
		return 1;
	}
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	int failed = 0;
	int count = 0;
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;

	if (!directory) {
		fprintf(stderr, "usage: replay_fuzz_NAME DIRECTORY\n");
		return 1;
	}
	while ((entry = readdir(directory))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		failed |= replay(path);
		count++;
	}
	(void)closedir(directory);
	printf("%d inputs replayed\n", count);
	return failed || !count;
}
