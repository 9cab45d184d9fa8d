/* fuzz_mmdb.c - a MaxMind database as a file in memory, through libmaxminddb to the prefixes. */
#include "asn_mmdb.h"

#include "write_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* MMDB_open() of libmaxminddb 1.7.1 leaks what it has read of metadata that it then refuses. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
	struct asn_builder *builder = asn_builder_create();
	struct asn_mmdb_result result;
	struct error_text error = { .text = "" };
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	if (descriptor < 0 || write_all(descriptor, data, size) < 0)
		abort();
	if (asn_mmdb_is_it(path) && asn_mmdb_read(path, builder, &result, &error) < 0 &&
	    strncmp(error.text, path, strlen(path)) != 0)
		abort(); /* no error without the file's name */
	asn_builder_destroy(builder);
	(void)close(descriptor);
	return 0;
}
