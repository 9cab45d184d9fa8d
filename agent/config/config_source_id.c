/* config_source_id.c - a number of machine and instance: different between hosts, and the same at
 * every start.
 *
 * Clones of one image have one machine id, and containers may have none, so that the mark of the
 * machine goes into the number as well (machine_mark.h). Marks may change; so the number, once
 * chosen, is kept in the state directory, with the mark of the last start. Invariant: a kept number
 * is used on the machine that has chosen it only: an image that was made of a running host brings
 * the number along. */
#include "config_source_id.h"

#include "config_options.h"
#include "fault_text.h"
#include "kept_source_id.h"
#include "log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_HASH    2166136261u
#define MACHINE_SIZE  256
#define INSTANCE_SIZE 512

/* FNV-1a, 32 bits: short, and the same on every machine for ever, which is all that is asked. */
static uint32_t mix(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	while (*text++);
	return hash;
}

uint32_t config_source_id(const char *machine, const char *instance, const char *mark)
{
	uint32_t hash = mix(mix(FIRST_HASH, machine), instance);

	if (*mark)
		hash = mix(hash, mark);
	return hash ? hash : 1;
}

/* The machine id (machine-id(5)) is not for the wire, but its hash may go there; without one the
 * host's name. */
static void read_machine(char machine[static MACHINE_SIZE])
{
	int descriptor = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t got = descriptor < 0 ? -1 : read(descriptor, machine, MACHINE_SIZE - 1);

	if (descriptor >= 0)
		(void)close(descriptor);
	if (got >= 32) {
		machine[32] = '\0';
		return;
	}
	(void)memset(machine, 0, MACHINE_SIZE);
	(void)gethostname(machine, MACHINE_SIZE - 1);
}

/* What distinguished agents of one host before their sources did: the control socket, else
 * $INSTANCE, which a service template may set, else whether it reads a file. */
static const char *instance_before(const struct config *config)
{
	const char *instance = getenv("INSTANCE");

	if (config->control)
		return config->control;
	if (instance)
		return instance;
	return config->sources[0].type->is_live ? "" : "read";
}

/* The same today: agents without a socket have their sources, which no two of them read. */
static void write_instance(const struct config *config, char text[static INSTANCE_SIZE])
{
	const char *instance = getenv("INSTANCE");
	size_t used;

	if (!config->control || strcmp(config->control, "none") != 0) {
		(void)snprintf(text, INSTANCE_SIZE, "%s", instance_before(config));
		return;
	}
	(void)snprintf(text, INSTANCE_SIZE, "%s", instance ? instance : "none");
	for (size_t i = 0; !instance && i < config->source_count; i++) {
		used = strlen(text);
		(void)snprintf(text + used, INSTANCE_SIZE - used, " %s", config->sources[i].name);
	}
}

static void choose(struct config *config, const char *instance)
{
	struct config_identity *identity = &config->identity;
	char machine[MACHINE_SIZE];
	uint32_t before;

	read_machine(machine);
	before = config_source_id(machine, instance_before(config), "");
	config->source_id = config_source_id(machine, instance, identity->mark);
	/* Numbers of an agent that knew no marks: to its collectors it is this one. */
	if (!identity->has_moved && kept_source_id_has_numbers(before))
		config->source_id = before;
}

void config_source_id_choose(struct config *config)
{
	struct config_identity *identity = &config->identity;
	struct kept_source_id kept;
	char instance[INSTANCE_SIZE];
	char machine[MACHINE_SIZE];

	write_instance(config, instance);
	if (!config->sources[0].type->is_live) { /* a file gives the same each time */
		read_machine(machine);
		config->source_id = config_source_id(machine, instance, "");
		return;
	}
	machine_mark_read(identity->mark);
	identity->is_kept = true;
	identity->instance = mix(FIRST_HASH, instance);
	if (kept_source_id_read(identity->instance, &kept)) {
		identity->before = kept.number;
		identity->has_moved = *identity->mark && !machine_mark_is_here(kept.mark);
		if (!identity->has_moved) {
			config->source_id = kept.number;
			if (!*identity->mark)
				memcpy(identity->mark, kept.mark, sizeof(identity->mark));
			return;
		}
	}
	choose(config, instance);
}

uint32_t config_source_id_seed(const struct config *config)
{
	char mark[sizeof(config->identity.mark)];
	char instance[INSTANCE_SIZE];
	char machine[MACHINE_SIZE];

	if (config->source_id)
		return config->source_id;
	machine_mark_read(mark);
	write_instance(config, instance);
	read_machine(machine);
	return config_source_id(machine, instance, config->sources[0].type->is_live ? mark : "");
}

void config_source_id_continue(struct config *config, const struct config *running)
{
	if (config->origins[OPTION_source_id].file || running->origins[OPTION_source_id].file)
		return;
	config->source_id = running->source_id;
	config->identity = running->identity;
}

void config_source_id_keep(const struct config *config)
{
	const struct config_identity *identity = &config->identity;
	struct kept_source_id kept = { .number = config->source_id };
	int result;

	if (!identity->is_kept)
		return;
	if (identity->has_moved)
		log_notice("source id %" PRIu32 " instead of %" PRIu32
			   ": that one was chosen on another machine, of which this one has the "
			   "files and no address",
			   config->source_id, identity->before);
	memcpy(kept.mark, identity->mark, sizeof(kept.mark));
	result = kept_source_id_write(identity->instance, &kept);
	if (result)
		log_warning("cannot keep the source id %" PRIu32 " for the next start: %s",
			    config->source_id, fault_text(-result));
}
