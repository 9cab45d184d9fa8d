"""How the daemon starts, stops, dies and lives with faults around it."""

import os
import signal
import subprocess
import time

import pytest

import ledger
import traffic
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from flows import FlowTable, differences
from netflow9 import Decoder
from waiting import wait_until

CAPTURE = ROOT / "tests" / "wire" / "captures" / "ndpi-dns.pcap"
OWN_PORT = 2055
STOP_SECONDS = 2


class Site:
    """One host with traffic over lo, a rule, and a place for a collector: what most tests need."""

    ADDRESS, COLLECTOR = "127.0.0.1", "127.0.0.2"

    def __init__(self, host):
        self.host = host
        host.run("nft", "-f", "-", input="""
table inet test {
	chain out {
		type filter hook output priority 0; policy accept;
		udp dport 53 drop comment "the machine's name server may be 127.0.0.1"
		ip daddr 127.0.0.1 ip saddr 127.0.0.1 counter log group 40 snaplen 96
	}
}
""")  # fmt: skip

    def send(self, count=10):
        """2 * 'count' packets in two new flows."""
        table, end = FlowTable(), (self.host, self.ADDRESS)
        traffic.udp_dialogue(end, end, table, count, 10, 20)
        return table

    def matched(self):
        return Nft().matched(self.host).packets


@pytest.fixture
def site(host):
    return Site(host("site"))


@pytest.fixture
def agent_on(site, flowagent, agentctl):
    """agent_on(*options) -> (running agent that reads group 40, its agentctl)."""

    def start(*options, **named):
        agent = flowagent("--nflog", "40", *options, host=site.host, **named)
        agent.wait_for_group()
        return agent, agentctl(agent)

    return start


def wait_for_packets(control, count):
    wait_until(lambda: control.statistics()["packets_read"] >= count, f"{count} packets read")


# ---- stop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_stop_exports_what_is_cached(number, site, agent_on, collector):
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = agent_on("-n", own.host_port)
    sent = site.send()
    wait_for_packets(control, sent.packets())
    assert control.statistics()["packets_cached"] == sent.packets()
    assert own.flows().packets() == 0

    agent.signal(number)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    assert summary["records_expired"]["forced"] == 2
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert not differences(own.flows().counters(), sent.counters())
    assert not agent.control.exists()


def test_stop_without_traffic(site, agent_on):
    agent, _ = agent_on("-n", f"{site.COLLECTOR}:{OWN_PORT}")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_read"] == 0


def test_stop_takes_what_the_kernel_still_holds(site, agent_on, collector):
    """Packets that were matched before the signal are read before the end."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, _ = agent_on("-n", own.host_port)
    agent.signal(signal.SIGSTOP)
    sent = site.send(100)
    agent.signal(signal.SIGTERM)
    agent.signal(signal.SIGCONT)
    assert agent.wait() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert not differences(own.flows().counters(), sent.counters())


def test_stop_with_100000_flows_in_time(hosts, flowagent, agentctl, collector, udp_flood):
    """The promise of two seconds, held by the release build."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    Nft().install(hosts.server, "eth0")
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--max-flows", 200_000,
        "--inactive-timeout", "1h", "--active-timeout", "1h", host=hosts.server, release=True,
    )  # fmt: skip
    agent.wait_for_group()
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100_000, 100_000, 30_000)
    control = agentctl(agent)
    wait_for_packets(control, 100_000)
    assert control.statistics()["flows_cached"] >= 100_000

    started = time.monotonic()
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 0, agent.errors
    seconds = time.monotonic() - started
    summary = agent.summary()
    ledger.check_final(summary, Nft().matched(hosts.server).packets)
    assert summary["records_lost"] == 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"] >= 100_000
    assert seconds < STOP_SECONDS, f"it took {seconds:.2f} s"


def test_stop_while_the_collector_host_is_unreachable(site, agent_on):
    """No route: nothing can be sent, and the end does not hang on it."""
    agent, control = agent_on("-n", "192.0.2.99:2055")
    sent = site.send()
    wait_for_packets(control, sent.packets())
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    assert summary["records_sent"] == 0
    assert summary["packets_lost"] == sent.packets()


# ---- death ------------------------------------------------------------------------------------


