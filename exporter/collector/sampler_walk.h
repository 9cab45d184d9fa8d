/* sampler_walk.h - what was announced to one collector of how packets were chosen, and what is next
 * to announce.
 *
 * Place: inside the collector. The rate of all records is announced before the first record, a
 * sampler before the first record that carries its number, and all of them again at each refresh.
 * As soon as there is a sampler, all records carry a number. */
#ifndef SAMPLER_WALK_H
#define SAMPLER_WALK_H

#include "encoder.h"

struct sampler_walk {
	bool is_on;          /* records carry the number of their sampler */
	bool has_rate;       /* 'rate' is known: there are samplers, or records */
	bool is_rate_due;    /* must be announced */
	struct sampler rate; /* of all records so far; { SAMPLING_none, 1 } where they differ */
	int last;            /* number in the last record, -1: none yet */
	uint8_t known;       /* numbers 0 to this are announced, except those from 'next' on */
	uint16_t next;
};

/* Samplers that are in the terms are known from the start. */
void sampler_walk_init(struct sampler_walk *walk, const struct sampling_terms *terms);

/* A record with another number than the last one, 'walk->last', comes. Returns whether something
 * must be announced before it. */
bool sampler_walk_meet(struct sampler_walk *walk, const struct sampling_terms *terms,
		       uint8_t number);

/* The terms are others: announce what they mean now. Records go on to carry a number, or not. */
void sampler_walk_change(struct sampler_walk *walk, const struct sampling_terms *terms);

/* Announce all again. */
void sampler_walk_repeat(struct sampler_walk *walk);

/* Whether there is something to announce. */
bool sampler_walk_is_due(const struct sampler_walk *walk);

/* Add what fits to a message. Returns whether all is announced. */
bool sampler_walk_add(struct sampler_walk *walk, const struct sampling_terms *terms,
		      const struct encoder_type *encoder, struct message *message);

#endif
