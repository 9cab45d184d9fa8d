"""Several collectors: groups that share the records while members stop and start under load, and
filters. Each record arrives exactly once, at the right collector."""

from collections import Counter

import capture_files
import frames
import ledger
import pytest
from conftest import Hosts
from flows import TCP, UDP, FlowTable, differences
from stream_collector import StreamCollector
from waiting import wait_until

RATE = 2000
SAMPLING_INTERVAL, SAMPLING_RANDOM = 34, 2
SELECTOR_ALGORITHM, HASH_BASED = 304, 6
HASH_OUTPUT_RANGE, HASH_SELECTED_RANGE = (329, 330), (331, 332)  # RFC 5477 section 8.3
UDP_PORT_DNS, TCP_PORT_HTTPS = 53, 443
MODES = {"balance": 10, "round-robin": 9, "failover": 9}


class Member:
    """A collector that may be stopped and started: each time another program at the same port."""

    def __init__(self, make, address, host):
        self._make = lambda port: make(address, port, host)
        self.runs = [self._make(0)]
        self.host_port = self.runs[0].host_port

    def stop(self):
        self.runs[-1].leave()

    def start(self):
        self.runs.append(self._make(self.runs[0].port))

    def table(self):
        """What all programs got, each decoded by itself: so each had its templates first."""
        table = FlowTable()
        for run in self.runs:
            for key, totals in run.flows().flows.items():
                table.add(key, totals.packets, totals.octets)
        return table


def rows_by_name(rows):
    return {row["name"]: row for row in rows}


def both_directions(key):
    ends = sorted([(key.source, key.source_port), (key.destination, key.destination_port)])
    return (*ends, key.protocol)


def test_members_stop_and_start_under_load(
    flood, hosts, cleanup, flowagent, agentctl, collector
):
    """Three groups of three, all at once; the first member of each goes away and comes back.

    Hosts send one ICMP report a second to an address: so no two groups have a remote host in common,
    where what the second one sends until its report comes would count as sent."""
    places = {
        "balance": ("127.0.0.1", hosts.server),
        "round-robin": (Hosts.COLLECTOR[0], hosts.collector),
        "failover": (Hosts.REMOTE[0], hosts.internet),
    }
    groups = {}
    for mode, place in places.items():
        groups[mode] = [Member(collector, *place) for _ in range(3)]
    witness = collector("127.0.0.1", 0, hosts.server)
    options = ["-n", witness.host_port]
    for mode, version in MODES.items():
        for number, member in enumerate(groups[mode]):
            priority = f",priority={number + 1}" if mode == "failover" else ""
            options += ["-n", f"{member.host_port},mode={mode},version={version}{priority}"]
    agent = flowagent(
        "--nflog", "40", "--inactive-timeout", "300ms", *options, host=hosts.server
    )
    agent.wait_for_group()
    control = agentctl(agent)

    def rows():
        return rows_by_name(control.rows("show", "collectors"))

    def is_given(member, more):
        before = rows()[member.host_port]["records_taken"]
        wait_until(
            lambda: rows()[member.host_port]["records_taken"] >= before + more, "records for it"
        )

    first = [members[0] for members in groups.values()]
    flood.begin(RATE)
    for member in first:
        is_given(member, 1000)
    ledger.check_summary(control.statistics())
    for member in first:
        member.stop()
    wait_until(lambda: not any(rows()[m.host_port]["up"] for m in first), "they are down")
    wait_until(lambda: rows()[groups["failover"][1].host_port]["active"], "the second takes over")
    is_given(groups["failover"][1], 1000)
    assert not rows()[groups["failover"][0].host_port]["active"]
    assert not rows()[groups["round-robin"][0].host_port]["active"]
    assert rows()[groups["balance"][0].host_port]["active"]  # its share is its own
    ledger.check_summary(control.statistics())
    for member in first:
        member.start()
    wait_until(lambda: all(rows()[m.host_port]["up"] for m in first), "they are back")
    wait_until(lambda: rows()[groups["failover"][0].host_port]["active"], "the first has it again")
    for member in first:
        is_given(member, 500)
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] >= flood.packets(), "all read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    check_groups(groups, witness, summary)
    moves = [line for line in agent.errors.splitlines() if "group failover" in line]
    names = [member.host_port for member in groups["failover"]]
    assert f"to collector {names[1]} from now on, no longer to {names[0]}" in moves[0]
    assert f"to collector {names[0]} from now on, no longer to {names[1]}" in moves[1]
    assert len(moves) == 2


