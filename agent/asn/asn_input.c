/* asn_input.c - reads a file in blocks and unpacks them.
 *
 * Place: begin of flowagent-asn. A file is read from its begin to its end, once, so a pipe is as
 * good. Which library unpacks it, asn_decoder.h has. */
#include "asn_input.h"

#include "asn_decoder.h"
#include "compression.h"
#include "fault_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE ((size_t)256 << 10)

struct asn_input {
	const char *name; /* borrowed */
	int descriptor;
	bool is_at_end; /* of the file */
	uint64_t size;  /* of it; 0: not known */
	int64_t time_s;
	uint64_t position;                 /* after the present block */
	const struct asn_decoder *decoder; /* NULL: not packed */
	void *state;                       /* owned, of the decoder */
	bool is_in_member;
	size_t block_next, block_size; /* what is left of the block */
	uint8_t block[BLOCK_SIZE];
};

static const struct asn_decoder *const decoders[] = {
	&asn_decoder_gzip,
	&asn_decoder_bzip2,
	&asn_decoder_xz,
	&asn_decoder_zstd,
};

bool asn_input_is_file(const char *path)
{
	struct stat status;

	return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

size_t asn_input_peek(const char *path, enum asn_input_side side, void *bytes, size_t size)
{
	struct stat status;
	ssize_t result = 0;
	int descriptor;

	if (!asn_input_is_file(path))
		return 0;
	descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (descriptor < 0)
		return 0;
	/* It may be another file by now. */
	if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
		const off_t last = status.st_size - (off_t)size;

		result = pread(descriptor, bytes, size,
			       side == ASN_INPUT_END && last > 0 ? last : 0);
	}
	(void)close(descriptor);
	return result > 0 ? (size_t)result : 0;
}

static uint64_t place_of(const struct asn_input *input)
{
	return input->position - (input->block_size - input->block_next);
}

/* Read the next block once the present one is used up, or what is missing of 'least' bytes. */
static int fill_block(struct asn_input *input, size_t least, struct error_text *error)
{
	const size_t left = input->block_size - input->block_next;

	if (left >= least || input->is_at_end)
		return 0;
	memmove(input->block, input->block + input->block_next, left);
	input->block_next = 0;
	input->block_size = left;
	while (input->block_size < least && !input->is_at_end) {
		const ssize_t got = read(input->descriptor, input->block + input->block_size,
					 BLOCK_SIZE - input->block_size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error_text_set(error, "%.200s: cannot read: %s", input->name,
				       fault_text(errno));
			return -errno;
		}
		input->is_at_end = got == 0;
		input->block_size += (size_t)got;
		input->position += (uint64_t)got;
	}
	return 0;
}

static int open_decoder(struct asn_input *input, struct error_text *error)
{
	const struct compression *found;

	found = compression_find(input->block, input->block_size);
	if (!found)
		return 0;
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++)
		if (strcmp(decoders[i]->name, found->name) == 0)
			input->decoder = decoders[i];
	if (!input->decoder) {
		error_text_set(error, "%.200s: packed with %s; expected gzip, bzip2, xz or zstd",
			       input->name, found->name);
		error_text_hint(error, "%s FILE | flowagent-asn ... -", found->program);
		return -EINVAL;
	}
	if (input->decoder->open(&input->state) < 0) {
		input->decoder = NULL;
		error_text_set(error, "%.200s: out of memory", input->name);
		return -ENOMEM;
	}
	input->is_in_member = true;
	return 0;
}

static int open_file(struct asn_input *input, const char *path, struct error_text *error)
{
	struct stat status;
	int result;

	if (strcmp(path, "-") == 0)
		input->descriptor = dup(STDIN_FILENO);
	else
		input->descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (input->descriptor < 0 || fstat(input->descriptor, &status) < 0) {
		error_text_set(error, "%.200s: cannot read: %s", input->name, fault_text(errno));
		return -errno;
	}
	if (S_ISREG(status.st_mode)) {
		input->size = (uint64_t)status.st_size;
		input->time_s = (int64_t)status.st_mtime;
	}
	result = fill_block(input, COMPRESSION_MAGIC_SIZE, error);
	return result < 0 ? result : open_decoder(input, error);
}

struct asn_input *asn_input_open(const char *path, struct error_text *error)
{
	struct asn_input *input = calloc(1, sizeof(*input));

