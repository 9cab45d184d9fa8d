/* test_encoder_json.c - whole lines as literal text, and where a message ends. */
#include "encoder.h"

#include "check.h"
#include "statistics_example.h"

#include <errno.h>
#include <stdlib.h>

#define DOMAIN 168496141

static const struct export_time time_ = { .unix_ms = 1700000000999, .uptime_ms = 60000 };

/* A message over a block of exactly 'size' bytes, so that a write too far is found. */
struct draft {
	struct message message;
	struct template_set templates;
	uint8_t *bytes;
};

static void draft_begin(struct draft *draft, size_t size, const struct template_choice *choice)
{
	draft->bytes = malloc(size);
	CHECK(draft->bytes != NULL);
	draft->message.writer = writer_of(draft->bytes, size);
	template_set_init(&draft->templates, EXPORT_JSON, choice);
	encoder_json.begin(&draft->message, &time_);
	draft->message.source_id = DOMAIN;
}

/* End the message, compare, free. */
static void draft_check(struct draft *draft, const char *expected)
{
	const size_t size = encoder_json.finish(&draft->message, &time_, DOMAIN);

	CHECK_EQ(size, strlen(expected));
	CHECK_BYTES(draft->bytes, expected, size);
	CHECK(!encoder_json.sequence_step);
	free(draft->bytes);
}

/* What a record cannot be larger than: every number at its maximum. */
static struct export_record largest(uint8_t ip_version)
{
	struct export_record record;

	memset(&record, 0xff, sizeof(record));
	record.flow.key.ip_version = ip_version;
	record.flow.key.protocol = 58;
	record.flow.first_ms = INT64_MIN;
	record.flow.last_ms = INT64_MAX;
	return record;
}

static struct export_record tcp(void)
{
	return (struct export_record){
		.flow = {
			.key = {
				.source_port = 443,
				.destination_port = 40000,
				.protocol = 6,
				.tos = 0xb8,
				.vlan_id = 100,
				.input_interface = 2,
				.output_interface = 70000,
				.side = 1,
				.ip_version = 4,
				.addresses = { 192, 0, 2, 53, 198, 51, 100, 9 },
			},
			.packets = 3,
			.octets = UINT64_MAX,
			.first_ms = -1,
			.last_ms = 1700000000500,
			.tcp_flags = 0x12,
			.end_reason = FLOW_END_activeTimeout,
		},
	};
}

#define TCP_LINE                                                                            \
	"{\"type\":\"flow\",\"observationDomainId\":168496141,"                             \
	"\"sourceIPv4Address\":\"192.0.2.53\",\"destinationIPv4Address\":\"198.51.100.9\"," \
	"\"ipVersion\":4,\"sourceTransportPort\":443,\"destinationTransportPort\":40000,"   \
	"\"icmpTypeCodeIPv4\":0,\"protocolIdentifier\":6,\"ipClassOfService\":184,"         \
	"\"tcpControlBits\":18,\"flowDirection\":1,\"flowEndReason\":2,\"vlanId\":100,"     \
	"\"ingressInterface\":2,\"egressInterface\":70000,"                                 \
	"\"octetDeltaCount\":18446744073709551615,\"packetDeltaCount\":3,"                  \
	"\"flowStartMilliseconds\":-1,\"flowEndMilliseconds\":1700000000500}\n"

TEST(ipv4_flow)
{
	const struct export_record record = tcp();
	struct draft draft;

	draft_begin(&draft, 2 * strlen(TCP_LINE) + 1, &(struct template_choice){ 0 });
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), -EMSGSIZE);
	CHECK_EQ(draft.message.data_records, 2);
	draft_check(&draft, TCP_LINE TCP_LINE);
}

