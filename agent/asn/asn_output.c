/* asn_output.c - see asn_output.h. */
#include "asn_output.h"

#include "asn_input.h"
#include "asn_shrink.h"
#include "asn_table_file.h"
#include "fault_text.h"
#include "write_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The prefixes as text, and how many there are of each family. */
struct networks {
	FILE *file; /* NULL: they are counted only */
	size_t counts[2];
};

static int write_network(void *context, const struct prefix *prefix, const struct asn_entry *entry)
{
	struct networks *networks = context;
	char text[ADDRESS_TEXT_SIZE];

	networks->counts[prefix->ip_version == 6]++;
	if (!networks->file)
		return 0;
	if (entry->has_next_hop)
		(void)fprintf(networks->file, "%s,",
			      address_format(prefix->ip_version, entry->next_hop, text));
	if (entry->peer_as_number)
		(void)fprintf(networks->file, "%u_", entry->peer_as_number);
	(void)fprintf(networks->file, "%u,%s/%u\n", entry->as_number,
		      address_format(prefix->ip_version, prefix->address, text),
		      (unsigned int)prefix->length);
	return 0;
}

/* ---- is it much smaller? ---- */

static int check_table(const char *path, const size_t now[2], struct asn_messages *messages,
		       struct error_text *error)
{
	struct error_text unreadable;
	const int result = asn_shrink_check_table(path, now, &unreadable, error);

	if (unreadable.text[0])
		asn_messages_warning(messages, "%s", unreadable.text);
	return result;
}

/* A text of ours, or of another program: lines with a mask count. */
static int check_networks(const char *path, const size_t now[2], struct error_text *error)
{
	FILE *file = asn_input_is_file(path) ? fopen(path, "re") : NULL;
	size_t before[2] = { 0, 0 };
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return 0;
	while (getline(&line, &size, file) > 0)
		if (line[0] != '!' && line[0] != '#' && strchr(line, '/'))
			before[strchr(line, ':') != NULL]++;
	free(line);
	(void)fclose(file);
	return asn_shrink_check(path, before, now, error);
}

static int check_size(const struct asn_output *output, const size_t now[2],
		      struct asn_messages *messages, struct error_text *error)
{
	int result = 0;

	if (output->is_forced)
		return 0;
	if (now[0] + now[1] == 0) {
		error_text_set(error, "no prefixes: nothing is written");
		error_text_hint(error, "if that is right: --force");
		return -EINVAL;
	}
	if (output->table_path)
		result = check_table(output->table_path, now, messages, error);
	if (result == 0 && output->networks_path)
		result = check_networks(output->networks_path, now, error);
	return result;
}

/* ---- writing ---- */

static void report_duplicates(struct asn_messages *messages, const struct asn_build_report *built)
{
	char address[ADDRESS_TEXT_SIZE];

	if (built->duplicates)
		asn_messages_line(messages, "prefixes that came more than once: %zu",
				  built->duplicates);
	if (built->conflicts)
		asn_messages_line(messages,
				  "prefixes that came with another AS: %zu, as %s/%u with AS %u, "
				  "where AS %u counts",
				  built->conflicts,
				  address_format(built->conflict.ip_version,
						 built->conflict.address, address),
				  (unsigned int)built->conflict.length, built->conflict_as[0],
				  built->conflict_as[1]);
}

static int write_table(const struct asn_output *output, struct asn_builder *builder,
		       struct asn_messages *messages, struct error_text *error)
{
	struct asn_build_report built;
	struct asn_image image;
	int result;

	if (asn_builder_finish(builder, &output->facts, &image, &built) < 0) {
		error_text_set(error, "%.200s: out of memory for the table", output->table_path);
		return -ENOMEM;
	}
	report_duplicates(messages, &built);
	result = asn_table_file_write(output->table_path, &image, error);
	if (result == 0)
		asn_messages_line(messages, "%.200s: %zu bytes", output->table_path, image.size);
	asn_image_release(image.bytes, image.size);
	return result;
}

/* A file is renamed into place, like the table. */
static int write_networks(const char *path, const struct asn_image *text, struct error_text *error)
{
	int result;

	if (strcmp(path, "-") != 0)
		return asn_table_file_write(path, text, error);
	result = write_all(STDOUT_FILENO, text->bytes, text->size);
	if (result < 0)
		error_text_set(error, "standard output: cannot write: %s", fault_text(-result));
	return result;
}

static int write_outputs(const struct asn_output *output, struct asn_builder *builder,
			 const struct networks *networks, const struct asn_image *text,
			 struct asn_messages *messages, struct error_text *error)
{
	int result = check_size(output, networks->counts, messages, error);

	if (result == 0 && output->table_path)
		result = write_table(output, builder, messages, error);
	if (result == 0 && output->networks_path)
		result = write_networks(output->networks_path, text, error);
	if (result == 0)
		asn_messages_line(messages, "%zu IPv4 and %zu IPv6 prefixes", networks->counts[0],
				  networks->counts[1]);
	return result;
}

int asn_output_write(const struct asn_output *output, struct asn_builder *builder,
		     struct asn_messages *messages, struct error_text *error)
{
	struct networks networks = { .file = NULL };
	char *text = NULL;
	size_t size = 0;
	bool is_whole = true;
	int result = -ENOMEM;

	if (output->networks_path) {
		networks.file = open_memstream(&text, &size);
		is_whole = networks.file != NULL;
	}
	if (is_whole)
		(void)asn_builder_each(builder, write_network, &networks);
	if (networks.file) {
		is_whole = !ferror(networks.file);
		is_whole = fclose(networks.file) == 0 && is_whole;
	}
	if (is_whole) {
		const struct asn_image image = { .bytes = text, .size = size };

		result = write_outputs(output, builder, &networks, &image, messages, error);
	} else {
		error_text_set(error, "%.200s: out of memory for the text", output->networks_path);
	}
	free(text);
	return result;
}

int asn_output_image(const struct asn_output *output, const struct asn_image *image,
		     const size_t counts[static 2], struct asn_messages *messages,
		     struct error_text *error)
{
	int result = check_size(output, counts, messages, error);

	if (result == 0)
		result = asn_table_file_write(output->table_path, image, error);
	if (result == 0)
		asn_messages_line(messages, "%.200s: %zu IPv4 and %zu IPv6 prefixes",
				  output->table_path, counts[0], counts[1]);
	return result;
}
