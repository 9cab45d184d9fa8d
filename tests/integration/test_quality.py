"""How good a connection is: round-trip time, retransmitted and overtaken packets, against a wire that delays and drops known packets."""

import contextlib
import json
import socket
import struct
import threading

import pytest

import capture_files
import frames
from delay_wire import ACK, SYN, TCP, DelayWire, Segment
from firewalls import Nft
from test_fields import export
from traffic import family_of
from waiting import PATIENCE_S, wait_until

NEAR, FAR = ("192.0.2.10", "2001:db8:1::10"), ("192.0.2.77", "2001:db8:1::77")
DELAY_S, LOSS, DETOUR = 0.010, 40, 57
PORT, NEAR_PORT, FAR_PORT = 7001, 40001, 40002
SIZE = 600_000
ETH_P_ALL, SO_TIMESTAMPNS = 3, 35
RETRANSMITTED, OUT_OF_ORDER, CLIENT_MS, SERVER_MS = 57581, 57583, 57595, 57596
FIELDS = "fields=default+retransmittedInPackets+outOfOrderInPackets+57595+57596"
NAMES = "retransmittedInPackets", "outOfOrderInPackets", "clientNetworkLatencyMilliseconds", "serverNetworkLatencyMilliseconds"
PACKETS, MILLISECONDS, UNSIGNED32 = 3, 6, 3
DESCRIBED = {
    "retransmittedInPackets": (35632, 109, UNSIGNED32, PACKETS),
    "retransmittedOutPackets": (35632, 110, UNSIGNED32, PACKETS),
    "outOfOrderInPackets": (35632, 111, UNSIGNED32, PACKETS),
    "outOfOrderOutPackets": (35632, 112, UNSIGNED32, PACKETS),
    "clientNetworkLatencyMilliseconds": (35632, 123, UNSIGNED32, MILLISECONDS),
    "serverNetworkLatencyMilliseconds": (35632, 124, UNSIGNED32, MILLISECONDS),
}
SOURCES = pytest.mark.parametrize("source", ["interface", "nflog", "bpf"])
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


@pytest.fixture
def wire(cleanup, host):
    near, far = host("near"), host("far")
    made = DelayWire(
        (near, "tun0", [f"{address}/{length}" for address, length in zip(NEAR, (24, 64))]),
        (far, "tun0", [f"{address}/{length}" for address, length in zip(FAR, (24, 64))]),
        DELAY_S, LOSS, DETOUR,
    )  # fmt: skip
    cleanup.callback(made.close)
    made.near, made.far = near, far
    return made


def start(flowagent, wire, source, *options):
    """The agent at the near end, when it sees packets."""
    options = ("--active-timeout", "1h", "--inactive-timeout", "1h", *options)
    if source == "interface":
        agent = flowagent("--interface", "tun0", *options, host=wire.near)
        agent.wait_for_capture()
    elif source == "bpf":
        agent = flowagent("--bpf", "tun0", *options, host=wire.near)
        agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
        agent.wait_for_control()
    else:
        Nft().install(wire.near, "tun0")
        agent = flowagent("--nflog", "40", *options, host=wire.near)
        agent.wait_for_group()
    return agent


def connect(here, there, address, target, port):
    """A connection from one host to the other: both ends."""
    with there.entered():
        listening = socket.create_server((target, PORT), family=family_of(target))
    with here.entered():
        client = socket.socket(family_of(address))
        client.settimeout(PATIENCE_S)
        client.bind((address, port))
    client.connect((target, PORT))
    server, _ = listening.accept()
    listening.close()
    return client, server


def exchange(client, server):
    """SIZE bytes each way, one after the other."""
    for sender, receiver in (client, server), (server, client):
        sending = threading.Thread(target=sender.sendall, args=(bytes(SIZE),), daemon=True)
        sending.start()
        received = 0
        while received < SIZE:
            received += len(receiver.recv(65536))
        sending.join(PATIENCE_S)


def transfer(*ends):
    """A connection that has had an exchange, and is still open."""
    both = connect(*ends)
    exchange(*both)
    return both


def place(key):
    """Where the agent sees a direction's packets: before the wire, or after it."""
    return "delivered" if key in (f"{FAR_PORT},{PORT}", f"{PORT},{NEAR_PORT}") else "sent"


def flows_of(tool):
    return {f"{row['src_port']},{row['dst_port']}": row for row in tool.rows("show", "flows")}


