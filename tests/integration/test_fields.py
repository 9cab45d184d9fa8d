"""fields=LIST: each collector gets the fields that its operator wants, and reads them exactly."""

import ipaddress
import json

import pytest

import ledger
import programs
from collector import DECODERS
from conftest import ROOT, Hosts
from flows import FlowTable, differences
from netflow9 import (
    DESTINATION_AS, DESTINATION_IPV4, END_MS, ICMP_TYPE_CODE, IP_VERSION, OCTETS, PACKETS,
    PROTOCOL, SOURCE_AS, SOURCE_IPV4, SOURCE_MASK_IPV4, START_MS, START_UPTIME, TCP_FLAGS, TOS,
    VLAN, decode_all, flow_key,
)  # fmt: skip
from pcap_reader import count_flows, read_packets
from waiting import wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"
CAPTURE = CAPTURES / "ndpi-whatsapp.pcap"
KEY_AND_COUNTERS = (
    "sourceIPv4Address+destinationIPv4Address+sourceTransportPort+destinationTransportPort"
    "+icmpTypeCodeIPv4+protocolIdentifier+octetDeltaCount+packetDeltaCount"
    "+flowStartMilliseconds+flowEndMilliseconds"
)
VERSIONS = (9, 10)


def export(flowagent, path, *collectors, host=None, options=()):
    """Read a file for some collectors; their rows in the summary, in this order."""
    words = [word for collector in collectors for word in ("-n", collector)]
    agent = flowagent("--read", path, *words, *options, "--export-rate", 1000, host=host)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_lost"] == 0
    return summary["collectors"]


def without(table, *members):
    """A table with some members of its keys and its TCP flags at 0."""
    left = FlowTable()
    for key, totals in table.flows.items():
        plain = key._replace(**{name: 0 for name in members})
        left.add(plain, totals.packets, totals.octets, 0, totals.first_ms, totals.last_ms)
    return left


def counters_of(sink):
    """key -> (packets, octets) of all records, whatever else is in them."""
    table = FlowTable()
    for message in sink.messages():
        for values in message.flows:
            table.add(flow_key(values), values[PACKETS], values[OCTETS])
    return table.counters()


@pytest.mark.parametrize("name", ["ndpi-whatsapp.pcap", "ndpi-443-curl.pcap", "tcpdump-icmpv6.pcap"])
def test_real_collectors_read_a_reduced_set(name, hosts, flowagent, nfacctd, nfcapd, tcpdump):
    address = Hosts.COLLECTOR[0]
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector) for version in VERSIONS}
    nfdumps = {version: nfcapd(address, 4000 + version, hosts.collector) for version in VERSIONS}
    wire = tcpdump(hosts.collector, "eth0", "udp")
    rows = export(
        flowagent, CAPTURES / name,
        *(f"{address}:{port + version},version={version},fields={KEY_AND_COUNTERS}"
          for version in VERSIONS for port in (3000, 4000)),
        host=hosts.server,
    )  # fmt: skip
    sent = sum(row["datagrams_sent"] for row in rows)
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    expected = without(count_flows(read_packets(CAPTURES / name)).table, "tos", "vlan")
    for version in VERSIONS:
        pmacct, nfdump = pmaccts[version], nfdumps[version]
        pmacct.wait_for_packets(expected.packets())
        table, _, _ = pmacct.flows()
        assert not differences(table.counters(), expected.counters()), version
        assert pmacct.stop() == 0
        for word in "expecting flow", "malformed", "ERROR", "WARN":
            assert word not in pmacct.log_text(), version
        nfdump.stop()
        assert not differences(nfdump.flows().flows, expected.flows), version
        assert programs.tshark_complaints(wire.path, 3000 + version) == []
        row = next(row for row in rows if row["name"] == f"{address}:{3000 + version}")
        assert programs.tshark_record_count(wire.path, 3000 + version) == row["records_sent"]


WIDE_ONLY = {VLAN, ICMP_TYPE_CODE}