	if (!input) {
		error_text_set(error, "%.200s: out of memory", path);
		return NULL;
	}
	input->name = strcmp(path, "-") == 0 ? "standard input" : path;
	input->descriptor = -1;
	if (open_file(input, path, error) == 0)
		return input;
	asn_input_close(input);
	return NULL;
}

void asn_input_close(struct asn_input *input)
{
	if (!input)
		return;
	if (input->decoder)
		input->decoder->close(input->state);
	if (input->descriptor >= 0)
		(void)close(input->descriptor);
	free(input);
}

static ssize_t fail_unpacking(const struct asn_input *input, int result, const char *what,
			      struct error_text *error)
{
	if (result == -ENOMEM) {
		error_text_set(error, "%.200s: %s needs too much memory", input->name,
			       input->decoder->name);
		return result;
	}
	error_text_set(error, "%.200s: byte %llu: %s", input->name,
		       (unsigned long long)place_of(input), what);
	error_text_hint(error, "the file is damaged or cut (%s): fetch it again",
			input->decoder->name);
	return result;
}

static ssize_t copy_plain(struct asn_input *input, uint8_t *buffer, size_t size,
			  struct error_text *error)
{
	size_t copied = 0;

	while (copied < size) {
		size_t part = size - copied;
		const int result = fill_block(input, 1, error);

		if (result < 0)
			return result;
		if (input->block_next == input->block_size)
			break;
		if (part > input->block_size - input->block_next)
			part = input->block_size - input->block_next;
		memcpy(buffer + copied, input->block + input->block_next, part);
		input->block_next += part;
		copied += part;
	}
	return (ssize_t)copied;
}

/* A member ended: does another one follow? Zeros after the last one are padding, as tapes need it.
 */
static int next_member(struct asn_input *input, struct error_text *error)
{
	const struct compression *found;
	int result = fill_block(input, COMPRESSION_MAGIC_SIZE, error);

	if (result < 0)
		return result;
	found = compression_find(input->block + input->block_next,
				 input->block_size - input->block_next);
	if (found && strcmp(found->name, input->decoder->name) == 0) {
		input->is_in_member = true;
		result = input->decoder->restart(input->state);
		return result < 0 ? (int)fail_unpacking(input, result, "", error) : 0;
	}
	while (input->block_next < input->block_size) {
		if (input->block[input->block_next])
			return (int)fail_unpacking(
				input, -EINVAL, "something else follows on the packed data", error);
		input->block_next++;
		result = fill_block(input, 1, error);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Unpack from the present block. Returns whether there is more to come, or a negative errno. */
static int unpack_block(struct asn_input *input, struct asn_decoding *decoding,
			struct error_text *error)
{
	const size_t room = decoding->out_size;
	int result;

	decoding->in = input->block + input->block_next;
	decoding->in_size = input->block_size - input->block_next;
	decoding->is_last = input->is_at_end;
	result = input->decoder->decode(input->state, decoding);
	input->block_next = input->block_size - decoding->in_size;
	if (result < 0)
		return (int)fail_unpacking(input, result, "damaged", error);
	if (result > 0) {
		input->is_in_member = false;
		result = next_member(input, error);
		return result < 0 ? result : 1;
	}
	if (input->is_at_end && decoding->in_size == 0 && decoding->out_size == room)
		return (int)fail_unpacking(input, -EINVAL, "cut: the packed data have no end",
					   error);
	return 1;
}

ssize_t asn_input_read(struct asn_input *input, void *buffer, size_t size, struct error_text *error)
{
	struct asn_decoding decoding = { .out = buffer, .out_size = size };

	if (!input->decoder)
		return copy_plain(input, buffer, size, error);
	while (decoding.out_size > 0 && input->is_in_member) {
		int result = fill_block(input, 1, error);

		if (result == 0)
			result = unpack_block(input, &decoding, error);
		if (result < 0)
			return result;
	}
	return (ssize_t)(size - decoding.out_size);
}

const char *asn_input_name(const struct asn_input *input)
{
	return input->name;
}

const char *asn_input_compression(const struct asn_input *input)
{
	return input->decoder ? input->decoder->name : NULL;
}

uint64_t asn_input_position(const struct asn_input *input)
{
	return place_of(input);
}

uint64_t asn_input_size(const struct asn_input *input)
{
	return input->size;
}

int64_t asn_input_time_s(const struct asn_input *input)
{
	return input->time_s;
}
