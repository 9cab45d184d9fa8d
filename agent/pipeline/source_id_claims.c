/* source_id_claims.c - a socket for each collector, which is only there to have its name. */
#include "source_id_claims.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct claim {
	struct sockaddr_un name; /* abstract */
	socklen_t size;
	int descriptor;  /* owned; -1: not ours */
	char *collector; /* owned */
};

struct source_id_claims {
	uint32_t source_id;
	size_t count;
	struct claim claims[];
};

/* Names in their lower case: hosts have no other. A name that does not fit is cut. */
static void make_name(struct claim *claim, uint32_t source_id,
		      const struct config_collector *collector)
{
	char *const text = claim->name.sun_path + 1;
	const size_t room = sizeof(claim->name.sun_path) - 1;
	int length = snprintf(text, room, "flowagent source-id %" PRIu32 " %u %s", source_id,
			      (unsigned int)collector->port, collector->host);

	if ((size_t)length >= room)
		length = (int)room - 1;
	for (int i = 0; i < length; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
	claim->name.sun_family = AF_UNIX;
	claim->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

struct source_id_claims *source_id_claims_create(const struct config *config)
{
	struct source_id_claims *claims =
		calloc(1, sizeof(*claims) + config->collector_count * sizeof(claims->claims[0]));

	if (!claims)
		return NULL;
	claims->source_id = config->source_id;
	for (size_t i = 0; i < config->collector_count; i++) {
		struct claim *claim = &claims->claims[claims->count];

		if (!config->collectors[i].port)
			continue;
		make_name(claim, config->source_id, &config->collectors[i]);
		claim->descriptor = -1;
		claim->collector = strdup(config->collectors[i].name);
		if (claim->collector)
			claims->count++;
	}
	return claims;
}

void source_id_claims_destroy(struct source_id_claims *claims)
{
	if (!claims)
		return;
	for (size_t i = 0; i < claims->count; i++) {
		if (claims->claims[i].descriptor >= 0)
			(void)close(claims->claims[i].descriptor);
		else
			log_problem_over("source-id", claims->claims[i].collector);
		free(claims->claims[i].collector);
	}
	free(claims);
}

/* Returns 0 or a negative errno. */
static int take(struct claim *claim)
{
	const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = 0;

	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&claim->name, claim->size))
		result = -errno;
	if (result)
		(void)close(descriptor);
	else
		claim->descriptor = descriptor;
	return result;
}

void source_id_claims_look(struct source_id_claims *claims)
{
	for (size_t i = 0; claims && i < claims->count; i++) {
		struct claim *claim = &claims->claims[i];

		if (claim->descriptor >= 0)
			continue;
		if (take(claim) == -EADDRINUSE)
			log_problem(LOG_LEVEL_warning, "source-id", "source-id", claim->collector,
				    "collector %s: another agent of this host sends to it with "
				    "source id %" PRIu32 " too: it cannot tell the two apart, and "
				    "sees gaps that are none; give one of them another source-id",
				    claim->collector, claims->source_id);
		else
			log_problem_over("source-id", claim->collector);
	}
}