def widest_template(sink):
    """Elements of the largest template of records that was announced."""
    decoder = DECODERS[int.from_bytes(sink.datagrams[0][:2], "big")]()
    for datagram in sink.datagrams:
        decoder.decode(datagram)
    templates = [{field[0] for field in template.fields} for template in decoder.templates.values()]
    return max((each for each in templates if OCTETS in each), key=len)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_collector_has_its_own_set(version, flowagent, collector):
    """The default, less, more, all, and a list: from one run, each exact."""
    lists = {
        "default": None,
        "-tcpControlBits-vlanId": None,
        "default+ipVersion": None,
        "default+vlanId+icmpTypeCodeIPv4": None,
        "all": None,
        "12+1+2": {DESTINATION_IPV4, OCTETS, PACKETS},
        "octetDeltaCount+packetDeltaCount+protocolIdentifier": {
            IP_VERSION, PROTOCOL, OCTETS, PACKETS,
        },
    }  # fmt: skip
    sinks = {fields: collector() for fields in lists}
    rows = export(
        flowagent, CAPTURE,
        *(f"{sink.host_port},version={version},fields={fields}" for fields, sink in sinks.items()),
    )  # fmt: skip
    expected = count_flows(read_packets(CAPTURE)).table
    found = {}
    for (fields, sink), row in zip(sinks.items(), rows):
        sink.wait_for_datagrams(row["datagrams_sent"])
        flows = [values for message in sink.messages() for values in message.flows]
        assert len(flows) == row["records_sent"]
        assert sum(values[PACKETS] for values in flows) == expected.packets()
        assert sum(values[OCTETS] for values in flows) == expected.octets()
        (found[fields],) = {frozenset(values) for values in flows}
        if lists[fields]:
            assert found[fields] == lists[fields]
    default = found["default"]
    assert {SOURCE_IPV4, TCP_FLAGS, START_MS, END_MS, TOS} <= default
    # No packet has a tag or a type: all records are compact. The wide template has both fields.
    compact = {SOURCE_IPV4, TCP_FLAGS, VLAN, START_MS, END_MS, TOS, ICMP_TYPE_CODE} - default
    assert compact == {VLAN, ICMP_TYPE_CODE}
    wide = {fields: widest_template(sink) & WIDE_ONLY for fields, sink in sinks.items()}
    assert wide["default"] == wide["default+ipVersion"] == wide["all"] == WIDE_ONLY
    assert wide["-tcpControlBits-vlanId"] == {ICMP_TYPE_CODE} and not wide["12+1+2"]
    assert found["-tcpControlBits-vlanId"] == default - {TCP_FLAGS}
    assert found["default+ipVersion"] == default | {IP_VERSION}
    # What somebody names is in every record, also where it is 0.
    assert found["default+vlanId+icmpTypeCodeIPv4"] == default | {VLAN, ICMP_TYPE_CODE}
    assert default | {IP_VERSION, SOURCE_AS, DESTINATION_AS, SOURCE_MASK_IPV4} < found["all"]
    assert not differences(sinks["default"].flows().flows, expected.flows)
    assert not differences(
        counters_of(sinks["-tcpControlBits-vlanId"]), expected.counters("vlan")
    )


def test_times_on_the_exporters_clock_may_be_chosen(flowagent, collector):
    """flowStartSysUpTime by name: the header's clocks are then those that it needs."""
    path = CAPTURES / "ndpi-443-curl.pcap"
    sink = collector()
    fields = "default-flowStartMilliseconds-flowEndMilliseconds+flowStartSysUpTime+flowEndSysUpTime"
    (row,) = export(flowagent, path, f"{sink.host_port},fields={fields}")
    sink.wait_for_datagrams(row["datagrams_sent"])
    assert not differences(sink.flows().flows, count_flows(read_packets(path)).table.flows)
    assert all(START_UPTIME in values for message in sink.messages() for values in message.flows)