def test_kill_and_restart(site, agent_on, collector):
    """SIGKILL leaves nothing to clean up, and the collector goes on beyond the gap."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = agent_on("-n", own.host_port)
    first = site.send()
    wait_for_packets(control, first.packets())
    assert control.run("flush").returncode == 0
    wait_until(lambda: own.flows().packets() >= first.packets(), "the first flows")
    site.send()  # in the cache when it dies
    agent.process.kill()
    agent.wait()
    before = len(own.datagrams)

    successor, control = agent_on("-n", own.host_port, control=agent.control)
    wait_until(lambda: control.run("show", "status").returncode == 0, "an answer")
    third = site.send()
    wait_for_packets(control, third.packets())
    assert successor.stop() == 0, successor.errors
    own.wait_for_datagrams(before + successor.summary()["datagrams_sent"])

    # Same source id, templates unchanged; each run is without a gap of its own.
    decoder = Decoder()
    messages = [decoder.decode(datagram) for datagram in own.datagrams[:before]]
    decoder.next_sequence.clear()
    later = [decoder.decode(datagram) for datagram in own.datagrams[before:]]
    assert {message.source_id for message in messages + later} == {messages[0].source_id}
    assert later[0].templates > 0


def test_control_socket_of_a_dead_agent_is_replaced(agent_on):
    """And that of a living one is not taken."""
    agent, _ = agent_on()
    agent.process.kill()
    agent.wait()
    assert agent.control.is_socket()
    successor, control = agent_on(control=agent.control)
    wait_until(lambda: control.run("show", "status").returncode == 0, "an answer")
    assert control.rows("show", "status")[0]["pid"] == successor.pid


def test_control_socket_of_a_living_agent_is_not_taken(agent_on, flowagent_run, site):
    agent, control = agent_on()
    done = flowagent_run("--nflog", "41", "--control", agent.control, host=site.host)
    check_fault(done, str(agent.control))
    assert control.run("show", "status").returncode == 0


# ---- collectors -------------------------------------------------------------------------------


def count_lines(agent, *words):
    """Lines on standard error that hold all the words."""
    return sum(all(word in line for word in words) for line in agent.errors.splitlines())


@pytest.mark.parametrize("version", [5, 9, 10])
def test_collector_refuses_then_answers(version, site, agent_on, collector):
    """Nobody listens: all waits, reported once; when somebody does, all comes, after the templates."""
    target = f"{site.COLLECTOR}:{OWN_PORT}"
    agent, control = agent_on("-n", f"{target},version={version}")
    for round_number in range(1, 5):
        site.send()
        wait_for_packets(control, 20 * round_number)
        assert control.run("flush").returncode == 0
    wait_until(lambda: control.rows("show", "collectors")[0]["up"] is False, "the refusal")
    ledger.check_summary(control.statistics())
    assert count_lines(agent, target, "refused") == 1, agent.errors
    assert control.statistics()["records_lost"] == 0
    wait_until(lambda: control.statistics()["records_waiting"] > 0, "records that wait")

    own = collector(site.COLLECTOR, OWN_PORT, site.host)

    def delivered():
        site.send()
        assert control.run("flush").returncode == 0
        return own.datagrams

    wait_until(delivered, "records at the collector", interval_s=0.3)
    wait_until(
        lambda: site.send() and control.rows("show", "collectors")[0]["up"],
        "the collector to count as up",
        interval_s=0.5,
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    assert summary["records_lost"] == 0
    # Everything that counts as sent has come, and could be decoded from the start.
    wait_until(
        lambda: own.flows().packets() >= summary["packets_exported"], "the rest at the collector"
    )
    assert own.flows().packets() == summary["packets_exported"]


def test_a_file_that_is_read_into_a_dead_collector_fails(flowagent, collector):
    """Status 1 and a line with the numbers, for the collector that lost something alone."""
    own = collector()
    dead = f"127.0.0.1:{OWN_PORT}"
    path = ROOT / "tests" / "wire" / "captures" / "ndpi-whatsapp.pcap"
    agent = flowagent("--read", path, "-n", dead, "-n", own.host_port)
    assert agent.wait() == 1, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    lost = rows[dead]["records_lost"]
    assert lost > 0 and rows[own.host_port]["records_lost"] == 0
    assert count_lines(agent, f"collector {dead}: {lost} of ", f": {lost} refused") == 1
    assert count_lines(agent, own.host_port, " records lost") == 0


def test_an_outage_in_the_first_minute_is_reported_with_its_numbers(site, agent_on, collector):
    """Lines that the limit of repeats holds back come out, at the end at the latest."""
    with collector(site.COLLECTOR, OWN_PORT, site.host) as own:
        agent, control = agent_on("-n", f"{own.host_port},version=json,mtu=800")
        agent.wait_until(lambda: count_lines(agent, "ready") == 1, "it is ready")

    def is_up():
        site.send()
        assert control.run("flush").returncode == 0
        return control.rows("show", "collectors")[0]["up"]

    def lost_since_the_start():
        assert control.run("flush").returncode == 0
        return control.rows("show", "collectors")[0]["records_lost"]

    lost = 0
    for _ in range(2):
        wait_until(lambda: not is_up(), "it is down")
        for _ in range(500):  # 1000 lines, at most two in a datagram: more than wait
            site.send(1)
        wait_until(lambda before=lost: lost_since_the_start() > before, "losses")
        with collector(site.COLLECTOR, OWN_PORT, site.host):
            wait_until(is_up, "it is up", interval_s=0.5)
            lost = control.rows("show", "collectors")[0]["records_lost"]
    assert lost > 0
    assert agent.stop() == 0, agent.errors
    assert count_lines(agent, "reachable again, ", f" {lost} since the start") == 1, agent.errors
    assert count_lines(agent, "reachable again, ") == 2, agent.errors


def test_stop_does_not_wait_for_collectors_that_are_known_to_be_down(site, agent_on, collector):
    """Refused over UDP, refused over TCP, without an address, a directory that is not there."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    away = [f"{site.COLLECTOR}:9", f"{site.COLLECTOR}:10,transport=tcp", "no-such-host.invalid:9",
            "/nowhere/flows,version=json"]  # fmt: skip
    options = [word for collector in away for word in ("-n", collector)]
    agent, control = agent_on("-n", own.host_port, *options, release=True)
    sent = site.send()
    wait_for_packets(control, sent.packets())

    def all_are_down():
        control.run("flush")
        rows = control.rows("show", "collectors")
        return sum(row["up"] is False and row["last_error"] is not None for row in rows) == len(away)

    wait_until(all_are_down, "they are down")
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 1.5 and all_are_down(), "they stay down")
    sent.flows.update(site.send().flows)
    wait_for_packets(control, sent.packets())
    begun = time.monotonic()
    assert agent.stop() == 0, agent.errors
    assert time.monotonic() - begun < 1.5  # it was two seconds and more
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    rows = {row["name"]: row for row in summary["collectors"]}
    assert rows[own.host_port]["packets_sent"] == sent.packets()
    assert count_lines(agent, " records lost, with ") == len(away), agent.errors