def both_know(tool, wire):
    """Flows and what the wire knows, when nothing is under way and all was read; else None."""
    before = wire.ask()
    flows = flows_of(tool)
    if before != wire.ask() or len(before) != 4 or set(flows) != set(before):
        return None
    if any(flows[key]["packets"] != one["packets"][place(key)] for key, one in before.items()):
        return None
    return flows, before


class Stamps:
    """When the kernel of a host saw the first SYN of each direction, and the first packet after it: a packet socket of our own."""

    def __init__(self, host, device):
        with host.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((device, ETH_P_ALL))
        self.times, self.own = {}, {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError):  # until it is closed, or the device is gone
            while True:
                packet, ancillary, _, _ = self.socket.recvmsg(2048, 256)
                segment = Segment(packet)
                if segment.is_tcp:
                    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
                    key = "%d,%d" % segment.ports, bool(segment.flags & SYN)
                    self.times.setdefault(key, seconds * 10**6 + nanoseconds // 1000)
                    self.own.setdefault(key, segment.stamp)

    def rtt_us(self, opener):
        return self.times[opener, False] - self.times[opener, True]

    def own_rtt_us(self, opener):
        """By the stamps that the opener itself has put into its packets, which have passed a while later on a busy machine."""
        return (self.own[opener, False] - self.own[opener, True]) % 2**32 * 1000


def check_rtt(row, rtt_us, source, is_near):
    """Within 1 ms; the wire takes two times its delay. The opener is near or far."""
    assert abs(row["rtt_us"] - rtt_us) <= 1000
    assert row["rtt_us"] >= 2e6 * DELAY_S - 1000
    far, own = ("server_rtt_us", "client_rtt_us") if is_near else ("client_rtt_us", "server_rtt_us")
    assert row[far] >= 2e6 * DELAY_S - 1000
    if source != "nflog":
        assert abs(row[own] + row[far] - row["rtt_us"]) <= 1
    else:  # when this host sent its own is not known
        assert row[own] is None and row[far] == row["rtt_us"]


def check_sums(tool, flows):
    """By a key that all flows share the means of those that know a time, and sums."""
    (row,) = tool.rows("show", "flows", "--by", "dst_as")
    assert row["rtt_flows"] == len(flows)
    for name in "rtt", "client_rtt", "server_rtt":
        known = [flow[f"{name}_us"] for flow in flows.values() if flow[f"{name}_us"] is not None]
        assert row[f"{name}_flows"] == len(known)
        assert row[f"{name}_us"] == sum(known) // len(known)
    for name in "retransmitted", "out_of_order":
        assert row[name] == sum(flow[name] for flow in flows.values())


def check_filter(tool, flows):
    """Of `show flows`: times with their units, and packets."""
    limit = DELAY_S * 2e3  # ms
    for words, chosen in (
        ((f"rtt>={limit - 1:.0f}ms",), set(flows)),
        (("rtt<1ms",), set()),
        (("retransmitted>0",), {key for key, row in flows.items() if row["retransmitted"]}),
        (("out_of_order>0",), {key for key, row in flows.items() if row["out_of_order"]}),
    ):
        assert {f"{row['src_port']},{row['dst_port']}" for row in tool.rows("show", "flows", *words)} == chosen, words


def half_ms(rtt_us):
    """What nProbe calls latency; 0: not known."""
    return 0 if rtt_us is None else max(1, (rtt_us // 2 + 500) // 1000)


def number(raw):
    return int.from_bytes(raw, "big")


def text(value):
    """Of a field whose length a decoder does not know to be text."""
    raw = value if isinstance(value, bytes) else value.to_bytes(40, "big")
    return raw.rstrip(b"\0").decode()


def together(records):
    """The records of each flow as one: what came while the agent ended is in a record of its own, which has seen no handshake."""
    sums = {}
    for key, values in records:
        sums[key] = tuple(map(sum, zip(values, sums.get(key, (0, 0, 0, 0)))))
    return sums


def check_exports(sinks, expected):
    """The same in NetFlow v9, IPFIX and JSON lines, and type records for IPFIX's elements."""
    for version in "9", "10":
        messages = sinks[version].messages()
        found = together(
            (f"{values[7]},{values[11]}", [values[field] for field in (RETRANSMITTED, OUT_OF_ORDER, CLIENT_MS, SERVER_MS)])
            for message in messages for values in message.flows if values[4] == 6
        )  # fmt: skip
        assert found == expected, version
    described = {
        text(values[341]): (number(scopes[346]), number(scopes[303]), values[339], values[345])
        for message in messages for scopes, values in message.options if 346 in scopes
    }  # fmt: skip
    assert described == DESCRIBED
    lines = [json.loads(line) for datagram in sinks["json"].datagrams for line in datagram.splitlines()]
    found = together(
        (f"{line['sourceTransportPort']},{line['destinationTransportPort']}", [line[name] or 0 for name in NAMES])
        for line in lines if line["type"] == "flow" and line["protocolIdentifier"] == 6
    )  # fmt: skip
    assert found == expected


@SOURCES
@FAMILIES
def test_a_wire_of_known_delay_and_loss(family, source, wire, flowagent, agentctl, collector, cleanup):
    """Opened from either end, with data both ways: RTT within 1 ms, retransmitted and overtaken packets to the packet."""
    sinks = {version: collector(host=wire.near) for version in ("9", "10", "json")}
    agent = start(
        flowagent, wire, source,
        *(word for version, sink in sinks.items() for word in ("--collector", f"{sink.host_port},version={version},{FIELDS}")),
    )  # fmt: skip
    tool = agentctl(agent)
    stamps = Stamps(wire.near, "tun0")
    cleanup.callback(stamps.socket.close)
    near, far = NEAR[family], FAR[family]
    ends = [*transfer(wire.near, wire.far, near, far, NEAR_PORT), *transfer(wire.far, wire.near, far, near, FAR_PORT)]
    flows, known = wait_until(lambda: both_know(tool, wire), "flows that have all that the wire has carried")
    for end in ends:
        end.close()
    for key, row in flows.items():
        one = known[key]
        assert row["retransmitted"] == one["retransmitted"][place(key)], key
        assert row["out_of_order"] == (one["overtaken"] if place(key) == "delivered" else 0), key
        assert row["retransmitted"] >= one["packets"]["dropped"] > 5
    assert sum(row["out_of_order"] for row in flows.values()) > 5
    for is_near, port in (True, NEAR_PORT), (False, FAR_PORT):
        for key in f"{port},{PORT}", f"{PORT},{port}":
            is_by_stamps = source == "nflog" and is_near
            rtt = (stamps.own_rtt_us if is_by_stamps else stamps.rtt_us)(f"{port},{PORT}")
            check_rtt(flows[key], rtt, source, is_near)
    check_sums(tool, flows)
    check_filter(tool, flows)
    assert agent.stop() == 0
    check_exports(sinks, {
        key: (row["retransmitted"], row["out_of_order"], half_ms(row["client_rtt_us"]), half_ms(row["server_rtt_us"]))
        for key, row in flows.items()
    })  # fmt: skip


@pytest.mark.parametrize("source", ["interface", "bpf"])
@FAMILIES
def test_a_connection_that_was_there_before(family, source, wire, flowagent, agentctl, collector):
    """Time stamps tell, in each record anew: never less than the wire takes, and within 1 ms where this machine has been quick once."""
    near, far = NEAR[family], FAR[family]
    ends = connect(wire.near, wire.far, near, far, NEAR_PORT)
    sink = collector(host=wire.near)
    agent = start(flowagent, wire, source, "--collector", f"{sink.host_port},version=10,{FIELDS}")
    tool = agentctl(agent)
    least = 2e6 * DELAY_S

    def is_close():
        assert tool.run("flush").returncode == 0
        exchange(*ends)
        flows = [row for row in flows_of(tool).values() if row["proto"] in (6, "tcp")]
        assert len(flows) == 2
        for row in flows:
            parts = row["server_rtt_us"], row["client_rtt_us"]  # this host, which has the higher port, is the client
            if None in parts:  # the agent has not read all yet, or no stamp was kept of both directions
                return False
            assert parts[0] >= least - 1000 and row["rtt_us"] == sum(parts), row
        return all(row["rtt_us"] <= least + 1000 for row in flows)

    wait_until(is_close, "a round trip by time stamps within 1 ms")
    for end in ends:
        end.close()
    assert agent.stop() == 0
    times = {(values[CLIENT_MS], values[SERVER_MS]) for message in sink.messages() for values in message.flows if values[4] == 6}
    assert any(server >= DELAY_S * 1e3 - 1 for _, server in times), times


# ---- files ----

RAW, START_NS, HANDSHAKE_US, ANSWER_US = 101, 1_700_000_000_999_000_000, 24_690, 346
DELAYS = 57554, 57555, 57556, 57557  # client and server, seconds and microseconds: nfcapd's


def segment(is_back, flags, sequence, acknowledgement, payload=b""):
    header = struct.pack(">HHIIBBHHH", *((80, 1234) if is_back else (1234, 80)), sequence, acknowledgement, 0x50, flags, 0, 0, 0)
    ends = ("198.51.100.7", "192.0.2.10") if is_back else ("192.0.2.10", "198.51.100.7")
    return frames.ipv4(header + payload, TCP, *ends)


def conversation():
    """A handshake whose times have microseconds, and one packet twice."""
    sent = (
        (0, segment(False, SYN, 100, 0)), (ANSWER_US, segment(True, SYN | ACK, 900, 101)),
        (HANDSHAKE_US, segment(False, ACK, 101, 901)), (HANDSHAKE_US + 1000, segment(False, ACK, 101, 901, b"data")),
        (HANDSHAKE_US + 300_000, segment(False, ACK, 101, 901, b"data")),
    )  # fmt: skip
    return [capture_files.packet(START_NS + us * 1000, RAW, data) for us, data in sent]


@pytest.mark.parametrize("kind", ["pcap", "nanoseconds", "big-endian", "pcapng", "two-files"])
def test_files_give_microseconds(kind, tmp_path, flowagent, collector):
    packets = conversation()
    contents = {
        "pcap": [capture_files.pcap(packets)],
        "nanoseconds": [capture_files.pcap(packets, unit_ns=1)],
        "big-endian": [capture_files.pcap(packets, order=">")],
        "pcapng": [capture_files.pcapng(packets)],
        "two-files": [capture_files.pcap(packets[::2]), capture_files.pcap(packets[1::2])],
    }[kind]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.pcap").write_bytes(content)
    sink = collector()
    fields = "+".join(map(str, ("default", RETRANSMITTED, *DELAYS)))
    (row,) = export(flowagent, tmp_path / "0.pcap" if len(contents) == 1 else tmp_path, f"{sink.host_port},version=9,fields={fields}")
    sink.wait_for_datagrams(row["datagrams_sent"])
    half = 0, (HANDSHAKE_US - ANSWER_US) // 2, 0, ANSWER_US // 2
    found = {values[7]: (values[RETRANSMITTED], *(values[field] for field in DELAYS)) for message in sink.messages() for values in message.flows}
    assert found == {1234: (1, *half), 80: (0, *half)}


def test_nfcapd_shows_half_round_trips(tmp_path, flowagent, nfcapd, host):
    machine = host("collector")
    reader = nfcapd("127.0.0.1", 2055, machine)
    (tmp_path / "0.pcap").write_bytes(capture_files.pcap(conversation()))
    fields = "+".join(map(str, ("default", *DELAYS)))
    export(flowagent, tmp_path / "0.pcap", f"127.0.0.1:2055,version=9,fields={fields}", host=machine)
    reader.stop()
    rows = json.loads(reader.nfdump("-o", "json"))
    assert [(row["cli_latency"], row["srv_latency"]) for row in rows] == 2 * [((HANDSHAKE_US - ANSWER_US) / 2000, ANSWER_US / 2000)]


@pytest.mark.parametrize(
    "words", [["--by", "dst", "--sort", "retransmitted"], ["--sort", "rtt_us"], ["-o", "rtt_us"], ["retransmitted>0"]], ids=" ".join
)
def test_what_no_flow_has_is_refused_with_what_brings_it(words, host, flowagent, agentctl):
    machine = host("alone")
    agent = flowagent("--nflog", "40", host=machine)
    agent.wait_for_group()
    done = agentctl(agent).run("show", "flows", *words)
    assert done.returncode == 1
    assert "flows have no rtt_us: no collector gets that field" in done.stderr
    fields = done.stderr.split("fields=")[1].split()[0]
    assert agent.stop() == 0
    agent = flowagent("--nflog", "40", "--collector", f"127.0.0.1:2055,fields={fields}", host=machine)
    agent.wait_for_group()
    assert agentctl(agent).run("show", "flows", *words).returncode == 0
    assert agent.stop() == 0
