/* collector_setup.c - config_collector -> collector_config; events of collectors -> log.
 *
 * Place: beside pipeline.c, which knows the stages; this knows what each option of a collector
 * means to the exporter. */
#include "collector_setup.h"

#include "config.h"
#include "config_source_id.h"
#include "count_text.h"
#include "defaults.h"
#include "encoder.h"
#include "exporter.h"
#include "fault_text.h"
#include "filter_names.h"
#include "log.h"
#include "rights.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void log_waited_for(const struct collector_event *event)
{
	if (event->error) {
		log_problem(
			LOG_LEVEL_warning, "waits", "waits", event->collector,
			"collector %s: has taken nothing for 5 s: its reader stands still or its "
			"disk hangs; reading waits for it, and so do the other collectors",
			event->collector);
		return;
	}
	log_problem_over("waits", event->collector);
	log_event(LOG_LEVEL_notice, "waits-no-more", event->collector,
		  "collector %s: takes records again", event->collector);
}

static void log_spool(const struct collector_event *event)
{
	const char *name = loss_reason_name(event->reason);

	if (!event->error) {
		log_problem_over("spool", event->collector);
		log_event(LOG_LEVEL_notice, "spool-works", event->collector,
			  "collector %s: its spool works again", event->collector);
		return;
	}
	if (event->error == ETIME)
		log_problem(
			LOG_LEVEL_warning, "spool", name, event->collector,
			"collector %s: a read or write of its spool has been under way for 5 s: "
			"the disk hangs; records that come meanwhile are counted as lost (%s)",
			event->collector, name);
	else
		log_problem(LOG_LEVEL_warning, "spool", name, event->collector,
			    "collector %s: its spool fails: %s; the records there are counted as "
			    "lost (%s)",
			    event->collector, fault_text(event->error), name);
}

static void log_down(const struct collector_event *event)
{
	const char *name = loss_reason_name(event->reason);
	const char *why =
		event->fault ? event->fault : collector_fault_text(event->reason, event->error);

	if (event->reason == LOSS_OVERFLOW ||
	    (event->reason == LOSS_NOT_TAKEN && event->error != ETIME))
		log_problem(LOG_LEVEL_warning, "down", name, event->collector,
			    "collector %s: no more room for records that wait for it: the oldest "
			    "are counted as lost (%s)",
			    event->collector, name);
	else
		log_problem(LOG_LEVEL_warning, "down", name, event->collector,
			    "collector %s: %s; records wait for it as long as there is room, then "
			    "they are counted as lost",
			    event->collector, why);
}

static void log_up(const struct collector_event *event)
{
	char lost[COUNT_TEXT_SIZE];

	log_problem_over("down", event->collector);
	if (event->records_lost_in_all)
		log_event(LOG_LEVEL_notice, "collector-up", event->collector,
			  "collector %s: reachable again, %s %s lost meanwhile, %" PRIu64
			  " since the start",
			  event->collector, count_text(event->records_lost, "record", lost),
			  count_verb(event->records_lost, "was", "were"),
			  event->records_lost_in_all);
	else
		log_event(LOG_LEVEL_info, "collector-ready", event->collector,
			  "collector %s: ready", event->collector);
}

