/* record.h - one export_record -> bytes, by walking the plan that a template was compiled to.
 *
 * Place: inside the encoder. Pure. */
#ifndef RECORD_H
#define RECORD_H

#include "export_clock.h"
#include "export_fields.h"
#include "export_record.h"

#include <stdbool.h>

/* What all records of a message have of who sends it. */
struct record_sender {
	struct export_clock clock; /* of SysUptime fields */
	/* Where it sends from, for exporterIPv4Address and exporterIPv6Address: one of the two. 0:
	 * not known. */
	uint8_t ipv4[4];
	uint8_t ipv6[16];
};

/* One for each bit of struct template_fields. */
#define RECORD_FIELDS_MAX 64

/* What is done with a field. The steps of one action stand together, so each is one small loop
 * without decisions. */
enum record_action {
	RECORD_unsigned_1, /* first: record_plan.octets_end */
	RECORD_copy_4,
	RECORD_copy_16,
	RECORD_copy_32,
	RECORD_unsigned_2,
	RECORD_unsigned_4,
	RECORD_unsigned_8,
	RECORD_application,
	RECORD_widened_8,
	RECORD_milliseconds,
	RECORD_sys_uptime,
	RECORD_icmp_type_code,
	RECORD_reduced_2,
	RECORD_reduced_4,
	RECORD_mac,
	RECORD_leaving_mac,
	RECORD_half_milliseconds,
	RECORD_half_seconds,
	RECORD_half_microseconds,
	RECORD_exporter_ipv4,
	RECORD_exporter_ipv6,
	RECORD_ACTION_COUNT
};

struct record_step {
	uint16_t from; /* offset in struct export_record */
	uint16_t to;   /* offset in the encoded record */
};

/* Which fields at the front of a record have code of their own: those of compact records, with
 * flowDirection and without. */
enum record_common {
	RECORD_common_ipv4,
	RECORD_common_ipv6,
	RECORD_common_ipv4_sideless,
	RECORD_common_ipv6_sideless,
	RECORD_common_none
};

struct record_plan {
	enum record_common common;
	uint8_t step_count;
	uint8_t octets_end; /* steps before this index are RECORD_unsigned_1, in no run */
	uint8_t run_count;
	struct record_run {
		uint8_t action;      /* enum record_action */
		uint8_t end;         /* steps of this action end before this index */
	} runs[RECORD_ACTION_COUNT]; /* of the other actions that have steps */
	struct record_step steps[RECORD_FIELDS_MAX];
};

/* Compile fields in the order of the wire. 'count' is at most RECORD_FIELDS_MAX. Returns the size
 * in bytes of an encoded record. */
uint16_t record_plan_init(struct record_plan *plan, const struct export_field *const *fields,
			  size_t count);

/* Half of a time of struct tcp_quality, in microseconds; 0: it is not known. */
static inline uint32_t record_half_us(uint32_t known_us)
{
	return known_us ? (known_us - 1) / 2 + (known_us < 3) : 0;
}

/* The same in milliseconds, 1 at least where it is known. */
static inline uint32_t record_half_ms(uint32_t known_us)
{
	const uint32_t half_us = record_half_us(known_us);

	return half_us && half_us < 500 ? 1 : (half_us + 500) / 1000;
}

/* Whether a plan has fields beside the common ones. */
static inline bool record_plan_has_steps(const struct record_plan *plan)
{
	return plan->step_count != 0;
}

/* Write a record to 'bytes', which has as many bytes as record_plan_init() returned. */
void record_encode(const struct record_plan *restrict plan,
		   const struct export_record *restrict record,
		   const struct record_sender *restrict sender, uint8_t *restrict bytes);
/* The same in parts: common fields, all there is of a plan without steps; and the others.
 */
void record_encode_common(const struct record_plan *restrict plan,
			  const struct export_record *restrict record, uint8_t *restrict bytes);
void record_encode_others(const struct record_plan *restrict plan,
			  const struct export_record *restrict record,
			  const struct record_sender *restrict sender, uint8_t *restrict bytes);

#endif
