/* config_source_id.c - a number of the machine id and the instance: different between hosts, and
 * the same at every start. */
#include "config_source_id.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FNV-1a, 32 bits: short, and the same on every machine for ever, which is all that is asked. */
static uint32_t mix(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	while (*text++);
	return hash;
}

uint32_t config_source_id(const char *machine, const char *instance)
{
	uint32_t hash = mix(mix(2166136261u, machine), instance);

	return hash ? hash : 1;
}

/* The machine id (machine-id(5)) is not for the wire, but its hash may go there; without one the
 * host's name. */
static void read_machine(char *machine, size_t size)
{
	int descriptor = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t got = descriptor < 0 ? -1 : read(descriptor, machine, size - 1);

	if (descriptor >= 0)
		(void)close(descriptor);
	if (got >= 32) {
		machine[32] = '\0';
		return;
	}
	(void)memset(machine, 0, size);
	(void)gethostname(machine, size - 1);
}

/* What distinguishes agents of one host: the control socket, else $INSTANCE, which a service
 * template may set, else whether it reads a file. */
static const char *instance_name(const struct config *config)
{
	const char *instance = getenv("INSTANCE");

	if (config->control)
		return config->control;
	if (instance)
		return instance;
	return config->sources[0].type->is_live ? "" : "read";
}

uint32_t config_source_id_default(const struct config *config)
{
	char machine[256];

	read_machine(machine, sizeof(machine));
	return config_source_id(machine, instance_name(config));
}
