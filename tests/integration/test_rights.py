"""Which capabilities the agent has while it runs: none in effect, and those alone kept that its sources need again."""

import signal
from pathlib import Path

import pytest

from conftest import Hosts
from firewalls import MARK, Nft
from test_sources_away import LINK, PACKETS, site  # noqa: F401
from waiting import wait_until

NET_ADMIN, NET_RAW = 1 << 12, 1 << 13
# As systemd starts the service: no uid 0, both capabilities in every set, and nothing to gain.
SERVICE = [
    "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs",
    "--inh-caps", "-all,+net_admin,+net_raw", "--ambient-caps", "-all,+net_admin,+net_raw",
    "--bounding-set", "-all,+net_admin,+net_raw",
]  # fmt: skip
STARTS = [("--user", "nobody"), ()]


def start(flowagent, directory, how, *options, **more):
    """As root, which becomes nobody, or as the service."""
    if how:
        return flowagent(*options, *how, **more)
    place = directory / "service"
    place.mkdir()
    place.chmod(0o777)
    arguments = dict(more, wrapper=SERVICE, control=place / "control.sock")
    return flowagent(*options, **arguments)


def capabilities(agent, name):
    """The set of this name of each thread; helpers may end meanwhile."""
    sets = set()
    for task in Path(f"/proc/{agent.pid}/task").iterdir():
        try:
            lines = (task / "status").read_text().splitlines()
        except OSError:
            continue
        sets |= {int(line.split()[1], 16) for line in lines if line.startswith(f"{name}:")}
    return sets


def check_rights(agent, kept):
    agent.wait_until(lambda: capabilities(agent, "CapPrm") == {kept}, "its rights to be given up")
    for name in "CapEff", "CapInh", "CapAmb":
        assert capabilities(agent, name) == {0}, name


@pytest.fixture
def open_directory(directory):
    directory.chmod(0o777)  # the summary is opened as whoever starts the agent
    return directory


@pytest.mark.parametrize("how", STARTS, ids=["root", "service"])
def test_a_log_group_keeps_one_that_is_not_in_effect(
    how, hosts, flowagent, agentctl, collector, open_directory
):
    """Packets are read, rules missed, datagrams marked, and the end is exact."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    hosts.server.run("nft", "-f", "-", input=f"""
table inet marks {{
	chain out {{
		type filter hook output priority 0; policy accept;
		meta mark {MARK} udp dport {own.port} counter
	}}
}}
""")  # fmt: skip
    agent = start(
        flowagent, open_directory, how, "-g", "40", "-n", own.host_port, host=hosts.server
    )
    agent.wait_for_group()
    check_rights(agent, NET_ADMIN)
    control = agentctl(agent)
    wait_until(lambda: control.rows("show", "sources")[0]["rules"] == 2, "the rules to be seen")
    hosts.server.run("ping", "-c", 20, "-i", "0.01", "-q", Hosts.ROUTER[0])
    assert control.run("flush").returncode == 0, control.run("flush").stderr
    hosts.server.run("ping", "-c", 3, "-i", "0.01", "-q", Hosts.ROUTER[0])
    check_rights(agent, NET_ADMIN)
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    assert summary["packets_read"] == firewall.matched(hosts.server).packets
    marked = hosts.server.run("nft", "-j", "list", "table", "inet", "marks")
    assert '"packets": 0' not in marked


@pytest.mark.parametrize("how", STARTS, ids=["root", "service"])
def test_an_interface_that_is_not_waited_for_keeps_none(
    how, site, flowagent, agentctl, open_directory  # noqa: F811
):
    site.add()
    agent = start(flowagent, open_directory, how, "-i", f"{LINK},wait=off", host=site.host)
    agent.wait_for_capture()
    check_rights(agent, 0)
    control = agentctl(agent)
    site.send()
    wait_until(lambda: control.statistics()["packets_read"] == PACKETS, "packets")
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 0, agent.errors


@pytest.mark.parametrize("how", STARTS, ids=["root", "service"])
def test_an_interface_that_is_waited_for_keeps_what_opens_it_again(
    how, site, flowagent, agentctl, open_directory  # noqa: F811
):
    site.add()
    agent = start(flowagent, open_directory, how, "-i", LINK, host=site.host)
    agent.wait_for_capture()
    check_rights(agent, NET_RAW)
    control = agentctl(agent)
    site.remove()
    wait_until(lambda: "waiting for it" in agent.errors, "the interface to be missed")
    site.add()
    wait_until(lambda: f"{LINK}: there; reading it" in agent.errors, "the interface to be read")
    check_rights(agent, NET_RAW)
    site.send()
    wait_until(lambda: control.statistics()["packets_read"] == PACKETS, "packets")
    assert agent.stop() == 0, agent.errors
