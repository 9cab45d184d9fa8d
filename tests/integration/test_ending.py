"""How the daemon ends: signals, a second signal, and faults inside of it."""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest

import capture_files
import ledger
import programs
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from netflow9 import END_MS, PACKETS, PROTOCOL, START_MS
from service_manager import ServiceManager
from test_lifecycle import OWN_PORT, agent_on, site, wait_for_packets  # noqa: F401
from waiting import wait_until

RAW_IP = 101


@pytest.fixture
def faulty(directory):
    """(environment for a release build, directory in which files are the faults)."""
    library, faults = directory / "faults.so", directory / "faults"
    faults.mkdir()
    source = ROOT / "tests" / "support" / "faults.c"
    command = ["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), "FAULTS": str(faults)}, faults


# ---- clock steps --------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [3600, -3600, 31_536_000, -31_536_000])
def test_flows_end_at_a_step_of_the_clock(
    step_s, site, flowagent, agentctl, collector, faulty  # noqa: F811
):
    """One flow with packets before and after: two records, none as long as the step."""
    environment, faults = faulty
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--inactive-timeout", "1h", "--active-timeout", "1h",
        host=site.host, release=True, environment=environment,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)
    with site.host.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((site.ADDRESS, 0))
    for packets in 3, 5:
        for _ in range(packets):
            sender.sendto(b"x", (site.ADDRESS, 9))
        # The port is closed: reports of ICMP come as well, from the same host to itself.
        wait_until(
            lambda: sum(row["packets"] for row in control.rows("show", "flows")
                        if row["proto"] == 17) == packets,
            "them to be cached, and those before the step not any more",
        )  # fmt: skip
        temporary = faults / "clock.new"
        temporary.write_text(str(step_s))
        temporary.rename(faults / "clock")
    assert "the clock was set by" in agent.errors
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    flows = [
        values
        for message in own.messages()
        for values in message.flows
        if values[PROTOCOL] == 17
    ]
    assert [values[PACKETS] for values in flows] == [3, 5]
    first, second = ((values[START_MS], values[END_MS]) for values in flows)
    for start_ms, end_ms in first, second:
        assert 0 <= end_ms - start_ms < 600_000
    assert abs(second[0] - first[1] - step_s * 1000) < 600_000


# ---- signals ------------------------------------------------------------------------------------

ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGALRM]
HARMLESS = [
    signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO,
    signal.SIGPWR, signal.SIGPIPE, signal.SIGRTMIN, signal.SIGRTMAX,
]  # fmt: skip


@pytest.mark.parametrize("number", ENDING, ids=lambda n: n.name)
def test_signal_that_ends_exports_what_is_cached(number, site, agent_on, collector):  # noqa: F811
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = agent_on("-n", own.host_port)
    sent = site.send()
    wait_for_packets(control, sent.packets())
    agent.signal(number)
    assert agent.wait() == 0, agent.errors
    assert f"{number.name}: stopping" in agent.errors
    ledger.check_final(agent.summary(), site.matched())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert own.flows().packets() == sent.packets()


def test_no_other_signal_ends_the_agent(site, agent_on):  # noqa: F811
    """Each is sent, and the flow that was cached before is still there."""
    agent, control = agent_on()
    sent = site.send()
    wait_for_packets(control, sent.packets())
    for number in HARMLESS:
        agent.signal(number)
    wait_until(lambda: "SIGUSR2 ignored" in agent.errors, "a line about SIGUSR2")
    wait_until(lambda: "the configuration was read again" in agent.errors, "a line about SIGHUP")
    assert control.statistics()["packets_cached"] == sent.packets()
    assert agent.stop() == 0, agent.errors


