"""JSON lines and files: the exact sums per flow for every way out, and nothing half written."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
from collections import Counter

import pytest

import ipfix
import json_lines
import ledger
import netflow9
import programs
from conftest import BUILD, ROOT
from flows import FlowKey, differences
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


def run_capture(flowagent, path, *options, **popen_options):
    """Run to the end of the file: the summary. The status says whether records were lost."""
    agent = flowagent("--read", path, *options, **popen_options)
    status = agent.wait()
    summary = agent.summary()
    ledger.check_final(summary)
    lost = sum(row["records_lost"] for row in summary["collectors"])
    assert status == (1 if lost else 0), agent.errors
    return summary


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


def messages(content):
    """The messages of an IPFIX file, decoded strictly: it needs nothing but itself."""
    decoder = ipfix.Decoder()
    while content:
        length = int.from_bytes(content[2:4], "big")
        assert 16 <= length <= len(content), f"{len(content)} bytes after the last message"
        decoder.decode(content[:length])
        content = content[length:]
    assert decoder.messages[0].sequence == 0 and decoder.messages[0].templates
    return decoder.messages


def tshark_packets(path):
    """What tshark decodes of an IPFIX file: packets per record. It must not complain."""
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-e", "_ws.expert", "-e", "cflow.packets"],
        capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    counts = []
    for line in done.stdout.splitlines():
        complaint, _, packets = line.partition("\t")
        assert not complaint, line
        counts += map(int, packets.split(",") if packets else [])
    return counts


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


# ---- a capture that the test writes while the agent reads it ------------------------------------

START_S = 1_700_000_000  # 22:13:20 UTC
GLOBAL_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)  # raw IP


def packet(number, time_s):
    """A UDP packet of a flow of its own, as a pcap record."""
    source, destination = struct.pack(">I", 0x0A000000 + number), bytes([198, 51, 100, 7])
    datagram = struct.pack(">HHHH", 1024 + number % 60000, 53, 8, 0)
    header = struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + source + destination
    seconds, fraction = divmod(time_s, 1)
    head = struct.pack("<IIII", int(seconds), int(fraction * 1e6), 28, 28)
    return head + header + datagram


def capture(path, count, step_s):
    """'count' flows of one packet, one every 'step_s' seconds."""
    with open(path, "wb") as file:
        file.write(GLOBAL_HEADER)
        file.writelines(packet(i, START_S + i * step_s) for i in range(count))
    return path


def numbers(flows):
    """Which packet() each flow is: a Counter."""
    return Counter(
        int.from_bytes(socket.inet_aton(flow["sourceIPv4Address"])[1:], "big") for flow in flows
    )


class Feed:
    """An agent that reads packets from a pipe, 50 a second of their clock; each is a flow, which
    leaves the agent a second later."""

    def __init__(self, flowagent, *options, **more):
        reader, writer = os.pipe()
        self.agent = flowagent(
            "--read", "-", "--user", "root", "--inactive-timeout", "1s", *options,
            stdin=reader, **more,
        )  # fmt: skip
        os.close(reader)
        self._pipe = os.fdopen(writer, "wb")
        self._pipe.write(GLOBAL_HEADER)
        self.count = 0

    def add(self, count):
        for _ in range(count):
            self._pipe.write(packet(self.count, START_S + self.count / 50))
            self.count += 1
        self._pipe.flush()

    def until(self, condition, what):
        """Add flows, a second of them at a time, until the condition holds."""

        def check():
            if condition():
                return True
            self.add(50)
            return False

        wait_until(check, what, interval_s=0.02)

    def end(self):
        """The summary, once all is exported."""
        self._pipe.close()
        status = self.agent.wait()
        summary = self.agent.summary()
        ledger.check_final(summary)
        lost = sum(row["records_lost"] for row in summary["collectors"])
        assert status == (1 if lost else 0), self.agent.errors
        assert summary["packets_read"] == self.count
        return summary


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def read_lines(*paths):
    """Lines of several files, each of which ends with a whole line."""
    return json_lines.read(path.read_bytes() for path in paths)


# ---- rotation -------------------------------------------------------------------------------------


def finished(directory, stem):
    return sorted(directory.glob(f"{stem}.2*"))


def test_rotation_by_time(flowagent, directory):
    """An hour of flows in files of ten minutes, each whole and readable by itself; the same files
    at any speed."""
    source = capture(directory / "in.pcap", 3600, 1)
    runs = []
    for rate in 0, 2000:
        outcome = directory / f"rate-{rate}"
        outcome.mkdir()
        summary = run_capture(
            flowagent, source, "--user", "root",
            "-n", f"{outcome}/flows.ipfix,rotate=10m,rate={rate}",
            "-n", f"{outcome}/flows.json,version=json,rotate=10m,rate={rate}",
        )  # fmt: skip
        runs.append({path.name: path.read_bytes() for path in outcome.iterdir()})
    assert runs[0] == runs[1]
    # 22:13:20 to 23:13:35; a file begins with the first message after a whole ten minutes.
    stamps = ["2213", "2220", "2230", "2240", "2250", "2300", "2310"]
    assert [name[: -len("ss")] for name in sorted(runs[0])] == [
        f"{stem}.20231114-{stamp}" for stem in ("flows.ipfix", "flows.json") for stamp in stamps
    ]
    seen, before = Counter(), 0
    for path in finished(outcome, "flows.json"):
        lines = read_lines(path)
        assert lines.all[0]["type"] == lines.all[-1]["type"] == "statistics"
        lines.check_counts(before)
        before += len(lines.flows)
        seen += numbers(lines.flows)
    assert seen == Counter(range(3600))
    records = 0
    for path in finished(outcome, "flows.ipfix"):
        decoded = messages(path.read_bytes())
        records += sum(len(message.flows) for message in decoded)
        assert sum(tshark_packets(path)) == sum(len(message.flows) for message in decoded)
        times = [message.export_s for message in decoded]
        assert max(times) - min(times) <= 601
    assert records == 3600
    assert all(row["records_sent"] == 3600 for row in summary["collectors"])


def test_rotation_by_size_keeps_the_last(flowagent, directory):
    source = capture(directory / "in.pcap", 5000, 0.5)
    run_capture(
        flowagent, source, "--user", "root",
        "-n", f"{directory}/all.json,version=json,rotate-size=100k",
        "-n", f"{directory}/some.json,version=json,rotate-size=100k,keep=3",
        "-n", f"{directory}/flows.ipfix,rotate-size=64k",
    )  # fmt: skip
    everything = finished(directory, "all.json")
    assert len(everything) > 20
    assert all(path.stat().st_size <= 102400 for path in everything)
    seen = Counter()
    for path in everything:
        seen += numbers(read_lines(path).flows)
    assert seen == Counter(range(5000))
    last = finished(directory, "some.json")
    assert [path.name[len("some") :] for path in last] == [
        path.name[len("all") :] for path in everything[-3:]
    ]
    assert last[-1].read_bytes() == everything[-1].read_bytes()
    files = finished(directory, "flows.ipfix")
    assert all(path.stat().st_size <= 65536 for path in files) and len(files) > 3
    flows = [flow for path in files for message in messages(path.read_bytes())
             for flow in message.flows]  # fmt: skip
    assert len(flows) == 5000


def test_no_file_is_ever_overwritten(flowagent, directory):
    """Three runs into one name: the earlier ones are put aside, and so are files of one second."""
    source = CAPTURES / "ndpi-443-curl.pcap"
    for _ in range(3):
        run_capture(
            flowagent, source, "--user", "root", "-n", f"{directory}/a.json,version=json",
            "-n", f"{directory}/b.ipfix,rotate=1h",
        )  # fmt: skip
    assert len(list(directory.glob("a.json*"))) == 3 and (directory / "a.json").exists()
    assert len({path.read_bytes() for path in directory.glob("a.json*")}) == 1
    names = [path.name for path in sorted(directory.glob("b.ipfix*"))]
    assert names == [names[0], names[0] + "-2", names[0] + "-3"]


# ---- when it does not work -------------------------------------------------------------------------


@pytest.fixture
def small_disk(cleanup, directory):
    """A file system of 160 KiB. Not in a mount namespace of its own: unshare(1) makes none in a chroot."""
    path = directory / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", path], check=True)
    cleanup.callback(subprocess.run, ["umount", "--lazy", path], check=True)
    return path


@pytest.mark.parametrize("version", ["json", "10"])
def test_full_disk(version, flowagent, small_disk):
    """Reported once, records wait, a file never ends in the middle of a message, and it goes on."""
    path, ballast = small_disk / "flows", small_disk / "ballast"
    feed = Feed(flowagent, "-n", f"{path},version={version}")
    feed.add(100)
    feed.agent.wait_until(path.exists, "the file")
    ballast.write_bytes(bytes(130 << 10))
    feed.until(lambda: "No space left on device" in feed.agent.errors, "a full disk")
    if version == "10":
        messages(path.read_bytes())
    else:
        read_lines(path)
    ballast.unlink()
    full = size_of(path)
    feed.until(lambda: size_of(path) > full, "room")
    feed.add(20)
    summary = feed.end()
    content = path.read_bytes()
    assert feed.agent.errors.count("No space left on device") == 1
    (row,) = summary["collectors"]
    assert (row["records_sent"], row["records_lost"]) == (feed.count, 0)
    assert row["send_errors"] > 0
    if version == "10":
        assert sum(len(message.flows) for message in messages(content)) == feed.count
    else:
        assert numbers(json_lines.Lines().add(content).flows) == Counter(range(feed.count))


def test_directory_that_goes_and_comes(flowagent, directory):
    """What was written before is in the file that is gone; what comes after is in a new one."""
    outcome = directory / "outcome"
    outcome.mkdir()
    feed = Feed(flowagent, "-n", f"{outcome}/flows.json,version=json")
    feed.until(lambda: size_of(outcome / "flows.json") > 0, "the first lines")
    with open(outcome / "flows.json", "rb") as old:
        shutil.rmtree(outcome)
        feed.until(lambda: "directory of the file does not exist" in feed.agent.errors, "the report")
        feed.add(100)
        outcome.mkdir()
        feed.until((outcome / "flows.json").exists, "a new file")
        summary = feed.end()
        lines = json_lines.read([old.read(), (outcome / "flows.json").read_bytes()])
    assert numbers(lines.flows) == Counter(range(feed.count))
    (row,) = summary["collectors"]
    assert (row["records_sent"], row["records_lost"]) == (feed.count, 0)


def test_file_that_cannot_be_written_loses_counted(flowagent, directory):
    """Records that wait in vain are lost at the end, with a reason; nothing foreign is touched."""
    (directory / "notes.txt").write_text("not flows\n")
    summary = run_capture(
        flowagent, CAPTURES / "ndpi-443-curl.pcap", "--user", "root",
        "-n", f"{directory}/notes.txt,version=json", "-n", f"{directory}/none/flows.ipfix",
    )  # fmt: skip
    for row, why in zip(summary["collectors"], ("not of flowagent", "does not exist")):
        assert row["records_lost"] == row["records_taken"] > 0
        assert row["records_lost_by_reason"]["send_failed"] == row["records_lost"]
        assert why in row["last_error"]
    assert (directory / "notes.txt").read_text() == "not flows\n"


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_leaves_whole_files(number, flowagent, directory):
    feed = Feed(
        flowagent, "-n", f"{directory}/a.json,version=json,rotate=1h", "-n", f"{directory}/b.ipfix"
    )
    feed.until(lambda: size_of(directory / "b.ipfix") > 1000, "messages")
    feed.agent.signal(number)
    assert feed.agent.wait() == 0, feed.agent.errors
    summary = feed.agent.summary()
    ledger.check_final(summary)
    (path,) = finished(directory, "a.json")
    lines = read_lines(path)
    lines.check_counts()
    assert not (directory / "a.json").exists()
    assert len(lines.flows) == summary["packets_read"]
    decoded = messages((directory / "b.ipfix").read_bytes())
    assert sum(len(message.flows) for message in decoded) == len(lines.flows)


def test_stop_of_a_live_agent_begins_no_other_file(host, flowagent, agentctl, directory):
    """While it waits at its end for a collector that is away, files have all there is."""
    machine = host("machine")
    agent = flowagent(
        "--interface", "lo", "--user", "root", "--inactive-timeout", "1s", "-n", f"{directory}/a.ipfix,rotate=1s",
        "-n", f"{directory}/b.json,version=json,rotate=1s", "-n", f"unix:{directory}/none,version=json",
        host=machine,
    )  # fmt: skip
    agent.wait_for_capture()
    machine.run("ping", "-c", 5, "-i", "0.01", "-q", "127.0.0.1")
    control = agentctl(agent)
    wait_until(lambda: len(finished(directory, "b.json")) > 1, "rotated files")
    (row,) = [row for row in control.rows("show", "collectors") if row["name"].endswith("b.json")]
    assert (row["version"], row["transport"], row["sequence"]) == ("json", "file", None)
    assert "b.json" in control.run("show", "status").stdout
    fields = [row["field"] for row in control.rows("show", "templates") if row["version"] == "json"]
    assert fields[:3] == ["sourceIPv4Address", "destinationIPv4Address", "ipVersion"]
    assert agent.stop() == 0
    assert "a.ipfix: " not in agent.errors.replace("a.ipfix: ready", ""), agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    lines = read_lines(*finished(directory, "b.json"))
    assert sum(flow["packetDeltaCount"] for flow in lines.flows) == summary["packets_exported"]
    lines.check_counts()
    for path in finished(directory, "a.ipfix"):
        messages(path.read_bytes())
    assert lines.interfaces[1][0] == "lo"


def test_kill_leaves_whole_messages(flowagent, directory):
    feed = Feed(flowagent, "-n", f"{directory}/a.json,version=json,rotate=1h")
    feed.until(lambda: size_of(directory / "a.json") > 10000, "lines")
    feed.agent.kill()
    before = (directory / "a.json").read_bytes()
    json_lines.Lines().add(before)
    run_capture(
        flowagent, CAPTURES / "ndpi-443-curl.pcap", "--user", "root",
        "-n", f"{directory}/a.json,version=json,rotate=1h",
    )  # fmt: skip
    assert len(finished(directory, "a.json")) == 2
    assert before in [path.read_bytes() for path in finished(directory, "a.json")]


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
