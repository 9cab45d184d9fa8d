/* listen_templates.c - the templates of one stream, found by walking them: exporters have a dozen.
 */
#include "listen_templates.h"

#include <stdlib.h>
#include <string.h>

#define TEMPLATES_MAX 1024

static struct listen_template *find(const struct listen_templates *templates, uint16_t id)
{
	for (size_t i = 0; i < templates->count; i++)
		if (templates->rows[i].id == id)
			return &templates->rows[i];
	return NULL;
}

const struct listen_template *listen_templates_find(const struct listen_templates *templates,
						    uint16_t id)
{
	const struct listen_template *found = find(templates, id);

	return found && found->field_count > 0 ? found : NULL;
}

static bool is_same(const struct listen_template *one, const struct listen_template *other)
{
	if (one->field_count != other->field_count || one->scope_count != other->scope_count ||
	    one->is_options != other->is_options)
		return false;
	for (size_t i = 0; i < one->field_count; i++)
		if (one->fields[i].enterprise != other->fields[i].enterprise ||
		    one->fields[i].element != other->fields[i].element ||
		    one->fields[i].size != other->fields[i].size)
			return false;
	return true;
}

/* A row for a new number. NULL if there is no room. */
static struct listen_template *append(struct listen_templates *templates, uint16_t id)
{
	struct listen_template *grown;

	if (templates->count == TEMPLATES_MAX)
		return NULL;
	grown = reallocarray(templates->rows, templates->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	templates->rows = grown;
	grown[templates->count] = (struct listen_template){ .id = id };
	return &grown[templates->count++];
}

enum listen_learned listen_templates_learn(struct listen_templates *templates,
					   const struct listen_template *template)
{
	struct listen_template *row = find(templates, template->id);
	const bool is_new = !row || row->field_count == 0;
	const size_t others = templates->field_count - (row ? row->field_count : 0);
	struct listen_specifier *copy;

	if (row && is_same(row, template))
		return LISTEN_LEARNED_same;
	if (others + template->field_count > LISTEN_TEMPLATE_FIELDS)
		return LISTEN_LEARNED_refused;
	copy = calloc(template->field_count, sizeof(*copy));
	if (copy && !row)
		row = append(templates, template->id);
	if (!copy || !row) {
		free(copy);
		return LISTEN_LEARNED_refused;
	}
	memcpy(copy, template->fields, template->field_count * sizeof(*copy));
	free(row->fields);
	*row = *template;
	row->fields = copy;
	templates->field_count = others + template->field_count;
	return is_new ? LISTEN_LEARNED_new : LISTEN_LEARNED_changed;
}

void listen_templates_withdraw(struct listen_templates *templates, uint16_t id, bool is_options)
{
	for (size_t i = 0; i < templates->count; i++) {
		struct listen_template *row = &templates->rows[i];

		if (id ? row->id != id : row->is_options != is_options)
			continue;
		templates->field_count -= row->field_count;
		row->field_count = 0;
		free(row->fields);
		row->fields = NULL;
	}
}

void listen_templates_clear(struct listen_templates *templates)
{
	for (size_t i = 0; i < templates->count; i++)
		free(templates->rows[i].fields);
	free(templates->rows);
	*templates = (struct listen_templates){ .rows = NULL };
}
