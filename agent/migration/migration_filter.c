/* migration_filter.c - the plain filters of libpcap in the words of flow filters: one
 * after the other with "and", each with or without "not".
 *
 * Place: a part of migration.h, for probes that take a filter of libpcap. */
#include "migration.h"

#include <string.h>

/* Words of libpcap without a value. */
static const struct {
	const char *word, *here;
} plain[] = {
	{ "ip", "v=4" },        { "ip6", "v=6" },         { "tcp", "proto=tcp" },
	{ "udp", "proto=udp" }, { "icmp", "proto=icmp" }, { "icmp6", "proto=icmp6" },
};

/* Words with a value, and what they are alone, with src, with dst. */
static const struct {
	const char *word, *here[3];
} valued[] = {
	{ "host", { "host", "src", "dst" } },
	{ "net", { "net", "src", "dst" } },
	{ "port", { "port", "sport", "dport" } },
	{ "proto", { "proto", NULL, NULL } },
};

/* libpcap also writes && and !, without blanks. */
static char *with_words(struct migration *migration, const char *filter)
{
	char *text = migration_print(migration, "%*s", (int)(6 * strlen(filter)), "");
	char *to = text;

	if (migration->is_out_of_memory)
		return text;
	for (; *filter; filter++) {
		if (filter[0] == '&' && filter[1] == '&') {
			to = stpcpy(to, " and ");
			filter++;
		} else if (*filter == '!') {
			to = stpcpy(to, " not ");
		} else {
			*to++ = *filter;
		}
	}
	*to = '\0';
	return text;
}

/* One term from words[*at] on; NULL if there is no such form. '*at' is moved past it. */
static const char *term(struct migration *migration, const struct migration_words *words,
			size_t *at)
{
	const char *sign = "";
	int end = 0;
	const char *word;

	if (*at < words->count && strcmp(words->words[*at], "not") == 0) {
		sign = "!";
		++*at;
	}
	if (*at == words->count)
		return NULL;
	word = words->words[*at];
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(plain[i].word, word) == 0) {
			++*at;
			return migration_print(migration, "%s%s", sign, plain[i].here);
		}
	}
	end = strcmp(word, "src") == 0 ? 1 : strcmp(word, "dst") == 0 ? 2 : 0;
	*at += end > 0;
	for (size_t i = 0; *at + 1 < words->count && i < sizeof(valued) / sizeof(valued[0]); i++) {
		if (strcmp(valued[i].word, words->words[*at]) != 0 || !valued[i].here[end])
			continue;
		*at += 2;
		return migration_print(migration, "%s%s=%s", sign, valued[i].here[end],
				       words->words[*at - 1]);
	}
	return NULL;
}

const char *migration_filter(struct migration *migration, const char *filter)
{
	struct migration_words words = { .count = 0 };
	const char *result = "";
	size_t at = 0;

	migration_words_split(migration, &words, with_words(migration, filter));
	while (at < words.count) {
		const char *one = term(migration, &words, &at);

		if (!one || (at < words.count && strcmp(words.words[at], "and") != 0))
			return NULL;
		if (at < words.count && ++at == words.count)
			return NULL;
		result = migration_print(migration, "%s%s%s", result, *result ? " " : "", one);
	}
	return *result ? result : NULL;
}
