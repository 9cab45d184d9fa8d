"""JSON lines and files: the exact sums per flow for every way out, and readers that come and go."""

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections import Counter

import pytest

import json_lines
import netflow9
import programs
from conftest import BUILD, ROOT
from exports import run_capture
from feed import Feed, capture, numbers
from flows import differences
from ipfix_file import messages, tshark_packets
from pcap_reader import count_flows, read_packets
from waiting import PATIENCE_S, wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"
NAMES = [
    "ndpi-443-curl.pcap",
    "ndpi-4in6tunnel.pcap",
    "ndpi-dns_fragmented.pcap",
    "ndpi-sctp.cap",
    "ndpi-whatsapp.pcap",
    "tcpdump-icmpv6.pcap",
    "tcpdump-nflog.pcap",
    "tcpdump-time_2038.pcap",
]


def expected_flows(path):
    return count_flows(read_packets(path)).table


def jq(program, text):
    """What jq makes of some lines: one value per line of its output."""
    done = subprocess.run(
        ["jq", "-c", program], input=text, capture_output=True, timeout=PATIENCE_S, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_json_over_udp_is_exact(name, flowagent, collector):
    path, sink = CAPTURES / name, collector()
    summary = run_capture(flowagent, path, "-n", f"{sink.host_port},version=json")
    (row,) = summary["collectors"]
    assert (row["version"], row["transport"], row["sequence"]) == ("json", "udp", None)
    sink.wait_for_datagrams(row["datagrams_sent"])
    lines = json_lines.read(sink.datagrams)
    assert not differences(lines.table().flows, expected_flows(path).flows)
    assert len(lines.flows) == row["records_sent"] and row["records_lost"] == 0
    assert max(map(len, sink.datagrams)) <= 1400
    lines.check_counts()
    assert lines.all[-1]["packetTotalCount"] == summary["packets_read"]
    packets = jq('select(.type == "flow") | .packetDeltaCount', b"".join(sink.datagrams))
    assert sum(packets) == row["packets_sent"]


def test_same_file_gives_same_lines(flowagent, collector):
    runs = []
    for rate in 0, 500:
        sink = collector()
        summary = run_capture(
            flowagent, CAPTURES / "ndpi-whatsapp.pcap",
            "-n", f"{sink.host_port},rate={rate}", "-v", "json",
        )  # fmt: skip
        sink.wait_for_datagrams(summary["datagrams_sent"])
        runs.append(sink.datagrams)
    assert runs[0] == runs[1]


def test_datagram_that_holds_no_line_is_refused(flowagent_run):
    done = flowagent_run("--read", CAPTURES / NAMES[0], "-n", "127.0.0.1:2055,version=json,mtu=576")
    assert done.returncode == 1
    assert "a line of JSON may have" in done.stderr and "larger mtu" in done.stderr


# ---- files, standard output and sockets ---------------------------------------------------------


class Reader:
    """Collects what comes out of a descriptor or socket: chunks, in a thread of its own."""

    def __init__(self, read):
        self.chunks = []
        self._read = read
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            while chunk := self._read(1 << 16):
                self.chunks.append(chunk)

    def content(self):
        """All, once the writer has closed."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return b"".join(self.chunks)

    def lines(self):
        return sum(chunk.count(b"\n") for chunk in list(self.chunks))


@pytest.fixture
def unix_datagrams(cleanup, directory):
    """A socket for datagrams at directory/datagrams."""

    def start():
        path = directory / "datagrams"
        path.unlink(missing_ok=True)
        reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cleanup.callback(reader.close)
        reader.bind(str(path))
        path.chmod(0o777)
        return reader

    return start


@pytest.fixture
def unix_stream(cleanup, directory):
    """A Reader of the first connection to directory/stream."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    cleanup.callback(listener.close)
    listener.bind(str(directory / "stream"))
    (directory / "stream").chmod(0o777)
    listener.listen()
    connections = []

    def read(size):
        if not connections:
            connections.append(listener.accept()[0])
        return connections[0].recv(size)

    return Reader(read)


def read_fifo(path):
    """A Reader of a new FIFO."""
    os.mkfifo(path)
    descriptors = []

    def read(size):
        if not descriptors:
            descriptors.append(os.open(path, os.O_RDONLY))
        return os.read(descriptors[0], size)

    return Reader(read)


@pytest.mark.parametrize("name", NAMES)
def test_every_way_out_is_exact(name, flowagent, directory, unix_datagrams, unix_stream):
    """One run, six collectors: the same flows in two files, a pipe, two sockets, and a FIFO."""
    path = CAPTURES / name
    datagrams = Reader(unix_datagrams().recv)
    fifo = read_fifo(directory / "fifo")
    summary = run_capture(
        flowagent, path, "--user", "root",
        "-n", f"{directory}/flows.ipfix",
        "-n", f"{directory}/flows.json,version=json",
        "-n", "-,version=json",
        "-n", f"unix:{directory}/datagrams,version=json",
        "-n", f"unix:{directory}/stream,version=json",
        "-n", f"{directory}/fifo,version=10",
    )  # fmt: skip
    expected = expected_flows(path)
    output = next(directory.glob("flowagent-*.out")).read_bytes()
    rows = summary["collectors"]
    assert [row["transport"] for row in rows] == ["file"] * 3 + ["unix"] * 2 + ["file"]
    wait_until(
        lambda: sum(map(len, datagrams.chunks)) == len(output), "all datagrams of the socket"
    )
    for content in (
        (directory / "flows.json").read_bytes(),
        output,
        b"".join(datagrams.chunks),
        unix_stream.content(),
    ):
        lines = json_lines.Lines().add(content)
        assert not differences(lines.table().flows, expected.flows)
        lines.check_counts()
        assert lines.all[-1]["packetTotalCount"] == summary["packets_read"]
        assert sum(jq('select(.type == "flow").packetDeltaCount', content)) == expected.packets()
    assert all(chunk.endswith(b"\n") for chunk in datagrams.chunks)
    for content in (directory / "flows.ipfix").read_bytes(), fifo.content():
        table = netflow9.flow_table(messages(content))
        assert not differences(table.flows, expected.flows)
    packets = tshark_packets(directory / "flows.ipfix")
    assert sum(packets) == expected.packets() and len(packets) == rows[0]["records_sent"]
    for row in rows:
        assert row["records_sent"] == len(lines.flows) and row["records_lost"] == 0
        assert row["last_error"] is None
        assert row["send_errors"] == 0 or row["transport"] == "unix"  # its reader was slow


def test_json_over_tcp_is_exact(flowagent, cleanup):
    listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
    connections = []

    def read(size):
        if not connections:
            connections.append(listener.accept()[0])
        return connections[0].recv(size)

    reader = Reader(read)
    path = CAPTURES / "ndpi-whatsapp.pcap"
    target = "{}:{}".format(*listener.getsockname())
    summary = run_capture(flowagent, path, "-n", f"{target},transport=tcp,version=json")
    lines = json_lines.Lines().add(reader.content())
    connections[0].close()
    assert not differences(lines.table().flows, expected_flows(path).flows)
    lines.check_counts()
    assert summary["collectors"][0]["records_sent"] == len(lines.flows)


def test_reader_of_a_pipe_stalls_goes_and_comes(flowagent, directory, collector):
    """Records wait meanwhile, others get theirs, and no line is lost or broken."""
    path, own = directory / "fifo", collector()
    os.mkfifo(path)
    feed = Feed(flowagent, "-n", f"{path},version=json", "-n", f"{own.host_port},version=json")
    stalled = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    feed.add(600)  # more than a pipe holds

    def at_the_other():
        return sum(datagram.count(b'"flow"') for datagram in list(own.datagrams))

    feed.agent.wait_until(lambda: at_the_other() > 500, "flows at the other collector")
    first = os.read(stalled, 30000)
    os.close(stalled)
    feed.agent.wait_until(lambda: "closed the connection" in feed.agent.errors, "the reader's end")
    descriptor = os.open(path, os.O_RDONLY)
    rest = Reader(lambda size: os.read(descriptor, size))
    feed.add(600)
    summary = feed.end()
    content = rest.content()
    os.close(descriptor)
    whole = first[: first.rindex(b"\n") + 1]
    seen = numbers(json_lines.read([whole]).flows) + numbers(json_lines.read([content]).flows)
    assert set(seen) == set(range(feed.count))
    # Of the message in which the first reader left, it has read some lines: those come twice.
    assert sum(seen.values()) - feed.count < 8192 // 300
    assert summary["collectors"][0]["records_lost"] == 0


def test_reader_of_a_socket_goes_and_comes(flowagent, directory, unix_datagrams):
    reader = unix_datagrams()
    reader.settimeout(PATIENCE_S)
    feed = Feed(flowagent, "-n", f"unix:{directory}/datagrams,version=json")
    feed.add(100)
    chunks = [reader.recv(65536)]
    reader.close()
    feed.until(lambda: "refused" in feed.agent.errors, "the reader's end")
    again = unix_datagrams()
    received = Reader(again.recv)
    feed.until(lambda: received.lines() > 50, "lines for the second reader")
    summary = feed.end()
    (row,) = summary["collectors"]
    last = b'"packetTotalCount":%d,' % feed.count
    wait_until(lambda: last in b"".join(received.chunks[-1:]), "the last line")
    lines = json_lines.read(chunks + list(received.chunks))
    seen = numbers(lines.flows)
    assert max(seen.values()) == 1
    # Datagrams that were in the first reader's socket when it closed went with it, as sent.
    missing = set(range(feed.count)) - set(seen)
    assert missing == set() or max(missing) < 200
    assert (row["records_sent"], row["records_lost"]) == (feed.count, 0)


def test_json_to_a_port_where_nobody_listens(flowagent, collector):
    closed = collector()
    closed.close()
    summary = run_capture(
        flowagent, CAPTURES / "ndpi-whatsapp.pcap", "-n", f"{closed.host_port},version=json"
    )
    (row,) = summary["collectors"]
    assert row["records_lost"] == row["records_taken"] and row["records_sent"] == 0
    assert row["records_lost_by_reason"]["refused"] > 0


def test_json_to_a_port_that_opens_late(flowagent, collector):
    """What was refused is counted, line by line; what counts as sent has come, once."""
    closed = collector()
    closed.close()
    feed = Feed(flowagent, "-n", f"{closed.host_port},version=json")
    feed.until(lambda: "refused" in feed.agent.errors, "a report")
    late = collector("127.0.0.1", closed.port)
    feed.until(lambda: sum(map(len, late.datagrams)) > 20000, "lines")
    summary = feed.end()
    (row,) = summary["collectors"]
    late.wait_for_datagrams(1)
    wait_until(
        lambda: sum(datagram.count(b'"flow"') for datagram in list(late.datagrams))
        >= row["records_sent"],
        "all that was sent",
    )
    seen = numbers(json_lines.read(late.datagrams).flows)
    assert set(seen.values()) == {1} and len(seen) == row["records_sent"]
    assert row["records_sent"] + row["records_lost"] == feed.count
    assert row["records_lost"] > 0


def test_a_file_waits_for_the_reader_of_standard_output(directory):
    """As any program does: a pager that stands still for longer than a live agent would wait."""
    source = capture(directory / "in.pcap", 8000, 0.01)
    command = [BUILD / "flowagent", "--read", source, "--user", "root", "-n", "-,version=json",
               "--summary", directory / "summary"]  # fmt: skip
    agent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.ENVIRONMENT
    )
    with pytest.raises(subprocess.TimeoutExpired):
        agent.wait(8)
    output, errors = agent.communicate(timeout=PATIENCE_S)
    assert agent.returncode == 0 and b"it does not take" not in errors
    assert numbers(json_lines.Lines().add(output).flows) == Counter(range(8000))
    (row,) = json.loads((directory / "summary").read_text())["collectors"]
    assert (row["records_sent"], row["records_lost"]) == (8000, 0)


def test_standard_output_has_nothing_but_lines(flowagent_run):
    """The log goes to standard error, and a reader that leaves early harms nobody."""
    done = flowagent_run("--read", CAPTURES / "ndpi-whatsapp.pcap", "-n", "-,version=json",
                         "--log-level", "debug")  # fmt: skip
    assert done.returncode == 0 and "reading" in done.stderr
    json_lines.Lines().add(done.stdout.encode()).check_counts()
    done = flowagent_run("--read", CAPTURES / "ndpi-whatsapp.pcap", "-n", "-", "--summary", "-")
    assert done.returncode == 2 and "standard output cannot have flows and the summary" in done.stderr
