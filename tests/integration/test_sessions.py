"""IPFIX over TCP and TLS: exact sums, certificates that are not right, servers that go and come back
under load, readers that stall. What waits does so in the spool; what is lost is counted."""

import os
import re
import signal
import ssl
import subprocess

import capture_files
import ledger
import pytest
import programs
from conftest import Hosts
from flows import differences
from stream_collector import (
    Certificates,
    OpensslServer,
    StreamCollector,
    decode_session,
    messages_of,
    server_context,
    table_of,
    wait_for_packets,
)
from test_modes import packets_of_many_connections
from waiting import wait_until

PORT_IPFIX, PORT_TLS = 4739, 4740


@pytest.fixture
def certificates(directory):
    return Certificates(directory)


@pytest.fixture
def stream_collector(cleanup):
    def start(*arguments, **options):
        return cleanup.enter_context(StreamCollector(*arguments, **options))

    return start


@pytest.fixture
def openssl_server(cleanup, directory):
    def start(host, address, port, *options):
        server = OpensslServer(directory, host, address, port, *options)
        cleanup.callback(server.kill)
        return server

    return start


@pytest.fixture
def capture(directory):
    path = directory / "connections.pcap"
    path.write_bytes(capture_files.pcap(packets_of_many_connections()))
    return path


def rows_of(control):
    return {row["name"]: row for row in control.rows("show", "collectors")}


def check_exact(sink, row, expected):
    """What the sink decoded is what it should be, and what the agent says it sent."""
    assert not differences(sink.flows().counters(), expected), row
    check_sent(sink.flows(), row)


def check_sent(table, row):
    assert table.packets() == row["packets_sent"], row
    assert table.octets() == row["bytes_sent"], row


