/* test_transport_tls.c - the TLS transport on loopback against a server of the same library, with
 * certificates made here. The clock is the test's own. */
#include "transport.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_SIZE 20000 /* more than a TLS record holds */
#define ROUNDS_MAX   10000
#define DAY_S        86400

static char directory[] = "/tmp/test-tls-XXXXXX";

/* A certificate and its key, also as files. */
struct identity {
	EVP_PKEY *key;
	X509 *certificate;
	char file[64]; /* both in one */
};

static struct identity authority, other_authority, collector, expired, client;

static void extend(X509 *certificate, int kind, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

	CHECK(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

/* Signed by 'issuer', NULL: by itself. */
static struct identity make(const char *name, const char *alternative, int days,
			    const struct identity *issuer)
{
	struct identity made = { .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	X509_NAME *subject = X509_get_subject_name(made.certificate);
	static long serial = 1;
	FILE *file;

	CHECK(made.key && made.certificate);
	CHECK(X509_set_version(made.certificate, 2));
	CHECK(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++));
	CHECK(X509_gmtime_adj(X509_getm_notBefore(made.certificate), -10 * DAY_S));
	CHECK(X509_gmtime_adj(X509_getm_notAfter(made.certificate), (long)days * DAY_S));
	CHECK(X509_set_pubkey(made.certificate, made.key));
	CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0));
	CHECK(X509_set_issuer_name(made.certificate,
				   issuer ? X509_get_subject_name(issuer->certificate) : subject));
	if (alternative)
		extend(made.certificate, NID_subject_alt_name, alternative);
	if (!issuer)
		extend(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
	CHECK(X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()) > 0);

	(void)snprintf(made.file, sizeof(made.file), "%s/%ld.pem", directory, serial);
	file = fopen(made.file, "we");
	CHECK(file && PEM_write_X509(file, made.certificate) &&
	      PEM_write_PrivateKey(file, made.key, NULL, NULL, 0, NULL, NULL));
	CHECK_EQ(fclose(file), 0);
	return made;
}

static void forget(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
	CHECK_EQ(unlink(identity->file), 0);
}

static int make_all(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	CHECK(mkdtemp(directory) != NULL);
	authority = make("authority", NULL, 10, NULL);
	other_authority = make("other authority", NULL, 10, NULL);
	collector = make("collector", "DNS:localhost,IP:127.0.0.1", 10, &authority);
	expired = make("expired", "DNS:localhost,IP:127.0.0.1", -1, &authority);
	client = make("client", NULL, 10, &authority);
	return 0;
}

static int forget_all(void **state)
{
	(void)state;
	forget(&authority);
	forget(&other_authority);
	forget(&collector);
	forget(&expired);
	forget(&client);
	return rmdir(directory);
}

/* A server that takes one connection at a time. */
struct server {
	int listener, fd;
	uint16_t port;
	SSL_CTX *context;
	SSL *ssl;
	size_t received;
	uint8_t bytes[40 * MESSAGE_SIZE];
	bool reads;
};