def check_groups(groups, witness, summary):
    status = rows_by_name(summary["collectors"])
    witness.wait_for_datagrams(status[witness.host_port]["datagrams_sent"])
    truth = witness.flows().counters()
    assert sum(packets for packets, _ in truth.values()) == summary["packets_read"]
    owners = {}
    for mode, members in groups.items():
        got = Counter()
        lost = taken = 0
        for member in members:
            row = status[member.host_port]
            table = member.table()
            assert table.packets() == row["packets_sent"], (mode, member.host_port)
            assert table.octets() == row["bytes_sent"]
            taken += row["records_taken"]
            lost += row["packets_lost"]
            for key, (packets, _) in table.counters().items():
                got[key] += packets
                if mode == "balance":
                    assert owners.setdefault(key, member) is member
        assert taken == status[witness.host_port]["records_taken"]
        assert all(got[key] <= packets for key, (packets, _) in truth.items()), mode
        assert not set(got) - set(truth)
        assert sum(got.values()) + lost == summary["packets_read"], mode
        # What went out before it was noticed that one is away went to another, or waited again: its
        # queue may have had no room for its share.
        row = status[members[0].host_port]
        assert row["packets_lost"] == lost
        assert row["records_lost_by_reason"]["refused"] == row["records_lost"]
        assert lost == 0 or mode == "balance", mode


class StreamMember(StreamCollector):
    """One over TCP that leaves so that it is known what arrived: nothing more gets through to it
    before it reads the rest, so what was not acknowledged goes out again in the next connection."""

    def stop(self):
        self._namespace.run("nft", "add table inet leave")
        self._namespace.run(
            "nft", "add chain inet leave in { type filter hook input priority 0; }"
        )
        self._namespace.run("nft", f"add rule inet leave in tcp dport {self.port} drop")
        self.leave()
        self._namespace.run("nft", "delete table inet leave")

    def table(self):
        return self.flows()


def test_members_over_tcp_stop_and_start_under_load(
    flood, hosts, cleanup, flowagent, agentctl, collector
):
    """Where arrival is confirmed nothing is lost, and nothing comes twice."""
    groups = {
        mode: [
            cleanup.enter_context(StreamMember("127.0.0.1", 0, hosts.server)) for _ in range(2)
        ]
        for mode in MODES
    }
    witness = collector("127.0.0.1", 0, hosts.server)
    options = ["-n", witness.host_port]
    for mode in MODES:
        for member in groups[mode]:
            options += ["-n", f"{member.host_port},transport=tcp,version=10,mode={mode},spool=8M"]
    agent = flowagent(
        "--nflog", "40", "--inactive-timeout", "300ms", *options, host=hosts.server
    )
    agent.wait_for_group()
    control = agentctl(agent)

    def row(member, key):
        return rows_by_name(control.rows("show", "collectors"))[member.host_port][key]

    def wait_for_records(member, more):
        wanted = row(member, "records_taken") + more
        wait_until(lambda: row(member, "records_taken") >= wanted, "records for it")

    first = [members[0] for members in groups.values()]
    second = groups["failover"][1]
    flood.begin(RATE)
    for member in first:
        wait_for_records(member, 500)
    for member in first:
        member.stop()
    wait_until(lambda: not any(row(member, "up") for member in first), "they are down")
    wait_for_records(second, 500)
    ledger.check_summary(control.statistics())
    for member in first:
        member.start()
    wait_until(lambda: all(row(member, "up") for member in first), "they are back")
    for member in first:
        wait_for_records(member, 500)
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] >= flood.packets(), "all read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    status = rows_by_name(summary["collectors"])
    witness.wait_for_datagrams(status[witness.host_port]["datagrams_sent"])
    truth = witness.flows().counters()
    for mode, members in groups.items():
        got = FlowTable()
        for member in members:
            assert status[member.host_port]["records_lost"] == 0
            assert member.table().packets() == status[member.host_port]["packets_sent"]
            for key, totals in member.table().flows.items():
                got.add(key, totals.packets, totals.octets)
        assert not differences(got.counters(), truth), mode
    assert sum("group failover" in line for line in agent.errors.splitlines()) == 2


