/* record.c - compiles a list of fields to a plan, and writes records by it.
 *
 * Place: encoder -> record. A switch per field would cost a mispredicted jump per field and record;
 * here the fields are sorted by what is done with them, once, and a record is nine short loops of
 * load, swap, store. Where a field goes is in its step, so the order on the wire stays free. */
#include "record.h"

#include "export_clock.h"
#include "ip_protocol.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static enum record_action action_of(const struct export_field *field)
{
	switch (field->kind) {
	case EXPORT_ADDRESS: return field->size == 4 ? RECORD_copy_4 : RECORD_copy_16;
	case EXPORT_MILLISECONDS: return RECORD_milliseconds;
	case EXPORT_SYSUPTIME: return RECORD_sys_uptime;
	case EXPORT_ICMP_TYPE_CODE: return RECORD_icmp_type_code;
	default: break;
	}
	switch (field->size) {
	case 1: return RECORD_unsigned_1;
	case 2: return RECORD_unsigned_2;
	case 4: return RECORD_unsigned_4;
	default: return RECORD_unsigned_8;
	}
}

uint16_t record_plan_init(struct record_plan *plan, const struct export_field *const *fields,
			  size_t count)
{
	uint16_t size = 0;
	uint8_t steps = 0;

	assert(count <= RECORD_FIELDS_MAX);
	for (int action = 0; action < RECORD_ACTION_COUNT; action++) {
		size = 0;
		for (size_t i = 0; i < count; i++) {
			if ((int)action_of(fields[i]) == action)
				plan->steps[steps++] =
					(struct record_step){ fields[i]->offset, size };
			size = (uint16_t)(size + fields[i]->size);
		}
		plan->ends[action] = steps;
	}
	return size;
}

static inline void store_16(uint8_t *to, uint16_t value)
{
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
}

static inline void store_32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void store_64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

static inline uint16_t load_16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint32_t load_32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint64_t load_64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

/* unsigned milliseconds on the wire (RFC 7011 section 6.1.8): a time before 1970 becomes 0. */
static inline uint64_t milliseconds_of(uint64_t signed_ms)
{
	return (int64_t)signed_ms < 0 ? 0 : signed_ms;
}

void record_encode(const struct record_plan *restrict plan,
		   const struct export_record *restrict record, unix_ms clock_start_ms,
		   uint8_t *restrict bytes)
{
	const uint8_t *members = (const uint8_t *)record;
	const struct record_step *steps = plan->steps;
	const uint8_t *ends = plan->ends;
	size_t i = 0;
	const uint8_t protocol = record->flow.key.protocol;
	const bool is_icmp = protocol == PROTOCOL_ICMP || protocol == PROTOCOL_IPv6_ICMP;

	for (; i < ends[RECORD_copy_4]; i++)
		memcpy(bytes + steps[i].to, members + steps[i].from, 4);
	for (; i < ends[RECORD_copy_16]; i++)
		memcpy(bytes + steps[i].to, members + steps[i].from, 16);
	for (; i < ends[RECORD_unsigned_1]; i++)
		bytes[steps[i].to] = members[steps[i].from];
	for (; i < ends[RECORD_unsigned_2]; i++)
		store_16(bytes + steps[i].to, load_16(members + steps[i].from));
	for (; i < ends[RECORD_unsigned_4]; i++)
		store_32(bytes + steps[i].to, load_32(members + steps[i].from));
	for (; i < ends[RECORD_unsigned_8]; i++)
		store_64(bytes + steps[i].to, load_64(members + steps[i].from));
	for (; i < ends[RECORD_milliseconds]; i++)
		store_64(bytes + steps[i].to, milliseconds_of(load_64(members + steps[i].from)));
	for (; i < ends[RECORD_sys_uptime]; i++)
		store_32(
			bytes + steps[i].to,
			export_clock_of(clock_start_ms, (unix_ms)load_64(members + steps[i].from)));
	for (; i < ends[RECORD_icmp_type_code]; i++)
		store_16(bytes + steps[i].to, is_icmp ? load_16(members + steps[i].from) : 0);
}