static struct server *serve(const struct identity *identity, bool asks_client, int version)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct server *server = calloc(1, sizeof(*server));
	const int buffer = 4096;

	CHECK(server != NULL);
	server->fd = -1;
	server->reads = true;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(server->listener, (struct sockaddr *)&address, size), 0);
	CHECK_EQ(setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	CHECK_EQ(listen(server->listener, 5), 0);
	CHECK_EQ(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	server->context = SSL_CTX_new(TLS_server_method());
	CHECK(SSL_CTX_use_certificate(server->context, identity->certificate) == 1);
	CHECK(SSL_CTX_use_PrivateKey(server->context, identity->key) == 1);
	CHECK(SSL_CTX_set_max_proto_version(server->context, version));
	if (asks_client) {
		CHECK(SSL_CTX_load_verify_locations(server->context, authority.file, NULL) == 1);
		SSL_CTX_set_verify(server->context,
				   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return server;
}

static void hang_up(struct server *server)
{
	SSL_free(server->ssl);
	server->ssl = NULL;
	if (server->fd >= 0)
		(void)close(server->fd);
	server->fd = -1;
}

static void stop(struct server *server)
{
	hang_up(server);
	(void)close(server->listener);
	SSL_CTX_free(server->context);
	free(server);
}

/* The server's side goes on by what is there. */
static void server_step(struct server *server)
{
	int result = 1;

	if (server->fd < 0) {
		server->fd = accept(server->listener, NULL, NULL);
		if (server->fd < 0)
			return;
		CHECK_EQ(fcntl(server->fd, F_SETFL, O_NONBLOCK), 0);
		server->ssl = SSL_new(server->context);
		CHECK(SSL_set_fd(server->ssl, server->fd) == 1);
		SSL_set_accept_state(server->ssl);
	}
	ERR_clear_error();
	if (!SSL_is_init_finished(server->ssl))
		result = SSL_do_handshake(server->ssl);
	while (result > 0 && server->reads && server->received < sizeof(server->bytes)) {
		result = SSL_read(server->ssl, server->bytes + server->received,
				  (int)(sizeof(server->bytes) - server->received));
		if (result > 0)
			server->received += (size_t)result;
	}
	if (result > 0)
		return;
	result = SSL_get_error(server->ssl, result);
	if (result != SSL_ERROR_WANT_READ && result != SSL_ERROR_WANT_WRITE)
		hang_up(server);
}

static struct transport *open_tls(const struct server *server,
				  const struct transport_tls_config *tls)
{
	const struct transport_config config = { .host = "127.0.0.1",
						 .port = server->port,
						 .tls = *tls };
	struct transport *transport = NULL;
	struct error_text error;

	CHECK_EQ(transport_tls.open(&config, &transport, &error), 0);
	return transport;
}

/* Both go on until poll() says something else than that it is not ready yet. */
static int settle(struct server *server, struct transport *transport, int64_t now_ms)
{
	int result = -EALREADY;

	for (int i = 0; i < ROUNDS_MAX && result == -EALREADY; i++) {
		server_step(server);
		result = transport_tls.poll(transport, now_ms);
		if (result == -EALREADY)
			(void)poll(NULL, 0, 1);
	}
	return result;
}

static struct transport_session session_of(struct transport *transport)
{
	struct transport_session session;

	transport_tls.session(transport, &session);
	return session;
}

/* Message 'number': a byte of it all over. */
static struct datagram message(uint8_t bytes[static MESSAGE_SIZE], unsigned int number)
{
	memset(bytes, (int)number + 1, MESSAGE_SIZE);
	return (struct datagram){ bytes, MESSAGE_SIZE };
}

static void check_received(const struct server *server, unsigned int count)
{
	CHECK_EQ(server->received, (size_t)count * MESSAGE_SIZE);
	for (size_t i = 0; i < server->received; i++)
		CHECK_EQ(server->bytes[i], i / MESSAGE_SIZE + 1);
}

/* Connected, send messages, and see them arrive and be confirmed. */
static void check_delivery(struct server *server, struct transport *transport)
{
	uint8_t bytes[MESSAGE_SIZE];
	unsigned int sent = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		const struct datagram datagram = message(bytes, sent);

		if (sent < 30)
			sent += (unsigned int)transport_tls.send(transport, &datagram, 1).sent;
		memset(bytes, 0xee, sizeof(bytes));
		CHECK_EQ(transport_tls.poll(transport, 100), 0);
		server_step(server);
		if (session_of(transport).unconfirmed == 0 &&
		    server->received == (size_t)30 * MESSAGE_SIZE)
			break;
		if (sent == 30)
			(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(session_of(transport).unconfirmed, 0);
	CHECK_EQ(session_of(transport).number, 1);
	check_received(server, 30);
}

static void check_version_delivers(int version, bool asks_client)
{
	struct server *server = serve(&collector, asks_client, version);
	const struct transport_tls_config tls = { .ca = authority.file,
						  .certificate = asks_client ? client.file : NULL };
	struct transport *transport = open_tls(server, &tls);

	CHECK_EQ(settle(server, transport, 0), 0);
	CHECK_EQ(SSL_version(server->ssl), version);
	check_delivery(server, transport);
	transport_tls.close(transport);
	stop(server);
}

TEST(messages_arrive_over_tls_1_3)
{
	check_version_delivers(TLS1_3_VERSION, false);
}

TEST(messages_arrive_over_tls_1_2)
{
	check_version_delivers(TLS1_2_VERSION, false);
}

TEST(a_client_certificate_is_shown_where_it_is_asked_for)
{
	check_version_delivers(TLS1_3_VERSION, true);
	check_version_delivers(TLS1_2_VERSION, true);
}

static void check_fault(const struct identity *identity, bool asks_client, int version,
			const struct transport_tls_config *tls, int error, const char *fault)
{
	struct server *server = serve(identity, asks_client, version);
	struct transport *transport = open_tls(server, tls);

	CHECK_EQ(settle(server, transport, 0), -error);
	CHECK_TEXT(transport_tls.fault(transport), fault);
	CHECK_EQ(session_of(transport).number, 0); /* so nothing was sent */
	CHECK_EQ(session_of(transport).failures, 1);
	CHECK_EQ(transport_tls.poll(transport, 999), -error);
	CHECK_EQ(server->received, 0);
	transport_tls.close(transport);
	stop(server);
}

TEST(a_certificate_that_is_not_right_is_reported_and_nothing_is_sent)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	const struct transport_tls_config other = { .ca = other_authority.file };
	const struct transport_tls_config named = { .ca = authority.file,
						    .server_name = "collector.example" };
	const struct transport_tls_config addressed = { .ca = authority.file,
							.server_name = "::1" };

	check_fault(&collector, false, TLS1_3_VERSION, &other, EKEYREJECTED,
		    "its certificate is not accepted: unable to get local issuer certificate");
	check_fault(&expired, false, TLS1_3_VERSION, &usual, EKEYREJECTED,
		    "its certificate is not accepted: certificate has expired");
	check_fault(&expired, false, TLS1_2_VERSION, &usual, EKEYREJECTED,
		    "its certificate is not accepted: certificate has expired");
	check_fault(&collector, false, TLS1_3_VERSION, &named, EKEYREJECTED,
		    "its certificate is not accepted: hostname mismatch, expected "
		    "collector.example");
	check_fault(&collector, false, TLS1_3_VERSION, &addressed, EKEYREJECTED,
		    "its certificate is not accepted: IP address mismatch, expected ::1");
}

TEST(a_server_that_wants_a_certificate_says_so_before_anything_is_sent)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	const unsigned long handshake_failure =
		ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE);
	char fault[100];

	check_fault(&collector, true, TLS1_3_VERSION, &usual, EBADMSG,
		    "TLS: tlsv13 alert certificate required");
	/* Its text began with "sslv3" before OpenSSL 3.5. */
	(void)snprintf(fault, sizeof(fault), "TLS: %s", ERR_reason_error_string(handshake_failure));
	check_fault(&collector, true, TLS1_2_VERSION, &usual, EBADMSG, fault);
}

TEST(tls_older_than_1_2_is_refused)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	struct server *server = serve(&collector, false, TLS1_1_VERSION);
	struct transport *transport = open_tls(server, &usual);

	CHECK_EQ(settle(server, transport, 0), -EBADMSG);
	transport_tls.close(transport);
	stop(server);
}

