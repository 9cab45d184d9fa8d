/* agentctl_history.c - a ring of numbers -> a row of bars.
 *
 * Place: agentctl_top_view -> here -> agentctl_top_screen.
 * Invariant: any value above zero is drawn higher than zero. */
#include "agentctl_history.h"

#define LEVELS 8

/* From the lowest to the highest. */
static const char *const blocks[LEVELS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const letters[LEVELS] = { "_", ".", ":", "-", "=", "+", "*", "#" };

void agentctl_history_add(struct agentctl_history *history, uint64_t value)
{
	history->values[history->next] = value;
	history->next = (history->next + 1) % AGENTCTL_HISTORY_VALUES;
	if (history->count < AGENTCTL_HISTORY_VALUES)
		history->count++;
}

/* The value that came 'age' values before the newest. */
static uint64_t value_at(const struct agentctl_history *history, size_t age)
{
	return history->values[(history->next + AGENTCTL_HISTORY_VALUES - 1 - age) %
			       AGENTCTL_HISTORY_VALUES];
}

static size_t level_of(uint64_t value, uint64_t highest)
{
	double level;

	if (value == 0)
		return 0;
	level = (double)value / (double)highest * (LEVELS - 1);
	return level < 1 ? 1 : (size_t)level;
}

void agentctl_history_draw(const struct agentctl_history *history, size_t width, bool is_utf8,
			   FILE *out)
{
	const size_t shown = history->count < width ? history->count : width;
	uint64_t highest = 0;

	for (size_t age = 0; age < shown; age++)
		if (value_at(history, age) > highest)
			highest = value_at(history, age);
	for (size_t i = shown; i < width; i++)
		(void)fputc(' ', out);
	for (size_t age = shown; age-- > 0;)
		(void)fputs((is_utf8 ? blocks : letters)[level_of(value_at(history, age), highest)],
			    out);
}

void agentctl_history_bar(uint64_t part, uint64_t whole, size_t width, bool is_utf8, FILE *out)
{
	const double share = whole ? (double)part / (double)whole : 0;
	const size_t filled = share >= 1 ? width : (size_t)(share * (double)width + 0.5);

	for (size_t i = 0; i < width; i++)
		(void)fputs(i < filled ? (is_utf8 ? "█" : "#") : (is_utf8 ? "░" : "."), out);
}
