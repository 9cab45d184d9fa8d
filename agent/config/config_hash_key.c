/* config_hash_key.c - a file, or the machine id -> 128 bits.
 *
 * Both go through SipHash, under two keys that only distinguish the halves: who knows the result of
 * a hash under the secret does not know the secret, and nobody learns the machine id. */
#include "config_hash_key.h"

#include "fault_text.h"
#include "text_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-id128.h>

#define FILE_SIZE_MIN 16
#define FILE_SIZE_MAX 4096

/* Of this use of the machine id; drawn once, no secret. */
#define APPLICATION SD_ID128_MAKE(5c, 0b, 7d, 1e, 93, f2, 4a, 68, a1, 36, c8, 2f, 70, 9e, 4d, b5)

/* 'bytes' are followed by zeros up to a multiple of 8. */
static struct hash_key key_of(const void *bytes, size_t size)
{
	const size_t padded = (size + 7) / 8 * 8;

	return (struct hash_key){
		.k0 = hash_words((struct hash_key){ .k0 = 1, .k1 = size }, bytes, padded),
		.k1 = hash_words((struct hash_key){ .k0 = 2, .k1 = size }, bytes, padded),
	};
}

static int load_file(const char *path, struct hash_key *key, struct error_text *error)
{
	uint8_t bytes[FILE_SIZE_MAX] = { 0 };
	size_t size;
	char *text = text_file_read(path, sizeof(bytes), &size, error);

	if (!text)
		return -EINVAL;
	/* An editor's last newline is not part of it. */
	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	if (size >= FILE_SIZE_MIN) {
		(void)memcpy(bytes, text, size);
		*key = key_of(bytes, size);
	} else {
		error_text_set(error,
			       "%.200s: expected a secret of at least %d bytes, and it has %zu",
			       path, FILE_SIZE_MIN, size);
		error_text_hint(error, "head -c 24 /dev/urandom | base64 >%.200s", path);
	}
	free(text);
	return size >= FILE_SIZE_MIN ? 0 : -EINVAL;
}

int config_hash_key_load(const struct config *config, struct hash_key *key,
			 struct error_text *error)
{
	sd_id128_t machine;

	*key = (struct hash_key){ .k0 = 1 };
	if (config->hash_key_file)
		return load_file(config->hash_key_file, key, error);
	if (!config->sources[0].type->is_live)
		return 0;
	/* A machine without an id has no secret that outlives a restart. */
	if (sd_id128_get_machine_app_specific(APPLICATION, &machine) < 0 &&
	    getrandom(&machine, sizeof(machine), 0) != (ssize_t)sizeof(machine)) {
		error_text_set(error, "no secret for hashes: %s", fault_text(errno));
		return -EIO;
	}
	*key = key_of(&machine, sizeof(machine));
	return 0;
}
