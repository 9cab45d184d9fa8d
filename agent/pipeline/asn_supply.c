/* asn_supply.c - see asn_supply.h.
 *
 * Between the helper and the control thread there is one place for a table that is checked. A newer
 * one replaces one that was not taken yet. */
#include "asn_supply.h"

#include "asn_builder.h"
#include "asn_report.h"
#include "config_tables.h"
#include "fault_text.h"
#include "file_watch.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PROBLEM "asn-table" /* its kind, of the file's path */

struct asn_supply {
	struct config config;    /* of it the two paths, one of which is there, owned */
	const char *path;        /* that one */
	struct asn_table *table; /* owned; of the control thread */
	uint64_t replaced;       /* likewise */
	_Atomic uint64_t refused;

	pthread_mutex_t lock;
	struct asn_table *next; /* owned; under the lock */

	/* Of the helper. */
	struct file_watch watch;
	size_t counts[2];          /* prefixes of the table that was last offered */
	struct file_identity used; /* of its file */
	bool is_withdrawn;         /* that file was written to */
	pthread_t thread;
	bool is_running;
	int news; /* eventfd, borrowed: written when 'next' is there */
	int stop; /* eventfd, owned: written at the end */
};

/* Remember what the next one is compared with. */
static void note_table(struct asn_supply *supply, const struct asn_table *table)
{
	supply->used = supply->watch.seen;
	supply->is_withdrawn = false;
	supply->counts[0] = asn_table_count(table, 4);
	supply->counts[1] = asn_table_count(table, 6);
}

static bool copy_path(char **copy, const char *path)
{
	*copy = path ? strdup(path) : NULL;
	return *copy || !path;
}

struct asn_supply *asn_supply_create(const struct config *config, int news,
				     struct error_text *error)
{
	struct asn_supply *supply = calloc(1, sizeof(*supply));
	struct asn_file_report report;

	if (!supply) {
		error_text_set(error, "no memory");
		return NULL;
	}
	supply->news = news;
	(void)pthread_mutex_init(&supply->lock, NULL);
	supply->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	supply->watch.inotify = supply->watch.content = -1;
	if (!copy_path(&supply->config.asn_table, config->asn_table) ||
	    !copy_path(&supply->config.networks_file, config->networks_file)) {
		error_text_set(error, "no memory");
	} else if (supply->stop < 0) {
		error_text_set(error, "eventfd: %s", fault_text(errno));
	} else {
		supply->path = supply->config.asn_table ? supply->config.asn_table
							: supply->config.networks_file;
		file_watch_init(&supply->watch, supply->path);
		supply->table = config_asn_load(&supply->config, &report, error);
	}
	if (!supply->table) {
		asn_supply_destroy(supply);
		return NULL;
	}
	note_table(supply, supply->table);
	asn_report_log(supply->path, supply->table, &report);
	return supply;
}

void asn_supply_destroy(struct asn_supply *supply)
{
	const uint64_t one = 1;

	if (!supply)
		return;
	if (supply->is_running) {
		(void)!write(supply->stop, &one, sizeof(one));
		(void)pthread_join(supply->thread, NULL);
	}
	file_watch_close(&supply->watch);
	asn_table_destroy(supply->next);
	asn_table_destroy(supply->table);
	if (supply->stop >= 0)
		(void)close(supply->stop);
	(void)pthread_mutex_destroy(&supply->lock);
	free(supply->config.asn_table);
	free(supply->config.networks_file);
	free(supply);
}

/* ---- the helper ---- */

/* Put a table where the control thread finds it. */
static void offer(struct asn_supply *supply, struct asn_table *table)
{
	const uint64_t one = 1;
	struct asn_table *late;

	(void)pthread_mutex_lock(&supply->lock);
	late = supply->next;
	supply->next = table;
	(void)pthread_mutex_unlock(&supply->lock);
	asn_table_destroy(late);
	(void)!write(supply->news, &one, sizeof(one));
}

/* Somebody writes to the file that is mapped: what it says is neither the old nor the new table.
 * Until it is whole again addresses have no AS number, rather than a wrong one. */
static void withdraw(struct asn_supply *supply)
{
	const struct asn_build_facts facts = { .source = "a file that is being written to" };
	struct asn_builder *builder = asn_builder_create();
	struct error_text error;
	struct asn_table *empty =
		builder ? asn_builder_table(builder, supply->path, &facts, NULL, &error) : NULL;

	asn_builder_destroy(builder);
	if (!empty)
		return;
	offer(supply, empty);
	supply->is_withdrawn = true;
	log_problem(LOG_LEVEL_warning, PROBLEM, "asn-table-written", supply->path,
		    "%s: is written to while it is in use: AS numbers are 0 until it is complete; "
		    "write another file and rename it",
		    supply->path);
}

