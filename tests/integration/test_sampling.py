"""Sampling: which packets count, what is announced of it, and that they multiply rightly."""

import json
import socket
import struct
import subprocess

import pytest

import frames
import ipfix
import ledger
import programs
import traffic
from capture_files import packet, pcap
from conftest import BUILD, Hosts
from netflow9 import PACKETS, flow_key
from stream_collector import StreamCollector, messages_of
from waiting import wait_until

METHODS = ("random", "deterministic", "hash", "flows")
RENORMALIZE = "nfacctd_renormalize: true\n"
SAMPLER_ID, SAMPLER_INTERVAL, SAMPLING_INTERVAL = 48, 50, 34
SELECTOR_ID, ALGORITHM, PACKET_INTERVAL, PACKET_SPACE, PROBABILITY = 302, 304, 305, 306, 311
HASH_OUTPUT_MIN, HASH_OUTPUT_MAX, HASH_SELECTED_MIN, HASH_SELECTED_MAX = 329, 330, 331, 332
FLOWS, PACKETS_EACH = 60, 40


@pytest.fixture
def capture(directory):
    """60 flows of 40 UDP packets each, two of three over IPv4, each packet with another content."""
    packets = []
    for i in range(FLOWS * PACKETS_EACH):
        flow, number = i % FLOWS, i // FLOWS
        segment = frames.udp(1000 + flow, payload=b"%012d" % i)
        if flow % 3:
            layer = frames.ipv4(segment, identification=i)
        else:
            layer = frames.ipv6(segment)
        frame = frames.ADDRESSES + frames.ip_kind(layer).to_bytes(2, "big") + layer
        packets.append(packet(1_700_000_000_000_000_000 + i * 1_000_000, frames.ETHERNET, frame))
        assert number < PACKETS_EACH
    path = directory / "many.pcap"
    path.write_bytes(pcap(packets))
    return path


