/* flowagent_asn.c - the program flowagent-asn: reads inputs, writes the table.
 *
 * Place: a program of its own, on whichever host fetches routing tables. The agent never runs it,
 * and shares no library with it that unpacks or parses what comes from the internet. */
#include "asn_copy.h"
#include "asn_options.h"
#include "asn_output.h"
#include "asn_messages.h"
#include "asn_source.h"

#include "standard_streams.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { EXIT_done = 0, EXIT_failed = 1, EXIT_usage = 2 };

static void report_source(struct asn_messages *messages, const char *name,
			  const struct asn_source_result *result)
{
	char date[32] = "unknown time";
	const time_t time_s = (time_t)result->time_s;
	struct tm parts;

	if (time_s && gmtime_r(&time_s, &parts))
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &parts);
	if (result->peers)
		asn_messages_line(messages, "%.200s: %s of %s, %u peers, %llu prefixes", name,
				  result->format, date, result->peers,
				  (unsigned long long)result->prefixes);
	else
		asn_messages_line(messages, "%.200s: %s of %s, %llu prefixes", name, result->format,
				  date, (unsigned long long)result->prefixes);
}

/* Without directories. */
static const char *source_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "standard input";
	return slash ? slash + 1 : path;
}

/* The last one added wins in the builder, so inputs are read from the last to the first. The one
 * with most prefixes gives the table its name and its time. */
static int read_inputs(const struct asn_options *options, struct asn_builder *builder,
		       struct asn_messages *messages, struct asn_build_facts *facts,
		       struct error_text *error)
{
	uint64_t most = 0;

	for (size_t i = options->input_count; i-- > 0;) {
		struct asn_source_result result;
		const int status = asn_source_read(options->inputs[i], &options->table.rules,
						   builder, messages, &result, error);

		if (status < 0)
			return status;
		report_source(messages, source_name(options->inputs[i]), &result);
		if (result.prefixes < most)
			continue;
		most = result.prefixes;
		facts->source = source_name(options->inputs[i]);
		facts->peer_count = result.peers;
		facts->created_s = result.time_s ? result.time_s : (int64_t)time(NULL);
	}
	return 0;
}

static int make_table(const struct asn_options *options, struct asn_messages *messages,
		      struct error_text *error)
{
	struct asn_output output = {
		.table_path = options->table.output,
		.networks_path = options->networks_file,
		.is_forced = options->table.is_forced,
	};
	struct asn_builder *builder;
	int result;

	if (options->input_count == 1 && asn_copy_is_table(options->inputs[0]))
		return asn_copy_write(options->inputs[0], &output, messages, error);
	builder = asn_builder_create();
	if (!builder) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = read_inputs(options, builder, messages, &output.facts, error);
	if (result == 0 && options->table.names_file)
		result = asn_source_read_names(options->table.names_file, builder, messages, error);
	if (result == 0)
		result = asn_output_write(&output, builder, messages, error);
	asn_builder_destroy(builder);
	return result;
}

int main(int argc, char **argv)
{
	struct asn_options options;
	struct error_text error = { .text = "" };
	struct asn_messages messages;

	if (standard_streams_hold() < 0)
		return EXIT_failed;
	(void)signal(SIGPIPE, SIG_IGN);
	if (asn_options_parse(argc, argv, &options, &error) < 0) {
		messages = asn_messages_begin(true);
		asn_arguments_hint(&asn_options_command, &error);
		asn_messages_error(&messages, &error);
		return EXIT_usage;
	}
	if (asn_arguments_answer(&asn_options_command, &options.table))
		return EXIT_done;
	messages = asn_messages_begin(options.is_quiet);
	if (make_table(&options, &messages, &error) == 0)
		return EXIT_done;
	asn_messages_error(&messages, &error);
	return EXIT_failed;
}