def test_json_lines_have_the_same_set(flowagent, collector):
    sink = collector()
    (row,) = export(
        flowagent, CAPTURE, f"{sink.host_port},version=json,fields=destinationIPv4Address+1+2"
    )
    sink.wait_for_datagrams(row["datagrams_sent"])
    lines = [json.loads(line) for datagram in sink.datagrams for line in datagram.splitlines()]
    flows = [line for line in lines if line["type"] == "flow"]
    assert len(flows) == row["records_sent"]
    names = {"destinationIPv4Address", "octetDeltaCount", "packetDeltaCount"}
    assert all(set(flow) - {"type", "observationDomainId"} == names for flow in flows)
    expected = count_flows(read_packets(CAPTURE)).table
    assert sum(flow["octetDeltaCount"] for flow in flows) == expected.octets()


def test_template_ids_are_those_that_agentctl_shows(host, flowagent, agentctl, collector):
    machine = host("machine")
    sinks = [collector("127.0.0.1", port, machine) for port in (3001, 3002, 3003)]
    agent = flowagent(
        "-i", "lo", "-n", "127.0.0.1:3001", "-n", "127.0.0.1:3002,fields=1+2+8",
        "-n", "127.0.0.1:3003,fields=all-tcpControlBits", host=machine,
    )  # fmt: skip
    agent.wait_for_capture()
    shown, receivers = {}, set()
    for row in agentctl(agent).rows("show", "templates"):
        shown.setdefault(row["template"], []).append(row["element"])
        receivers.add(row["collectors"])
    assert receivers == {"127.0.0.1:3001", "127.0.0.1:3002", "127.0.0.1:3003"}
    sent = {}
    for sink in sinks:
        sink.wait_for_datagrams(1)
        for (_, identifier), template in decode_all(sink.datagrams).templates.items():
            if not template.scopes:
                sent[identifier] = [element for element, _ in template.fields]
    assert shown == sent
    assert len(shown) == 20
    assert sum(50176 <= identifier <= 65535 for identifier in shown) == 12
    assert agent.stop() == 0, agent.errors


@pytest.mark.parametrize("end", [0, 1], ids=["ipv4", "ipv6"])
def test_the_address_of_the_exporter(end, hosts, flowagent, collector, nfacctd):
    """That of the way to each collector, in v9, IPFIX and JSON, whatever the IP version of the flow; nfacctd takes it."""
    own, far = Hosts.SERVER[end], Hosts.COLLECTOR[end]
    sinks = {version: collector(far, 0, hosts.collector) for version in (9, 10, "json")}
    name = ("exporterIPv4Address", "exporterIPv6Address")[end]
    fields = "fields=default+exporterIPv4Address+exporterIPv6Address"
    pmacct = nfacctd(far, 3001, hosts.collector, aggregate="src_host, dst_host, peer_src_ip")
    at = f"[{far}]:3001" if end else f"{far}:3001"
    agent = flowagent(
        "--read", CAPTURE, "-n", f"{at},version=9,fields=default+{name}",
        *(word for version, sink in sinks.items() for word in ("-n", f"{sink.host_port},version={version},{fields}")),
        "--export-rate", 500, host=hosts.server,
    )  # fmt: skip
    assert agent.wait() == 0, agent.errors
    rows = {row["name"]: row for row in agent.summary()["collectors"]}
    expected = {130: int(ipaddress.ip_address(own)) * (1 - end), 131: int(ipaddress.ip_address(own)) * end}
    for version, sink in sinks.items():
        sink.wait_for_datagrams(rows[sink.host_port]["datagrams_sent"])
        if version == "json":
            written = [json.loads(line) for datagram in sink.datagrams for line in datagram.splitlines()]
            assert {line[name] for line in written if line["type"] == "flow"} == {own}
            continue
        flows = [values for message in sink.messages() for values in message.flows]
        assert flows and all({key: values[key] for key in expected} == expected for values in flows)
    wait_until(lambda: pmacct.rows(), "its rows")
    assert {row["peer_ip_src"] for row in pmacct.rows()} == {own}
