/* record.c - compiles a list of fields to a plan, and writes records by it.
 *
 * Place: encoder -> record. The fields that nearly every template begins with are written by code
 * that the compiler makes of their rows in export_fields.def: 3 instructions a field. All others
 * are sorted by what is done with them, once, so a record is some short loops of load, swap, store:
 * a switch per field would cost a mispredicted jump per field and record. Where a field goes is in
 * its step, so the order on the wire stays free. */
#include "record.h"

#include "bytes.h"
#include "export_clock.h"
#include "ip_protocol.h"
#include "packet_note.h"

#include <assert.h>
#include <string.h>

/* What encoding needs of a record beside its members. */
struct encoding {
	const struct record_sender *sender;
	bool is_icmp;
};

/* Rows of the table as constants, as compact records have them. */
enum { V9 = 0, IPFIX = 0, REVERSE = 0, COMPACT = 1, OMITTED = 0 };
#define EXPORT_FIELD(name, id, size, kind, member, protocols)                         \
	enum {                                                                        \
		SIZE_##name = (protocols) ? (size) / 2 : (size),                      \
		KIND_##name = (protocols) ? (int)EXPORT_REDUCED : (int)EXPORT_##kind, \
		OFFSET_##name = (int)offsetof(struct export_record, member),          \
	};
#include "export_fields.def"
#undef EXPORT_FIELD