def test_host_name_that_does_not_resolve(site, agent_on):
    agent, control = agent_on("-n", f"no-such-host.invalid:{OWN_PORT}")
    for round_number in range(1, 4):
        sent = site.send()
        wait_for_packets(control, round_number * sent.packets())
        assert control.run("flush").returncode == 0
    wait_until(lambda: "no-such-host.invalid" in agent.errors, "a message")
    (row,) = control.rows("show", "collectors")
    assert row["up"] is False
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    assert summary["records_lost"] == 6
    assert count_lines(agent, "no-such-host.invalid", "no address") == 1
    assert count_lines(agent, "no-such-host.invalid", " 6 of 6 records lost, ") == 1


def test_one_of_two_collectors_is_away(site, agent_on, collector):
    """The one that is there gets everything."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = agent_on("-n", own.host_port, "-n", f"{site.COLLECTOR}:9")
    sent = FlowTable()
    for _ in range(5):
        sent.flows.update(site.send().flows)
        wait_for_packets(control, sent.packets())
        assert control.run("flush").returncode == 0
    assert agent.stop() == 0, agent.errors
    wait_until(lambda: own.flows().packets() >= sent.packets(), "all flows")
    assert not differences(own.flows().counters(), sent.counters())


def test_without_collector_there_is_a_local_view(site, agent_on):
    agent, control = agent_on()
    sent = site.send()
    wait_for_packets(control, sent.packets())
    rows = control.rows("show", "flows")
    assert sum(row["packets"] for row in rows) == sent.packets()
    assert "collector" in agent.errors  # it says so
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())


# ---- faults at the start: one clear line, status 1 --------------------------------------------


def check_fault(done, *words, status=1):
    """One message (and a hint), which names the object; no finding of a sanitizer."""
    assert done.returncode == status, done.stderr
    lines = done.stderr.splitlines()
    faults = [line for line in lines if not line.startswith(("  hint: ", "flowagent: hint: "))]
    assert len(faults) == 1, done.stderr
    assert faults[0].startswith("flowagent: ")
    for word in words:
        assert word in done.stderr, done.stderr


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def test_second_reader_on_the_group(site, agent_on, flowagent_run):
    agent_on()
    done = flowagent_run("--nflog", "40,wait=off", "--control", "none", host=site.host)
    check_fault(done, "group 40", "already read", "hint:")


def test_no_permission_for_the_group(site, flowagent_run):
    done = flowagent_run("--nflog", "40", "--control", "none", host=site.host, prefix=NOBODY)
    check_fault(done, "group 40", "permission", "CAP_NET_ADMIN")


def test_no_permission_for_the_interface(site, flowagent_run):
    done = flowagent_run("-i", "lo", "--control", "none", host=site.host, prefix=NOBODY)
    check_fault(done, "lo", "CAP_NET_RAW")


@pytest.mark.parametrize("source", [("--nflog", "40"), ("-i", "lo,wait=off")], ids=["nflog", "interface"])
def test_too_few_descriptors_are_named(source, site, flowagent_run, directory):
    """Each limit stops the start at another part: all say which limit it is, how high, and what raises it."""
    options = [*source, "-n", f"127.0.0.1:9,spool-directory={directory},spool=1M", "--control", "none"]
    for limit in range(4, 13):
        limited = ["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh"]
        done = flowagent_run(*options, host=site.host, prefix=limited)
        assert done.returncode != 0
        if "shared libraries" not in done.stderr:
            assert "no memory" not in done.stderr
            assert f"RLIMIT_NOFILE is {limit}: " in done.stderr and "LimitNOFILE=" in done.stderr, done.stderr


def test_a_file_is_read_with_enough_descriptors_or_says_what_lacks(flowagent_run, directory):
    options = ["-n", directory / "flows.ipfix", "--applications-file", "/etc/services", "--summary", directory / "sum"]
    results = {}
    for limit in range(4, 32):
        limited = ["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh"]
        done = flowagent_run("--read", CAPTURE, *options, prefix=limited)
        results[limit] = done.returncode
        if done.returncode and "shared libraries" not in done.stderr:
            assert f"RLIMIT_NOFILE is {limit}: " in done.stderr, done.stderr
    assert results[4] != 0 and results[31] == 0


def test_a_cache_beyond_the_memory_limit_is_reported(flowagent_run, directory):
    """A control group of our own, where mounts are allowed."""
    groups = open("/proc/self/cgroup").read()
    mount = f"mount --bind {directory} /sys/fs/cgroup"
    refused = subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode
    if refused or "0::/" not in groups:
        pytest.skip("no private mounts, or no control group of version 2")
    (directory / "memory.max").write_text(f"{64 << 20}\n")
    prefix = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    for flows, is_reported in (1000, False), (1_000_000, True):
        done = flowagent_run("--read", CAPTURE, "-m", flows, prefix=prefix)
        assert done.returncode == 0, done.stderr
        assert ("has a limit of 64 MiB" in done.stderr) == is_reported, done.stderr


def test_no_such_interface(site, flowagent_run):
    done = flowagent_run("-i", "nosuch0,wait=off", "--control", "none", host=site.host)
    check_fault(done, "nosuch0")


def test_no_such_file(flowagent_run):
    check_fault(flowagent_run("--read", "/nonexistent.pcap"), "/nonexistent.pcap", "No such file")


def test_unreadable_file(flowagent_run, directory):
    path = directory / "secret.pcap"
    path.write_bytes(CAPTURE.read_bytes())
    path.chmod(0)
    done = flowagent_run("--read", path, prefix=NOBODY)
    check_fault(done, str(path), "ermission denied")


@pytest.mark.parametrize("content", [b"", b"this is no capture file at all\n" * 4])
def test_not_a_capture_file(content, flowagent_run, directory):
    path = directory / "file.pcap"
    path.write_bytes(content)
    check_fault(flowagent_run("--read", path), str(path))


def test_directory_in_place_of_a_file(flowagent_run, directory):
    check_fault(flowagent_run("--read", directory), str(directory))


@pytest.mark.parametrize("name", ["ndpi-whatsapp.pcap", "ndpi-anydesk.pcapng"])
def test_truncated_file(name, flowagent, collector, directory):
    """What stands before the cut is exported; the cut is named."""
    whole = (ROOT / "tests" / "wire" / "captures" / name).read_bytes()
    path = directory / name
    path.write_bytes(whole[:-7])
    own = collector()
    agent = flowagent("--read", path, "-n", own.host_port)
    assert agent.wait() == 1
    assert str(path) in agent.errors and "cut off" in agent.errors
    assert "Sanitizer" not in agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"] > 0


def test_summary_that_cannot_be_written(flowagent_run):
    done = flowagent_run("--read", CAPTURE, "--summary", "/nonexistent/summary.json")
    assert done.returncode == 1
    assert "/nonexistent/summary.json" in done.stderr


# ---- wrong usage: status 2 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--colector", "192.0.2.1:2055"], ["colector"]),
        (["--collector", "192.0.2.1:0"], ["192.0.2.1:0", "port"]),
        (["--collector", "192.0.2.1:99999"], ["99999", "port"]),
        (["--collector", "192.0.2.1:2055,colour=red"], ["colour"]),
        (["--collector", "[2001:db8::1:2055"], ["["]),
        (["--nflog", "70000"], ["70000"]),
        (["--nflog", "40-30"], ["40-30"]),
        (["--nflog", "x"], ["x"]),
        (["--active-timeout", "soon"], ["active-timeout", "soon"]),
        (["--timeout", "tpc=3"], ["tpc", "tcp"]),
        (["--max-flows", "0"], ["max-flows", "0"]),
        (["--export-version", "6"], ["6"]),
        (["--source-address", "here"], ["here"]),
        (["--read", "a", "--nflog", "40"], ["read"]),
        (["--read"], ["read"]),
        (["surplus"], ["surplus"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_usage(arguments, words, flowagent_run):
    check_fault(flowagent_run(*arguments), *words, status=2)


def test_configuration_error_names_file_and_line(flowagent_run, directory):
    path = directory / "flowagent.conf"
    path.write_text("# comment\n[agent]\nactive-timeout = 60s\ncolector = 192.0.2.1:2055\n")
    for more in [], ["--check-config"]:
        done = flowagent_run("--config", path, *more)
        assert done.returncode == 2
        assert f"{path}:4: " in done.stderr
        assert 'did you mean "collector"?' in done.stderr


def test_check_config_accepts_what_is_right(flowagent_run, directory):
    path = directory / "flowagent.conf"
    path.write_text(
        "[agent]\ncollector = 192.0.2.1:2055\nactive-timeout = 1m30s\n[source \"nflog:41\"]\n"
    )
    done = flowagent_run("--config", path, "--check-config")
    assert done.returncode == 0, done.stderr


def test_missing_configuration_file(flowagent_run):
    done = flowagent_run("--config", "/nonexistent.conf")
    assert done.returncode == 2
    assert "/nonexistent.conf" in done.stderr


@pytest.mark.parametrize("option, word", [("--version", "flowagent "), ("--help", "--collector")])
def test_information_goes_to_standard_output(option, word, flowagent_run):
    done = flowagent_run(option)
    assert done.returncode == 0
    assert word in done.stdout and not done.stderr


def test_binaries_are_sanitized():
    """The tests above prove less on a build without sanitizers."""
    assert b"__asan_init" in (BUILD / "flowagent").read_bytes()
    assert os.access(BUILD / "agentctl", os.X_OK)
