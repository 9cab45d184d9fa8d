/* collector.c - a collector from its configuration to its end, and what people see of it.
 *
 * Place: exporter -> collector -> encoder, outbox; the parts of a collector's work are files of
 * their own (collector_parts.h). Every decision is a function of the export_time that comes in and
 * repeats itself harmlessly, so datagrams do not depend on how often anyone calls. */
#include "collector.h"

#include "collector_options.h"
#include "collector_parts.h"
#include "fault_text.h"
#include "outbox_kept.h"
#include "outbox_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct transport_type *transport_of(const struct collector_config *config)
{
	return config->transport_type ? config->transport_type : transport_find(config->transport);
}

static uint32_t size_max(const struct collector_config *config)
{
	return transport_of(config)->session ? COLLECTOR_MESSAGE_SIZE_MAX
					     : COLLECTOR_DATAGRAM_SIZE_MAX;
}

static bool config_is_valid(const struct collector_config *config, struct error_text *error)
{
	if (!encoder_find(config->version))
		error_text_set(error,
			       "collector %s: export version %u is not supported, expected 1, 5, "
			       "7, 9, 10 or JSON",
			       config->name, config->version);
	else if (!transport_of(config))
		error_text_set(error, "collector %s: transport '%s' is not supported, expected %s",
			       config->name, config->transport, transport_names());
	else if (transport_of(config)->session && !encoder_find(config->version)->is_delimited)
		error_text_set(error,
			       "collector %s: transport %s cannot carry export version %u, whose "
			       "messages do not say where they end",
			       config->name, transport_of(config)->name, config->version);
	else if (config->datagram_size < COLLECTOR_DATAGRAM_SIZE_MIN ||
		 config->datagram_size > size_max(config))
		error_text_set(error,
			       "collector %s: datagram size %u is out of range, expected %d to %u",
			       config->name, config->datagram_size, COLLECTOR_DATAGRAM_SIZE_MIN,
			       size_max(config));
	else
		return true;
	return false;
}

/* Whether a datagram holds any record: a line of JSON may be longer than the smallest one. */
bool collector_is_large_enough(const struct collector *collector, struct error_text *error)
{
	const struct encoder_type *encoder = collector->encoder;
	const size_t size =
		encoder->size_min ? encoder->size_min(&collector->templates.current) : 0;

	if (size <= collector->datagram_size)
		return true;
	error_text_set(error,
		       "collector %s: a line of JSON may have %zu bytes, which a datagram of %zu "
		       "does not hold",
		       collector->name, size, collector->datagram_size);
	error_text_hint(error, "where the path allows it, give this collector a larger mtu");
	return false;
}

struct template_choice collector_make_choice(const struct collector *collector,
					     const struct collector_config *config)
{
	struct template_choice choice = collector->terms->choice;

	choice.has_uptime = config->has_uptime;
	choice.fields = config->fields;
	/* A number that stands in records once stays there. */
	choice.has_samplers = collector->templates.choice.has_samplers || config->sampling > 1;
	return choice;
}

uint32_t collector_priority(const struct collector_config *config)
{
	return config->role.priority ? config->role.priority : UINT32_MAX;
}

static void set_role(struct collector *collector, const struct collector_config *config)
{
	const struct collector_role *role = &config->role;
	const char *name = role->group ? role->group : collector_mode_name(role->mode);

	collector->role = *role;
	if (role->mode != COLLECTOR_mirror)
		(void)snprintf(collector->group_name, sizeof(collector->group_name), "%s", name);
	collector->role.group = collector->group_name;
	collector->role.priority = collector_priority(config);
}

int collector_make_selection(const struct collector *collector,
			     const struct collector_config *config,
			     struct record_selection *selection, struct error_text *error)
{
	const struct flow_filter_names names = {
		.interface_is = interface_names_is,
		.context = &collector->terms->names,
	};
	struct error_text why = { .text = "" };
	const int result = record_selection_init(selection, config->filter, &names,
						 config->sampling, collector->terms->secret, &why);