/* What a record begins with unless somebody has chosen otherwise, in this order; template.c. */
#define COMMON_FIELDS(FIELD, ip, SIDE)  \
	FIELD(source##ip##Address)      \
	FIELD(destination##ip##Address) \
	FIELD(sourceTransportPort)      \
	FIELD(destinationTransportPort) \
	FIELD(protocolIdentifier)       \
	FIELD(ipClassOfService)         \
	FIELD(tcpControlBits)           \
	SIDE(FIELD)                     \
	FIELD(flowEndReason)            \
	FIELD(ingressInterface)         \
	FIELD(egressInterface)          \
	FIELD(octetDeltaCount)          \
	FIELD(packetDeltaCount)         \
	FIELD(flowStartMilliseconds)    \
	FIELD(flowEndMilliseconds)

#define WITH_SIDE(FIELD) FIELD(flowDirection)
#define WITHOUT_SIDE(FIELD)

static inline enum record_action action_of(enum export_kind kind, size_t size)
{
	switch (kind) {
	case EXPORT_ADDRESS: return size == 4 ? RECORD_copy_4 : RECORD_copy_16;
	case EXPORT_TEXT: return RECORD_copy_32;
	case EXPORT_MILLISECONDS: return RECORD_milliseconds;
	case EXPORT_SYSUPTIME: return RECORD_sys_uptime;
	case EXPORT_WIDENED: return RECORD_widened_8;
	case EXPORT_APPLICATION: return RECORD_application;
	case EXPORT_ICMP_TYPE_CODE: return RECORD_icmp_type_code;
	case EXPORT_MAC: return RECORD_mac;
	case EXPORT_LEAVING_MAC: return RECORD_leaving_mac;
	case EXPORT_HALF_MILLISECONDS: return RECORD_half_milliseconds;
	case EXPORT_HALF_SECONDS: return RECORD_half_seconds;
	case EXPORT_HALF_MICROSECONDS: return RECORD_half_microseconds;
	case EXPORT_EXPORTER: return size == 4 ? RECORD_exporter_ipv4 : RECORD_exporter_ipv6;
	case EXPORT_REDUCED: return size == 2 ? RECORD_reduced_2 : RECORD_reduced_4;
	default: break;
	}
	switch (size) {
	case 1: return RECORD_unsigned_1;
	case 2: return RECORD_unsigned_2;
	case 4: return RECORD_unsigned_4;
	default: return RECORD_unsigned_8;
	}
}

/* How many of 'fields' are written by the code for common ones: all those, or none. Fields that are
 * encoded alike, such as ICMP's in both families, are the same here. */
static size_t common_count(const struct export_field *const *fields, size_t count,
			   enum record_common *common)
{
#define ROW(name) { .size = SIZE_##name, .kind = KIND_##name, .offset = OFFSET_##name },
	static const struct export_field rows[][RECORD_FIELDS_MAX] = {
		[RECORD_common_ipv4] = { COMMON_FIELDS(ROW, IPv4, WITH_SIDE) },
		[RECORD_common_ipv6] = { COMMON_FIELDS(ROW, IPv6, WITH_SIDE) },
		[RECORD_common_ipv4_sideless] = { COMMON_FIELDS(ROW, IPv4, WITHOUT_SIDE) },
		[RECORD_common_ipv6_sideless] = { COMMON_FIELDS(ROW, IPv6, WITHOUT_SIDE) },
	};
#undef ROW
	for (size_t set = 0; set < sizeof(rows) / sizeof(rows[0]); set++) {
		size_t i = 0;

		while (i < count && fields[i]->size == rows[set][i].size &&
		       fields[i]->kind == rows[set][i].kind &&
		       fields[i]->offset == rows[set][i].offset)
			i++;
		if (i && rows[set][i].size == 0) {
			*common = (enum record_common)set;
			return i;
		}
	}
	*common = RECORD_common_none;
	return 0;
}

uint16_t record_plan_init(struct record_plan *plan, const struct export_field *const *fields,
			  size_t count)
{
	uint16_t size = 0;
	uint8_t steps = 0;
	size_t first;

	assert(count <= RECORD_FIELDS_MAX);
	plan->run_count = 0;
	first = common_count(fields, count, &plan->common);
	for (int action = 0; action < RECORD_ACTION_COUNT; action++) {
		size = 0;
		for (size_t i = 0; i < count; i++) {
			if (i >= first &&
			    (int)action_of(fields[i]->kind, fields[i]->size) == action)
				plan->steps[steps++] =
					(struct record_step){ fields[i]->offset, size };
			size = (uint16_t)(size + fields[i]->size);
		}
		if (action == RECORD_unsigned_1)
			plan->octets_end = steps;
		else if (steps >
			 (plan->run_count ? plan->runs[plan->run_count - 1].end : plan->octets_end))
			plan->runs[plan->run_count++] =
				(struct record_run){ (uint8_t)action, steps };
	}
	plan->step_count = steps;
	return size;
}

/* unsigned milliseconds on the wire (RFC 7011 section 6.1.8): a time before 1970 becomes 0. */
static inline uint64_t milliseconds_of(uint64_t signed_ms)
{
	return (int64_t)signed_ms < 0 ? 0 : signed_ms;
}

/* What the record points to. */
static inline void store_application(uint8_t *to, const uint8_t *from)
{
	static const struct application none;
	const struct application *application;

	memcpy(&application, from, sizeof(application));
	memcpy(to, application ? application->id : none.id, sizeof(none.id));
}

static inline void store_mac(uint8_t *to, uint64_t mac)
{
	store_be16(to, (uint16_t)(mac >> 32));
	store_be32(to + 2, (uint32_t)mac);
}

/* One field. With a constant action it is a few instructions. */
__attribute__((always_inline)) static inline void encode_field(enum record_action action,
							       const struct encoding encoding,
							       const uint8_t *from, uint8_t *to)
{
	switch (action) {
	case RECORD_copy_4: memcpy(to, from, 4); break;
	case RECORD_copy_16: memcpy(to, from, 16); break;
	case RECORD_copy_32: memcpy(to, from, 32); break;
	case RECORD_unsigned_1: *to = *from; break;
	case RECORD_unsigned_2: store_be16(to, load_host16(from)); break;
	case RECORD_unsigned_4: store_be32(to, load_host32(from)); break;
	case RECORD_unsigned_8: store_be64(to, load_host64(from)); break;
	case RECORD_application: store_application(to, from); break;
	case RECORD_widened_8: store_be64(to, *from); break;
	case RECORD_milliseconds: store_be64(to, milliseconds_of(load_host64(from))); break;
	case RECORD_sys_uptime:
		store_be32(to, export_clock_of_flow(&encoding.sender->clock,
						    (unix_ms)load_host64(from)));
		break;
	case RECORD_icmp_type_code: store_be16(to, encoding.is_icmp ? load_host16(from) : 0); break;
	case RECORD_reduced_2: store_be16(to, (uint16_t)load_host32(from)); break;
	case RECORD_reduced_4: store_be32(to, (uint32_t)load_host64(from)); break;
	case RECORD_mac: store_mac(to, load_host64(from)); break;
	case RECORD_leaving_mac: store_mac(to, packet_note_leaving_mac(load_host64(from))); break;
	case RECORD_half_milliseconds: store_be32(to, record_half_ms(load_host32(from))); break;
	case RECORD_half_seconds:
		store_be32(to, record_half_us(load_host32(from)) / 1000000);
		break;
	case RECORD_half_microseconds:
		store_be32(to, record_half_us(load_host32(from)) % 1000000);
		break;
	case RECORD_exporter_ipv4: memcpy(to, encoding.sender->ipv4, 4); break;
	case RECORD_exporter_ipv6: memcpy(to, encoding.sender->ipv6, 16); break;
	case RECORD_ACTION_COUNT: break;
	}
}

#define ENCODE(name)                                                                  \
	encode_field(action_of((enum export_kind)KIND_##name, SIZE_##name), encoding, \
		     record + OFFSET_##name, bytes);                                  \
	bytes += SIZE_##name;

#define ENCODE_COMMON(name, ip, SIDE)                                           \
	static inline void encode_common_##name(const struct encoding encoding, \
						const uint8_t *restrict record, \
						uint8_t *restrict bytes)        \
	{                                                                       \
		COMMON_FIELDS(ENCODE, ip, SIDE)                                 \
	}

ENCODE_COMMON(ipv4, IPv4, WITH_SIDE)
ENCODE_COMMON(ipv6, IPv6, WITH_SIDE)
ENCODE_COMMON(ipv4_sideless, IPv4, WITHOUT_SIDE)
ENCODE_COMMON(ipv6_sideless, IPv6, WITHOUT_SIDE)

#undef ENCODE

/* The fields in runs. Apart, so that a record without does not save registers for it. */
__attribute__((noinline)) static void encode_steps(const struct record_plan *restrict plan,
						   const struct encoding encoding,
						   const uint8_t *restrict record,
						   uint8_t *restrict bytes)
{
	const struct record_step *step = plan->steps + plan->octets_end;
	const struct record_run *const last = plan->runs + plan->run_count;

	for (const struct record_run *run = plan->runs; run < last; run++) {
		const struct record_step *const end = plan->steps + run->end;

		switch ((enum record_action)run->action) {
#define ENCODE_STEPS(action)                                                                   \
	case action:                                                                           \
		do                                                                             \
			encode_field(action, encoding, record + step->from, bytes + step->to); \
		while (++step < end);                                                          \
		break;
			ENCODE_STEPS(RECORD_copy_4)
			ENCODE_STEPS(RECORD_copy_16)
			ENCODE_STEPS(RECORD_copy_32)
			ENCODE_STEPS(RECORD_unsigned_2)
			ENCODE_STEPS(RECORD_unsigned_4)
			ENCODE_STEPS(RECORD_unsigned_8)
			ENCODE_STEPS(RECORD_application)
			ENCODE_STEPS(RECORD_widened_8)
			ENCODE_STEPS(RECORD_milliseconds)
			ENCODE_STEPS(RECORD_sys_uptime)
			ENCODE_STEPS(RECORD_icmp_type_code)
			ENCODE_STEPS(RECORD_reduced_2)
			ENCODE_STEPS(RECORD_reduced_4)
			ENCODE_STEPS(RECORD_mac)
			ENCODE_STEPS(RECORD_leaving_mac)
			ENCODE_STEPS(RECORD_half_milliseconds)
			ENCODE_STEPS(RECORD_half_seconds)
			ENCODE_STEPS(RECORD_half_microseconds)
			ENCODE_STEPS(RECORD_exporter_ipv4)
			ENCODE_STEPS(RECORD_exporter_ipv6)
#undef ENCODE_STEPS
		case RECORD_unsigned_1:
		case RECORD_ACTION_COUNT: break;
		}
	}
}

/* Single octets. They are what is chosen beside the common fields most: no run, no call. */
static inline void encode_octets(const struct record_plan *restrict plan,
				 const uint8_t *restrict record, uint8_t *restrict bytes)
{
	const struct record_step *const end = plan->steps + plan->octets_end;

	for (const struct record_step *step = plan->steps; step < end; step++)
		bytes[step->to] = record[step->from];
}

void record_encode_common(const struct record_plan *restrict plan,
			  const struct export_record *restrict record, uint8_t *restrict bytes)
{
	/* Common fields need nothing else: they are neither SysUptime nor ICMP's. */
	const struct encoding encoding = { .sender = NULL };

	switch (plan->common) {
	case RECORD_common_ipv4:
		encode_common_ipv4(encoding, (const uint8_t *)record, bytes);
		break;
	case RECORD_common_ipv6:
		encode_common_ipv6(encoding, (const uint8_t *)record, bytes);
		break;
	case RECORD_common_ipv4_sideless:
		encode_common_ipv4_sideless(encoding, (const uint8_t *)record, bytes);
		break;
	case RECORD_common_ipv6_sideless:
		encode_common_ipv6_sideless(encoding, (const uint8_t *)record, bytes);
		break;
	case RECORD_common_none: break;
	}
}

void record_encode_others(const struct record_plan *restrict plan,
			  const struct export_record *restrict record,
			  const struct record_sender *restrict sender, uint8_t *restrict bytes)
{
	encode_octets(plan, (const uint8_t *)record, bytes);
	if (plan->run_count) {
		const uint8_t protocol = record->flow.key.protocol;
		const struct encoding encoding = {
			.sender = sender,
			.is_icmp = protocol == PROTOCOL_ICMP || protocol == PROTOCOL_IPv6_ICMP,
		};

		encode_steps(plan, encoding, (const uint8_t *)record, bytes);
	}
}

void record_encode(const struct record_plan *restrict plan,
		   const struct export_record *restrict record,
		   const struct record_sender *restrict sender, uint8_t *restrict bytes)
{
	record_encode_common(plan, record, bytes);
	if (record_plan_has_steps(plan))
		record_encode_others(plan, record, sender, bytes);
}
