"""agentctl listen: what our own exporter and others send is read whole, and what is wrong is named."""

import json
import re
import socket
import subprocess

import pytest

import programs
from conftest import BUILD, ROOT
from waiting import wait_until

RECORDINGS = ROOT / "tests" / "fuzz" / "corpus" / "fuzz_listen"
CAPTURE = ROOT / "tests" / "wire" / "captures" / "ndpi-zoom.pcap"
DONE, FAILED, USAGE, UNREACHABLE, NOT_PERMITTED, TIMED_OUT = range(6)
WITHOUT_RATE = "version=1", "version=7"
NOTES = {"clock_off"}  # a file has the clock of its packets


def recorded(name):
    """Datagrams of a recording: each stands after its length."""
    data = (RECORDINGS / name).read_bytes()
    while data:
        length = int.from_bytes(data[:2], "big")
        yield data[2 : 2 + length]
        data = data[2 + length :]


def send(listener, datagrams, sender=None):
    sender = sender or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for datagram in datagrams:
        sender.sendto(datagram, ("127.0.0.1", listener.port))
    return sender


def wait_for_messages(listener, count):
    """Until as many lines came that only messages make."""
    listener.wait_until(lambda: len(listener.output.splitlines()) >= count, f"{count} lines")


@pytest.mark.parametrize(
    "keys",
    [
        "version=1",
        "version=5",
        "version=7",
        "version=9",
        "version=9,uptime=on",
        "version=10",
        "version=10,transport=tcp",
    ],
)
def test_own_exporter(keys, listen, flowagent_run, directory):
    listener = listen()
    summary = directory / "summary.json"
    done = flowagent_run(
        "--read", CAPTURE, "-n", f"{listener.host_port},{keys}", "--summary", summary
    )
    assert done.returncode == 0, done.stderr
    (collector,) = json.loads(summary.read_text())["collectors"]
    assert collector["records_sent"] > 30
    listener.wait_for_flows(collector["records_sent"])
    assert listener.stop() == DONE, listener.output
    assert set(listener.findings()) <= NOTES | ({"rate_missing"} if keys in WITHOUT_RATE else set())
    flows = listener.rows("flow")
    assert len(flows) == collector["records_sent"]
    assert sum(row["packets"] for row in flows) == collector["packets_sent"]
    assert {row["sampling"] for row in flows} == {0 if keys in WITHOUT_RATE else 1}
    assert {row["transport"] for row in flows} == {"tcp" if "tcp" in keys else "udp"}
    for row in flows:
        assert row["start_unix_ms"] <= row["end_unix_ms"]
        assert row["fields"]["octetDeltaCount"] == row["bytes"]


def test_versions_agree(listen, flowagent_run):
    tables = []
    for keys in ("version=9", "version=10", "version=9,uptime=on"):
        listener = listen()
        done = flowagent_run("--read", CAPTURE, "-n", f"{listener.host_port},{keys}")
        assert done.returncode == 0, done.stderr
        listener.wait_until(lambda: len(listener.rows("options")) >= 4, "the last statistics")
        assert listener.stop() == DONE
        tables.append(listener.flows())
    assert tables[0].packets() > 700
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.parametrize("version", (5, 9, 10))
@pytest.mark.parametrize("sampling", ("random:4", "deterministic:4", "hash:4"))
def test_sampling_is_read(version, sampling, listen, flowagent_run):
    listener = listen()
    keys = f"{listener.host_port},version={version}"
    done = flowagent_run("--read", f"{CAPTURE},sampling={sampling}", "-n", keys)
    assert done.returncode == 0, done.stderr
    listener.wait_for_flows(1)
    assert listener.stop() == DONE, listener.output
    assert {row["sampling"] for row in listener.rows("flow")} == {4}


