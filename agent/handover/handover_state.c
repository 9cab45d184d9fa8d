/* handover_state.c - sections into a memory file, and out of one.
 *
 * Invariant: nothing is believed before handover_state_check() has walked every section. */
#include "handover_state.h"

#include "write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "fa-hand\n"
#define MAGIC_SIZE   8
#define HEAD_SIZE    24
#define SECTION_SIZE 16
#define SEALS        (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

void handover_write_body(struct handover_writer *writer, const void *bytes, size_t size)
{
	if (!writer->result)
		writer->result = write_all(writer->descriptor, bytes, size);
	writer->size += size;
}

void handover_write_begin(struct handover_writer *writer)
{
	static const uint8_t head[HEAD_SIZE];

	*writer = (struct handover_writer){
		.descriptor = memfd_create("flowagent-state", MFD_CLOEXEC | MFD_ALLOW_SEALING),
	};
	if (writer->descriptor < 0)
		writer->result = -errno;
	handover_write_body(writer, head, sizeof(head));
}

void handover_write_head(struct handover_writer *writer, enum handover_kind kind, const char *name,
			 uint64_t size)
{
	const size_t name_length = strlen(name);
	uint8_t bytes[SECTION_SIZE];
	struct writer section = writer_of(bytes, sizeof(bytes));

	if (name_length > UINT16_MAX && !writer->result)
		writer->result = -EINVAL;
	writer_u16(&section, (uint16_t)kind);
	writer_u16(&section, (uint16_t)name_length);
	writer_u32(&section, 0);
	writer_u64(&section, size);
	handover_write_body(writer, bytes, sizeof(bytes));
	handover_write_body(writer, name, name_length);
	writer->sections++;
}

void handover_write_section(struct handover_writer *writer, enum handover_kind kind,
			    const char *name, const void *body, size_t size)
{
	handover_write_head(writer, kind, name, size);
	handover_write_body(writer, body, size);
}

int handover_write_end(struct handover_writer *writer)
{
	uint8_t bytes[HEAD_SIZE];
	struct writer head = writer_of(bytes, sizeof(bytes));

	writer_bytes(&head, MAGIC, MAGIC_SIZE);
	writer_u32(&head, HANDOVER_STATE_VERSION);
	writer_u32(&head, writer->sections);
	writer_u64(&head, writer->size);
	if (!writer->result &&
	    pwrite(writer->descriptor, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		writer->result = -EIO;
	if (!writer->result && fcntl(writer->descriptor, F_ADD_SEALS, SEALS) < 0)
		writer->result = -errno;
	if (!writer->result)
		return writer->descriptor;
	if (writer->descriptor >= 0)
		(void)close(writer->descriptor);
	return writer->result;
}

/* The next section. Returns false if it is not whole. */
static bool next_section(struct reader *reader, struct handover_section *section)
{
	const uint8_t *bytes;
	uint64_t size;

	section->kind = reader_u16(reader);
	section->name_length = reader_u16(reader);
	(void)reader_u32(reader);
	size = reader_u64(reader);
	section->name = (const char *)reader_take(reader, section->name_length);
	if (reader->failed || size > reader_left(reader))
		return false;
	bytes = reader_take(reader, (size_t)size);
	section->body = reader_of(bytes, (size_t)size);
	return true;
}

bool handover_state_check(const uint8_t *bytes, size_t size)
{
	struct reader reader = reader_of(bytes, size);
	const uint8_t *magic = reader_take(&reader, MAGIC_SIZE);
	uint32_t version, sections;

	if (!magic || memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
		return false;
	version = reader_u32(&reader);
	if (version < HANDOVER_STATE_OLDEST || version > HANDOVER_STATE_VERSION)
		return false;
	sections = reader_u32(&reader);
	if (reader_u64(&reader) != size || reader.failed)
		return false;
	while (reader_left(&reader)) {
		struct handover_section section;

		if (!sections-- || !next_section(&reader, &section))
			return false;
	}
	return sections == 0;
}

bool handover_state_next(const uint8_t *bytes, size_t size, size_t *cursor,
			 struct handover_section *section)
{
	struct reader reader = reader_of(bytes, size);

	(void)reader_take(&reader, *cursor ? *cursor : HEAD_SIZE);
	if (!reader_left(&reader) || !next_section(&reader, section))
		return false;
	*cursor = size - reader_left(&reader);
	return true;
}

bool handover_state_find(const uint8_t *bytes, size_t size, enum handover_kind kind,
			 const char *name, struct reader *body)
{
	struct handover_section section;
	size_t cursor = 0;

	while (handover_state_next(bytes, size, &cursor, &section)) {
		if (section.kind == kind && section.name_length == strlen(name) &&
		    !memcmp(section.name, name, section.name_length)) {
			*body = section.body;
			return true;
		}
	}
	return false;
}

int handover_state_map(struct handover_state *state, int descriptor)
{
	const int seals = fcntl(descriptor, F_GET_SEALS);
	struct stat status;
	void *bytes;

	*state = (struct handover_state){ .bytes = NULL };
	/* A kernel may add one of its own: that nobody executes it (vm.memfd_noexec). */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EINVAL;
	if (fstat(descriptor, &status))
		return -errno;
	if (status.st_size < HEAD_SIZE)
		return -EINVAL;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*state = (struct handover_state){ bytes, (size_t)status.st_size };
	if (handover_state_check(state->bytes, state->size))
		/* cppcheck-suppress memleak ; it is in state */
		return 0;
	handover_state_clear(state);
	/* cppcheck-suppress memleak ; unmapped by the clear */
	return -EINVAL;
}

void handover_state_clear(struct handover_state *state)
{
	if (state->bytes)
		(void)munmap((void *)(uintptr_t)state->bytes, state->size);
	*state = (struct handover_state){ .bytes = NULL };
}
