/* capture_bpf_name.h - what the configuration says of a BPF source; with and without libbpf. */
#ifndef CAPTURE_BPF_NAME_H
#define CAPTURE_BPF_NAME_H

#include "capture.h"

#define CAPTURE_BPF_PREFIX "bpf:"
#define CAPTURE_BPF_KEYS                                                                         \
	(CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT | CAPTURE_KEY_PROMISCUOUS | CAPTURE_KEY_PACKETS | \
	 CAPTURE_KEY_OFFLOAD)
#define CAPTURE_BPF_RIGHTS (RIGHTS_BPF | RIGHTS_PERFMON | RIGHTS_NET_ADMIN)

/* Those of struct capture_type. */
int capture_bpf_name_parse(const char *text, size_t index, struct source_config *source,
			   struct error_text *error);
int capture_bpf_name_check(const struct source_config *source, struct error_text *error);

#endif
