/* transport_tls.c - messages over TLS, as RFC 7011 section 11 has it for IPFIX over TCP.
 *
 * Place: outbox -> transport -> transport_stream.c -> this layer -> network. Files are read when
 * the transport is opened, before privileges are given up. The collector's certificate must be of a
 * known authority and for the name (or address) that was asked for, unless that is switched off.
 *
 * With TLS 1.3 the server judges our certificate after the handshake has ended for us (RFC 8446
 * section 4.4.2.4), and what was sent until then is lost: so where it has asked for one, messages
 * wait for its session ticket, which comes when it is content, or for a moment. */
#include "fault_text.h"
#include "transport_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READS_AT_ONCE 16
#define JUDGEMENT_MS  1000 /* longer than most round trips */

struct transport {
	struct transport_stream stream;
	SSL_CTX *context; /* owned */
	SSL *ssl;         /* owned; of the connection, NULL without one */
	char *name;       /* owned; that the certificate must be for */
	bool verifies;

	/* Of the connection. */
	bool is_judged; /* the server wants a certificate of us */
	bool has_ticket;
	bool is_greeted;
	int64_t greeted_ms;

	char fault[200]; /* why the last one failed, for people */
};

/* Why the library failed, in its words. */
static void fault_set(struct transport *tls)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	(void)snprintf(tls->fault, sizeof(tls->fault), "TLS: %s",
		       reason ? reason : "the connection failed");
}

