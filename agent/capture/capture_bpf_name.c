/* capture_bpf_name.c - the name of a BPF source: "bpf:" and that of its interface.
 *
 * Place: configuration -> capture_bpf.c, or capture_without_bpf.c in its place. */
#include "capture_bpf_name.h"

#include "capture_interface_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int capture_bpf_name_parse(const char *text, size_t index, struct source_config *source,
			   struct error_text *error)
{
	int result = capture_interface_name_parse(text, index, source, error);
	char *interface = source->name;

	if (result != 1)
		return result;
	if (!strcmp(interface, "any")) {
		error_text_set(error, "expected one interface, such as eth0, not any");
		result = -EINVAL;
	} else {
		result = capture_name_set(source, error, CAPTURE_BPF_PREFIX "%s", interface);
	}
	if (result < 0)
		source->name = NULL;
	free(interface);
	return result;
}

/* What a packet of a counted flow was, nobody knows later: only what its flow's slot adds up. */
int capture_bpf_name_check(const struct source_config *source, struct error_text *error)
{
	if (!source->offload)
		return 0;
	if (source->packets == SOURCE_PACKETS_as_seen) {
		error_text_set(error, "offload: expected with packets=wire only, not as-seen");
		return -EINVAL;
	}
	if (source->sampling.method != SAMPLING_none || source->sampling.interval) {
		error_text_set(error, "offload: expected without sampling: the kernel counts all "
				      "packets of a flow");
		return -EINVAL;
	}
	return 0;
}
