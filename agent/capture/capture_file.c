/* capture_file.c - capture files: one that is read as it is, or several in order of time.
 *
 * Place: file -> capture_file_reader.c (-> capture_file_merge.c) -> here -> worker. */
#include "capture_sources.h"

#include "capture_file_list.h"
#include "capture_file_merge.h"
#include "capture_file_reader.h"
#include "capture_filter.h"
#include "fault_text.h"
#include "rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 * 1024 };

struct capture {
	struct capture_file_reader file;
	struct capture_file_merge *merge; /* owned; NULL: the one file */
	struct capture_filter *filter;    /* owned; NULL: all packets */
};

static void close_file(struct capture *capture)
{
	if (!capture)
		return;
	if (!capture->merge)
		capture_file_reader_close(&capture->file);
	capture_file_merge_close(capture->merge);
	capture_filter_destroy(capture->filter);
	free(capture);
}

static int read_file(struct capture *capture, struct packet_view *views, size_t capacity,
		     struct error_text *error)
{
	int result;

	do {
		result = capture->merge
				 ? capture_file_merge_read(capture->merge, views, capacity, error)
				 : capture_file_reader_read(&capture->file, views, capacity, error);
		if (result <= 0 || !capture->filter)
			return result;
		result = (int)capture_filter_apply(capture->filter, views, (size_t)result);
	} while (!result);
	return result;
}

static int make_filter(struct capture *capture, const struct source_config *config,
		       struct error_text *error)
{
	if (!config->filter[0])
		return 0;
	capture->filter = capture_filter_create(config->filter, error);
	return capture->filter ? 0 : -ENOMEM;
}

static int open_file(const struct source_config *config, struct capture **opened,
		     struct error_text *error)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int result;

	if (!capture) {
		error_text_set(error, "%s: no memory", config->name);
		return -ENOMEM;
	}
	capture->file.fd = -1;
	result = make_filter(capture, config, error);
	if (!result)
		result = capture_file_merge_is_needed(config)
				 ? capture_file_merge_open(config, &capture->merge, error)
				 : capture_file_reader_open(&capture->file, config->name,
							    BUFFER_SIZE, error);
	capture->file.parser.takes_microseconds = config->takes_microseconds;
	if (result)
		close_file(capture);
	else
		*opened = capture;
	return result;
}

static int file_descriptor(const struct capture *capture)
{
	if (capture->merge)
		return capture_file_merge_descriptor(capture->merge);
	return capture->file.can_block ? capture->file.fd : -1;
}

static void file_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	if (capture->merge) {
		capture_file_merge_statistics(capture->merge, statistics);
		return;
	}
	*statistics = (struct capture_statistics){
		.messages = capture->file.reads,
		.packets_truncated = capture->file.parser.packets_truncated,
		.packets_unstamped = capture->file.parser.packets_unstamped,
	};
}

static int file_parse(const char *text, size_t index, struct source_config *source,
		      struct error_text *error)
{
	return index ? 0 : capture_name_set(source, error, "%s", text);
}

static int check_path(const char *path, struct error_text *error)
{
	const int mode = capture_file_list_is_folder(path) ? R_OK | X_OK : R_OK;
	const int result = !strcmp(path, "-") || access(path, mode) == 0 ? 0 : -errno;

	if (result)
		error_text_set(error, "cannot read %s: %s", path, fault_text(-result));
	return result;
}

static int file_check_access(const struct source_config *source, struct error_text *error)
{
	int result = check_path(source->name, error);

	for (size_t i = 0; !result && i < source->also_count; i++)
		result = check_path(source->also[i], error);
	return result;
}

/* One of several is opened when its packets are due: when root has become the agent's user. */
static uint64_t file_rights_later(const struct source_config *source)
{
	return capture_file_merge_is_needed(source) ? RIGHTS_DAC_READ_SEARCH : 0;
}

const struct capture_type capture_file = {
	.noun = "file",
	.prefix = "",
	.keys = CAPTURE_KEY_FILTER,
	.has_commas = true,
	.parse = file_parse,
	.check_access = file_check_access,
	.rights_later = file_rights_later,
	.open = open_file,
	.read = read_file,
	.descriptor = file_descriptor,
	.statistics = file_statistics,
	.close = close_file,
};