	if (result)
		error_text_set(error, "collector %s: %s", config->name, why.text);
	return result;
}

/* How many datagrams of templates there are at most: where the path may take less than they are
 * made for, as many as of the smallest. Returns 0, or -ENOMEM with 'error' filled. */
int collector_count_templates(const struct collector *collector, struct outbox_config *config,
			      struct error_text *error)
{
	const size_t size =
		config->type->size_max ? COLLECTOR_DATAGRAM_SIZE_MIN : collector->datagram_size;
	int own = 1;
	int all = 1;

	if (collector_has_templates(collector)) {
		own = collector_options_count_messages(collector, size, false);
		all = collector_options_count_messages(collector, size, true);
	}
	if (own < 0 || all < 0) {
		error_text_set(error, "collector %s: out of memory", collector->name);
		return -ENOMEM;
	}
	config->template_datagrams = (size_t)own;
	config->ahead_datagrams = (size_t)all;
	return 0;
}

/* Whether others of its group take over what it does not get. With sessions what waits is sent in
 * the next one; and a flow that is balanced belongs to one collector. */
static bool has_journal(const struct collector_config *config)
{
	return !transport_of(config)->session && (config->role.mode == COLLECTOR_failover ||
						  config->role.mode == COLLECTOR_round_robin);
}

static int make_journal(struct collector *collector, const struct collector_config *config,
			struct error_text *error)
{
	if (!has_journal(config) || record_journal_init(&collector->journal) == 0)
		return 0;
	error_text_set(error, "collector %s: out of memory", collector->name);
	return -ENOMEM;
}

static int open_outbox(struct collector *collector, const struct collector_config *config,
		       struct error_text *error)
{
	struct outbox_config outbox = {
		.name = collector->name,
		.type = transport_of(config),
		.address = config->address,
		.datagram_size = config->datagram_size,
		.datagrams_per_second = config->datagrams_per_second,
		.spool_size = config->spool_size,
		.spool_directory = config->spool_directory,
		.is_live = collector->terms->is_live,
		.is_patient = config->is_patient,
		.has_templates = collector_has_templates(collector),
		.sequence_offset = collector->encoder->sequence_offset,
		.on_event = collector->terms->on_event,
		.event_context = collector->terms->event_context,
	};
	struct error_text why = { .text = "" };
	int result = collector_count_templates(collector, &outbox, error);

	if (result)
		return result;
	result = outbox_init(&collector->outbox, &outbox, &why);
	if (!result)
		return 0;
	error_text_set(error, "collector %s: %s", collector->name, why.text);
	error_text_hint(error, "%s", why.hint);
	return result;
}

struct collector *collector_create(const struct collector_config *config,
				   const struct collector_terms *terms, struct error_text *error)
{
	struct collector *collector;

	if (!config_is_valid(config, error))
		return NULL;
	collector = calloc(1, sizeof(*collector));
	if (!collector) {
		error_text_set(error, "collector %s: out of memory", config->name);
		return NULL;
	}
	(void)snprintf(collector->name, sizeof(collector->name), "%s", config->name);
	collector->version = config->version;
	collector->encoder = encoder_find(config->version);
	collector->needs_care = !collector->encoder->has_ipv6 ||
				collector->encoder->counter_max != UINT64_MAX ||
				has_journal(config);
	collector->terms = terms;
	collector->datagram_size = config->datagram_size;
	collector->rotation = (struct rotation){ .settings = config->address.rotation,
						 .message_size = config->datagram_size };
	collector->refresh.is_due = collector_has_options(collector);
	set_role(collector, config);
	collector->sampling.flows = config->sampling;
	collector->templates.choice = collector_make_choice(collector, config);
	sampler_walk_init(&collector->samplers, &collector->sampling);
	collector_options_make_templates(collector);
	if (!collector_is_large_enough(collector, error) ||
	    collector_make_selection(collector, config, &collector->selection, error)) {
		free(collector);
		return NULL;
	}
	if (make_journal(collector, config, error) || open_outbox(collector, config, error)) {
		record_journal_clear(&collector->journal);
		record_selection_clear(&collector->selection);
		free(collector);
		return NULL;
	}
	return collector;
}

