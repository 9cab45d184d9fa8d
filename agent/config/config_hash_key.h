/* config_hash_key.h - the secret of the hashes that share flows out and choose samples.
 *
 * Place: hash-key-file, machine id -> here -> pipeline.c. */
#ifndef CONFIG_HASH_KEY_H
#define CONFIG_HASH_KEY_H

#include "config.h"
#include "hash.h"

/* Of hash-key-file; without one, of the machine id where packets are live, so that it is the same
 * after a restart, and a fixed one where they come from a file, so that the file gives the same
 * everywhere. Returns 0, or a negative errno with 'error' filled. */
int config_hash_key_load(const struct config *config, struct hash_key *key,
			 struct error_text *error);

#endif
