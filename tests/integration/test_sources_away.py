"""Sources that are not there yet, or go and come back: they are waited for, named, and read again."""

import fcntl
import json
import socket
import struct
import subprocess

import pytest

import ledger
import programs
from conftest import BUILD
from waiting import wait_until

LINK = "ppp0"
PACKETS = 10
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


@pytest.fixture
def site(host):
    class Site:
        def __init__(self):
            self.host = host("away")
            self.far = host("far")
            self.sent = 0

        def add(self, name=LINK, is_up=True):
            """An interface on which nothing moves by itself; what is sent over it is gone."""
            self.host.ip("link", "add", name, "type", "veth",
                         "peer", "name", name, "netns", self.far.name)  # fmt: skip
            self.host.ip("link", "set", name, "addrgenmode", "none")
            self.far.ip("link", "set", name, "addrgenmode", "none", "up")
            self.address(name)
            if is_up:
                self.up(name)

        def address(self, name=LINK):
            self.host.ip("address", "add", "192.0.2.1/24", "dev", name)
            self.host.ip("neighbour", "replace", "192.0.2.9", "lladdr", "02:00:00:00:00:09",
                         "dev", name, "nud", "permanent")  # fmt: skip

        def up(self, name=LINK):
            self.host.ip("link", "set", name, "up")

        def down(self, name=LINK):
            self.host.ip("link", "set", name, "down")

        def remove(self, name=LINK):
            self.host.ip("link", "delete", name)

        def rename(self, name, new):
            self.host.ip("link", "set", name, "down")
            self.host.ip("link", "set", name, "name", new)
            self.address_again(new)

        def address_again(self, name):
            """What an interface loses with its link."""
            self.host.ip("address", "flush", "dev", name)
            self.address(name)
            self.up(name)

        def send(self, port=1000):
            with self.host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind(("", port))
                for _ in range(PACKETS):
                    sender.sendto(b"data", ("192.0.2.9", 9))
            self.sent += PACKETS

        def index(self, name=LINK):
            (link,) = json.loads(self.host.ip("-j", "link", "show", name))
            return link["ifindex"]

    return Site()


@pytest.fixture
def agent_on(site, flowagent, agentctl):
    def start(*options):
        agent = flowagent(*options, host=site.host)
        agent.wait_for_control()
        return agent, agentctl(agent)

    return start


def state(control, name=LINK):
    (row,) = [row for row in control.rows("show", "sources") if row["name"] == name]
    return row["state"], row["failure"]


def wait_for_state(control, wanted, name=LINK):
    wait_until(lambda: state(control, name)[0] == wanted, f"{name} {wanted}")


def wait_for_packets(control, count):
    wait_until(lambda: control.statistics()["packets_read"] == count, f"{count} packets")


def check_end(agent, count):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_read"] == count
    assert summary["packets_lost_kernel"] == 0


def test_what_is_over_is_not_shown_as_the_problem(site, agent_on):
    """An interface and a collector that were away stood as the problem for ever."""

    def problems():
        (row,) = control.rows("show", "status")
        return row, [each["problem"] for each in row["problems"]]

    site.host.ip("link", "set", "lo", "up")
    agent, control = agent_on("-i", LINK, "-n", "127.0.0.1:4739,transport=tcp")
    wait_until(lambda: len(problems()[1]) == 2, "both problems")
    row, texts = problems()
    assert {text.split(":")[0] for text in texts} == {LINK, "collector 127.0.0.1"}, texts
    assert row["problem"] == texts[0] and row["problem_unix_ms"] and row["last_problem"] == "none"
    with site.host.entered(), socket.create_server(("127.0.0.1", 4739)):
        wait_until(lambda: len(problems()[1]) == 1, "the collector to be up")
        row, texts = problems()
        assert LINK in row["problem"] and row["last_problem"].startswith("collector 127.0.0.1")
        site.add()
        wait_until(lambda: not problems()[1], "the interface to be read")
        row, _ = problems()
        assert (row["problem"], row["problem_unix_ms"]) == ("none", None)
        assert row["last_problem"].startswith(f"{LINK}: ")
        assert row["last_problem_over_unix_ms"] > row["last_problem_unix_ms"]
    assert agent.stop() == 0, agent.errors


