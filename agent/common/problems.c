/* problems.c - a small table, searched in full: it is asked only where something went wrong, or is
 * right again. */
#include "problems.h"

#include <stdio.h>
#include <string.h>

static void name(struct problem *problem, const char *kind, const char *object)
{
	(void)snprintf(problem->kind, sizeof(problem->kind), "%s", kind);
	(void)snprintf(problem->object, sizeof(problem->object), "%s", object);
}

/* Its position, or 'count' if it does not last. */
static size_t find(const struct problems *problems, const char *kind, const char *object)
{
	struct problem wanted;
	size_t position = 0;

	name(&wanted, kind, object);
	while (position < problems->count &&
	       (strcmp(problems->lasting[position].kind, wanted.kind) != 0 ||
		strcmp(problems->lasting[position].object, wanted.object) != 0))
		position++;
	return position;
}

static void take_out(struct problems *problems, size_t position)
{
	struct problem *problem = &problems->lasting[position];

	problems->count--;
	memmove(problem, problem + 1, (problems->count - position) * sizeof(*problem));
}

void problems_happened(struct problems *problems, const char *text, int64_t now_ms)
{
	problems->last = (struct problem){ .since_ms = now_ms, .over_ms = now_ms };
	(void)snprintf(problems->last.text, sizeof(problems->last.text), "%s", text);
}

void problems_began(struct problems *problems, const char *kind, const char *object,
		    const char *text, int64_t now_ms)
{
	const size_t position = find(problems, kind, object);
	struct problem *problem = &problems->lasting[position];

	if (position == problems->count) {
		if (problems->count == PROBLEMS_MAX)
			take_out(problems, 0);
		problem = &problems->lasting[problems->count++];
		*problem = (struct problem){ .since_ms = now_ms };
		name(problem, kind, object);
	}
	(void)snprintf(problem->text, sizeof(problem->text), "%s", text);
}

void problems_ended(struct problems *problems, const char *kind, const char *object, int64_t now_ms)
{
	const size_t position = find(problems, kind, object);

	if (position == problems->count)
		return;
	problems->last = problems->lasting[position];
	problems->last.over_ms = now_ms;
	take_out(problems, position);
}
