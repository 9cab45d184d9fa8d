/* capture_without_pcap.c - in the place of capture_tap_pcap.c and capture_filter.c in a build
 * without libpcap.
 *
 * Place: CMakeLists.txt chooses it or them. */
#include "capture_filter.h"
#include "capture_tap.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

static int refuse_tap(const struct capture_tap_request *request, struct capture_tap **tap,
		      struct error_text *error)
{
	*tap = NULL;
	if (!if_nametoindex(request->name) && strcmp(request->name, "any") != 0)
		return -ENODEV;
	error_text_set(error,
		       "%s: can only be captured by libpcap, which was left out of this build",
		       request->name);
	error_text_hint(error, "name Ethernet interfaces, use an NFLOG group, or build with "
			       "-DWITH_PCAP=ON");
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

int capture_filter_compile(const char *words, uint8_t link, struct sock_fprog *program)
{
	(void)words;
	(void)link;
	(void)program;
	return -EOPNOTSUPP;
}

/* Nothing else is called, as nothing can be opened. */
const struct capture_tap_type capture_tap_pcap = { .open = refuse_tap };
