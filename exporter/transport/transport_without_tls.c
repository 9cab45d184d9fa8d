/* transport_without_tls.c - in the place of transport_tls.c in a build without OpenSSL.
 *
 * Place: CMakeLists.txt chooses it or transport_tls.c. */
#include "transport.h"

#include <errno.h>
#include <netinet/in.h>

static int check(const struct transport_config *config, struct error_text *error)
{
	(void)config;
	error_text_set(error, "transport tls was left out of this build");
	error_text_hint(error, "use transport tcp, or build with -DWITH_TLS=ON");
	return -EOPNOTSUPP;
}

static int refuse(const struct transport_config *config, struct transport **transport,
		  struct error_text *error)
{
	*transport = NULL;
	return check(config, error);
}

/* Never called; says that there are sessions. */
static void no_session(const struct transport *transport, struct transport_session *session)
{
	(void)transport;
	*session = (struct transport_session){ 0 };
}

/* Nothing else is called, as nothing can be opened. */
const struct transport_type transport_tls = {
	.name = "tls",
	.ip_protocol = IPPROTO_TCP,
	.open = refuse,
	.check = check,
	.session = no_session,
};
