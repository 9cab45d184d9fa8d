/* config_pairs.c - keys after a comma, one by one. */
#include "config_pairs.h"

#include "config_guess.h"

#include <errno.h>
#include <string.h>

/* Cut the first KEY=VALUE off at its comma. Returns it, NULL at the end, with the quotes of its
 * value taken out; '*error_at' is where a quote has no other, or text follows it. */
static char *pair_next(char **keys, const char **error_at)
{
	char *pair = *keys;
	char *value = pair ? strchr(pair, '=') : NULL;
	char *comma = pair ? strchr(pair, ',') : NULL;
	char *quote;

	if (!value || value[1] != '"' || (comma && comma < value))
		return strsep(keys, ",");
	quote = strchr(value + 2, '"');
	if (!quote || (quote[1] && quote[1] != ',')) {
		*error_at = value + 1;
		return NULL;
	}
	*keys = quote[1] ? quote + 2 : NULL;
	*quote = '\0';
	(void)memmove(value + 1, value + 2, (size_t)(quote - value - 1));
	return pair;
}

/* Cut a pair in two and find its key, which no pair before it has had. Returns the number of the
 * key, or -EINVAL with 'error' filled. */
static int pair_key(char *pair, char **value, enum config_section section,
		    bool seen[static CONFIG_KEY_COUNT], struct error_text *error)
{
	char guess[CONFIG_GUESS_SIZE];
	int key;

	*value = strchr(pair, '=');
	if (!*value || !(*value)[1]) {
		error_text_set(error, "expected KEY=VALUE after the comma, not \"%.60s\"", pair);
		return -EINVAL;
	}
	*(*value)++ = '\0';
	key = config_key_find(section, pair, true, guess);
	if (key < 0) {
		error_text_set(error, "unknown key \"%.60s\"%s", pair, guess);
		return -EINVAL;
	}
	if (seen[key]) {
		error_text_set(error, "%s: given twice", config_keys[key].inline_name);
		return -EINVAL;
	}
	seen[key] = true;
	return key;
}

int config_pairs_set(char *keys, enum config_section section,
		     int (*set)(void *object, enum config_key_id key, const char *value,
				struct error_text *error),
		     void *object, struct error_text *error)
{
	bool seen[CONFIG_KEY_COUNT] = { false };
	const char *unbalanced = NULL;
	char *pair;

	while ((pair = pair_next(&keys, &unbalanced))) {
		char *value;
		int result = pair_key(pair, &value, section, seen, error);

		if (result < 0)
			return result;
		result = set(object, (enum config_key_id)result, value, error);
		if (result < 0)
			return result;
	}
	if (!unbalanced)
		return 0;
	error_text_set(error, "expected a quote at the end of the value %.60s", unbalanced);
	return -EINVAL;
}