void collector_destroy(struct collector *collector)
{
	if (!collector)
		return;
	outbox_clear(&collector->outbox);
	record_journal_clear(&collector->journal);
	record_selection_clear(&collector->selection);
	free(collector);
}

void collector_samplers_known(struct collector *collector)
{
	collector->sampling.samplers = collector->terms->samplers;
	sampler_walk_init(&collector->samplers, &collector->sampling);
	if (collector->samplers.is_on && !collector->templates.choice.has_samplers)
		collector_options_carry_samplers(collector);
}

void collector_send_template(struct collector *collector)
{
	collector_options_refresh(collector);
	collector->refresh.are_templates_due = collector->refresh.is_due;
}

bool collector_connects(const struct collector *collector)
{
	return collector_has_sessions(collector) && collector->outbox.config.type->ip_protocol;
}

void collector_respread(struct collector *collector)
{
	collector_options_respread(collector);
}

void collector_takes_over(struct collector *collector)
{
	if (collector_has_templates(collector) && !collector_has_sessions(collector))
		outbox_ahead_hurry(&collector->outbox);
}

void collector_continue(struct collector *collector, const struct collector_ledger *before)
{
	outbox_state_continue(&collector->outbox, before);
}

void collector_set_sequence(struct collector *collector, uint32_t sequence)
{
	outbox_sequence_set(&collector->outbox, sequence);
}

void collector_keep_sequence(struct collector *collector, _Atomic uint32_t *place)
{
	if (!collector_has_sessions(collector))
		outbox_sequence_keep(&collector->outbox, place);
}

uint64_t collector_kept_size(const struct collector *collector)
{
	return outbox_kept_size(&collector->outbox);
}

uint64_t collector_keep(struct collector *collector, void *memory, uint64_t turn)
{
	return outbox_kept_begin(&collector->outbox, memory, turn);
}

const void *collector_kept_memory(const struct collector *collector)
{
	return outbox_kept_memory(&collector->outbox);
}

uint64_t collector_succeed(struct collector *collector, void *memory, uint64_t size, uint64_t turn,
			   bool takes_datagrams, struct collector_ledger *ledger)
{
	return outbox_kept_succeed(&collector->outbox, memory, size, turn,
				   takes_datagrams ? outbox_give : NULL, ledger);
}

const struct queued_datagram *collector_waiting(const struct collector *collector, size_t index)
{
	return outbox_waiting(&collector->outbox, index);
}

void collector_give(struct collector *collector, const struct queued_datagram *datagram)
{
	(void)outbox_give(&collector->outbox, datagram);
}

void collector_uncount(struct collector *collector)
{
	outbox_state_uncount(&collector->outbox);
}

const struct collector_ledger *collector_ledger(const struct collector *collector)
{
	return &collector->outbox.ledger;
}

const char *collector_name(const struct collector *collector)
{
	return collector->name;
}

const struct collector_role *collector_role(const struct collector *collector)
{
	return &collector->role;
}

bool collector_is_down(const struct collector *collector)
{
	return collector->outbox.standing.state == OUTBOX_down;
}

bool collector_remote(const struct collector *collector, struct export_remote *remote)
{
	const struct outbox *outbox = &collector->outbox;

	remote->ip_protocol = outbox->config.type->ip_protocol;
	if (!outbox->config.type->local(outbox->transport, &remote->local))
		remote->local.ss_family = AF_UNSPEC;
	return remote->ip_protocol &&
	       outbox->config.type->remote(outbox->transport, &remote->address) > 0;
}

void collector_set_port(struct collector *collector, uint16_t port)
{
	const struct outbox *outbox = &collector->outbox;

	if (outbox->config.type->set_port)
		outbox->config.type->set_port(outbox->transport, port);
}