TEST(ipv6_flow_with_all_that_is_looked_up)
{
	const struct template_choice choice = { .has_as_numbers = true,
						.has_next_hop = true,
						.has_peers = true };
	struct export_record record = largest(6);
	struct draft draft;

	memset(record.flow.key.addresses, 0, 32);
	record.flow.key.addresses[31] = 1;
	draft_begin(&draft, 2000, &choice);
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
	draft_check(&draft,
		    "{\"type\":\"flow\",\"observationDomainId\":168496141,"
		    "\"sourceIPv6Address\":\"::\",\"destinationIPv6Address\":\"::1\","
		    "\"ipVersion\":6,\"sourceTransportPort\":65535,"
		    "\"destinationTransportPort\":65535,\"icmpTypeCodeIPv6\":65535,"
		    "\"protocolIdentifier\":58,\"ipClassOfService\":255,\"tcpControlBits\":255,"
		    "\"flowEndReason\":255,\"vlanId\":65535,"
		    "\"ingressInterface\":4294967295,\"egressInterface\":4294967295,"
		    "\"octetDeltaCount\":18446744073709551615,"
		    "\"packetDeltaCount\":18446744073709551615,"
		    "\"flowStartMilliseconds\":-9223372036854775808,"
		    "\"flowEndMilliseconds\":9223372036854775807,"
		    "\"bgpSourceAsNumber\":4294967295,\"bgpDestinationAsNumber\":4294967295,"
		    "\"sourceIPv6PrefixLength\":255,\"destinationIPv6PrefixLength\":255,"
		    "\"bgpPrevAdjacentAsNumber\":4294967295,"
		    "\"bgpNextAdjacentAsNumber\":4294967295,"
		    "\"bgpNextHopIPv6Address\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"}\n");
}

/* ipVersion is there once, also where it stands for the addresses. */
TEST(biflow)
{
	const struct template_choice choice = { .has_biflows = true };
	struct export_record forward = tcp();
	struct export_record reverse = tcp();
	struct draft draft;

	forward.flow.biflow_direction = BIFLOW_initiator;
	reverse.flow.packets = 4;
	reverse.flow.octets = 5;
	reverse.flow.key.side = 0;
	draft_begin(&draft, 2000, &choice);
	CHECK_EQ(encoder_json.add_biflow(&draft.message, &draft.templates, &forward, &reverse), 0);
	CHECK_EQ(draft.message.data_records, 1);
	draft_check(&draft,
		    "{\"type\":\"flow\",\"observationDomainId\":168496141,"
		    "\"sourceIPv4Address\":\"192.0.2.53\","
		    "\"destinationIPv4Address\":\"198.51.100.9\","
		    "\"ipVersion\":4,\"sourceTransportPort\":443,"
		    "\"destinationTransportPort\":40000,"
		    "\"icmpTypeCodeIPv4\":0,\"protocolIdentifier\":6,\"ipClassOfService\":184,"
		    "\"tcpControlBits\":18,\"flowDirection\":1,\"flowEndReason\":2,"
		    "\"vlanId\":100,"
		    "\"ingressInterface\":2,\"egressInterface\":70000,"
		    "\"octetDeltaCount\":18446744073709551615,\"packetDeltaCount\":3,"
		    "\"flowStartMilliseconds\":-1,\"flowEndMilliseconds\":1700000000500,"
		    "\"biflowDirection\":1,"
		    "\"reverseIcmpTypeCodeIPv4\":0,\"reverseTcpControlBits\":18,"
		    "\"reverseFlowDirection\":0,\"reverseFlowEndReason\":2,"
		    "\"reverseIngressInterface\":2,\"reverseEgressInterface\":70000,"
		    "\"reverseOctetDeltaCount\":5,\"reversePacketDeltaCount\":4,"
		    "\"reverseFlowStartMilliseconds\":-1,"
		    "\"reverseFlowEndMilliseconds\":1700000000500}\n");
}

TEST(flow_of_another_key)
{
	const struct template_choice choice = {
		.key.changed = FLOW_KEY_DEFAULT ^ (FLOW_KEY_protocol | FLOW_KEY_mark),
	};
	struct export_record record = tcp();
	struct draft draft;

	record.flow.key.mark = 7;
	draft_begin(&draft, 1000, &choice);
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
	draft_check(&draft, "{\"type\":\"flow\",\"observationDomainId\":168496141,"
			    "\"ipVersion\":4,\"protocolIdentifier\":6,\"tcpControlBits\":18,"
			    "\"flowEndReason\":2,\"commonPropertiesId\":7,"
			    "\"octetDeltaCount\":18446744073709551615,\"packetDeltaCount\":3,"
			    "\"flowStartMilliseconds\":-1,\"flowEndMilliseconds\":1700000000500}"
			    "\n");
}