def test_a_file_gives_exact_sums(
    flowagent, collector, stream_collector, certificates, capture, directory
):
    """Over IPv4, IPv6, TLS 1.3 and 1.2, with and without a certificate of the client's, large and
    small messages, memory and disk."""
    identity = certificates.issue("collector")
    client = certificates.issue("agent")
    ours = f",certificate={client[0]},key={client[1]}"
    trust = f",transport=tls,ca={certificates.authority}"
    sinks = {
        stream_collector(): ",transport=tcp",
        stream_collector("::1"): f",transport=tcp,mtu=65535,spool=2M,spool-directory={directory}",
        stream_collector(): ",transport=tcp,mtu=576,spool=0",
        stream_collector(context=server_context(identity)): trust,
        stream_collector(
            context=server_context(identity, maximum=ssl.TLSVersion.TLSv1_2)
        ): trust + ",mtu=40000,server-name=localhost",
        stream_collector(context=server_context(identity, certificates.authority)): trust + ours,
    }
    witness = collector()
    options = ["-n", witness.host_port]
    for sink, settings in sinks.items():
        options += ["-n", sink.host_port + settings]
    agent = flowagent("--read", capture, "--template-refresh", "1s,1", *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    witness.wait_for_datagrams(rows[witness.host_port]["datagrams_sent"])
    expected = witness.flows().counters()
    assert sum(packets for packets, _ in expected.values()) == summary["packets_read"]
    for sink in sinks:
        row = rows[sink.host_port]
        wait_for_packets(sink, row["packets_sent"])
        check_exact(sink, row, expected)
        assert row["records_lost"] == 0 and row["sessions"] == 1 and len(sink.sessions) == 1
        assert len(messages_of(sink.sessions[0])[0]) == row["datagrams_sent"]


def test_openssl_and_gnutls_servers(
    flowagent, collector, openssl_server, certificates, capture, directory, host, cleanup
):
    """What openssl s_server wrote out is decoded; for gnutls-serv, which does not write it, what
    tshark decrypts of the wire."""
    here = host("tls")
    here.ip("link", "set", "lo", "up")
    identity = certificates.issue("collector")
    options = ["-cert", identity[0], "-key", identity[1]]
    openssl = openssl_server(here, "127.0.0.1", PORT_TLS, *options)
    keys = directory / "keys"
    gnutls = programs.Program(
        "gnutls-serv",
        ["env", f"SSLKEYLOGFILE={keys}", "gnutls-serv", "--echo", "-p", PORT_TLS + 1,
         "--x509certfile", identity[0], "--x509keyfile", identity[1], "--disable-client-cert"],
        directory,
        here,
    )  # fmt: skip
    cleanup.callback(gnutls.kill)
    gnutls.wait_until(lambda: f":{PORT_TLS + 1:04X} " in here.read("tcp6"), "it listens")
    wire = programs.Tcpdump(directory, here, "lo", f"tcp port {PORT_TLS + 1}")
    cleanup.callback(wire.kill)
    witness = collector("127.0.0.1", 0, here)
    trust = f"transport=tls,ca={certificates.authority}"
    agent = flowagent(
        "--read", capture, "-n", witness.host_port, "-n", f"127.0.0.1,{trust}",
        "-n", f"127.0.0.1:{PORT_TLS + 1},{trust}", host=here,
    )  # fmt: skip
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    witness.wait_for_datagrams(rows[witness.host_port]["datagrams_sent"])
    row = rows[f"127.0.0.1:{PORT_TLS}"]
    openssl.wait_for_messages(row["datagrams_sent"])
    table = table_of([openssl.stream()])
    assert not differences(table.counters(), witness.flows().counters())
    check_sent(table, row)

    row = rows[f"127.0.0.1:{PORT_TLS + 1}"]
    assert row["packets_sent"] == summary["packets_read"] and row["records_lost"] == 0
    wait_until(keys.exists, "keys of the session")
    wire.stop()
    text = tshark(
        wire.path, "-o", f"tls.keylog_file:{keys}", "-q", "-z", "follow,tls,raw,0"
    )
    lines = re.findall("^\t([0-9a-f]+)$", text, re.MULTILINE)  # what came back has no tab
    table = table_of([bytes.fromhex("".join(lines))])
    assert not differences(table.counters(), witness.flows().counters())
    check_sent(table, row)


def tshark(path, *options):
    done = subprocess.run(
        ["tshark", "-n", "-r", path, *options],
        capture_output=True,
        text=True,
        env=programs.ENVIRONMENT,
        timeout=programs.PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tshark_fields(path, port, field):
    """All values of a number in what the agent sent; the messages must be without fault."""
    text = tshark(
        path, "-Y", f"cflow && tcp.dstport=={port}", "-T", "fields", "-e", field,
        "-e", "_ws.malformed",
    )  # fmt: skip
    assert "Malformed" not in text
    return [int(number) for number in re.findall(r"\d+", text)]


def test_tshark_decodes_a_session(
    flowagent, stream_collector, tcpdump, capture, host
):
    here = host("tcp")
    here.ip("link", "set", "lo", "up")
    sink = stream_collector("127.0.0.1", PORT_IPFIX, here)
    wire = tcpdump(here, "lo", f"tcp port {PORT_IPFIX}")
    agent = flowagent("--read", capture, "-n", "127.0.0.1,transport=tcp", host=here)
    assert agent.wait() == 0, agent.errors
    (row,) = agent.summary()["collectors"]
    wait_for_packets(sink, row["packets_sent"])
    wire.stop()
    assert sum(tshark_fields(wire.path, PORT_IPFIX, "cflow.packets")) == row["packets_sent"]
    sequences = tshark_fields(wire.path, PORT_IPFIX, "cflow.sequence")
    assert len(sequences) == row["datagrams_sent"] and sequences[0] == 0


def test_certificates_that_are_not_right(
    flood, hosts, flowagent, agentctl, collector, stream_collector, certificates
):
    """Each is reported in one clear line, counted, tried again, and made good for once it is mended."""
    here = hosts.server
    good = certificates.issue("collector")
    right = server_context(good)
    expired = server_context(certificates.issue("expired", expired=True))
    demanding = server_context(good, certificates.authority)
    demanding_1_2 = server_context(good, certificates.authority, ssl.TLSVersion.TLSv1_2)
    trust = f",transport=tls,ca={certificates.authority}"
    faults = {  # settings, context -> what is reported
        f",transport=tls,ca={certificates.other_authority}": (right, "local issuer certificate"),
        trust + ",server-name=other.example": (right, "hostname mismatch, expected other.example"),
        trust: (expired, "certificate has expired"),
        trust + ",spool=2M": (demanding, "certificate required"),
        trust + ",spool=3M": (demanding_1_2, "handshake failure"),
    }
    sinks = [
        stream_collector("127.0.0.1", 0, here, context) for context, _ in faults.values()
    ]
    witness = collector("127.0.0.1", 0, here)
    options = ["-n", witness.host_port]
    for sink, settings in zip(sinks, faults):
        options += ["-n", sink.host_port + settings]
    agent = flowagent("--nflog", "40", "--inactive-timeout", "300ms", *options, host=here)
    agent.wait_for_group()
    control = agentctl(agent)
    flood.begin(500)
    wait_until(
        lambda: all(rows_of(control)[sink.host_port]["session_failures"] >= 2 for sink in sinks),
        "each was tried again",
    )
    wait_until(lambda: control.statistics()["records_sent"] > 500, "records for the witness")
    for sink, (_, text) in zip(sinks, faults.values()):
        row = rows_of(control)[sink.host_port]
        assert not row["up"] and text in row["last_error"], row
        assert row["records_sent"] == row["records_lost"] == 0 == len(b"".join(sink.sessions))
        assert row["records_waiting"] > 0
        lines = [line for line in agent.errors.splitlines() if f"{sink.host_port}: " in line]
        assert len(lines) == 1 and text in lines[0], lines
    ledger.check_summary(control.statistics())

    # Mended where it can be: at the server. The first two want another certificate than there is.
    mended = sinks[2:]
    for sink in mended:
        sink.context = right
    wait_until(lambda: all(rows_of(control)[s.host_port]["up"] for s in mended), "they are up")
    assert all(rows_of(control)[sink.host_port]["last_error"] is None for sink in mended)
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] >= flood.packets(), "all read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    rows = {row["name"]: row for row in summary["collectors"]}
    witness.wait_for_datagrams(rows[witness.host_port]["datagrams_sent"])
    expected = witness.flows().counters()
    for sink in mended:
        wait_for_packets(sink, summary["packets_read"])
        check_exact(sink, rows[sink.host_port], expected)
    for sink in sinks[:2]:
        row = rows[sink.host_port]
        assert row["records_sent"] == 0
        assert row["records_lost"] == row["records_lost_by_reason"]["tls_failed"] > 0


def test_servers_go_and_come_back_under_load(
    flood, hosts, flowagent, agentctl, collector, stream_collector, openssl_server, certificates,
    directory
):  # fmt: skip
    """Records wait in the spool and arrive exactly once; a program that was killed has at most not
    read what its kernel had for it. The packets of a connection through the interface that is
    watched are not accounted, in neither direction."""
    here = hosts.server
    identity = certificates.issue("collector")
    tls = ["-cert", identity[0], "-key", identity[1]]
    trust = f",transport=tls,ca={certificates.authority}"
    closing = [
        (stream_collector(Hosts.COLLECTOR[0], 0, hosts.collector), ",transport=tcp,mtu=1000"),
        (
            stream_collector("127.0.0.1", 0, here),
            f",transport=tcp,mtu=1000,spool=4M,spool-directory={directory}",
        ),
    ]
    killed = [openssl_server(here, "127.0.0.1", PORT_TLS, *tls)]
    killed_name = f"127.0.0.1:{PORT_TLS}"
    witness = collector("127.0.0.1", 0, here)
    options = ["-n", witness.host_port, "-n", f"{killed_name}{trust},mtu=1000"]
    for sink, settings in closing:
        options += ["-n", sink.host_port + settings]
    agent = flowagent("--nflog", "40", "--inactive-timeout", "300ms", *options, host=here)
    agent.wait_for_group()
    control = agentctl(agent)
    names = [sink.host_port for sink, _ in closing] + [killed_name]

    def each(condition):
        rows = rows_of(control)
        return all(condition(rows[name]) for name in names)

    flood.begin(4000)
    wait_until(lambda: each(lambda row: row["records_sent"] > 1000), "records are sent")
    killed[0].kill()
    agent.signal(signal.SIGSTOP)  # so that nothing comes between the last read and the end
    for sink, _ in closing:
        sink.leave()
    agent.signal(signal.SIGCONT)
    wait_until(lambda: each(lambda row: not row["up"]), "they are down")
    wait_until(lambda: each(lambda row: row["records_spooled"] > 3000), "records in the spools")
    assert each(lambda row: row["records_lost"] == 0)
    for sink, _ in closing:
        sink.start()
    killed.append(openssl_server(here, "127.0.0.1", PORT_TLS, *tls))
    wait_until(lambda: each(lambda row: row["sessions"] == 2 and row["up"]), "they are back")
    wait_until(lambda: each(lambda row: row["records_spooled"] == 0), "the spools are empty")
    ledger.check_summary(control.statistics())
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] >= flood.packets(), "all read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own = summary["packets_ignored"]["own_export"]
    total = summary["packets_read"] - own
    assert own > 0
    rows = {row["name"]: row for row in summary["collectors"]}
    witness.wait_for_datagrams(rows[witness.host_port]["datagrams_sent"])
    expected = witness.flows().counters()
    assert sum(packets for packets, _ in expected.values()) == total
    for sink, _ in closing:
        wait_for_packets(sink, total)
        check_exact(sink, rows[sink.host_port], expected)
        assert len(sink.sessions) == 2 and rows[sink.host_port]["records_lost"] == 0

    row = rows[killed_name]
    assert row["packets_sent"] == total and row["records_lost"] == 0

    def next_sequence():
        messages = decode_session(killed[1].stream())
        last = messages[-1] if messages else None
        return last and last.sequence + len(last.flows) + len(last.options)

    # openssl writes what it has read at its own pace
    wait_until(lambda: next_sequence() == row["sequence"], "the last message of the second")
    got = table_of([server.stream() for server in killed]).counters()
    assert all(got[key][0] <= packets for key, (packets, _) in expected.items() if key in got)
    missing = total - sum(packets for packets, _ in got.values())
    assert 0 <= missing < 2000, missing