def test_interface_that_comes_goes_and_comes_back(site, agent_on):
    agent, control = agent_on("-i", LINK)
    assert state(control) == ("waiting", f"{LINK}: no such interface")
    assert f"{LINK}: no such interface" in agent.errors and "waiting for it" in agent.errors
    assert "there are: lo" in agent.errors  # a wrong name is seen
    assert f"reading {LINK}" not in agent.errors
    for _ in range(3):
        site.add()
        wait_for_state(control, "running")
        assert state(control) == ("running", "")
        site.send()
        wait_for_packets(control, site.sent)
        site.remove()
        wait_for_state(control, "waiting")
    # Said once a minute, however often it happens.
    assert agent.errors.count("waiting for it") == 1
    assert agent.errors.count("there; reading it") == 1
    check_end(agent, site.sent)


def test_flows_have_the_index_of_the_interface_that_is_there(site, agent_on):
    agent, control = agent_on("-i", LINK)
    indexes = set()
    for port in 1001, 1002:
        site.add()
        indexes.add((port, site.index()))
        wait_for_state(control, "running")
        site.send(port)
        wait_for_packets(control, site.sent)
        site.remove()
        wait_for_state(control, "waiting")
    rows = control.rows("show", "flows")
    assert {(row["src_port"], row["out_if"]) for row in rows} == indexes
    assert len({index for _, index in indexes}) == 2
    check_end(agent, site.sent)


def test_interface_that_is_down_at_start(site, agent_on):
    site.add(is_up=False)
    agent, control = agent_on("-i", LINK)
    assert state(control) == ("waiting", f"{LINK}: the interface is down")
    site.up()
    wait_for_state(control, "running")
    site.send()
    wait_for_packets(control, site.sent)
    site.down()
    site.address_again(LINK)
    wait_for_state(control, "running")
    site.send()
    wait_for_packets(control, site.sent)
    check_end(agent, site.sent)


def test_renamed_interfaces(site, agent_on):
    """An interface is what its name says."""
    site.add("eth7")
    agent, control = agent_on("-i", LINK)
    assert state(control)[0] == "waiting"
    site.rename("eth7", LINK)
    wait_for_state(control, "running")
    site.send()
    wait_for_packets(control, site.sent)
    site.rename(LINK, "old0")
    wait_for_state(control, "waiting")
    site.rename("old0", LINK)
    wait_for_state(control, "running")
    site.send()
    wait_for_packets(control, site.sent)
    check_end(agent, site.sent)


def test_another_interface_takes_the_name(site, agent_on):
    site.add()
    site.add("eth7", is_up=False)
    agent, control = agent_on("-i", LINK)
    wait_for_state(control, "running")
    first = site.index()
    site.host.run("ip", "-batch", "-", input=f"""
        link set {LINK} down
        link set {LINK} name old0
        link set eth7 name {LINK}
        """)
    site.address_again(LINK)
    assert site.index() != first

    def is_followed():
        site.send(2000)
        return any(row["out_if"] == site.index() for row in control.rows("show", "flows"))

    wait_until(is_followed, "packets of the interface that has the name now")
    assert agent.stop() == 0, agent.errors


def test_last_packets_before_an_interface_goes(site, agent_on):
    """The kernel hands over packets within 100 ms: what it holds when the interface goes is read."""
    agent, control = agent_on("-i", LINK)
    for _ in range(3):
        site.add()
        wait_for_state(control, "running")
        site.send()
        site.remove()
        wait_for_state(control, "waiting")
        assert control.statistics()["packets_read"] == site.sent
    check_end(agent, site.sent)


def test_one_source_waits_and_the_others_are_read(site, agent_on):
    site.add("eth1")
    agent, control = agent_on("-i", LINK, "-i", "eth1", "-i", "any")
    assert state(control)[0] == "waiting"
    assert state(control, "eth1") == ("running", "")
    site.send()
    wait_for_packets(control, 2 * site.sent)
    shown = control.run("show", "status").stdout
    assert f"{LINK}: no such interface" in shown and "waiting" in shown
    check_end(agent, 2 * site.sent)


