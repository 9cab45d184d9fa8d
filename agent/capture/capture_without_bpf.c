/* capture_without_bpf.c - in the place of capture_bpf.c in a build without libbpf or clang.
 *
 * Place: CMakeLists.txt chooses it or capture_bpf.c, capture_bpf_kernel.c and capture_bpf_ring.c.
 */
#include "capture_sources.h"

#include "capture_bpf_name.h"
#include "rights.h"

#include <errno.h>

static int refuse_bpf(const struct source_config *config, struct capture **capture,
		      struct error_text *error)
{
	*capture = NULL;
	error_text_set(error, "%s: capture by BPF was left out of this build", config->name);
	error_text_hint(error, "use --interface or an NFLOG group, or build with -DWITH_BPF=ON");
	return -EOPNOTSUPP;
}

/* Nothing else is called, as nothing can be opened. */
const struct capture_type capture_bpf = {
	.noun = "interface",
	.prefix = CAPTURE_BPF_PREFIX,
	.section = "\"bpf:IFACE\"",
	.keys = CAPTURE_BPF_KEYS,
	.has_segments = true,
	.is_of_link = true,
	.is_live = true,
	.rights = CAPTURE_BPF_RIGHTS,
	.parse = capture_bpf_name_parse,
	.check = capture_bpf_name_check,
	.open = refuse_bpf,
};
