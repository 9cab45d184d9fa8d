/* test_pipeline.c - a whole pipeline with its threads, between a fake source and a fake transport:
 * how it begins, what it says of itself, how it ends. */
#include "pipeline.h"

#include "collector_setup.h"
#include "config_life.h"
#include "config_load.h"
#include "equalities.h"

#include "check.h"
#include "fake_source.c"
#include "fake_transport.c"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static struct config config;
static struct pipeline *pipeline;
static unsigned int finished; /* how many times it said so */
static atomic_uint datagrams; /* arrived */

static void arrive(size_t number, const struct datagram *datagram)
{
	(void)number;
	(void)datagram;
	atomic_fetch_add(&datagrams, 1);
}

/* Stand in for those of collector_setup.c: the same collectors, over the fake transport. */
struct exporter *collector_setup_exporter(const struct config *from,
					  const struct template_choice *choice,
					  struct hash_key secret, struct error_text *error)
{
	const struct collector_config collector = {
		.name = "fake",
		.transport_type = &fake_transport_datagrams,
		.version = 9,
		.address = { .host = "fake", .port = 0 },
		.datagram_size = 1400,
	};

	return exporter_create(&(struct exporter_config){ .collectors = &collector,
							  .collector_count = from->collector_count,
							  .source_id = from->source_id,
							  .choice = *choice,
							  .secret = secret },
			       error);
}

struct collector_config collector_setup_one(const struct config *from, size_t number)
{
	return (struct collector_config){ .name = from->collectors[number].name };
}

unsigned int collector_setup_columns_of(const struct config_collector *collector,
					const struct template_choice *choice)
{
	(void)collector;
	(void)choice;
	return 0;
}

unsigned int collector_setup_columns(const struct config *from,
				     const struct template_choice *choice)
{
	(void)from;
	(void)choice;
	return 0;
}

void collector_setup_warn(const struct config *from)
{
	(void)from;
}

static void on_finished(void *context)
{
	CHECK(context == &config);
	finished++;
}

/* The configuration of 'packets' of a fake source of a type, and a fake collector. */
static void configure(const struct capture_type *type, uint64_t packets)
{
	char *const arguments[] = { (char[]){ "flowagent" },      (char[]){ "--read" },
				    (char[]){ "fake.pcap" },      (char[]){ "--collector" },
				    (char[]){ "192.0.2.1:2055" }, NULL };
	struct error_text error;

	CHECK_EQ(config_load(&config, 5, arguments, &error), CONFIG_run);
	config.sources[0].type = type;
	memset(&fake_source, 0, sizeof(fake_source));
	fake_source.packets = packets;
	fake_transport_reset();
	fake_transports[0].arrive = arrive;
	atomic_store(&datagrams, 0);
	finished = 0;
}

static void create(void)
{
	const struct pipeline_events events = { on_finished, &config };
	struct error_text error = { .text = "" };

	pipeline = pipeline_create(&config, &events, NULL, &error);
	CHECK_TEXT(error.text, "");
	CHECK(pipeline != NULL);
}

static void start(void)
{
	struct error_text error;

	CHECK_EQ(pipeline_start(pipeline, &error), 0);
	pipeline_begin(pipeline, &config);
}

/* Wait for the end, as the control thread does. */
static void wait_for_end(void)
{
	struct pollfd ready = { .fd = pipeline_descriptor(pipeline), .events = POLLIN };

	CHECK_EQ(poll(&ready, 1, PATIENCE_MS), 1);
	CHECK_EQ(finished, 0);
	pipeline_dispatch(pipeline);
	CHECK_EQ(finished, 1);
	pipeline_dispatch(pipeline);
	CHECK_EQ(finished, 1);
}

static void destroy(void)
{
	pipeline_destroy(pipeline);
	CHECK(!fake_source.is_open);
	config_clear(&config);
}

static void ignore(void *context, const struct equality *equality)
{
	(void)context;
	(void)equality;
}

/* A snapshot, whose equalities hold. */
static struct pipeline_snapshot snapshot_get(void)
{
	struct pipeline_snapshot snapshot;