TEST(statistics_and_interface_names)
{
	struct draft draft;

	draft_begin(&draft, 2000, &(struct template_choice){ 0 });
	CHECK_EQ(encoder_json.add_statistics(&draft.message, &statistics_example, DOMAIN), 0);
	CHECK_EQ(encoder_json.add_interface(
			 &draft.message,
			 &(struct interface_name){ 2, "eth0",
						   "to \"ISP\"\n\xe9 0123456789abcdef01234" }),
		 0);
	draft_check(&draft, "{\"type\":\"statistics\",\"observationDomainId\":168496141,"
			    "\"observationTimeMilliseconds\":1700000000999,"
			    "\"exportedMessageTotalCount\":7,\"exportedFlowRecordTotalCount\":100,"
			    "\"exportedOctetTotalCount\":10000,\"ignoredPacketTotalCount\":11,"
			    "\"ignoredOctetTotalCount\":1100,\"notSentFlowTotalCount\":3,"
			    "\"notSentPacketTotalCount\":30,\"notSentOctetTotalCount\":3000,"
			    "\"observedFlowTotalCount\":105,\"droppedPacketTotalCount\":5,"
			    "\"packetTotalCount\":4294967296,"
			    "\"systemInitTimeMilliseconds\":1700000000000}\n"
			    "{\"type\":\"interface\",\"observationDomainId\":168496141,"
			    "\"observationTimeMilliseconds\":1700000000999,\"ingressInterface\":2,"
			    "\"interfaceName\":\"eth0\","
			    "\"interfaceDescription\":\"to \\\"ISP\\\"\\u000a\xef\xbf\xbd "
			    "0123456789abcdef01234\"}\n");
}

TEST(what_does_not_fit_leaves_the_message_as_it_was)
{
	const struct export_statistics statistics = { .system_init_ms = 0 };
	const struct interface_name name = { 1, "lo", "lo" };
	const struct export_record record = tcp();
	struct draft draft;

	draft_begin(&draft, strlen(TCP_LINE) + 10, &(struct template_choice){ 0 });
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
	CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), -EMSGSIZE);
	CHECK_EQ(encoder_json.add_statistics(&draft.message, &statistics, 1), -EMSGSIZE);
	CHECK_EQ(encoder_json.add_interface(&draft.message, &name), -EMSGSIZE);
	CHECK_EQ(draft.message.records, 1);
	draft_check(&draft, TCP_LINE);
}

TEST(the_smallest_message_holds_any_line)
{
	const struct template_choice everything = { .has_as_numbers = true,
						    .has_next_hop = true,
						    .has_peers = true };
	struct export_statistics statistics;
	struct interface_name name = { UINT32_MAX, "", "" };

	memset(&statistics, 0xff, sizeof(statistics));
	memset(name.name, 0x1f, sizeof(name.name));
	memset(name.description, 0x1f, sizeof(name.description));
	for (uint8_t ip_version = 4; ip_version <= 6; ip_version += 2) {
		struct export_record record = largest(ip_version);
		struct template_set templates;
		struct draft draft;
		size_t size;

		template_set_init(&templates, EXPORT_JSON, &everything);
		size = encoder_json.size_min(&templates);
		CHECK(size <= 1400);
		draft_begin(&draft, size, &everything);
		draft.message.source_id = UINT32_MAX;
		CHECK_EQ(encoder_json.add_record(&draft.message, &draft.templates, &record), 0);
		free(draft.bytes);
		draft_begin(&draft, size, &everything);
		CHECK_EQ(encoder_json.add_statistics(&draft.message, &statistics, UINT32_MAX), 0);
		free(draft.bytes);
		draft_begin(&draft, size, &everything);
		CHECK_EQ(encoder_json.add_interface(&draft.message, &name), 0);
		free(draft.bytes);
	}
}

TEST(version_has_a_name)
{
	char text[ENCODER_VERSION_TEXT_SIZE];

	CHECK_TEXT(encoder_version_format(ENCODER_VERSION_JSON, text), "json");
	CHECK_TEXT(encoder_version_format(10, text), "10");
	CHECK(encoder_find(ENCODER_VERSION_JSON) == &encoder_json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_flow),
		cmocka_unit_test(ipv6_flow_with_all_that_is_looked_up),
		cmocka_unit_test(biflow),
		cmocka_unit_test(flow_of_another_key),
		cmocka_unit_test(statistics_and_interface_names),
		cmocka_unit_test(what_does_not_fit_leaves_the_message_as_it_was),
		cmocka_unit_test(the_smallest_message_holds_any_line),
		cmocka_unit_test(version_has_a_name),
	};

	return RUN_TESTS(tests);
}
