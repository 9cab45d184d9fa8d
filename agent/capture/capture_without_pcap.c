/* capture_without_pcap.c - in the place of capture_interface.c in a build without libpcap. */
#include "capture_sources.h"

#include <errno.h>

static int refuse_interface(const struct source_config *config, struct capture **capture,
			    struct error_text *error)
{
	*capture = NULL;
	error_text_set(error, "%s: live capture was left out of this build", config->name);
	error_text_hint(error, "use an NFLOG group, or build with -DWITH_PCAP=ON");
	return -EOPNOTSUPP;
}

/* Nothing else is called, as nothing can be opened. */
const struct capture_type capture_interface = {
	.kind = SOURCE_INTERFACE,
	.is_live = true,
	.open = refuse_interface,
};