uint16_t collector_port(const struct collector *collector)
{
	const struct outbox *outbox = &collector->outbox;
	struct sockaddr_storage local;

	if (!outbox->config.type->set_port ||
	    !outbox->config.type->local(outbox->transport, &local))
		return 0;
	return transport_address_port(&local);
}

void collector_status(const struct collector *collector, struct collector_status *status)
{
	const struct outbox *outbox = &collector->outbox;
	struct sockaddr_storage address;

	*status = (struct collector_status){
		.transport = outbox->config.type->name,
		.version = collector->version,
		.mode = collector->role.mode,
		.priority = collector->role.priority == UINT32_MAX ? 0 : collector->role.priority,
		.sampling = collector->selection.sampling ? collector->selection.sampling : 1,
		.is_up = outbox->standing.state == OUTBOX_up,
		.is_known_down = outbox_is_known_down(outbox),
		.last_error = outbox->standing.error,
		.last_loss = outbox->standing.loss,
		.waits_for_reader = outbox->config.is_patient && outbox->queue.count &&
				    outbox->standing.state == OUTBOX_up,
		.has_sequence = outbox->config.sequence_offset != 0,
		.sequence = outbox->sending.sequence,
		.queued_datagrams = (uint32_t)(outbox->queue.count + outbox->spool.count),
		.unconfirmed_datagrams = (uint32_t)outbox->queue.handed,
		.spool_size = outbox->config.spool_size,
		.spooled_bytes = outbox->spool.total_bytes,
		.spooled_records = outbox->spool.amount.records,
		.has_sessions = collector_has_sessions(collector),
		.sessions = outbox->session.number,
		.session_failures = outbox->session.failures,
		.last_sent_ms = outbox->sending.last_us < 0 ? -1 : outbox->sending.last_us / 1000,
		.ledger = outbox->ledger,
	};
	(void)snprintf(status->name, sizeof(status->name), "%s", collector->name);
	memcpy(status->fault, outbox->standing.fault, sizeof(status->fault));
	(void)snprintf(status->group, sizeof(status->group), "%s", collector->group_name);
	transport_address_format(&address, outbox->config.type->remote(outbox->transport, &address),
				 status->remote);
}

const char *collector_fault_text(enum loss_reason loss, int error)
{
	/* The resolver's answer has no errno of its own. */
	if (loss == LOSS_UNRESOLVED)
		return loss_reason_text(loss);
	switch (error) {
	case EADDRNOTAVAIL:
		return "this host has no such address to send from: the source address is not one "
		       "of its own, or the IP version is off";
	case ENODEV: return "the interface it is sent to by does not exist";
	case EACCES:
		return "Permission denied (of a file: for the user that flowagent runs as, see "
		       "flowagent(8))";
	case EROFS:
		return "the directory is read-only for flowagent; the service may write to "
		       "/var/lib/flowagent, elsewhere it needs ReadWritePaths=";
	case ENOTDIR: return "the directory of the file does not exist";
	case EEXIST: return "there is a file that is not of flowagent: move it away";
	case EBUSY: return "another process writes this file";
	case ENXIO: return "nobody reads the pipe";
	case ENETDOWN: return "the interface it is sent to by is down";
	case EMSGSIZE: return "datagrams were longer than the path takes; new ones are shorter";
	case EAGAIN: return "it does not take what is sent";
	case ETIME:
		return "a write to it has not come back for seconds: a network file system or disk "
		       "that hangs";
	case EALREADY: return "it has not answered yet";
	case EPIPE: return "it closed the connection";
	case ECONNRESET: return "it broke off the connection";
	case ENOTCONN: return "there is no connection to it";
	default: break;
	}
	if (error)
		return fault_text(error);
	return loss == LOSS_DISCONNECTED ? "it did not acknowledge what was sent"
					 : loss_reason_text(loss);
}