@pytest.mark.parametrize("program", ("softflowd", "nfprobe", "flowagent"))
@pytest.mark.parametrize("version", (5, 9, 10))
def test_recordings(program, version, listen):
    """58 packets, 32,792 bytes; what of them is IPv6 is not in version 5."""
    packets, octets, flows = (52, 27032, 16) if version == 5 else (58, 32792, 18)
    listener = listen("--count", flows)
    send(listener, recorded(f"{program}_{version}"))
    assert listener.wait() == DONE, listener.output
    table = listener.flows()
    assert (table.packets(), table.octets(), len(listener.rows("flow"))) == (packets, octets, flows)
    (stream,) = listener.rows("stream")
    assert (stream["version"], stream["missing"], stream["sets_skipped"]) == (version, 0, 0)


def test_softflowd(listen, directory):
    """softflowd 1.1.0 dates the flows of a file by a clock that did not run then: that is found."""
    listener = listen("--count", "10")
    subprocess.run(
        ["softflowd", "-r", CAPTURE, "-n", listener.host_port, "-v", "9", "-c", "none", "-d",
         "-p", directory / "softflowd.pid"],
        check=True, capture_output=True, timeout=programs.PATIENCE_S,
    )  # fmt: skip
    assert listener.wait() == FAILED, listener.output
    assert set(listener.findings()) <= {"time_ahead", "count_differs", "clock_off"}
    assert {row["sampling"] for row in listener.rows("flow")} == {1}


def test_lost_datagrams_are_counted(listen):
    first, second, third = recorded("flowagent_9")
    listener = listen()
    send(listener, [first, third])
    listener.wait_until(lambda: listener.rows("finding"), "a finding")
    wait_for_messages(listener, 6)
    assert listener.stop() == FAILED
    assert listener.findings()["sequence_gap"] == 1
    (stream,) = listener.rows("stream")
    assert stream["missing"] == 1
    found = [row for row in listener.rows("finding") if row["finding"] == "sequence_gap"]
    assert [row["fault"] for row in found] == [True]
    assert found[0]["text"] == "sequence 2 instead of 1: 1 datagrams are missing"


def test_templates_that_are_missing(listen):
    first, second, third = recorded("flowagent_9")
    listener = listen()
    send(listener, [second, third])
    listener.wait_until(lambda: len(listener.rows("finding")) >= 2, "findings")
    assert listener.stop() == FAILED
    assert "template_missing" in listener.findings()
    assert listener.rows("flow") == []


def test_exporter_that_starts_anew(listen):
    listener = listen()
    one = send(listener, recorded("flowagent_10"))
    listener.wait_for_flows(18)
    two = send(listener, recorded("flowagent_10"))
    listener.wait_for_flows(36)
    assert listener.stop() == DONE
    assert listener.findings()["restart"] == 1
    assert len(listener.rows("stream")) == 2
    one.close()
    two.close()


def test_garbage(listen):
    listener = listen()
    send(listener, [b"", b"x", b"\xff" * 1000, b"\0\x09" + bytes(100), b"\0\x0a" + b"\xff" * 14])
    listener.wait_until(lambda: len(listener.rows("finding")) >= 3, "findings")
    assert listener.stop() == FAILED
    assert {"version_unknown", "message_cut"} <= set(listener.findings())


def test_cut_session(listen):
    """A message that ends early, and bytes that are no IPFIX."""
    (message, *_) = recorded("flowagent_10")
    listener = listen()
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        connection.sendall(message[:-4])
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(1) == b""  # it is closed by the other side
    listener.wait_until(
        lambda: {row["finding"] for row in listener.rows("finding")}
        >= {"message_cut", "version_unknown"},
        "both findings",
    )
    assert listener.stop() == FAILED


def test_time_is_over(listen):
    listener = listen("--for", "200ms")
    assert listener.wait() == TIMED_OUT
    assert "no flow came" in listener.errors


def run(*arguments):
    return subprocess.run(
        [BUILD / "agentctl", *arguments],
        capture_output=True, text=True, timeout=programs.PATIENCE_S, env=programs.ENVIRONMENT,
    )  # fmt: skip


