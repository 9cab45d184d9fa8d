/* fuzz_migrate.c - the settings of other probes: files, and the same bytes as a command line. The
 * first byte says whose they are. */
#include "agentctl_migrate.h"
#include "migration_fprobe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void migrate_peer(struct migration *migration, const char *const *words, size_t count,
			  char *text);

static const struct {
	const char *name;
	migrate_peer *migrate;
} peers[] = {
	{ "fprobe-ulog", migration_fprobe },    { "fprobe", migration_fprobe },
	{ "softflowd", migrate_softflowd },     { "pmacctd", migrate_nfprobe },
	{ "uacctd", migrate_nfprobe },          { "rules", migrate_rules },
	{ "ipt_NETFLOW", migrate_ipt_netflow },
};

static void run(size_t peer, FILE *null, const char *bytes, size_t size, bool is_file)
{
	struct migration migration = { .peer = peers[peer].name, .out = null };
	struct migration_words words = { .count = 0 };
	char *text = strndup(bytes, size);

	if (!text)
		return;
	if (!is_file)
		migration_words_split(&migration, &words, text);
	peers[peer].migrate(&migration, words.words, words.count, is_file ? text : NULL);
	migration_end(&migration);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	const char *bytes = (const char *)data;

	if (!null)
		null = fopen("/dev/null", "w");
	if (!null || size == 0)
		return 0;
	run(data[0] % (sizeof(peers) / sizeof(peers[0])), null, bytes + 1, size - 1, true);
	run(data[0] % (sizeof(peers) / sizeof(peers[0])), null, bytes + 1, size - 1, false);
	return 0;
}
