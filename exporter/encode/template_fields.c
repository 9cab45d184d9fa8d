/* template_fields.c - reads a list of fields, and says what is wrong with it.
 *
 * Place: configuration -> template_fields -> template. Invariant: a row is added, removed, or
 * neither; what comes later in the list wins. */
#include "template_fields.h"

#include "flow_names.h"
#include "template_rows.h"
#include "word_distance.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS     " \t,"
#define SEPARATORS BLANKS "+-"
#define WORD_SIZE  48 /* no field has a longer name */

/* One word of the list. */
struct word {
	char text[WORD_SIZE];
	char sign; /* '+', '-', or 0 for a blank */
};

/* Take the next word. Returns 1, 0 at the end, or -EINVAL with 'error' filled. */
static int word_next(const char **list, struct word *word, struct error_text *error)
{
	size_t length;

	word->sign = 0;
	for (; **list && strchr(SEPARATORS, **list); (*list)++) {
		if (strchr(BLANKS, **list))
			continue;
		if (word->sign) {
			error_text_set(error, "expected a field between \"%c\" and \"%c\"",
				       word->sign, **list);
			return -EINVAL;
		}
		word->sign = **list;
	}
	length = strcspn(*list, SEPARATORS);
	if (length == 0 && !word->sign)
		return 0;
	if (length == 0) {
		error_text_set(error, "expected a field after \"%c\"", word->sign);
		return -EINVAL;
	}
	if (length >= sizeof(word->text)) {
		error_text_set(error, "unknown field \"%.*s...\"", WORD_SIZE - 8, *list);
		return -EINVAL;
	}
	memcpy(word->text, *list, length);
	word->text[length] = '\0';
	*list += length;
	return 1;
}

/* Whether a name has all letters of a word in their order, as sourceTransportPort those of
 * srcPort. */
static bool is_shortened(const char *word, const char *name)
{
	for (; *name && *word; name++)
		word += tolower((unsigned char)*word) == tolower((unsigned char)*name);
	return !*word;
}

/* The name that is most like a wrong one; NULL if none is near. */
static const char *nearest_name(const char *word)
{
	const size_t length = strlen(word);
	struct word_nearest nearest = word_distance_begin(word, length);

	for (size_t i = 0; i < 2 * template_row_count(); i++) {
		const char *name = template_row_field(i / 2, i % 2 ? 6 : 4)->name;

		if (length >= 4 && is_shortened(word, name))
			word_distance_offer_alike(&nearest, name);
		else
			word_distance_offer(&nearest, name);
	}
	return nearest.best;
}

/* Whether a word is the number of a field, or a name of it: the IANA's, or one that agentctl
 * takes. */
static bool is_word_for(const char *word, const struct export_field *field)
{
	char *end;

	if (isdigit((unsigned char)*word))
		return strtoul(word, &end, 10) == field->id && !*end;
	return flow_names_equal(word, strlen(word), field->name);
}

/* Returns the row, or -EINVAL with 'error' filled. */
static int row_find(const char *word, struct error_text *error)
{
	const char *guess;

	for (size_t row = 0; row < template_row_count(); row++)
		if (is_word_for(word, template_row_field(row, 4)) ||
		    is_word_for(word, template_row_field(row, 6)))
			return (int)row;
	guess = nearest_name(word);
	if (guess)
		error_text_set(error, "unknown field \"%s\" (did you mean \"%s\"?)", word, guess);
	else
		error_text_set(error,
			       "unknown field \"%s\", expected the IANA name or number of one that "
			       "flowagent.conf(5) lists",
			       word);
	return -EINVAL;
}

/* The first word says what the list begins with. Returns whether it is no field itself. */
static bool base_set(struct template_fields *fields, const struct word *word)
{
	fields->base = word->sign ? TEMPLATE_BASE_default : TEMPLATE_BASE_none;
	if (word->sign)
		return false;
	if (strcasecmp(word->text, "default") == 0)
		fields->base = TEMPLATE_BASE_default;
	else if (strcasecmp(word->text, "all") == 0)
		fields->base = TEMPLATE_BASE_all;
	else
		return false;
	return true;
}

int template_fields_parse(const char *text, struct template_fields *fields,
			  struct error_text *error)
{
	struct template_fields result = { .base = TEMPLATE_BASE_none };
	bool is_first = true;
	struct word word;
	int found;

	for (; (found = word_next(&text, &word, error)) > 0; is_first = false) {
		int row;

		if (is_first && base_set(&result, &word))
			continue;
		row = row_find(word.text, error);
		if (row < 0)
			return row;
		result.added &= ~(UINT64_C(1) << row);
		result.removed &= ~(UINT64_C(1) << row);
		*(word.sign == '-' ? &result.removed : &result.added) |= UINT64_C(1) << row;
	}
	if (found == 0 && is_first) {
		error_text_set(error, "expected names of fields");
		found = -EINVAL;
	}
	if (found == 0)
		*fields = result;
	return found;
}

bool template_fields_have_translation(const struct template_fields *fields)
{
	for (size_t row = 0; row < template_row_count(); row++)
		if (template_row_at(row)->part == PART_translation && fields->added >> row & 1)
			return true;
	return false;
}

/* pmacct takes a record without octets for an event and counts nothing, others count a flow of no
 * packets. */
static int counters_check(const struct template_fields *fields, struct error_text *error)
{
	static const uint16_t counters[] = { IE_octetDeltaCount, IE_packetDeltaCount };

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const struct export_field *field = export_field_find(counters[i]);
		const uint64_t row = UINT64_C(1) << row_find(field->name, error);

		if (fields->added & row ||
		    (fields->base != TEMPLATE_BASE_none && !(fields->removed & row)))
			continue;
		error_text_set(error, "%s is missing: collectors would not count these flows",
			       field->name);
		return -EINVAL;
	}
	return 0;
}

int template_fields_check(const struct template_fields *fields, enum export_protocol protocol,
			  const struct flow_key_choice *key, struct error_text *error)
{
	for (size_t row = 0; row < template_row_count(); row++) {
		const struct export_field *field = template_row_field(row, 4);

		if (!(fields->added & UINT64_C(1) << row))
			continue;
		if (!(field->protocols & protocol)) {
			error_text_set(error, "%s is no field of %s", field->name,
				       protocol == EXPORT_V9 ? "NetFlow v9" : "IPFIX");
			return -EINVAL;
		}
		if (!template_row_is_in_key(row, key)) {
			error_text_set(error, "%s is of a part that the flow key leaves out",
				       field->name);
			error_text_hint(error, "see the option flow-key in flowagent(8)");
			return -EINVAL;
		}
	}
	return counters_check(fields, error);
}