TEST(without_verification_any_certificate_will_do)
{
	const struct transport_tls_config any = { .skips_verification = true };
	struct server *server = serve(&expired, false, TLS1_3_VERSION);
	struct transport *transport = open_tls(server, &any);

	CHECK_EQ(settle(server, transport, 0), 0);
	check_delivery(server, transport);
	transport_tls.close(transport);
	stop(server);
}

TEST(a_server_that_was_put_right_is_used)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	struct server *server = serve(&expired, false, TLS1_3_VERSION);
	struct transport *transport = open_tls(server, &usual);
	int result = -EKEYREJECTED;

	CHECK_EQ(settle(server, transport, 0), -EKEYREJECTED);
	hang_up(server);
	CHECK(SSL_CTX_use_certificate(server->context, collector.certificate) == 1);
	CHECK(SSL_CTX_use_PrivateKey(server->context, collector.key) == 1);
	for (int i = 0; i < ROUNDS_MAX && result; i++) {
		server_step(server);
		result = transport_tls.poll(transport, 1000);
		if (result)
			(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(result, 0);
	check_delivery(server, transport);
	transport_tls.close(transport);
	stop(server);
}

TEST(a_server_that_does_not_read_gets_whole_messages_later)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	struct server *server = serve(&collector, false, TLS1_3_VERSION);
	struct transport *transport = open_tls(server, &usual);
	uint8_t bytes[MESSAGE_SIZE];
	unsigned int sent = 0;

	CHECK_EQ(settle(server, transport, 0), 0);
	for (int i = 0; i < 100 && !server->ssl; i++)
		server_step(server);
	server->reads = false;
	for (int i = 0; i < 1000 && sent < 35; i++) {
		const struct datagram datagram = message(bytes, sent);

		sent += (unsigned int)transport_tls.send(transport, &datagram, 1).sent;
		memset(bytes, 0xee, sizeof(bytes));
	}
	CHECK(session_of(transport).unconfirmed > 0);
	server->reads = true;
	for (int i = 0; i < ROUNDS_MAX && session_of(transport).unconfirmed; i++) {
		server_step(server);
		CHECK_EQ(transport_tls.poll(transport, 0), 0);
		(void)poll(NULL, 0, 1);
	}
	for (int i = 0; i < 100; i++)
		server_step(server);
	check_received(server, sent);
	transport_tls.close(transport);
	stop(server);
}