def test_readers_that_stall(
    flood, hosts, flowagent, agentctl, collector, stream_collector, openssl_server, certificates
):
    """The others go on; nothing is lost up to the bound, and what overflows is counted exactly."""
    here = hosts.server
    identity = certificates.issue("collector")
    trust = f",transport=tls,ca={certificates.authority}"
    small = ",mtu=576,spool=1M"
    roomy = stream_collector("127.0.0.1", 0, here)
    paused = stream_collector("127.0.0.1", 0, here)
    stopped = openssl_server(
        here, "127.0.0.1", PORT_TLS, "-cert", identity[0], "-key", identity[1]
    )
    names = [paused.host_port, f"127.0.0.1:{PORT_TLS}"]
    witness = collector("127.0.0.1", 0, here)
    agent = flowagent(
        "--nflog", "40", "--inactive-timeout", "300ms", "--active-timeout", "1s",
        "-n", witness.host_port, "-n", f"{roomy.host_port},transport=tcp,mtu=576",
        "-n", f"{names[0]},transport=tcp{small}", "-n", f"{names[1]}{trust}{small}", host=here,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)
    flood.begin(8000)
    wait_until(
        lambda: all(rows_of(control)[name]["records_sent"] > 500 for name in names), "sent"
    )
    roomy.pause()
    paused.pause()
    stopped.signal(signal.SIGSTOP)
    wait_until(
        lambda: all(
            rows_of(control)[name]["records_lost_by_reason"]["spool_full"] > 1000 for name in names
        ),
        "the spools overflow",
    )
    rows = rows_of(control)
    assert rows[roomy.host_port]["records_lost"] == 0 < rows[roomy.host_port]["records_spooled"]
    assert rows[witness.host_port]["records_lost"] == 0
    wait_until(
        lambda: rows_of(control)[witness.host_port]["records_waiting"] < 100, "nobody held up"
    )
    assert all("does not take" in rows[name]["last_error"] for name in names)
    assert all(not rows[name]["up"] and rows[name]["sessions"] == 1 for name in names)
    ledger.check_summary(control.statistics())
    roomy.resume()
    paused.resume()
    stopped.signal(signal.SIGCONT)
    wait_until(lambda: all(rows_of(control)[name]["up"] for name in names), "they go on")
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] >= flood.packets(), "all read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    rows = {row["name"]: row for row in summary["collectors"]}
    witness.wait_for_datagrams(rows[witness.host_port]["datagrams_sent"])
    expected = witness.flows().counters()
    wait_for_packets(roomy, summary["packets_read"])
    check_exact(roomy, rows[roomy.host_port], expected)
    assert len(roomy.sessions) == 1
    wait_for_packets(paused, rows[names[0]]["packets_sent"])
    stopped.wait_for_messages(rows[names[1]]["datagrams_sent"])
    for name, table in zip(names, (paused.flows(), table_of([stopped.stream()]))):
        row = rows[name]
        check_sent(table, row)
        assert row["records_lost"] == row["records_lost_by_reason"]["spool_full"]
        assert table.packets() + row["packets_lost"] == summary["packets_read"]
        assert all(packets <= expected[key][0] for key, (packets, _) in table.counters().items())