static bool is_address(const char *name)
{
	struct in6_addr address;

	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

/* Whether the verdict on the collector's certificate was why the handshake ended; then say so. */
static bool is_rejected(struct transport *tls)
{
	const long verdict = SSL_get_verify_result(tls->ssl);

	if (!tls->verifies || verdict == X509_V_OK)
		return false;
	(void)snprintf(
		tls->fault, sizeof(tls->fault), "its certificate is not accepted: %s%s%s",
		X509_verify_cert_error_string(verdict),
		verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH
			? ", expected "
			: "",
		verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH
			? tls->name
			: "");
	return true;
}

/* Negative errno for what a call on the connection returned; -EAGAIN if it only has to wait. */
static int error_of(struct transport *tls, int result)
{
	const int fault = errno;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return -EPIPE;
	case SSL_ERROR_SYSCALL: return fault ? -fault : -EPIPE;
	default: break;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return -EPIPE;
	if (is_rejected(tls))
		return -EKEYREJECTED;
	fault_set(tls);
	return -EBADMSG;
}

/* Called when the server asks for a certificate, whether we have one or not. */
static int on_certificate_request(SSL *ssl, void *context)
{
	struct transport *tls = context;

	(void)ssl;
	tls->is_judged = true;
	return 1;
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct transport *tls = SSL_get_app_data(ssl);

	(void)session;
	tls->has_ticket = true;
	return 0; /* not kept: each connection is checked anew */
}

static int name_expect(struct transport *tls)
{
	X509_VERIFY_PARAM *parameters = SSL_get0_param(tls->ssl);

	if (is_address(tls->name))
		return X509_VERIFY_PARAM_set1_ip_asc(parameters, tls->name);
	return SSL_set_tlsext_host_name(tls->ssl, tls->name) &&
	       X509_VERIFY_PARAM_set1_host(parameters, tls->name, 0);
}

static void tls_end(void *context)
{
	struct transport *tls = context;

	if (!tls->ssl)
		return;
	ERR_clear_error();
	if (tls->is_greeted)
		(void)SSL_shutdown(tls->ssl);
	SSL_free(tls->ssl);
	tls->ssl = NULL;
}

static int tls_begin(void *context, int fd)
{
	struct transport *tls = context;

	ERR_clear_error();
	tls->is_judged = tls->has_ticket = tls->is_greeted = false;
	tls->ssl = SSL_new(tls->context);
	if (!tls->ssl || !SSL_set_fd(tls->ssl, fd) || !SSL_set_app_data(tls->ssl, tls) ||
	    !name_expect(tls)) {
		fault_set(tls);
		return -EBADMSG;
	}
	SSL_set_cert_cb(tls->ssl, on_certificate_request, tls);
	SSL_set_connect_state(tls->ssl);
	return 0;
}

/* Since TLS 1.3 that is no end of what it reads (RFC 8446 section 6.1). */
static bool has_ended_its_half(const struct transport *tls, int result)
{
	return SSL_get_error(tls->ssl, result) == SSL_ERROR_ZERO_RETURN &&
	       SSL_version(tls->ssl) >= TLS1_3_VERSION;
}

/* What the collector sends: tickets, alerts, the end. */
static int tls_discard(void *context, int fd)
{
	struct transport *tls = context;
	uint8_t bytes[4096];

	(void)fd;
	for (int i = 0; i < READS_AT_ONCE; i++) {
		int result;

		ERR_clear_error();
		errno = 0;
		result = SSL_read(tls->ssl, bytes, sizeof(bytes));
		if (result <= 0 && has_ended_its_half(tls, result))
			return TRANSPORT_STREAM_HALF_CLOSED;
		if (result <= 0) {
			result = error_of(tls, result);
			return result == -EAGAIN ? 0 : result;
		}
	}
	return 0;
}

static bool waits_for_judgement(const struct transport *tls, int64_t now_ms)
{
	return tls->is_judged && !tls->has_ticket && SSL_version(tls->ssl) >= TLS1_3_VERSION &&
	       now_ms - tls->greeted_ms < JUDGEMENT_MS;
}

static int tls_greet(void *context, int64_t now_ms)
{
	struct transport *tls = context;
	int result;

	if (!tls->is_greeted) {
		ERR_clear_error();
		errno = 0;
		result = SSL_do_handshake(tls->ssl);
		if (result != 1)
			return error_of(tls, result);
		tls->is_greeted = true;
		tls->greeted_ms = now_ms;
	}
	result = tls_discard(tls, -1);
	if (result < 0)
		return result;
	return waits_for_judgement(tls, now_ms) ? -EAGAIN : 0;
}

/* What the library was offered once it must be offered again. */
static ssize_t tls_write(void *context, int fd, const uint8_t *bytes, size_t size, bool has_more)
{
	struct transport *tls = context;
	int result;

	(void)fd;
	(void)has_more;
	ERR_clear_error();
	errno = 0;
	result = SSL_write(tls->ssl, bytes, (int)size);
	if (result > 0)
		return result;
	result = error_of(tls, result);
	return result == -EAGAIN ? 0 : result;
}

static uint64_t tls_written(const void *context)
{
	const struct transport *tls = context;

	return BIO_number_written(SSL_get_wbio(tls->ssl));
}

static const struct transport_stream_layer layer = {
	.begin = tls_begin,
	.greet = tls_greet,
	.write = tls_write,
	.discard = tls_discard,
	.written = tls_written,
	.end = tls_end,
};

/* The daemon has nobody to ask. */
static int no_passphrase(char *buffer, int size, int is_writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

/* The library would wait for whoever writes to a named pipe, and with it the whole process. */
static int check_file(const char *what, const char *file, struct error_text *error)
{
	struct stat status;

	if (!file || stat(file, &status) || !S_ISFIFO(status.st_mode))
		return 0;
	error_text_set(error, "cannot read the %s in %s: a named pipe; expected a file", what,
		       file);
	return -EINVAL;
}

/* Say what is wrong with a file: the first error of the library is the nearest to it. */
static int file_fault(const char *what, const char *file, struct error_text *error)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (access(file, R_OK))
		reason = fault_text(errno);
	error_text_set(error, "cannot read the %s in %s: %s", what, file,
		       reason ? reason : "it holds none");
	return -EINVAL;
}

static int read_authorities(SSL_CTX *context, const struct transport_config *config,
			    struct error_text *error)
{
	const char *file = config->tls.ca;

	if (check_file("certificate authorities", file, error))
		return -EINVAL;
	if (file ? SSL_CTX_load_verify_locations(context, file, NULL)
		 : SSL_CTX_set_default_verify_paths(context))
		return 0;
	return file_fault("certificate authorities", file ? file : X509_get_default_cert_file(),
			  error);
}

static int read_own(SSL_CTX *context, const struct transport_config *config,
		    struct error_text *error)
{
	const char *certificate = config->tls.certificate;
	const char *key = config->tls.key ? config->tls.key : certificate;

	if (!certificate)
		return 0;
	if (check_file("certificate", certificate, error) || check_file("key", key, error))
		return -EINVAL;
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return file_fault("certificate", certificate, error);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return file_fault("key", key, error);
	return 0;
}

static int context_init(struct transport *tls, const struct transport_config *config,
			struct error_text *error)
{
	int result;

	ERR_clear_error();
	tls->verifies = !config->tls.skips_verification;
	tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls->context || !SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION)) {
		error_text_set(error, "the TLS library cannot be used");
		return -ENOMEM;
	}
	(void)SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(tls->context,
			       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(tls->context,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(tls->context, on_ticket);
	SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
	SSL_CTX_set_verify(tls->context, tls->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	result = read_authorities(tls->context, config, error);
	return result ? result : read_own(tls->context, config, error);
}

static void tls_free(struct transport *tls)
{
	SSL_CTX_free(tls->context);
	free(tls->name);
	free(tls);
}

static int tls_open(const struct transport_config *config, struct transport **transport,
		    struct error_text *error)
{
	const char *name = config->tls.server_name ? config->tls.server_name : config->host;
	struct transport *tls = calloc(1, sizeof(*tls));
	int result = -ENOMEM;

	if (tls)
		tls->name = strdup(name);
	if (!tls || !tls->name)
		error_text_set(error, "out of memory");
	else
		result = context_init(tls, config, error);
	if (!result)
		result = transport_stream_init(&tls->stream, config, &layer, tls, error);
	if (!result)
		*transport = tls;
	else if (tls)
		tls_free(tls);
	return result;
}

static int tls_check(const struct transport_config *config, struct error_text *error)
{
	struct transport *tls = calloc(1, sizeof(*tls));
	int result;

	if (!tls) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = context_init(tls, config, error);
	tls_free(tls);
	return result;
}

static int tls_poll(struct transport *tls, int64_t now_ms)
{
	return transport_stream_poll(&tls->stream, now_ms);
}

static struct transport_result tls_send(struct transport *tls, const struct datagram *datagrams,
					size_t count)
{
	return transport_stream_send(&tls->stream, datagrams, count);
}

static int tls_ready(const struct transport *tls, short *events)
{
	return transport_stream_ready(&tls->stream, events);
}

static void tls_session(const struct transport *tls, struct transport_session *session)
{
	transport_stream_session(&tls->stream, session);
}

static const char *tls_fault(const struct transport *tls)
{
	const int error = tls->stream.error;

	return error == EKEYREJECTED || error == EBADMSG ? tls->fault : NULL;
}

static socklen_t tls_remote(const struct transport *tls, struct sockaddr_storage *address)
{
	return transport_stream_remote(&tls->stream, address);
}

static socklen_t tls_local(const struct transport *tls, struct sockaddr_storage *address)
{
	return transport_stream_local(&tls->stream, address);
}

static void tls_close(struct transport *tls)
{
	if (!tls)
		return;
	transport_stream_clear(&tls->stream);
	tls_free(tls);
}

const struct transport_type transport_tls = {
	.name = "tls",
	.ip_protocol = IPPROTO_TCP,
	.open = tls_open,
	.check = tls_check,
	.poll = tls_poll,
	.send = tls_send,
	.ready = tls_ready,
	.session = tls_session,
	.fault = tls_fault,
	.remote = tls_remote,
	.local = tls_local,
	.close = tls_close,
};
