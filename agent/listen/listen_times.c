/* listen_times.c - fields of a record, and its times in whatever form they come.
 *
 * Place: data record -> here -> listen_record. */
#include "listen_types.h"

enum {
	IE_flowEndSysUpTime = 21,
	IE_flowStartSysUpTime = 22,
	IE_flowStartSeconds = 150,
	IE_flowEndSeconds = 151,
	IE_flowStartMilliseconds = 152,
	IE_flowEndMilliseconds = 153,
	IE_flowStartMicroseconds = 154,
	IE_flowEndMicroseconds = 155,
	IE_flowStartNanoseconds = 156,
	IE_flowEndNanoseconds = 157,
};

#define NTP_UNIX_SECONDS 2208988800      /* from 1900 to 1970: RFC 5905 section 6 */
#define LATEST_MS        253402300799999 /* the end of the year 9999: what is later is that */

const struct listen_field *listen_field_find(const struct listen_record *record, uint16_t element)
{
	const size_t first = record->has_v9_scopes ? record->scope_count : 0;

	for (size_t i = first; i < record->field_count; i++)
		if (record->fields[i].element == element && record->fields[i].enterprise == 0)
			return &record->fields[i];
	return NULL;
}

uint64_t listen_field_number(const struct listen_field *field)
{
	uint64_t number = 0;

	if (field->size > sizeof(number))
		return 0;
	for (size_t i = 0; i < field->size; i++)
		number = number << 8 | field->bytes[i];
	return number;
}

/* A time of the exporter's own clock, which starts anew every 49.7 days: the one that is nearest to
 * that of the header (RFC 3954 section 8). */
static unix_ms of_uptime(const struct listen_header *header, uint64_t uptime_ms)
{
	return header->exported_ms - (int32_t)(header->uptime_ms - (uint32_t)uptime_ms);
}

/* Seconds since 1900 and their 2^32th parts (RFC 7011 section 6.1.9). */
static unix_ms of_ntp(uint64_t time)
{
	return ((int64_t)(time >> 32) - NTP_UNIX_SECONDS) * 1000 +
	       (int64_t)((time & UINT32_MAX) * 1000 >> 32);
}

static bool time_of(const struct listen_header *header, const struct listen_record *record,
		    const uint16_t elements[static 5], unix_ms *time)
{
	for (size_t i = 0; i < 5; i++) {
		const struct listen_field *field = listen_field_find(record, elements[i]);
		uint64_t number;

		if (!field || (i == 1 && !header->has_uptime))
			continue;
		number = listen_field_number(field);
		switch (i) {
		case 0: *time = number < LATEST_MS ? (unix_ms)number : LATEST_MS; break;
		case 1: *time = of_uptime(header, number); break;
		case 2: *time = (unix_ms)(number & UINT32_MAX) * 1000; break;
		default: *time = of_ntp(number); break;
		}
		return true;
	}
	return false;
}

bool listen_times(const struct listen_header *header, const struct listen_record *record,
		  unix_ms *start, unix_ms *end)
{
	static const uint16_t starts[] = { IE_flowStartMilliseconds, IE_flowStartSysUpTime,
					   IE_flowStartSeconds, IE_flowStartMicroseconds,
					   IE_flowStartNanoseconds };
	static const uint16_t ends[] = { IE_flowEndMilliseconds, IE_flowEndSysUpTime,
					 IE_flowEndSeconds, IE_flowEndMicroseconds,
					 IE_flowEndNanoseconds };

	return time_of(header, record, starts, start) && time_of(header, record, ends, end);
}