def read(flowagent, path, sampling, *options):
    agent = flowagent("--read", f"{path},sampling={sampling}", *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    return summary


def selector_interval(values):
    """One in so many, by a selector report: RFC 5477 section 6.5.2 has its parameters."""
    parameters = set(values) - {ALGORITHM}
    if values[ALGORITHM] == 1:
        assert parameters == {PACKET_INTERVAL, PACKET_SPACE} and values[PACKET_INTERVAL] == 1
        return values[PACKET_SPACE] + 1
    if values[ALGORITHM] == 4:
        assert parameters == {PROBABILITY}
        return round(1 / struct.unpack(">d", values[PROBABILITY].to_bytes(8, "big"))[0])
    assert values[ALGORITHM] == 6 and parameters == set(range(327, 334))
    assert (values[HASH_OUTPUT_MIN], values[HASH_OUTPUT_MAX]) == (0, 2**32 - 1)
    assert values[HASH_SELECTED_MIN] == 0
    return round(2**32 / (values[HASH_SELECTED_MAX] + 1))


def counters(sink):
    """key -> packets of each record's sampler interval: {(key, interval): packets}."""
    intervals, found, rate = {}, {}, None
    for message in sink.messages():
        for scopes, values in message.options:
            if SAMPLER_INTERVAL in values:
                intervals[values[SAMPLER_ID]] = values[SAMPLER_INTERVAL]
            if SAMPLING_INTERVAL in values:
                rate = values[SAMPLING_INTERVAL]
            if ALGORITHM in values:
                assert rate, "a selector report ahead of the rate"
                intervals[int.from_bytes(scopes[SELECTOR_ID], "big")] = selector_interval(values)
        for values in message.flows:
            assert rate, "a record ahead of the rate"
            number = values.get(SAMPLER_ID, values.get(SELECTOR_ID, 0))
            assert number == 0 or number in intervals, "a record ahead of its sampler"
            key = (flow_key(values), intervals.get(number, 1))
            found[key] = found.get(key, 0) + values[PACKETS]
    return found


def multiplied(table):
    """key -> packets of a FlowTable."""
    return {key: totals.packets for key, totals in table.flows.items()}


@pytest.mark.parametrize("version", (9, 10))
@pytest.mark.parametrize("method", METHODS)
def test_one_in_n_counts_and_the_rest_is_ignored(method, version, capture, flowagent, collector):
    sinks = [collector() for _ in range(2)]
    for sink in sinks:
        summary = read(flowagent, capture, f"{method}:5", "-n", f"{sink.host_port},version={version}")
        sink.wait_for_datagrams(summary["datagrams_sent"])
        total = FLOWS * PACKETS_EACH
        assert summary["packets_read"] == total
        assert summary["packets_ignored"]["not_sampled"] == total - summary["packets_exported"]
        assert ledger.ignored(summary) == summary["packets_ignored"]["not_sampled"]
        assert summary["sources"][0]["sampling"] == f"{method}:5"
    assert sinks[0].datagrams == sinks[1].datagrams  # a file gives the same at every run
    table = sinks[0].flows()
    if method == "deterministic":
        assert table.packets() == total // 5
    elif method == "flows":  # all of a flow or nothing
        assert {each.packets for each in table.flows.values()} == {PACKETS_EACH}
        assert 3 <= len(table.flows) <= 24
    else:  # within four standard deviations of 480
        assert 400 < table.packets() < 560
    assert {interval for _, interval in counters(sinks[0])} == {5}


def test_hash_chooses_the_same_packets_after_another_link_header(
    capture, directory, flowagent, collector
):
    """Two agents on the way of the same packets: one sees a tag more, and another time to live."""
    content = capture.read_bytes()
    packets, at = [], 24
    while at < len(content):
        size = int.from_bytes(content[at + 8 : at + 12], "little")
        frame = content[at + 16 : at + 16 + size]
        at += 16 + size
        ttl = 14 + (8 if frame[12:14] == b"\x08\x00" else 7)
        frame = frame[:ttl] + bytes([frame[ttl] - 3]) + frame[ttl + 1 :]
        frame = frame[:12] + b"\x81\x00\x00\x05" + frame[12:]
        packets.append(packet(len(packets), frames.ETHERNET, frame))
    other = directory / "other.pcap"
    other.write_bytes(pcap(packets))
    tables = []
    for path in capture, other:
        sink = collector()
        summary = read(flowagent, path, "hash:4", "-n", sink.host_port)
        sink.wait_for_datagrams(summary["datagrams_sent"])
        tables.append({key._replace(vlan=0): packets for key, packets in multiplied(sink.flows()).items()})
    assert tables[0] == tables[1] and sum(tables[0].values()) > 400


@pytest.mark.parametrize(
    "source, keys",
    [("hash:4", ""), ("flows:4", ""), ("", ",sampling=4"), ("", ",mode=balance")],
    ids=["hash", "flows", "collector", "balance"],
)
def test_agents_with_one_hash_key_choose_alike_and_others_do_not(
    source, keys, capture, directory, flowagent, collector
):
    """The choice of a hash that outsiders know can be evaded by them."""
    tables = []
    for secret in "", "a secret of agents", "a secret of agents\n", "a secret of others":
        (directory / "hash.key").write_text(secret)
        sinks = [collector() for _ in range(2 if "balance" in keys else 1)]
        options = [word for sink in sinks for word in ("-n", f"{sink.host_port}{keys}")]
        options += ["--hash-key-file", directory / "hash.key"] if secret else []
        agent = flowagent("--read", f"{capture},sampling={source}" if source else capture, *options)
        assert agent.wait() == 0, agent.errors
        ledger.check_final(agent.summary())
        for name, sink in zip(agent.summary()["collectors"], sinks):
            sink.wait_for_datagrams(name["datagrams_sent"])
        tables.append(multiplied(sinks[0].flows()))
    none, ours, with_newline, theirs = tables
    assert ours == with_newline and ours != theirs and ours != none and theirs != none
    assert all(tables)


def test_collectors_know_the_rate_and_multiply(capture, hosts, flowagent, nfacctd, nfcapd, tcpdump,
                                          collector):  # fmt: skip
    """nfacctd shows ten times what the records hold, in every version; so does nfcapd, but for 1.7.1,
    which takes the rate from the header of version 5 alone."""
    address = Hosts.COLLECTOR[0]
    versions = (5, 9, 10)
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector, options=RENORMALIZE)
               for version in versions}  # fmt: skip
    nfdumps = {version: nfcapd(address, 4000 + version, hosts.collector) for version in versions}
    own = {version: collector(address, 5000 + version, hosts.collector) for version in versions}
    wire = tcpdump(hosts.collector, "eth0", "udp")
    options = []
    for version in versions:
        for port in 3000 + version, 4000 + version, 5000 + version:
            options += ["-n", f"{address}:{port},version={version}"]
    agent = flowagent("--read", f"{capture},sampling=deterministic:10", *options, host=hosts.server)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    for version in versions:
        own[version].wait_for_datagrams(rows[f"{address}:{5000 + version}"]["datagrams_sent"])
        records = own[version].flows()
        expected = {key: 10 * totals.packets for key, totals in records.flows.items()}
        assert expected and (version == 5 or sum(expected.values()) == FLOWS * PACKETS_EACH)
        pmaccts[version].wait_for_packets(sum(expected.values()))
        table = pmaccts[version].flows()[0]
        assert multiplied(table) == expected, version
        assert table.octets() == 10 * records.octets()
        assert nfdumps[version].stop() == 0
        factor = 10 if version == 5 or nfdumps[version].version() > (1, 7, 1) else 1
        assert nfdumps[version].flows().packets() == factor * records.packets()
        assert pmaccts[version].stop() == 0
        log = pmaccts[version].log_text()
        assert "expecting flow" not in log and "malformed" not in log
    assert {message.sampling for message in own[5].messages()} == {0x400A}
    sent = sum(row["datagrams_sent"] for row in rows.values())
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    for version in versions:
        port = 5000 + version
        assert not programs.tshark_complaints(wire.path, port)
    for port, field, expected in (
        (5009, "cflow.sampling_interval", "10"), (5009, "cflow.sampler_random_interval", "1,10"),
        (5010, "cflow.selector_id", "0,1"), (5010, "cflow.sampling_packet_space", "0,9"),
        (5010, "cflow.sampling_interval", "10"),
        (5005, "cflow.samplerate", "10"),
    ):  # fmt: skip
        done = subprocess.run(
            ["tshark", "-n", "-r", wire.path, "-d", f"udp.port=={port},cflow",
             "-Y", f"udp.port=={port} && {field}", "-T", "fields", "-e", field],
            capture_output=True, text=True, env=programs.ENVIRONMENT, check=True, timeout=30,
        )  # fmt: skip
        assert done.stdout.split()[0].startswith(expected), (field, done.stdout[:200])


