/* export_fields.c - the rows of export_fields.def as an array.
 *
 * Place: what templates are made of. Invariant, checked here at compile time: a number has as many
 * bytes on the wire as in the record, so that encoding never cuts a value. */
#include "export_fields.h"

#include "export_record.h"

#include <assert.h>

#define MEMBER_SIZE(member) sizeof(((const struct export_record *)NULL)->member)

#define KEY(name) ",\"" #name "\":"

#define IS_CUT_UNSIGNED(size, member)     ((size) != MEMBER_SIZE(member))
#define IS_CUT_ADDRESS(size, member)      ((size) != 4 && (size) != 16)
#define IS_CUT_MILLISECONDS(size, member) ((size) != 8 || MEMBER_SIZE(member) != 8)
#define IS_CUT_SYSUPTIME(size, member)    ((size) != 4 || MEMBER_SIZE(member) != 8)
#define IS_CUT_APPLICATION(size, member)                             \
	((size) != sizeof(((const struct application *)NULL)->id) || \
	 MEMBER_SIZE(member) != sizeof(void *))
#define IS_CUT_WIDENED(size, member)           ((size) != 8 || MEMBER_SIZE(member) != 1)
#define IS_CUT_MAC(size, member)               ((size) != 6 || MEMBER_SIZE(member) != 8)
#define IS_CUT_TEXT(size, member)              ((size) != 32 || MEMBER_SIZE(member) != 32)
#define IS_CUT_TCP_PACKETS(size, member)       IS_CUT_UNSIGNED(size, member)
#define IS_CUT_HALF_MILLISECONDS(size, member) IS_CUT_UNSIGNED(size, member)
#define IS_CUT_HALF_SECONDS(size, member)      IS_CUT_UNSIGNED(size, member)
#define IS_CUT_HALF_MICROSECONDS(size, member) IS_CUT_UNSIGNED(size, member)
#define IS_CUT_EXPORTER(size, member)          IS_CUT_ADDRESS(size, member)
#define IS_CUT_LEAVING_MAC(size, member)       IS_CUT_MAC(size, member)
#define IS_CUT_ICMP_TYPE_CODE(size, member)    ((size) != 2 || MEMBER_SIZE(member) != 2)
#define EXPORT_FIELD(name, id, size, kind, member, protocols)                          \
	static_assert(!IS_CUT_##kind(size, member), #name " does not fit its member"); \
	static_assert(sizeof(KEY(name)) <= EXPORT_KEY_SIZE, #name " is too long for a key");
#include "export_fields.def"
#undef EXPORT_FIELD

enum {
	V9 = EXPORT_V9,
	IPFIX = EXPORT_IPFIX,
	REVERSE = EXPORT_REVERSE,
	COMPACT = EXPORT_COMPACT,
	OMITTED = EXPORT_OMITTED,
};

static const struct export_field export_fields[] = {
#define EXPORT_FIELD(name, id, size, kind, member, protocols) \
	{ #name,                                              \
	  id,                                                 \
	  size,                                               \
	  EXPORT_##kind,                                      \
	  offsetof(struct export_record, member),             \
	  protocols,                                          \
	  sizeof(KEY(name)) - 1,                              \
	  KEY(name) },
#include "export_fields.def"
#undef EXPORT_FIELD
};

static const struct export_field compact_fields[] = {
#define EXPORT_FIELD(name, id, size, kind, member, protocols)             \
	{ #name,                                                          \
	  id,                                                             \
	  (protocols)&COMPACT ? (size) / 2 : (size),                      \
	  (protocols)&COMPACT ? (int)EXPORT_REDUCED : (int)EXPORT_##kind, \
	  offsetof(struct export_record, member),                         \
	  protocols,                                                      \
	  sizeof(KEY(name)) - 1,                                          \
	  KEY(name) },
#include "export_fields.def"
#undef EXPORT_FIELD
};

size_t export_field_count(void)
{
	return sizeof(export_fields) / sizeof(export_fields[0]);
}

const struct export_field *export_field_at(size_t index)
{
	return &export_fields[index];
}

const struct export_field *export_field_compact(const struct export_field *field)
{
	return field->protocols & EXPORT_COMPACT ? &compact_fields[field - export_fields] : field;
}

const struct export_field *export_field_find(uint16_t id)
{
	for (size_t i = 0; i < export_field_count(); i++)
		if (export_fields[i].id == id)
			return &export_fields[i];
	return NULL;
}