def test_at_the_end_it_does_not_wait_for_ever(flowagent, stream_collector, capture):
    """What a reader that stalls has not confirmed counts as lost, and nothing twice."""
    sink = stream_collector()
    sink.pause()
    agent = flowagent("--read", capture, "-n", f"{sink.host_port},transport=tcp,mtu=576")
    assert agent.wait() == 1, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    (row,) = summary["collectors"]
    assert row["records_lost"] == row["records_lost_by_reason"]["connection_lost"] > 0
    assert row["packets_sent"] + row["packets_lost"] == summary["packets_read"]
    end = (f"collector {sink.host_port}: {row['records_lost']} of {row['records_taken']} records "
           f"lost, with {row['packets_lost']} packets and ")  # fmt: skip
    assert sum(end in line for line in agent.errors.splitlines()) == 1, agent.errors
    assert f": {row['records_lost']} connection_lost" in agent.errors
    assert "reachable again" not in agent.errors
    sink.resume()
    wait_for_packets(sink, row["packets_sent"])


def test_wrong_settings_are_named(flowagent_run, directory):
    for settings, status, text in (
        ("transport=tcp,version=9", 2, "transport tcp, which needs IPFIX"),
        ("transport=tcp,version=5", 2, "transport tcp, which needs IPFIX"),
        ("transport=tls,ca=/nowhere", 1, "certificate authorities in /nowhere: No such file"),
        ("transport=tls,certificate=/dev/null", 1, "cannot read the certificate in /dev/null"),
        ("transport=tcp,spool-directory=/nowhere", 1, "cannot make a spool in /nowhere: No such"),
        ("transport=tls,verify=off,ca=/nowhere", 1, "cannot read the certificate authorities"),
    ):
        done = flowagent_run("--read", os.devnull, "-n", f"127.0.0.1,{settings}")
        assert done.returncode == status and text in done.stderr, done.stderr