def test_usr1_logs_the_counters(site, agent_on, collector):  # noqa: F811
    """The same numbers as agentctl's: for the whole, the source and the collector."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = agent_on("-n", own.host_port)
    sent = site.send()
    wait_for_packets(control, sent.packets())
    agent.signal(signal.SIGUSR1)
    wait_until(lambda: agent.errors.count("counters: ") == 3, "three lines")
    packets = sent.packets()
    assert f"counters: packets: {packets} read, 0 lost in the kernel, 0 ignored" in agent.errors
    assert f"counters: nflog:40: packets: {packets} read" in agent.errors
    assert f"counters: {own.host_port} (up): records: 0 sent, 0 waiting, 0 lost" in agent.errors
    assert agent.stop() == 0, agent.errors


# ---- a second signal ----------------------------------------------------------------------------


def many_flows(count):
    """A capture file of UDP packets, each of which is a flow."""

    def datagram(number):
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
            struct.pack("!I", 0xC6120000 + number),
        )  # fmt: skip
        return header + struct.pack("!HHHH", 1000, 2000, 8, 0)

    start_ns = 1_700_000_000 * 10**9
    packets = [
        capture_files.packet(start_ns + number * 1000, RAW_IP, datagram(number))
        for number in range(count)
    ]
    return capture_files.pcap(packets)


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_second_signal_counts_all_before_the_summary(directory):
    """A reader of standard output that stands still is waited for; the second signal does not wait,
    and the summary then tells what the pipe holds and that the rest is lost: nothing waits."""
    count = 60_000
    capture, summary = directory / "many.pcap", directory / "summary.json"
    capture.write_bytes(many_flows(count))
    errors = directory / "errors"
    with open(errors, "wb") as error_file:
        process = subprocess.Popen(
            [BUILD / "flowagent", "--read", capture, "-n", "-,version=json", "--summary", summary],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=error_file,
            env=programs.ENVIRONMENT,
        )  # fmt: skip
    try:
        full = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)
        wait_until(lambda: waiting_bytes(process.stdout) > full - 8192, "the pipe to be full")
        taken = os.read(process.stdout.fileno(), full // 2)
        wait_until(lambda: waiting_bytes(process.stdout) > full - 8192, "it to be full again")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in errors.read_text(), "it to begin to stop")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.poll() is not None, "the end")
    finally:
        process.kill()
    row = ledger.parse(summary.read_text())
    ledger.check_final(row)
    assert "SIGTERM again" in errors.read_text()
    assert row["records_lost"] > 0
    # What the reader has taken is sent; what it may still find in the pipe counts as lost.
    assert 0 < row["records_sent"] <= taken.count(b'"octetDeltaCount"')


def test_packets_that_come_while_it_stops_are_accounted(
    hosts, flowagent, agentctl, udp_flood, directory
):
    """The group is let go of last: a reader that is slow to take what was cached costs no packet."""
    pipe = directory / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    agent = flowagent(
        "--nflog", "40", "-n", "-,version=json", "--inactive-timeout", "1h", host=hosts.server,
        wrapper=["sh", "-c", f'exec "$@" >{pipe}', "sh"], release=True,
    )  # fmt: skip
    agent.wait_for_group()
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 40_000, 40_000, 20_000)
    wait_for_packets(agentctl(agent), 40_000)
    agent.signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in agent.errors, "it to begin to stop")
    wait_until(lambda: waiting_bytes(reader) > 32768, "the pipe to fill")
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100, 1000, 5_000)

    def has_ended():
        with contextlib.suppress(BlockingIOError):
            while os.read(reader, 65536):
                pass
        return agent.process.poll() is not None

    wait_until(has_ended, "the end", interval_s=0.01)
    os.close(reader)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, firewall.matched(hosts.server).packets)
    assert summary["records_lost"] == 0 and summary["packets_exported"] >= 41_000


# ---- faults inside ------------------------------------------------------------------------------


def test_an_error_of_the_event_loop_is_reported_and_drains(site, flowagent, agentctl, collector, faulty):  # noqa: F811
    """What is cached is exported, the status is 1, and the log names the error."""
    environment, faults = faulty
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, host=site.host, release=True,
        environment=environment,
    )  # fmt: skip
    agent.wait_for_group()
    sent = site.send()
    wait_for_packets(agentctl(agent), sent.packets())
    (faults / "epoll").touch()
    assert agent.wait() == 1, agent.errors
    assert "the event loop has failed: Bad file descriptor" in agent.errors
    ledger.check_final(agent.summary(), site.matched())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert own.flows().packets() == sent.packets()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGUSR2])
def test_threads_without_cpu_time_do_not_spoil_the_end(
    end, site, flowagent, agentctl, cleanup, directory, faulty  # noqa: F811
):
    """Each goes on later than it is waited for: there is a summary all the same, and the next agent gets the flows."""
    environment, faults = faulty
    manager = cleanup.enter_context(ServiceManager(directory))
    agent = flowagent("--nflog", "40", host=site.host, release=True, **manager.options(**environment))
    manager.wait_ready(agent)
    sent = site.send()
    wait_for_packets(agentctl(agent), sent.packets())
    (faults / "late").write_text("1500")
    agent.signal(end)
    assert agent.wait() == 0, agent.errors
    assert ("state" in manager.names()) == (end == signal.SIGUSR2)
    summary = agent.summary()
    if end == signal.SIGTERM:
        ledger.check_final(summary, site.matched())
    assert summary["packets_read"] == site.matched()
    assert summary["packets_cached"] == (sent.packets() if end == signal.SIGUSR2 else 0)


def test_a_queue_that_is_full_before_the_group_is_bound_to_the_end(site, flowagent, agentctl, faulty):  # noqa: F811
    """Packets may come before the answer is read that the group is bound: then that is no failure of the start."""
    environment, faults = faulty
    (faults / "full").touch()
    agent = flowagent("--nflog", "40", host=site.host, release=True, environment=environment)
    agent.wait_for_group()
    (row,) = agentctl(agent).rows("show", "sources")
    assert (row["overruns"], row["loss_unknown"]) == (1, True)
    sent = site.send()
    wait_for_packets(agentctl(agent), sent.packets())
    (row,) = agentctl(agent).rows("show", "sources")
    assert (row["overruns"], row["loss_unknown"], row["packets_lost_kernel"]) == (1, False, 0)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())


class Supervisor:
    """What systemd is for a service: $NOTIFY_SOCKET and $WATCHDOG_USEC."""

    def __init__(self, directory, watchdog_s):
        self.path = directory / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)
        self.environment = {
            "NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(watchdog_s * 1_000_000),
        }  # fmt: skip
        os.chmod(self.path, 0o666)

    def reports(self):
        """How many came since the last call."""
        count = 0
        while True:
            try:
                count += self._socket.recv(4096).count(b"WATCHDOG=1")
            except BlockingIOError:
                return count


def test_watchdog_is_fed_only_while_all_threads_answer(
    site, flowagent, agentctl, collector, faulty, directory  # noqa: F811
):
    """A write that hangs in the export thread: systemd hears nothing more, and the log says why."""
    environment, faults = faulty
    supervisor = Supervisor(directory, watchdog_s=1)
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--template-refresh", "1s", host=site.host,
        release=True, environment={**environment, **supervisor.environment},
    )  # fmt: skip
    agent.wait_for_group()
    heard = 0

    def is_fed():
        nonlocal heard
        heard += supervisor.reports()
        return heard >= 8

    wait_until(is_fed, "reports to the watchdog")
    (faults / "send").touch()

    def is_silent():
        """A busy machine may have had the same line in its log before the write hung."""
        supervisor.reports()
        time.sleep(2)  # twice the time in which one would have to come
        return supervisor.reports() == 0

    wait_until(is_silent, "no report any more")
    told = f"the export thread does not answer, it is sending to collector {own.host_port}: systemd"
    wait_until(lambda: told in agent.errors, "a line in the log that says what it was doing")
    (faults / "send").unlink()
    wait_until(lambda: supervisor.reports() > 0, "it to go on")
    assert agent.stop() == 0, agent.errors


def test_a_thread_that_hangs_does_not_hold_the_second_signal(
    site, flowagent, agentctl, collector, faulty  # noqa: F811
):
    environment, faults = faulty
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, host=site.host, release=True,
        environment=environment,
    )  # fmt: skip
    agent.wait_for_group()
    sent = site.send()
    wait_for_packets(agentctl(agent), sent.packets())
    (faults / "send").touch()
    agent.signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in agent.errors, "it to begin to stop")
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 1, agent.errors
    assert "the export thread hangs, it is sending to collector" in agent.errors
    assert "without a summary" in agent.errors
    assert not agent.control.exists()


# ---- closed streams ---------------------------------------------------------------------------


def test_a_closed_output_takes_no_descriptor_and_what_it_lost_is_reported(flowagent_run, directory):
    """With ">&-" the first file that is opened would be standard output, and get the flows."""
    path = directory / "flows.pcap"
    path.write_bytes(many_flows(1))
    ended = flowagent_run(
        "-r", path, "-n", "-,version=json", "--control", "none",
        prefix=("sh", "-c", 'exec "$@" >&-', "sh"),
    )  # fmt: skip
    assert "collector -: Bad file descriptor" in ended.stderr
    assert "1 of 1 record lost" in ended.stderr
    assert ended.returncode == 1


# ---- threads that cannot start ------------------------------------------------------------------


@pytest.fixture
def read_with_faults(flowagent, collector, faulty, directory):
    """Reads a capture to a collector by name, with a spool on disk, and to a file; returns the agent, ended."""
    environment, faults = faulty
    own = collector()

    def run(fault, number):
        (faults / fault).write_text(str(number))
        spool = directory / "spool"
        spool.mkdir(exist_ok=True)
        agent = flowagent(
            "--read", ROOT / "tests" / "wire" / "captures" / "ndpi-443-curl.pcap",
            "-n", f"localhost:{own.port},spool=1M,spool-directory={spool}",
            "-n", f"{directory}/flows.json", release=True, environment=environment,
        )  # fmt: skip
        agent.wait()
        (faults / fault).unlink()
        return agent

    return run


@pytest.mark.parametrize("number", range(1, 7))
def test_a_thread_that_cannot_start_is_named_or_tried_again(number, read_with_faults):
    """Look-up, export thread, worker, file and spool: no record is lost unseen, and nothing hangs."""
    agent = read_with_faults("thread", number)
    if "cannot start a thread" in agent.errors:  # without these nothing can be done
        assert agent.process.returncode == 1
        assert "Resource temporarily unavailable" in agent.errors and "ulimit -u" in agent.errors
        return
    summary = agent.summary()
    ledger.check_final(summary)
    lost = [row["records_lost"] for row in summary["collectors"]]
    assert (agent.process.returncode == 0) == (not any(lost)), agent.errors
    assert not any(lost) or "Resource temporarily unavailable" in agent.errors


def test_no_thread_but_export_thread_and_worker(read_with_faults):
    """Neither the name is found nor the file written: said with the reason, and counted."""
    for number in range(1, 5):
        agent = read_with_faults("threads", number)
        assert agent.process.returncode == 1
        assert "Resource temporarily unavailable" in agent.errors
        if "cannot start a thread" not in agent.errors:
            summary = agent.summary()
            ledger.check_final(summary)
            lost = [row["records_lost"] for row in summary["collectors"]]
            assert summary["flows_created"] in lost, agent.errors