/* Why a table is not taken in the place of the one before; false: it is. */
static bool is_much_smaller(const struct asn_supply *supply, const struct asn_table *table,
			    struct error_text *error)
{
	const size_t counts[] = { asn_table_count(table, 4), asn_table_count(table, 6) };
	bool is_smaller = supply->counts[0] + supply->counts[1] && !counts[0] && !counts[1];

	for (int i = 0; i < 2; i++)
		is_smaller |=
			supply->counts[i] >= ASN_SUPPLY_MANY && counts[i] < supply->counts[i] / 2;
	if (is_smaller)
		error_text_set(
			error,
			"%.150s: %zu IPv4 and %zu IPv6 prefixes, much fewer than the %zu and "
			"%zu in use",
			supply->path, counts[0], counts[1], supply->counts[0], supply->counts[1]);
	return is_smaller;
}

/* Whether the file that is mapped has another content now, which the kernel did not report. */
static bool is_overwritten(const struct asn_supply *supply)
{
	const struct file_identity *used = &supply->used;
	const struct file_identity *now = &supply->watch.seen;

	return supply->config.asn_table && now->inode == used->inode &&
	       now->device == used->device &&
	       (now->size != used->size || now->modified.tv_sec != used->modified.tv_sec ||
		now->modified.tv_nsec != used->modified.tv_nsec);
}

static void refuse(struct asn_supply *supply, struct error_text *error, const char *advice)
{
	atomic_fetch_add(&supply->refused, 1);
	if (!supply->is_withdrawn && is_overwritten(supply))
		withdraw(supply);
	error_text_hint(error, "%s%s",
			supply->is_withdrawn ? "it was written over the table in use: AS numbers "
					       "are 0 until a table can be read"
					     : "the table before it stays in use",
			advice);
	log_problem_text(PROBLEM, supply->path, error);
}

static void renew(struct asn_supply *supply)
{
	struct asn_file_report report;
	struct error_text error;
	struct asn_table *table = config_asn_load(&supply->config, &report, &error);

	if (!table) {
		refuse(supply, &error, "");
		return;
	}
	if (is_much_smaller(supply, table, &error)) {
		refuse(supply, &error, "; restart the agent to use this one");
		asn_table_destroy(table);
		return;
	}
	log_problem_over(PROBLEM, supply->path);
	note_table(supply, table);
	asn_report_log(supply->path, table, &report);
	offer(supply, table);
}

static void *supply_main(void *context)
{
	struct asn_supply *supply = context;

	for (;;) {
		switch (file_watch_wait(&supply->watch, supply->stop)) {
		case FILE_CHANGE_stop: return NULL;
		case FILE_CHANGE_replaced: renew(supply); break;
		case FILE_CHANGE_written:
			if (supply->config.asn_table)
				withdraw(supply);
			break;
		case FILE_CHANGE_missing:
			log_problem(LOG_LEVEL_warning, PROBLEM, "asn-table-missing", supply->path,
				    "%s: is not there any more; its table stays in use",
				    supply->path);
			break;
		}
	}
}

int asn_supply_start(struct asn_supply *supply)
{
	int result = file_watch_open(&supply->watch);

	if (result < 0)
		log_warning("%s: changes are looked for once a minute only: inotify: %s",
			    supply->path, fault_text(-result));
	result = pthread_create(&supply->thread, NULL, supply_main, supply);
	supply->is_running = result == 0;
	return -result;
}

/* ---- the control thread ---- */

bool asn_supply_is_of(const struct asn_supply *supply, const struct config *config)
{
	const char *other = supply->config.asn_table ? config->asn_table : config->networks_file;

	return other && !strcmp(supply->path, other);
}

struct asn_table *asn_supply_take(struct asn_supply *supply)
{
	struct asn_table *table;

	(void)pthread_mutex_lock(&supply->lock);
	table = supply->next;
	supply->next = NULL;
	(void)pthread_mutex_unlock(&supply->lock);
	return table;
}

void asn_supply_use(struct asn_supply *supply, struct asn_table *table)
{
	asn_table_destroy(supply->table);
	supply->table = table;
	supply->replaced++;
}

void asn_supply_return(struct asn_supply *supply, struct asn_table *table)
{
	(void)pthread_mutex_lock(&supply->lock);
	if (!supply->next) {
		supply->next = table;
		table = NULL;
	}
	(void)pthread_mutex_unlock(&supply->lock);
	asn_table_destroy(table);
}

const struct asn_table *asn_supply_table(const struct asn_supply *supply)
{
	return supply->table;
}

struct asn_supply_counts asn_supply_counts(const struct asn_supply *supply)
{
	return (struct asn_supply_counts){ supply->replaced, atomic_load(&supply->refused) };
}

const char *asn_supply_path(const struct asn_supply *supply)
{
	return supply->path;
}