@pytest.mark.parametrize("place", ("host:port", "127.0.0.1:70000", "[::1", "1.2.3:4", "", "::1:x"))
def test_wrong_place(place):
    done = run("listen", place)
    assert done.returncode == USAGE
    assert "expected ADDRESS:PORT" in done.stderr


def test_port_in_use(listen):
    listener = listen()
    done = run("listen", listener.host_port)
    assert done.returncode == FAILED
    assert "Address already in use" in done.stderr and "hint:" in done.stderr


def test_table(listen, directory):
    """Rows for a person: columns on standard output, findings and sums on standard error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    table = programs.Program(
        "table",
        [BUILD / "agentctl", "--utc", "listen", f"127.0.0.1:{port}", "--count", "18",
         "-o", "proto,src,sport,dst,dport,packets,bytes"],
        directory,
    )  # fmt: skip
    table.wait_until(lambda: "listening on" in table.errors, "it listens")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in recorded("softflowd_10"):
            sender.sendto(datagram, ("127.0.0.1", port))
    assert table.wait() == DONE
    lines = table.output.splitlines()
    assert lines[0].split() == ["PROTO", "SRC", "SRC_PORT", "DST", "DST_PORT", "PACKETS", "BYTES"]
    assert len(lines) == 19
    assert any(
        line.split() == "tcp 192.0.2.10 40000 198.51.100.7 443 7 2280 B".split() for line in lines
    )
    assert re.search(r"UDP version 10 domain 0: 1 messages, 18 flows", table.errors)


def test_ipv6_and_all_addresses(listen):
    listener = listen("--count", "36", address="::")
    for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")):
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for datagram in recorded("nfprobe_9"):
                sender.sendto(datagram, (address, listener.port))
    assert listener.wait() == DONE
    exporters = {row["exporter"].rsplit(":", 1)[0] for row in listener.rows("flow")}
    assert exporters == {"[::1]", "127.0.0.1"}


def test_reader_that_has_gone():
    """A pipe that is closed ends it."""
    command = [BUILD / "agentctl", "-J", "listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stderr.readline().decode()
        port = int(re.search(r":(\d+),", line).group(1))
        process.stdout.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

            def has_ended():
                for datagram in recorded("nfprobe_9"):
                    sender.sendto(datagram, ("127.0.0.1", port))
                return process.poll() is not None

            wait_until(has_ended, "it ends")
        process.stderr.read()


def test_findings_are_in_the_manual():
    table = (ROOT / "agent" / "listen" / "listen_findings.def").read_text()
    manual = (ROOT / "packaging" / "man" / "agentctl.1.scd").read_text().replace("\\_", "_")
    names = re.findall(r"^LISTEN_FINDING\((\w+),", table, re.MULTILINE)
    assert len(names) > 20
    assert [name for name in names if f"_{name}_" not in manual] == []


def test_any_port_is_one_that_is_free_for_udp_and_tcp(host, listen):
    """Of the four ports that the kernel may choose, three are taken for TCP."""
    machine = host("few-ports")
    machine.sysctl("ipv4/ip_local_port_range", "40000 40003")
    with machine.entered():
        others = [socket.create_server(("127.0.0.1", port)) for port in (40000, 40001, 40003)]
        for _ in range(5):
            listener = listen(host=machine)
            assert listener.port == 40002
            listener.stop()
        others.append(socket.create_server(("127.0.0.1", 40002)))
    taken = subprocess.run(
        programs.command_on(machine, [BUILD / "agentctl", "listen", "127.0.0.1:0"]),
        capture_output=True, text=True, timeout=programs.PATIENCE_S, check=False,
    )  # fmt: skip
    assert taken.returncode == FAILED
    assert "cannot listen on 127.0.0.1:0: Address already in use" in taken.stderr
    for other in others:
        other.close()
