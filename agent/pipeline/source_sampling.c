/* source_sampling.c - puts together the agent's own rate and that of a rule.
 *
 * Place: worker -> here -> samplers. Rules are few and packets of one come in rows: the last answer
 * is remembered, so that the shared table is seldom touched. */
#include "source_sampling.h"

#include <inttypes.h>
#include <stdio.h>

/* A rate that a prefix has named: remember it for people. */
static void note_rule_rate(struct source_sampling *sampling, uint32_t interval)
{
	for (size_t i = 0; i < SOURCE_SAMPLING_RATES; i++) {
		if (sampling->rule_rates[i] == interval)
			return;
		if (sampling->rule_rates[i])
			continue;
		sampling->rule_rates[i] = interval;
		return;
	}
	sampling->has_more_rates = true;
}

void source_sampling_init(struct source_sampling *sampling, const struct sampling_choice *choice,
			  struct samplers *samplers, const struct sampling_secret *secret)
{
	*sampling = (struct source_sampling){ .choice = *choice, .samplers = samplers };
	sampling_init(&sampling->sampling, choice, secret);
	(void)source_sampling_number(sampling, 0);
}

uint8_t source_sampling_number(struct source_sampling *sampling, uint32_t rule_interval)
{
	const struct sampling_choice *choice = &sampling->choice;
	const uint8_t method = choice->method ? choice->method : SAMPLING_random;

	if (choice->rule_interval)
		rule_interval = choice->rule_interval;
	else if (rule_interval == 0)
		rule_interval = 1;
	if (rule_interval == sampling->rule_interval)
		return sampling->number;
	if (!choice->rule_interval && rule_interval > 1)
		note_rule_rate(sampling, rule_interval);
	sampling->rule_interval = rule_interval;
	sampling->number = samplers_number(sampling->samplers, (enum sampling_method)method,
					   (uint64_t)sampling->sampling.interval * rule_interval);
	return sampling->number;
}

const char *source_sampling_format(const struct source_sampling *sampling,
				   char text[static SOURCE_SAMPLING_TEXT_SIZE])
{
	const struct sampling_choice *choice = &sampling->choice;
	const uint32_t *rates = sampling->rule_rates;
	const size_t size = SOURCE_SAMPLING_TEXT_SIZE;
	size_t used = 0;

	if (choice->method)
		used += (size_t)snprintf(text, size, "%s:%" PRIu32,
					 sampling_method_name((enum sampling_method)choice->method),
					 choice->interval);
	if (choice->rule_interval)
		used += (size_t)snprintf(text + used, size - used, "%srule:%" PRIu32,
					 used ? "+" : "", choice->rule_interval);
	for (size_t i = 0; i < SOURCE_SAMPLING_RATES && rates[i]; i++)
		used += (size_t)snprintf(text + used, size - used, "%ss=%" PRIu32,
					 i ? "," : (used ? "+" : ""), rates[i]);
	if (sampling->has_more_rates)
		used += (size_t)snprintf(text + used, size - used, ",...");
	if (!used)
		(void)snprintf(text, size, "all");
	return text;
}