def packets_of_many_connections():
    """TCP, UDP and ICMP of IPv4 and IPv6, both directions, at a packet a millisecond."""
    packets = []
    for number in range(600):
        port = 20000 + number
        for source, target in ("192.0.2.10", "198.51.100.7"), (1, 7):
            wrap = frames.ipv4 if isinstance(source, str) else frames.ipv6
            for payload, protocol in (
                (frames.udp(port, UDP_PORT_DNS), UDP),
                (frames.tcp(port, TCP_PORT_HTTPS, payload=b"x" * number), TCP),
                (frames.udp(port, 123), UDP),
            ):
                packets.append(wrap(payload, protocol, source, target))
            for payload, protocol in (
                (frames.udp(UDP_PORT_DNS, port, b"answer"), UDP),
                (frames.tcp(TCP_PORT_HTTPS, port, payload=b"y"), TCP),
            ):
                packets.append(wrap(payload, protocol, target, source))
    return [
        capture_files.packet(1_700_000_000_000_000_000 + k * 1_000_000, 101, data)
        for k, data in enumerate(packets)
    ]


@pytest.fixture
def capture(directory):
    path = directory / "connections.pcap"
    path.write_bytes(capture_files.pcap(packets_of_many_connections()))
    return path


def read(flowagent, collector, path, *settings, biflow="off"):
    """One run with a collector for each text of settings: ([collector], [row], summary)."""
    sinks = [collector() for _ in settings]
    options = []
    for sink, setting in zip(sinks, settings):
        options += ["-n", sink.host_port + setting]
    agent = flowagent("--read", path, "--biflow", biflow, *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = [rows_by_name(summary["collectors"])[sink.host_port] for sink in sinks]
    for sink, row in zip(sinks, rows):
        sink.wait_for_datagrams(row["datagrams_sent"])
    return sinks, rows, summary


def test_a_file_gives_each_member_the_same_datagrams(flowagent, collector, capture):
    settings = [f",mode={mode}" for mode in MODES for _ in range(2)]
    runs = [read(flowagent, collector, capture, *settings)[0] for _ in range(2)]
    for first, second in zip(*runs):
        assert first.datagrams == second.datagrams
    assert not runs[0][-1].flows().flows  # the second of failover


def test_balance_keeps_connections_together(flowagent, collector, capture):
    """Both directions of each go to one, again at the next run, and the versions do not matter."""
    owners = []
    for versions in (9, 9, 9), (10, 9, 5):
        sinks, rows, summary = read(
            flowagent, collector, capture, *[f",mode=balance,version={v}" for v in versions]
        )
        owner = {}
        for number, sink in enumerate(sinks):
            for key in sink.flows().flows:
                assert owner.setdefault(both_directions(key), number) == number
        owners.append(owner)
        shares = [row["records_taken"] for row in rows]
        assert sum(shares) == summary["records_expired_total"]
        assert all(abs(share - sum(shares) / 3) < sum(shares) / 30 for share in shares)
        unsupported = rows[2]["records_lost_by_reason"]["unsupported"]
        assert unsupported == summary["records_lost"]
        assert (unsupported > 0) == (5 in versions)
    assert all(owners[0][pair] == number for pair, number in owners[1].items())


def test_both_directions_of_a_biflow_go_to_one_member(flowagent, collector, capture):
    """Also in turns, where nothing else would keep them together."""
    settings = [f",mode={mode},version={version}" for mode in MODES for version in (10, 9, 10)]
    sinks, rows, summary = read(flowagent, collector, capture, "", *settings, biflow="on")
    truth = sinks[0].flows().counters("tos")
    for first in range(1, len(sinks), 3):
        owner, got = {}, FlowTable()
        for number in range(first, first + 3):
            for key, totals in sinks[number].flows().flows.items():
                assert owner.setdefault(both_directions(key), number) == number
                got.add(key, totals.packets, totals.octets)
        assert not differences(got.counters("tos"), truth)
        assert sum(row["records_taken"] for row in rows[first : first + 3]) == sum(
            summary["records_expired"].values()
        )
    assert any(message.biflows for message in sinks[1].messages())


FILTERS = {
    "": lambda key: True,
    ',filter="proto=tcp"': lambda key: key.protocol == TCP,
    ',filter="proto=udp port=53,123 v=6",version=10': lambda key: (
        key.protocol == UDP
        and {key.source_port, key.destination_port} & {53, 123}
        and ":" in key.source
    ),
    ",filter=dst=198.51.100.0/24,version=5": lambda key: key.destination.startswith("198.51.100."),
    ',filter="sport=20000-20099 proto!=tcp"': lambda key: (
        20000 <= key.source_port <= 20099 and key.protocol != TCP
    ),
    ',filter="src=203.0.113.0/24"': lambda key: False,
}


def test_filters_give_exact_sums(flowagent, collector, capture):
    sinks, rows, summary = read(flowagent, collector, capture, *FILTERS)
    everything = sinks[0].flows().counters("tos")
    assert sum(packets for packets, _ in everything.values()) == summary["packets_read"]
    for sink, row, matches in zip(sinks, rows, FILTERS.values()):
        expected = {key: value for key, value in everything.items() if matches(key)}
        assert not differences(sink.flows().counters("tos"), expected), row["name"]
        assert row["records_lost"] == 0
        assert row["records_taken"] == summary["records_expired_total"]
        assert row["records_excluded"] == row["records_taken"] - row["records_sent"]
        assert row["records_excluded_by_reason"]["filter"] == row["records_excluded"]
        assert row["packets_excluded"] == summary["packets_read"] - row["packets_sent"]
    assert summary["records_excluded"] == 0  # of the collector that got most


def announced(sink, element):
    """Values of an element in the options data of a collector."""
    return {
        values[element]
        for message in sink.messages()
        for _, values in message.options
        if element in values
    }


def test_a_sample_of_flows_is_the_same_everywhere(flowagent, collector, capture):
    """One in N by the connection, and it is announced to each in its own way."""
    settings = [
        "",
        ",sampling=4",
        ",sampling=4,version=10",
        ",sampling=4,version=5",
        ',sampling=4,version=10,filter="proto=udp"',
        ",sampling=16,version=10",
    ]
    sinks, rows, summary = read(flowagent, collector, capture, *settings)
    everything, *samples = [sink.flows().counters("tos") for sink in sinks]
    sample = samples[0]
    assert abs(len(sample) - len(everything) / 4) < len(everything) / 40
    assert all(everything[key] == value for key, value in sample.items())
    pairs = {both_directions(key) for key in sample}
    assert set(sample) == {key for key in everything if both_directions(key) in pairs}
    assert not differences(samples[1], sample)
    assert not differences(samples[2], {k: v for k, v in sample.items() if ":" not in k.source})
    assert not differences(samples[3], {k: v for k, v in sample.items() if k.protocol == UDP})
    assert set(samples[4]) < set(sample)
    for row in rows[1:]:
        by_reason = row["records_excluded_by_reason"]
        assert by_reason["sampling"] > 0 and sum(by_reason.values()) == row["records_excluded"]
        assert row["records_lost"] == row["records_lost_by_reason"]["unsupported"]
        assert row["records_taken"] == summary["records_expired_total"]
        assert row["records_taken"] == sum(
            row[f"records_{name}"] for name in ("sent", "waiting", "lost", "excluded")
        )
    assert announced(sinks[0], SAMPLING_INTERVAL) == {1}  # every flow
    assert announced(sinks[1], SAMPLING_INTERVAL) == {4}
    assert announced(sinks[2], SAMPLING_INTERVAL) == announced(sinks[4], SAMPLING_INTERVAL) == {4}
    assert announced(sinks[5], SAMPLING_INTERVAL) == {16}
    # Selected by a hash (RFC 5477 section 8.2): one in N of its range.
    assert announced(sinks[2], SELECTOR_ALGORITHM) == {HASH_BASED}
    for sink, interval in (sinks[2], 4), (sinks[5], 16):
        (lowest,), (highest,) = (announced(sink, bound) for bound in HASH_SELECTED_RANGE)
        (least,), (most,) = (announced(sink, bound) for bound in HASH_OUTPUT_RANGE)
        assert abs((most - least + 1) / (highest - lowest + 1) - interval) < 0.01
    headers = {int.from_bytes(datagram[22:24], "big") for datagram in sinks[3].datagrams}
    assert headers == {SAMPLING_RANDOM << 14 | 4}


def test_a_filter_is_not_a_loss(flowagent, collector, capture, agentctl):
    """With filters everywhere the ledger for all is of the one that got most."""
    _, rows, summary = read(
        flowagent, collector, capture, ',filter="proto=tcp"', ',filter="proto=udp dport=123"'
    )
    assert summary["records_lost"] == 0 < summary["records_excluded"]
    best = max(rows, key=lambda row: row["packets_sent"])
    assert summary["packets_exported"] == best["packets_sent"]
    assert summary["packets_excluded"] == best["packets_excluded"]


def test_members_of_one_group_agree(flowagent_run):
    for options, text in (
        (["-n", "h1,mode=balance,group=g", "-n", "h2,mode=failover,group=g"], "one mode"),
        (["-n", "h1,filter=as=64500"], "networks-file"),
        (["-n", 'h1,filter="proto=tcp'], "a quote at the end"),
    ):
        done = flowagent_run("--read", "/dev/null", *options)
        assert done.returncode == 2 and text in done.stderr