@pytest.mark.parametrize("sampling", ("", ",sampling=rule:1"))
def test_a_rate_of_1_is_announced_in_every_version(
    sampling, capture, hosts, flowagent, nfacctd, nfcapd, tcpdump, collector
):
    """Before the first record; nobody multiplies."""
    address = Hosts.COLLECTOR[0]
    versions = (5, 9, 10)
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector, options=RENORMALIZE)
               for version in versions}  # fmt: skip
    nfdumps = {version: nfcapd(address, 4000 + version, hosts.collector) for version in versions}
    own = {version: collector(address, 5000 + version, hosts.collector) for version in versions}
    wire = tcpdump(hosts.collector, "eth0", "udp")
    options = []
    for version in versions:
        for port in 3000 + version, 4000 + version, 5000 + version:
            options += ["-n", f"{address}:{port},version={version}"]
    agent = flowagent("--read", f"{capture}{sampling}", *options, host=hosts.server)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    for version in versions:
        own[version].wait_for_datagrams(rows[f"{address}:{5000 + version}"]["datagrams_sent"])
        records = own[version].flows()
        pmaccts[version].wait_for_packets(records.packets())
        assert multiplied(pmaccts[version].flows()[0]) == multiplied(records), version
        assert nfdumps[version].stop() == 0
        assert nfdumps[version].flows().packets() == records.packets()
        assert pmaccts[version].stop() == 0
    for version in 9, 10:
        assert {interval for _, interval in counters(own[version])} == {1}
        rates = [values[SAMPLING_INTERVAL] for message in own[version].messages()
                 for _, values in message.options if SAMPLING_INTERVAL in values]  # fmt: skip
        assert set(rates) == {1}
    assert {message.sampling for message in own[5].messages()} == {1}
    sent = sum(row["datagrams_sent"] for row in rows.values())
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    for port, field in (
        (5009, "cflow.sampling_interval"), (5010, "cflow.sampling_interval"), (5005, "cflow.samplerate"),
    ):  # fmt: skip
        assert not programs.tshark_complaints(wire.path, port)
        done = subprocess.run(
            ["tshark", "-n", "-r", wire.path, "-d", f"udp.port=={port},cflow",
             "-Y", f"udp.port=={port} && {field}", "-T", "fields", "-e", field],
            capture_output=True, text=True, env=programs.ENVIRONMENT, check=True, timeout=30,
        )  # fmt: skip
        assert set(done.stdout.split()) == {"1"}, (field, done.stdout[:200])