TEST(a_server_that_half_closes_gets_everything_and_its_end_is_noticed)
{
	const struct transport_tls_config usual = { .ca = authority.file };
	struct server *server = serve(&collector, false, TLS1_3_VERSION);
	struct transport *transport = open_tls(server, &usual);
	int result = 0;

	CHECK_EQ(settle(server, transport, 0), 0);
	for (int i = 0; i < ROUNDS_MAX && !SSL_is_init_finished(server->ssl); i++)
		server_step(server);
	/* RFC 8446 section 6.1: close_notify is the end of what it sends, not of what it reads. */
	(void)SSL_shutdown(server->ssl);
	for (unsigned int i = 0; i < 10; i++) {
		uint8_t bytes[MESSAGE_SIZE];
		const struct datagram datagram = message(bytes, i);

		CHECK_EQ(transport_tls.send(transport, &datagram, 1).sent, 1);
		server_step(server);
		CHECK_EQ(transport_tls.poll(transport, 0), 0);
	}
	for (int i = 0; i < ROUNDS_MAX && server->received < 10 * MESSAGE_SIZE; i++) {
		server_step(server);
		CHECK_EQ(transport_tls.poll(transport, 0), 0);
		(void)poll(NULL, 0, 1);
	}
	check_received(server, 10);
	hang_up(server);
	for (int i = 0; i < ROUNDS_MAX && !result; i++) {
		uint8_t bytes[MESSAGE_SIZE];
		const struct datagram datagram = message(bytes, 10);

		(void)transport_tls.send(transport, &datagram, 1);
		result = transport_tls.poll(transport, 0);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(result, -EPIPE);
	CHECK(transport_tls.fault(transport) == NULL);
	transport_tls.close(transport);
	stop(server);
}

TEST(files_that_cannot_be_used_are_named)
{
	static const char empty[] = "/dev/null";
	char named_pipe[64];
	const struct {
		struct transport_tls_config tls;
		const char *text;
	} wrong[] = {
		{ { .ca = "/nowhere" },
		  "cannot read the certificate authorities in /nowhere: No such file "
		  "or "
		  "directory" },
		{ { .ca = empty }, "cannot read the certificate authorities in /dev/null" },
		{ { .certificate = "/nowhere" },
		  "cannot read the certificate in /nowhere: No such file or "
		  "directory" },
		{ { .certificate = empty }, "cannot read the certificate in /dev/null" },
		{ { .certificate = client.file, .key = empty },
		  "cannot read the key in /dev/null" },
		{ { .certificate = client.file, .key = collector.file },
		  "cannot read the key in " },
		{ { .ca = named_pipe }, "cannot read the certificate authorities in " },
		{ { .certificate = named_pipe }, "cannot read the certificate in " },
		{ { .certificate = client.file, .key = named_pipe }, "cannot read the key in " },
	};

	(void)snprintf(named_pipe, sizeof(named_pipe), "%s/pipe", directory);
	CHECK_EQ(mkfifo(named_pipe, 0600), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct transport_config config = { .host = "h",
							 .port = 1,
							 .tls = wrong[i].tls };
		struct transport *transport = NULL;
		struct error_text error = { .text = "" };

		CHECK(transport_tls.open(&config, &transport, &error) < 0);
		CHECK(transport == NULL);
		CHECK(strncmp(error.text, wrong[i].text, strlen(wrong[i].text)) == 0);
	}
	CHECK_EQ(unlink(named_pipe), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_over_tls_1_3),
		cmocka_unit_test(messages_arrive_over_tls_1_2),
		cmocka_unit_test(a_client_certificate_is_shown_where_it_is_asked_for),
		cmocka_unit_test(a_certificate_that_is_not_right_is_reported_and_nothing_is_sent),
		cmocka_unit_test(a_server_that_wants_a_certificate_says_so_before_anything_is_sent),
		cmocka_unit_test(tls_older_than_1_2_is_refused),
		cmocka_unit_test(without_verification_any_certificate_will_do),
		cmocka_unit_test(a_server_that_was_put_right_is_used),
		cmocka_unit_test(a_server_that_does_not_read_gets_whole_messages_later),
		cmocka_unit_test(a_server_that_half_closes_gets_everything_and_its_end_is_noticed),
		cmocka_unit_test(files_that_cannot_be_used_are_named),
	};

	return cmocka_run_group_tests(tests, make_all, forget_all);
}
