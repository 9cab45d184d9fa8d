/* collector_plan.c - which collectors go on, and which are replaced.
 *
 * A collector is known by its name. What is of its socket, queue or protocol needs a new one; what
 * says which records it gets, how fast and with which fields is brought into the one that runs. */
#include "collector_plan.h"

#include "collector_setup.h"
#include "config.h"
#include "config_text.h"

#include <string.h>

static bool is_same_tls(const struct transport_tls_config *one,
			const struct transport_tls_config *other)
{
	return config_text_is_same(one->ca, other->ca) &&
	       config_text_is_same(one->certificate, other->certificate) &&
	       config_text_is_same(one->key, other->key) &&
	       config_text_is_same(one->server_name, other->server_name) &&
	       one->skips_verification == other->skips_verification;
}

static bool is_same_socket(const struct transport_socket_settings *one,
			   const struct transport_socket_settings *other)
{
	return !strcmp(one->interface, other->interface) && one->dscp == other->dscp &&
	       one->ttl == other->ttl;
}

/* Where it sends to, and how others see it. */
static bool is_same_end(const struct collector_config *one, const struct collector_config *other)
{
	return one->version == other->version &&
	       config_text_is_same(one->transport, other->transport) &&
	       config_text_is_same(one->address.host, other->address.host) &&
	       one->address.port == other->address.port &&
	       config_text_is_same(one->address.source_address, other->address.source_address);
}

static bool is_same_address(const struct transport_config *one,
			    const struct transport_config *other)
{
	return one->may_segment == other->may_segment && is_same_tls(&one->tls, &other->tls) &&
	       is_same_socket(&one->socket, &other->socket) &&
	       one->probe.kind == other->probe.kind && one->probe.port == other->probe.port &&
	       one->rotation.interval_ms == other->rotation.interval_ms &&
	       one->rotation.size == other->rotation.size && one->keep == other->keep;
}

static bool is_same_group(const struct collector_role *one, const struct collector_role *other)
{
	return one->mode == other->mode &&
	       (one->mode == COLLECTOR_mirror || config_text_is_same(one->group, other->group));
}

static bool can_go_on(const struct collector_config *one, const struct collector_config *other)
{
	return is_same_end(one, other) && is_same_address(&one->address, &other->address) &&
	       one->datagram_size == other->datagram_size && one->spool_size == other->spool_size &&
	       config_text_is_same(one->spool_directory, other->spool_directory) &&
	       is_same_group(&one->role, &other->role);
}

static bool has_same_fields(const struct collector_config *one,
			    const struct collector_config *other)
{
	return one->has_uptime == other->has_uptime && one->fields.added == other->fields.added &&
	       one->fields.removed == other->fields.removed &&
	       one->fields.base == other->fields.base;
}

/* Of two of which one can go on as the other. */
static bool is_same(const struct collector_config *one, const struct collector_config *other)
{
	return has_same_fields(one, other) && config_text_is_same(one->filter, other->filter) &&
	       one->sampling == other->sampling &&
	       one->datagrams_per_second == other->datagrams_per_second &&
	       one->role.priority == other->role.priority;
}

static size_t find(const struct config *config, const char *name)
{
	size_t i = 0;

	while (i < config->collector_count && strcmp(config->collectors[i].name, name) != 0)
		i++;
	return i;
}

bool collector_plan_make(const struct config *before, const struct config *after,
			 const struct exporter *exporter, struct exporter_plan *plans)
{
	bool differs = before->collector_count != after->collector_count;

	for (size_t i = 0; i < after->collector_count; i++) {
		struct exporter_plan *plan = &plans[i];
		const size_t number = find(before, after->collectors[i].name);
		struct collector_config old;

		*plan = (struct exporter_plan){ .config = collector_setup_one(after, i) };
		differs |= number != i;
		if (number == before->collector_count)
			continue;
		old = collector_setup_one(before, number);
		plan->before = number;
		plan->action = EXPORTER_KEEP;
		differs |= !can_go_on(&old, &plan->config) || !is_same(&old, &plan->config);
		if (can_go_on(&old, &plan->config) &&
		    (has_same_fields(&old, &plan->config) || exporter_can_keep(exporter, number)))
			continue;
		plan->action = EXPORTER_REPLACE;
		plan->hands_ledger = is_same_group(&old.role, &plan->config.role);
		plan->hands_sequence = is_same_end(&old, &plan->config) &&
				       !transport_find(plan->config.transport)->session;
	}
	return differs;
}