RULES = """
table inet test {
	chain in {
		type filter hook prerouting priority raw; policy accept;
		udp dport 1001 counter numgen inc mod 2 0 log prefix "s=2" group 40 snaplen 96
		udp dport 1002 counter numgen inc mod 5 0 log prefix "web s=5: " group 40 snaplen 96
		udp dport 1003 counter log group 40 snaplen 96
	}
}
"""
RATES = {1001: 2, 1002: 5, 1003: 1}


def send(hosts, count):
    """As many packets of 128 bytes to each port, from the internet to the server."""
    with traffic.bound_socket(hosts.internet, Hosts.REMOTE[0], socket.SOCK_DGRAM) as sender:
        for port in RATES:
            for _ in range(count):
                sender.sendto(b"x" * 100, (Hosts.SERVER[0], port))


def test_rules_of_several_rates_into_one_group(hosts, flowagent, agentctl, nfacctd, collector):
    """What the rules say in their prefixes; the agent may leave out more."""
    address = Hosts.COLLECTOR[0]
    versions = (5, 9, 10)
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector, options=RENORMALIZE)
               for version in versions}  # fmt: skip
    own = {version: collector(address, 5000 + version, hosts.collector) for version in versions}
    options = []
    for version in versions:
        for port in 3000 + version, 5000 + version:
            options += ["-n", f"{address}:{port},version={version}"]
    agent = flowagent("--nflog", "40,sampling=deterministic:2", *options, "--inactive-timeout", "3600",
                      host=hosts.server)  # fmt: skip
    agent.wait_for_group()
    hosts.server.run("nft", "-f", "-", input=RULES)
    send(hosts, 100)
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 50 + 20 + 100, "all packets read")
    (source,) = control.rows("show", "sources")
    assert source["sampling"] == "deterministic:2+s=2,s=5"
    rows = {row["dst_port"]: row for row in control.rows("show", "flows")}
    assert {port: (row["packets"], row["sampling"]) for port, row in rows.items()} == {
        1001: (25, 4), 1002: (10, 10), 1003: (50, 2)
    }  # fmt: skip
    assert "10 (1/10)" in control.run("show", "flows").stdout
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_ignored"]["not_sampled"] == 85
    for version in versions:
        pmaccts[version].wait_for_packets(300)
        table = pmaccts[version].flows()[0]
        assert {key.destination_port: t.packets for key, t in table.flows.items()} == dict.fromkeys(RATES, 100)
        assert {totals.octets for totals in table.flows.values()} == {100 * 128}
    for version in (9, 10):
        assert {(key.destination_port, interval): packets
                for (key, interval), packets in counters(own[version]).items()} == {
            (1001, 4): 25, (1002, 10): 10, (1003, 2): 50,
        }  # fmt: skip
    assert {message.sampling for message in own[5].messages()} == {0x4004, 0x400A, 0x4002}


