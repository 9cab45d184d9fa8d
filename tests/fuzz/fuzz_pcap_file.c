/* fuzz_pcap_file.c - any bytes as a capture file, which comes in two pieces. */
#include "capture_pcap_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_pcap_parser parser;
	struct packet_view views[8];
	struct error_text error;
	size_t shown = size / 2;

	capture_pcap_parse_init(&parser, "file");
	for (int piece = 0; piece < 2; piece++, shown = size) {
		size_t start = (size_t)parser.end_offset - reader_left(&parser.window);
		int count;

		capture_pcap_parse_feed(&parser, data + start, shown - start, piece == 1);
		while ((count = capture_pcap_parse(&parser, views, 8, &error)) > 0)
			for (int i = 0; i < count; i++)
				if (views[i].bytes < data + start ||
				    views[i].captured_bytes >
					    (size_t)(data + shown - views[i].bytes))
					abort();
	}
	capture_pcap_parse_clear(&parser);
	return 0;
}