static void log_gone(const struct collector_event *event)
{
	static const char *const kinds[] = { "down", "waits", "spool" };
	char lost[COUNT_TEXT_SIZE];
	char sent[COUNT_TEXT_SIZE];

	for (size_t i = 0; !event->is_replaced && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		log_problem_over(kinds[i], event->collector);
	log_notice("collector %s: %s: %s %s sent, %s lost", event->collector,
		   event->is_replaced ? "replaced" : "removed",
		   count_text(event->records_sent, "record", sent),
		   count_verb(event->records_sent, "was", "were"),
		   count_text(event->records_lost_in_all, "record", lost));
}

static void log_collector_event(void *context, const struct collector_event *event)
{
	(void)context;
	if (event->kind == COLLECTOR_TAKES_OVER)
		log_event(LOG_LEVEL_notice, "collector-takes-over", event->collector,
			  "group %s: records go to collector %s from now on, no longer to %s",
			  event->group, event->collector, event->before);
	else if (event->kind == COLLECTOR_WAITED_FOR)
		log_waited_for(event);
	else if (event->kind == COLLECTOR_SPOOL)
		log_spool(event);
	else if (event->kind == COLLECTOR_GONE)
		log_gone(event);
	else if (event->kind == COLLECTOR_DOWN)
		log_down(event);
	else
		log_up(event);
}

static struct transport_tls_config tls_settings(const struct config_collector *from)
{
	return (struct transport_tls_config){
		.ca = from->ca,
		.certificate = from->certificate,
		.key = from->key,
		.server_name = from->server_name,
		.skips_verification = from->skips_verification,
	};
}

/* Whether it has worked does not matter: the agent knows its own datagrams without a mark, too. */
static void set_mark(int fd, uint32_t mark)
{
	const struct rights_section before = rights_raise();

	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	rights_restore(before);
}

static int open_raw(int family, int protocol)
{
	const struct rights_section before = rights_raise();
	const int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	rights_restore(before);
	return fd;
}

static struct transport_socket_settings socket_settings(const struct config_collector *from)
{
	struct transport_socket_settings settings = {
		.mark = DEFAULT_MARK,
		.set_mark = set_mark,
		.open_raw = open_raw,
		.dscp = from->dscp,
		.ttl = from->ttl,
	};

	if (from->interface)
		(void)snprintf(settings.interface, sizeof(settings.interface), "%s",
			       from->interface);
	return settings;
}

struct collector_config collector_setup_one(const struct config *config, size_t number)
{
	const struct config_collector *from = &config->collectors[number];
	const int64_t rate = from->export_rate >= 0 ? from->export_rate : config->export_rate;
	const bool is_live = config->sources[0].type->is_live;

	return (struct collector_config){
		.name = from->name,
		.transport = from->transport,
		.version = from->version,
		.has_uptime = from->uptime,
		.fields = from->field_set,
		.address = { .host = from->host,
			     .port = from->port,
			     .source_address = from->source_address ? from->source_address
								    : config->source_address,
			     .seed = config_source_id_seed(config),
			     .tls = tls_settings(from),
			     .may_segment = from->segmentation,
			     .probe = from->probe,
			     .rotation = { from->rotate_ms, from->rotate_size },
			     .keep = from->keep,
			     .socket = socket_settings(from) },
		.datagram_size = from->datagram_size ? from->datagram_size : EXPORTER_DATAGRAM_SIZE,
		.spool_size = (uint64_t)from->spool_size,
		.is_patient = !is_live && from->port == 0,
		.spool_directory = from->spool_directory,
		.datagrams_per_second = rate >= 0 ? (uint32_t)rate : EXPORTER_DATAGRAMS_PER_SECOND,
		.role = { .mode = from->mode, .group = from->group, .priority = from->priority },
		.filter = from->filter,
		.sampling = from->sampling,
	};
}

struct exporter *collector_setup_exporter(const struct config *config,
					  const struct template_choice *choice,
					  struct hash_key secret, struct error_text *error)
{
	struct collector_config *collectors =
		calloc(config->collector_count + 1, sizeof(*collectors));
	const struct exporter_config exporter_config = {
		.collectors = collectors,
		.collector_count = config->collector_count,
		.source_id = config->source_id,
		.template_refresh_ms = config->template_refresh_ms,
		.template_refresh_datagrams = config->template_refresh_datagrams,
		.choice = *choice,
		.seed = config_source_id_seed(config),
		.secret = secret,
		.is_live = config->sources[0].type->is_live,
		.record_size = export_record_size(collector_setup_columns(config, choice)),
		.on_event = log_collector_event,
	};
	struct exporter *exporter;

	if (!collectors) {
		error_text_set(error, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < config->collector_count; i++)
		collectors[i] = collector_setup_one(config, i);
	exporter = exporter_create(&exporter_config, error);
	free(collectors);
	return exporter;
}

/* The columns that a collector's filter looks at. */
static unsigned int columns_of_filter(const struct config_collector *collector)
{
	struct error_text error;
	struct flow_filter *filter =
		collector->filter ? flow_filter_parse_text(collector->filter, &filter_names, &error)
				  : NULL;
	const unsigned int needs = filter ? flow_filter_needs(filter) : 0;

	flow_filter_destroy(filter);
	return (needs & FLOW_FILTER_needs_user ? FLOW_COLUMN_BIT(FLOW_COLUMN_user) : 0) |
	       (needs & FLOW_FILTER_needs_tcp ? FLOW_COLUMN_BIT(FLOW_COLUMN_tcp) : 0);
}

unsigned int collector_setup_columns_of(const struct config_collector *collector,
					const struct template_choice *choice)
{
	const struct encoder_type *encoder = encoder_find(collector->version);
	struct template_choice own = *choice;
	struct template_set set;

	own.fields = collector->field_set;
	if (!encoder->protocol)
		return columns_of_filter(collector);
	template_set_init(&set, (enum export_protocol)encoder->protocol, &own);
	return template_set_columns(&set) | columns_of_filter(collector);
}

unsigned int collector_setup_columns(const struct config *config,
				     const struct template_choice *choice)
{
	static const unsigned int of_owner[] = {
		[CONFIG_OWNER_off] = 0,
		[CONFIG_OWNER_uid] = FLOW_COLUMN_BIT(FLOW_COLUMN_user),
		[CONFIG_OWNER_unit] = FLOW_COLUMNS_OF_OWNER,
	};
	unsigned int columns = of_owner[config->owner];

	for (size_t i = 0; i < config->collector_count; i++)
		columns |= collector_setup_columns_of(&config->collectors[i], choice);
	return columns;
}

void collector_setup_warn(const struct config *config)
{
	for (size_t i = 0; i < config->collector_count; i++) {
		const struct config_collector *collector = &config->collectors[i];
		struct error_text error = { .text = "" };
		struct flow_filter *filter = NULL;

		if (collector->filter)
			filter = flow_filter_parse_text(collector->filter, &filter_names, &error);
		flow_filter_destroy(filter);
		if (collector->skips_verification)
			log_warning("collector %s: its certificate is not checked (verify=off): "
				    "anyone on the way can read and take the records",
				    collector->name);
		if (error.text[0])
			log_warning("collector %s: %s; this matches nothing until there is one",
				    collector->name, error.text);
	}
}