def test_a_rate_that_appears_while_the_agent_runs(
    hosts, flowagent, agentctl, nfacctd, collector, cleanup
):
    """Records before it have no number of a sampler, records after it all have one; over TCP the old
    templates are withdrawn."""
    address = Hosts.COLLECTOR[0]
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector, options=RENORMALIZE)
               for version in (9, 10)}  # fmt: skip
    own = {version: collector(address, 5000 + version, hosts.collector) for version in (9, 10)}
    options = []
    for version in 9, 10:
        for port in 3000 + version, 5000 + version:
            options += ["-n", f"{address}:{port},version={version}"]
    stream = cleanup.enter_context(StreamCollector(address, 4739, hosts.collector))
    options += ["-n", f"{address}:4739,version=10,transport=tcp"]
    agent = flowagent("--nflog", "40", *options, "--inactive-timeout", "3600", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    hosts.server.run("nft", "-f", "-", input=RULES.replace('prefix "s=2"', "").replace(
        'prefix "web s=5: "', ""))  # fmt: skip
    send(hosts, 10)
    wait_until(lambda: control.statistics()["packets_read"] == 5 + 2 + 10, "the first packets")
    assert control.run("flush").returncode == 0
    wait_until(lambda: control.statistics()["records_sent"] == 3, "the first records")
    hosts.server.run("nft", "-f", "-", input="delete table inet test\n" + RULES)
    send(hosts, 100)
    wait_until(lambda: control.statistics()["packets_read"] == 17 + 170, "all packets read")
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    expected = {1001: 5 + 100, 1002: 2 + 100, 1003: 10 + 100}
    for version in 9, 10:
        pmaccts[version].wait_for_packets(sum(expected.values()))
        table = pmaccts[version].flows()[0]
        found = {}
        for key, totals in table.flows.items():
            found[key.destination_port] = found.get(key.destination_port, 0) + totals.packets
        assert found == expected, version
        assert "malformed" not in pmaccts[version].log_text()
        has_number = [SAMPLER_ID in values or SELECTOR_ID in values
                      for message in own[version].messages() for values in message.flows]  # fmt: skip
        assert has_number == sorted(has_number) and has_number.count(False) == 3
    (session,) = stream.sessions
    decoder = ipfix.Decoder(is_session=True)
    for message in messages_of(session)[0]:
        decoder.decode(message)
    assert decoder.withdrawn == [512, 513, 260, 261, 640, 641, 768, 769]
    flows = [values for message in decoder.messages for values in message.flows]
    assert [SELECTOR_ID in values for values in flows] == 3 * [False] + 3 * [True]
    assert sum(values[PACKETS] for values in flows) == 17 + 170


def test_not_sampled_is_a_reason_to_ignore_packets(capture, flowagent, agentctl, directory):
    control = directory / "sampling.sock"
    agent = flowagent("--read", "-,sampling=deterministic:1000000", "--control", control,
                      stdin=subprocess.PIPE, control=control)  # fmt: skip
    agent.wait_for_control()
    tool = agentctl(agent)
    agent.process.stdin.write(capture.read_bytes())
    agent.process.stdin.flush()
    total = FLOWS * PACKETS_EACH
    wait_until(lambda: tool.statistics()["packets_read"] == total, "all packets read")
    (row,) = [row for row in tool.rows("show", "drops") if row["packets"]]
    assert (row["reason"], row["packets"], row["link"]) == ("not_sampled", total, "ethernet")
    assert bytes.fromhex(row["example"])[:12] == frames.ADDRESSES  # of the first one
    agent.process.stdin.close()
    assert agent.wait() == 0, agent.errors


def test_rates_that_do_not_fit_are_refused(flowagent_run):
    for value in "random:0", "every:5", "random:2+hash:3", "rule:1000001":
        done = flowagent_run("--nflog", f"40,sampling={value}")
        assert done.returncode == 2 and "sampling: expected random:N" in done.stderr


def test_json_lines_have_the_interval(capture, flowagent, collector):
    sink = collector()
    summary = read(flowagent, capture, "random:3+rule:7", "-n", f"{sink.host_port},version=json")
    sink.wait_for_datagrams(summary["datagrams_sent"])
    lines = [json.loads(line) for data in sink.datagrams for line in data.splitlines()]
    flows = [line for line in lines if line["type"] == "flow"]
    assert flows and {(line["selectorId"], line["samplingInterval"]) for line in flows} == {(1, 21)}
    assert sum(line["packetDeltaCount"] for line in flows) == summary["packets_exported"]


def test_rules_made_by_agentctl_sample_and_tell(hosts, flowagent, agentctl):
    """The kernel takes the rules, chooses about one packet in 4, and the agent knows."""
    agent = flowagent("--nflog", "40", "--inactive-timeout", "3600", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    hosts.server.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0", "--sample", "4")
    send(hosts, 400)
    wait_until(lambda: control.statistics()["packets_read"] > 200, "packets to be read")
    listing = hosts.server.run("nft", "list", "table", "inet", "flowagent")
    assert listing.count('numgen random mod 4 0 log prefix "s=4" group 40') == 2
    (source,) = control.rows("show", "sources")
    assert source["sampling"] == "s=4"
    rows = {row["dst_port"]: row for row in control.rows("show", "flows") if row["dir"] == "in"}
    assert set(RATES) <= set(rows)
    for port in RATES:  # five standard deviations around 100
        assert rows[port]["sampling"] == 4 and 56 < rows[port]["packets"] < 144
    assert {row["group"] for row in control.rows("rules", "status")} == {40}
    done = control.run("rules", "print", "--sample", "0")
    assert done.returncode == 2 and "expected a number from 1 to 1000000" in done.stderr
    assert agent.stop() == 0, agent.errors