def test_sources_that_see_the_same_packets(site, flowagent, agentctl, tmp_path):
    """Each packet counts in both: that is a problem until a reload takes one of them away."""
    site.add("eth1")
    file = tmp_path / "flowagent.conf"
    both = "[agent]\ninterface = eth1\ninterface = any\n"
    file.write_text(both)
    said = "eth1 and any see the same packets, so their flows count twice"
    command = [BUILD / "flowagent", "--check-config", "--config", file]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, env=programs.ENVIRONMENT)
    assert checked.returncode == 0 and f"note: {said}" in checked.stdout
    agent = flowagent("--config", file, host=site.host)
    control = agentctl(agent)
    agent.wait_for_control()

    def is_problem():
        (status,) = control.rows("show", "status")
        return any(said in one["problem"] for one in status["problems"])

    assert is_problem()
    for text, is_doubled in (("[agent]\ninterface = eth1\n", False), (both, True)):
        file.write_text(text)
        assert control.run("reload").returncode == 0
        assert is_problem() == is_doubled, text
    assert agent.stop() == 0, agent.errors


def test_interface_of_a_container(site, host, agent_on):
    """A veth that is moved to another namespace, and back."""
    other = host("container")
    site.add()
    agent, control = agent_on("-i", LINK)
    wait_for_state(control, "running")
    site.host.ip("link", "set", LINK, "netns", other.name)
    wait_for_state(control, "waiting")
    other.ip("link", "set", LINK, "netns", site.host.name)
    site.address_again(LINK)
    wait_for_state(control, "running")
    site.send()
    wait_for_packets(control, site.sent)
    check_end(agent, site.sent)


def test_direction_is_right_as_soon_as_there_is_an_address(site, agent_on):
    """A link without MAC addresses: what has an own address as its source goes out."""
    agent, control = agent_on("-i", LINK)
    with site.host.entered(), open("/dev/net/tun", "r+b", buffering=0) as tun:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", LINK.encode(), IFF_TUN | IFF_NO_PI))
        site.host.ip("link", "set", LINK, "addrgenmode", "none", "up")
        wait_for_state(control, "running")
        site.host.ip("address", "add", "192.0.2.1/24", "dev", LINK)

        def goes_out():
            site.send(3000)
            return any(row["dir"] == "out" for row in control.rows("show", "flows"))

        wait_until(goes_out, "a flow that goes out", timeout_s=8)
        assert agent.stop() == 0, agent.errors


def test_group_that_another_program_reads(site, flowagent, agent_on, agentctl):
    first = flowagent("--nflog", "40", host=site.host)
    first.wait_for_group(40)
    agent, control = agent_on("--nflog", "40", "--nflog", "41")
    assert state(control, "nflog:41") == ("running", "")
    waiting, reason = state(control, "nflog:40")
    assert waiting == "waiting" and "already read by another program" in reason
    assert first.stop() == 0
    wait_for_state(control, "running", "nflog:40")
    site.add()
    site.host.run("nft", "add table ip t")
    site.host.run("nft", "add chain ip t c { type filter hook output priority 0; }")
    site.host.run("nft", "add rule ip t c oif ppp0 log group 40")
    site.send()
    wait_for_packets(control, site.sent)
    check_end(agent, site.sent)


def test_end_while_waiting(site, agent_on):
    agent, control = agent_on("-i", LINK)
    wait_for_state(control, "waiting")
    check_end(agent, 0)


def test_wait_off_is_an_error_at_start(site, flowagent_run):
    done = flowagent_run("-i", f"{LINK},wait=off", "--control", "none", host=site.host)
    assert done.returncode == 1
    assert done.stderr.startswith(f"flowagent: {LINK}: no such interface\n"), done.stderr
    site.add(is_up=False)
    done = flowagent_run("-i", f"{LINK},wait=off", "--control", "none", host=site.host)
    assert done.returncode == 1
    assert "is down" in done.stderr


def test_wait_off_ends_when_the_interface_goes(site, flowagent):
    site.add()
    agent = flowagent("-i", f"{LINK},wait=off", host=site.host)
    agent.wait_for_capture()
    site.remove()
    assert agent.wait() == 1
    assert "the interface has disappeared" in agent.errors