	CHECK_EQ(pipeline_snapshot(pipeline, &snapshot), 0);
	CHECK_EQ(equalities_visit(&snapshot, ignore, NULL), 0);
	return snapshot;
}

static uint64_t packets_read(void)
{
	struct pipeline_snapshot snapshot = snapshot_get();
	const uint64_t packets = snapshot.workers.packets_read;

	pipeline_snapshot_clear(&snapshot);
	return packets;
}

static void wait_for_packets(uint64_t packets)
{
	for (int i = 0; packets_read() < packets; i++) {
		CHECK(i < PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
}

/* What became of 'packets', each a flow of its own, when all is over. */
static void check_end(uint64_t packets, uint64_t sent, uint64_t lost)
{
	struct pipeline_snapshot snapshot = snapshot_get();

	CHECK_EQ(snapshot.source_count, 1);
	CHECK_EQ(snapshot.collector_count, 1);
	CHECK_EQ(snapshot.workers.packets_read, packets);
	CHECK_EQ(snapshot.workers.cache.flows_created, packets);
	CHECK_EQ(snapshot.workers.cache.flows_cached, 0);
	CHECK_EQ(snapshot.ring.records, 0);
	CHECK_EQ(snapshot.exported.sent.records, sent);
	CHECK_EQ(snapshot.exported.waiting.records, 0);
	CHECK_EQ(collector_ledger_lost(&snapshot.exported).records, lost);
	CHECK(snapshot.sources[0].has_ended);
	pipeline_snapshot_clear(&snapshot);
}

TEST(a_file_goes_through_and_says_once_that_it_has)
{
	struct error_text error;

	configure(&fake_source_file, 5000);
	fake_source.per_ms = 10;
	create();
	CHECK(fake_source.is_open);
	CHECK_EQ(packets_read(), 0); /* it answers before its threads run, too */
	start();
	wait_for_end();
	check_end(5000, 5000, 0);
	CHECK(atomic_load(&datagrams) > 5000 / 40);
	CHECK(!pipeline_has_failed(pipeline, &error));
	destroy();
}

TEST(what_is_cached_can_be_listed_and_sent_by_request)
{
	struct flow_record flows[64];
	bool seen[100] = { false };
	uint64_t cursor = 0;
	uint64_t flushed = 0;
	size_t all = 0;
	size_t count;

	configure(&fake_source_live, 100);
	create();
	start();
	wait_for_packets(100);
	do {
		CHECK_EQ(pipeline_flows(pipeline, &cursor, flows, 64, &count), 0);
		for (size_t i = 0; i < count; i++) {
			const uint8_t number = flows[i].key.addresses[3];

			CHECK(number < 100 && !seen[number]);
			seen[number] = true;
		}
		all += count;
	} while (count);
	CHECK_EQ(all, 100);
	CHECK_EQ(pipeline_flush(pipeline, &flushed), 0);
	CHECK_EQ(flushed, 100);
	for (int i = 0; atomic_load(&datagrams) == 0; i++) {
		CHECK(i < PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
	pipeline_stop(pipeline);
	wait_for_end();
	check_end(100, 100, 0);
	destroy();
}

TEST(stop_drains_the_source_and_the_cache)
{
	configure(&fake_source_live, 300);
	fake_source.late = 50; /* come while it stops */
	create();
	start();
	wait_for_packets(300);
	CHECK_EQ(finished, 0);
	pipeline_stop(pipeline);
	wait_for_end();
	check_end(350, 350, 0);
	destroy();
}

TEST(abandon_counts_what_a_collector_does_not_take)
{
	configure(&fake_source_live, 300);
	fake_transports[0].send_error = -ENETUNREACH;
	create();
	start();
	wait_for_packets(300);
	pipeline_abandon(pipeline);
	wait_for_end();
	check_end(300, 0, 300);
	CHECK_EQ(atomic_load(&datagrams), 0);
	destroy();
}

TEST(destroy_alone_ends_the_threads)
{
	configure(&fake_source_live, 300);
	create();
	start();
	wait_for_packets(1);
	destroy();
	CHECK_EQ(finished, 0);
}

TEST(a_source_that_fails_is_named_and_what_it_gave_is_sent)
{
	struct error_text error = { .text = "" };

	configure(&fake_source_file, 200); /* a live one would be waited for */
	fake_source.failure = -EIO;
	create();
	start();
	wait_for_end();
	check_end(200, 200, 0);
	CHECK(pipeline_has_failed(pipeline, &error));
	CHECK_TEXT(error.text, "fake: failed");
	destroy();
}

TEST(threads_that_wait_do_not_hang)
{
	char doing[PIPELINE_DOING_SIZE];

	configure(&fake_source_live, 10);
	create();
	CHECK(pipeline_hung_thread(pipeline, doing) == NULL); /* none runs */
	start();
	wait_for_packets(10);
	CHECK(pipeline_hung_thread(pipeline, doing) == NULL); /* and wakes them */
	(void)packets_read();                                 /* each has begun another turn */
	CHECK(pipeline_hung_thread(pipeline, doing) == NULL);
	destroy();
}

static void check_refused(const char *expected)
{
	const struct pipeline_events events = { on_finished, &config };
	struct error_text error = { .text = "" };

	CHECK(pipeline_create(&config, &events, NULL, &error) == NULL);
	CHECK(strstr(error.text, expected) != NULL);
	CHECK(!fake_source.is_open);
	config_clear(&config);
}

TEST(what_cannot_begin_says_why_and_leaves_nothing_open)
{
	configure(&fake_source_file, 1);
	fake_source.open_error = -EACCES;
	check_refused("does not open");

	configure(&fake_source_file, 1);
	config.networks_file = strdup("/does/not/exist");
	check_refused("/does/not/exist");

	configure(&fake_source_file, 1);
	config.applications_file = strdup("/does/not/exist");
	check_refused("/does/not/exist");
}

TEST(templates_follow_from_what_is_loaded)
{
	static const uint8_t address[16] = { 192, 0, 2, 1 };
	char path[] = "/tmp/test_pipeline.XXXXXX";
	const int file = mkstemp(path);
	static const char line[] = "64500,192.0.2.0/24\n";

	CHECK(file >= 0);
	CHECK_EQ(write(file, line, sizeof(line) - 1), sizeof(line) - 1);
	(void)close(file);
	configure(&fake_source_file, 1);
	config.networks_file = strdup(path);
	create();
	CHECK(pipeline_template_choice(pipeline).has_as_numbers);
	CHECK(!pipeline_template_choice(pipeline).has_applications);
	CHECK_EQ(pipeline_asn(pipeline, 4, address).as_number, 64500);
	destroy();
	(void)unlink(path);

	configure(&fake_source_file, 1);
	create();
	CHECK(!pipeline_template_choice(pipeline).has_as_numbers);
	CHECK_EQ(pipeline_asn(pipeline, 4, address).as_number, 0);
	destroy();
}

/* A reload has dropped the table while the next one was being loaded. */
TEST(news_of_a_table_that_is_no_more_wakes_once)
{
	const uint64_t one = 1;
	struct pollfd news = { .events = POLLIN };

	configure(&fake_source_file, 1);
	create();
	news.fd = pipeline_asn_descriptor(pipeline);
	CHECK_EQ(write(news.fd, &one, sizeof(one)), (ssize_t)sizeof(one));
	CHECK_EQ(poll(&news, 1, 0), 1);
	pipeline_asn_dispatch(pipeline);
	CHECK_EQ(poll(&news, 1, 0), 0);
	destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_goes_through_and_says_once_that_it_has),
		cmocka_unit_test(what_is_cached_can_be_listed_and_sent_by_request),
		cmocka_unit_test(stop_drains_the_source_and_the_cache),
		cmocka_unit_test(abandon_counts_what_a_collector_does_not_take),
		cmocka_unit_test(destroy_alone_ends_the_threads),
		cmocka_unit_test(a_source_that_fails_is_named_and_what_it_gave_is_sent),
		cmocka_unit_test(threads_that_wait_do_not_hang),
		cmocka_unit_test(what_cannot_begin_says_why_and_leaves_nothing_open),
		cmocka_unit_test(templates_follow_from_what_is_loaded),
		cmocka_unit_test(news_of_a_table_that_is_no_more_wakes_once),
	};

	return RUN_TESTS(tests);
}
