/* sampler_walk.c - goes through the numbers of samplers, from 0 to the highest that a record had.
 *
 * Place: collector -> here -> encoder. Number 0, every packet, is announced as well: pmacct 1.7.7
 * takes a record whose number was not announced for one of the last sampler. SAMPLER_UNKNOWN is
 * never announced: nobody knows what its records stand for.
 *
 * Beside the samplers there is one rate for all records (fields 34 and 35), the only form that many
 * collectors understand. It is always announced, also where every packet counts: akvorado drops the
 * flows of an exporter that announces no rate. It goes before the samplers: in IPFIX some
 * collectors take samplingPacketInterval (305) for the rate unless they have this one. Where rates
 * differ it is 1: those collectors then show what was counted, and no multiple of it. */
#include "sampler_walk.h"

static const struct sampler every_packet = { SAMPLING_none, 1 };

static void take_rate(struct sampler_walk *walk, struct sampler sampler)
{
	const struct sampler before = walk->rate;

	if (!sampler.interval) /* SAMPLER_UNKNOWN */
		sampler = every_packet;
	if (!walk->has_rate)
		walk->rate = sampler;
	else if (walk->rate.interval != sampler.interval)
		walk->rate = every_packet;
	walk->is_rate_due |= walk->rate.interval != before.interval;
	walk->has_rate = true;
}

static void switch_on(struct sampler_walk *walk)
{
	walk->is_on = true;
	walk->next = 0;
	walk->is_rate_due = true;
}

void sampler_walk_init(struct sampler_walk *walk, const struct sampling_terms *terms)
{
	const uint8_t count = terms->samplers ? samplers_count(terms->samplers) : 0;

	*walk = (struct sampler_walk){ .last = -1,
				       .rate = every_packet,
				       .is_rate_due = true,
				       .known = count,
				       .next = (uint16_t)(count + 1) };
	for (uint8_t number = 1; number <= count; number++)
		take_rate(walk, sampling_terms_look(terms, number));
	if (!count && terms->flows > 1)
		take_rate(walk, sampling_terms_look(terms, SAMPLER_NONE));
	if (walk->has_rate)
		switch_on(walk);
}

void sampler_walk_change(struct sampler_walk *walk, const struct sampling_terms *terms)
{
	const bool was_on = walk->is_on;

	sampler_walk_init(walk, terms);
	if (was_on)
		switch_on(walk);
}

bool sampler_walk_meet(struct sampler_walk *walk, const struct sampling_terms *terms,
		       uint8_t number)
{
	/* The start announced what may come. From now on what comes counts. */
	if (walk->last < 0)
		walk->has_rate = false;
	walk->last = number;
	take_rate(walk, sampling_terms_look(terms, number));
	if (number != SAMPLER_UNKNOWN && number > walk->known) {
		if (walk->next > walk->known)
			walk->next = (uint16_t)(walk->known + 1);
		walk->known = number;
		walk->is_rate_due = true;
	}
	if (number != SAMPLER_NONE && !walk->is_on)
		switch_on(walk);
	return sampler_walk_is_due(walk);
}

void sampler_walk_repeat(struct sampler_walk *walk)
{
	walk->next = 0;
	walk->is_rate_due = true;
}

bool sampler_walk_is_due(const struct sampler_walk *walk)
{
	return walk->is_rate_due || (walk->is_on && walk->next <= walk->known);
}

bool sampler_walk_add(struct sampler_walk *walk, const struct sampling_terms *terms,
		      const struct encoder_type *encoder, struct message *message)
{
	if (walk->is_rate_due && encoder->add_rate && encoder->add_rate(message, walk->rate))
		return false;
	walk->is_rate_due = false;
	for (; walk->is_on && walk->next <= walk->known; walk->next++) {
		const uint8_t number = (uint8_t)walk->next;
		const struct sampler sampler = sampling_terms_look(terms, number);

		if (sampler.interval && encoder->add_sampler &&
		    encoder->add_sampler(message, number, sampler))
			return false;
	}
	return true;
}
