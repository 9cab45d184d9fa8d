/* capture_without_pcap.c - in the place of capture_interface.c in a build without libpcap.
 *
 * Place: CMakeLists.txt chooses it or capture_interface.c and capture_filter.c. */
#include "capture_sources.h"

#include "capture_filter.h"
#include "capture_interface_name.h"
#include "rights.h"

#include <errno.h>

static int refuse_interface(const struct source_config *config, struct capture **capture,
			    struct error_text *error)
{
	*capture = NULL;
	error_text_set(error, "%s: live capture was left out of this build", config->name);
	error_text_hint(error, "use an NFLOG group, or build with -DWITH_PCAP=ON");
	return -EOPNOTSUPP;
}

int capture_filter_check(const char *words, struct error_text *error)
{
	(void)words;
	error_text_set(error, "filters of libpcap were left out of this build");
	return -EINVAL;
}

/* No filter passes the check. */
struct capture_filter *capture_filter_create(const char *words, struct error_text *error)
{
	(void)capture_filter_check(words, error);
	return NULL;
}

void capture_filter_destroy(struct capture_filter *filter)
{
	(void)filter;
}

size_t capture_filter_apply(struct capture_filter *filter, struct packet_view *views, size_t count)
{
	(void)filter;
	(void)views;
	return count;
}

/* Nothing else is called, as nothing can be opened. */
const struct capture_type capture_interface = {
	.noun = "interface",
	.prefix = "",
	.section = "the name of an interface",
	.keys = CAPTURE_KEY_SNAPLEN | CAPTURE_KEY_BUFFER | CAPTURE_KEY_WAIT |
		CAPTURE_KEY_PROMISCUOUS | CAPTURE_KEY_FILTER,
	.is_of_link = true,
	.is_live = true,
	.rights = RIGHTS_NET_RAW,
	.parse = capture_interface_name_parse,
	.check = capture_interface_name_check,
	.open = refuse_interface,
};
