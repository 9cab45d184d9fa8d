/* listen_rates.c - options data about sampling -> intervals. */
#include "listen_rates.h"

#include <string.h>

enum {
	IE_samplingInterval = 34,
	IE_samplerId = 48,
	IE_samplerRandomInterval = 50,
	IE_selectorId = 302,
	IE_samplingPacketInterval = 305,
	IE_samplingPacketSpace = 306,
	IE_samplingProbability = 311,
	IE_hashOutputRangeMin = 329,
	IE_hashOutputRangeMax = 330,
	IE_hashSelectedRangeMin = 331,
	IE_hashSelectedRangeMax = 332,
};

#define NETFLOW5_INTERVAL 0x3fff /* without the two bits of the mode */

static bool number_of(const struct listen_record *record, uint16_t element, uint64_t *number)
{
	const struct listen_field *field = listen_field_find(record, element);

	if (field)
		*number = listen_field_number(field);
	return field != NULL;
}

/* The nearest whole number of a quotient that is 1 at least; 0 if there is none. */
static uint32_t rounded(double quotient)
{
	return quotient >= 0.5 && quotient < 4294967295.0 ? (uint32_t)(quotient + 0.5) : 0;
}

/* A float64, which may be sent as float32 (RFC 7011 section 6.2). */
static double real_of(const struct listen_field *field)
{
	const uint64_t bits = listen_field_number(field);
	double real = 0;

	if (field->size == sizeof(real)) {
		memcpy(&real, &bits, sizeof(real));
	} else if (field->size == sizeof(float)) {
		const uint32_t half = (uint32_t)bits;
		float single;

		memcpy(&single, &half, sizeof(single));
		real = (double)single;
	}
	return real;
}

/* The interval that the parameters of a selector mean; false if there are none. */
static bool selector_interval(const struct listen_record *record, uint32_t *interval)
{
	const struct listen_field *chance = listen_field_find(record, IE_samplingProbability);
	uint64_t taken, left, low, high, from, to;

	if (number_of(record, IE_samplingPacketInterval, &taken) &&
	    number_of(record, IE_samplingPacketSpace, &left)) {
		*interval = taken ? rounded(((double)taken + (double)left) / (double)taken) : 0;
		return true;
	}
	if (chance) {
		*interval = real_of(chance) > 0 ? rounded(1 / real_of(chance)) : 0;
		return true;
	}
	if (number_of(record, IE_hashOutputRangeMin, &low) &&
	    number_of(record, IE_hashOutputRangeMax, &high) &&
	    number_of(record, IE_hashSelectedRangeMin, &from) &&
	    number_of(record, IE_hashSelectedRangeMax, &to) && high >= low && to >= from) {
		*interval = rounded(((double)(high - low) + 1) / ((double)(to - from) + 1));
		return true;
	}
	return false;
}

static const struct listen_rate *find(const struct listen_rates *rates, uint64_t id,
				      bool is_selector)
{
	for (size_t i = 0; i < rates->count; i++)
		if (rates->rows[i].id == id && rates->rows[i].is_selector == is_selector)
			return &rates->rows[i];
	return NULL;
}

static void keep(struct listen_rates *rates, uint64_t id, bool is_selector, uint64_t interval)
{
	const struct listen_rate *known = find(rates, id, is_selector);
	const size_t at = known ? (size_t)(known - rates->rows) : rates->count;

	if (at == LISTEN_RATES_MAX)
		return;
	rates->rows[at] = (struct listen_rate){
		.id = id,
		.interval = interval > UINT32_MAX ? UINT32_MAX : (uint32_t)interval,
		.is_selector = is_selector,
	};
	rates->count += !known;
	rates->is_announced = true;
}

static void set_general(struct listen_rates *rates, uint64_t interval)
{
	rates->general = interval > UINT32_MAX ? UINT32_MAX : (uint32_t)interval;
	rates->is_announced = true;
}

void listen_rates_learn(struct listen_rates *rates, const struct listen_record *record)
{
	uint64_t id, interval;
	uint32_t selected;

	if (!record->is_options)
		return;
	if (selector_interval(record, &selected)) {
		if (number_of(record, IE_selectorId, &id))
			keep(rates, id, true, selected);
		else /* as softflowd has it: of the whole process */
			set_general(rates, selected);
	}
	if (number_of(record, IE_samplerId, &id)) {
		if (number_of(record, IE_samplerRandomInterval, &interval) ||
		    number_of(record, IE_samplingInterval, &interval))
			keep(rates, id, false, interval);
	} else if (number_of(record, IE_samplingInterval, &interval)) {
		set_general(rates, interval);
	}
}

uint32_t listen_rates_of(const struct listen_rates *rates, const struct listen_header *header,
			 const struct listen_record *record, uint64_t *unknown)
{
	static const struct {
		uint16_t element;
		bool is_selector;
	} names[] = { { IE_selectorId, true }, { IE_samplerId, false } };
	bool has_sampler = false;
	uint64_t id = 0, interval;

	if (header->version == 5)
		return header->sampling & NETFLOW5_INTERVAL;
	for (size_t i = 0; i < 2; i++) {
		const struct listen_rate *found;

		if (!number_of(record, names[i].element, &id))
			continue;
		found = find(rates, id, names[i].is_selector);
		if (found)
			return found->interval;
		has_sampler |= id != 0; /* 0 stands for none where nothing is sampled */
		if (id != 0)
			*unknown = id;
	}
	if (has_sampler)
		return 0;
	if (number_of(record, IE_samplingInterval, &interval))
		return interval > UINT32_MAX ? UINT32_MAX : (uint32_t)interval;
	return rates->general;
}
