"""Source ids: machines of one image, containers without a name, and agents behind one address differ, so
that a collector sees no gap that is none. A number stays once it was chosen.
"""

import itertools
import json
import shutil
import socket

import netns
import programs
from waiting import wait_until

COLLECTOR, PORT = "172.16.0.2", 2055
GAP = "expecting flow"
IMAGE = "0123456789abcdef0123456789abcdef\n"
ROUNDS, PACKETS = 3, 5


class Site:
    """Machines on a router that shows the collector one address for all of them."""

    agents = 0

    def __init__(self, make_host, flowagent, agentctl, directory):
        self._make_host, self._flowagent, self._agentctl = make_host, flowagent, agentctl
        self.directory = directory
        self.router, self.collector = make_host("router"), make_host("coll")
        netns.connect((self.router, "out", ["172.16.0.1/24"]), (self.collector, "eth0", [f"{COLLECTOR}/24"]))
        self.router.sysctl("ipv4/ip_forward", 1)
        self.router.run("nft", "-f", "-", input="""table ip nat { chain post { type nat hook postrouting priority 100;
            oifname "out" masquerade; }; }""")
        self.count = 0

    def machine(self):
        """A host of its own behind the router."""
        host = self._make_host("m")
        network = f"10.0.{self.count}"
        netns.connect((self.router, f"m{self.count}", [f"{network}.1/24"]), (host, "eth0", [f"{network}.2/24"]))
        host.ip("route", "add", "default", "via", f"{network}.1")
        self.count += 1
        return host

    def agent(self, host, machine_id=IMAGE, name="clone", state=None, options=(), run="run"):
        """An agent there, with the paths that the others have; /etc/machine-id, the host's name and /run are its own."""
        Site.agents += 1
        place, own = self.directory / run, self.directory / f"own-{Site.agents}"
        identity = self.directory / f"machine-id-{Site.agents}"
        identity.write_text(machine_id)
        own.mkdir()
        place.mkdir(exist_ok=True)
        mounts = f"mount --bind {identity} /etc/machine-id && mount --bind {own} {place} && hostname {name}"
        agent = self._flowagent(
            "-i", "lo", "-n", f"{COLLECTOR}:{PORT}", *options, host=host, control=place / "agent.sock",
            environment={"STATE_DIRECTORY": str(state)} if state else {},
            wrapper=["unshare", "--mount", "--uts", "sh", "-c", mounts + ' && exec "$@"', "sh"],
        )  # fmt: skip
        agent.control = own / "agent.sock"
        agent.wait_for_control()
        return agent

    def source_id(self, agent):
        (row,) = [row for row in self._agentctl(agent).rows("show", "config") if row["name"] == "source-id"]
        return int(row["value"])

    def send(self, agent, number):
        """Packets of a new flow, which leaves as a record of a datagram."""
        control = self._agentctl(agent)
        before = control.statistics()["packets_read"]
        with agent.host.entered():
            sender, taker = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with sender, taker:
            taker.bind(("127.0.0.1", 4000 + number))
            for _ in range(PACKETS):
                sender.sendto(b"x", ("127.0.0.1", 4000 + number))
        wait_until(lambda: control.statistics()["packets_read"] >= before + PACKETS, "packets")
        assert control.run("flush").returncode == 0

    def gaps(self, agents, cleanup, name):
        """What nfacctd says of sequences, once it has the packets of all."""
        directory = self.directory / name
        directory.mkdir()
        nfacctd = programs.Nfacctd(directory, COLLECTOR, PORT, self.collector)
        cleanup.callback(nfacctd.kill)
        for agent in agents:
            assert self._agentctl(agent).run("send-template").returncode == 0
        for number in range(ROUNDS):
            for agent in agents:
                self.send(agent, number)
        expected = ROUNDS * PACKETS * len(agents)
        wait_until(lambda: sum(row["packets"] for row in nfacctd.rows()) >= expected, "all packets")
        nfacctd.kill()
        return [line for line in nfacctd.log_text().splitlines() if GAP in line]


def test_clones_and_nameless_containers_behind_one_address_differ(host, flowagent, agentctl, directory, cleanup):
    site = Site(host, flowagent, agentctl, directory)
    image = directory / "image"
    image.mkdir()
    original = site.agent(site.machine(), state=image)
    agents = [original]
    for number in range(10):  # the disk is copied with all that the agent keeps
        state = directory / f"state-{number}"
        shutil.copytree(image, state)
        agents.append(site.agent(site.machine(), state=state))
        assert "was chosen on another machine" in agents[-1].errors
    agents += [site.agent(site.machine(), machine_id="", name="localhost") for _ in range(3)]
    agents.append(site.agent(original.host, run="run2"))
    numbers = [site.source_id(agent) for agent in agents]
    assert len(set(numbers)) == len(agents), numbers
    assert site.gaps(agents, cleanup, "own") == []

    # What a shared number does, so that the silence above means something.
    shared = [site.agent(site.machine(), options=["--source-id", "7"]) for _ in range(2)]
    names = (f"shared-{number}" for number in itertools.count())  # once their numbers may agree by chance
    wait_until(lambda: site.gaps(shared, cleanup, next(names)), "a gap")


def test_a_number_stays_once_it_was_chosen(host, flowagent, agentctl, directory):
    site = Site(host, flowagent, agentctl, directory)
    machine, state = site.machine(), directory / "state"
    state.mkdir()
    number = None
    for change in (
        lambda: None,
        lambda: None,
        lambda: machine.ip("link", "set", "eth0", "address", "02:00:00:00:00:07"),  # a container that starts anew
        lambda: machine.ip("address", "flush", "dev", "eth0"),
        lambda: machine.ip("link", "set", "eth0", "down"),
    ):
        change()
        agent = site.agent(machine, state=state)
        number = number or site.source_id(agent)
        assert site.source_id(agent) == number
        assert agent.stop() == 0, agent.errors
        assert "another machine" not in agent.errors


def test_an_upgrade_keeps_the_number_of_the_agent_before(host, flowagent, agentctl, directory):
    site = Site(host, flowagent, agentctl, directory)
    state = directory / "state"
    state.mkdir()
    before = 2166136261
    for byte in f"{IMAGE.strip()}\0{directory / 'run' / 'agent.sock'}\0".encode():
        before = (before ^ byte) * 16777619 % 2**32
    (state / f"sequence-{before}").write_bytes(b"fa-seq1\n")
    machine = site.machine()
    for _ in range(2):
        agent = site.agent(machine, state=state)
        assert site.source_id(agent) == before
        assert agent.stop() == 0
        (state / f"sequence-{before}").unlink()


def test_two_agents_of_one_host_with_one_number_are_a_problem(host, flowagent, agentctl, directory):
    site = Site(host, flowagent, agentctl, directory)
    machine = site.machine()
    first = site.agent(machine, options=["--source-id", "7"])
    second = site.agent(machine, options=["--source-id", "7"], run="run2")
    text = "another agent of this host sends to it with source id 7 too"
    second.wait_until(lambda: text in second.errors, "a warning")
    assert text not in first.errors

    def doctor():
        done = agentctl(second).run("-J", "doctor", "--wait", "100ms")
        return [row for row in map(json.loads, done.stdout.splitlines()) if row["check"] == "source id"]

    (row,) = doctor()
    assert row["state"] == "warn" and text in row["text"]
    assert first.stop() == 0
    wait_until(lambda: [row["state"] for row in doctor()] == ["ok"], "the problem is over", 60)
