/* source_sampling.h - how the packets of one source were chosen: by the agent and by the rules that
 * log them.
 *
 * Place: beside decode, in the worker. Owned by the worker's thread. */
#ifndef SOURCE_SAMPLING_H
#define SOURCE_SAMPLING_H

#include "sampling.h"

#define SOURCE_SAMPLING_RATES     4
#define SOURCE_SAMPLING_TEXT_SIZE 128

struct source_sampling {
	struct sampling_choice choice;
	struct sampling sampling;
	struct samplers *samplers; /* shared */
	uint32_t rule_interval;    /* the last that was asked for, and */
	uint8_t number;            /* its number in samplers */
	/* Rates that prefixes have named: the first ones, and whether there were more. */
	uint32_t rule_rates[SOURCE_SAMPLING_RATES];
	bool has_more_rates;
};

/* 'samplers' is borrowed for life. What is known before the first packet has its number there when
 * this returns. */
void source_sampling_init(struct source_sampling *sampling, const struct sampling_choice *choice,
			  struct samplers *samplers, const struct sampling_secret *secret);

/* Whether packets must be asked about: something is configured. */
static inline bool source_sampling_is_on(const struct source_sampling *sampling)
{
	return sampling->choice.method || sampling->choice.rule_interval;
}

/* Number in samplers of a packet whose rule has named 'rule_interval' (0: nothing). What the agent
 * and the rule leave out multiplies; a declared interval stands for what a prefix says. */
uint8_t source_sampling_number(struct source_sampling *sampling, uint32_t rule_interval);

/* "all", "random:10", "rule:5", "random:10+s=5,s=20": what the configuration says, and what
 * prefixes have named. Returns 'text'. */
const char *source_sampling_format(const struct source_sampling *sampling,
				   char text[static SOURCE_SAMPLING_TEXT_SIZE]);

#endif
