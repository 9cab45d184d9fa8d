"""Names of collectors: real answers of a name server that change, disappear and come back are followed within
their time to live, and nothing is lost.
"""

import contextlib
import socket

import netflow9
import programs
import pytest
from collector import Collector
from waiting import wait_until

NAME, SERVICE = "collector.flows.test", "_netflow._udp.flows.test"
ONE, OTHER, SERVER = "127.0.1.1", "127.0.1.2", "127.0.0.53"
PORT = 2055
TTL_S = 2
PACKETS = 5


class NameServer:
    """dnsmasq on one host, started anew with other records; stopped, it answers nothing."""

    def __init__(self, directory, host, cleanup):
        self._directory, self._host, self._count = directory, host, 0
        self._program = None
        cleanup.callback(self.stop)

    def serve(self, *records):
        self.stop()
        self._count += 1
        self._program = programs.Program(
            f"dnsmasq-{self._count}",
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
             f"--listen-address={SERVER}", "--bind-interfaces", "--pid-file", "--local=/flows.test/",
             f"--local-ttl={TTL_S}", "--log-facility=-", "--log-queries", *records],
            self._directory, self._host,
        )  # fmt: skip
        self._program.wait_until(lambda: "started" in self._program.errors, "it answers")

    def stop(self):
        if self._program:
            self._program.kill()
        self._program = None

    def was_asked(self, name):
        return name in self._program.errors


class Site:
    """An agent that counts packets of its loopback, and knows one name server."""

    def __init__(self, host, flowagent, agentctl, directory, cleanup, collector):
        self.host, self._cleanup = host, cleanup
        self.names = NameServer(directory, host, cleanup)
        self._start = lambda: flowagent(
            "-i", 'lo,filter="udp dst port 4000"', "-n", collector, host=host,
            wrapper=["unshare", "--mount", "sh", "-c", f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"],
        )  # fmt: skip
        resolver = directory / "resolv.conf"
        resolver.write_text(f"nameserver {SERVER}\noptions timeout:1 attempts:1\n")
        self._agentctl = agentctl
        self.packets = 0

    def start(self):
        self.agent = self._start()
        self.agent.wait_for_control()
        self.control = self._agentctl(self.agent)

    def collector(self, address, port=PORT):
        return self._cleanup.enter_context(Collector(address, port, self.host))

    def send(self):
        """Packets of a flow, which leaves as a record of a datagram."""
        with self.host.entered():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender, contextlib.suppress(ConnectionRefusedError):
            for _ in range(PACKETS):
                sender.sendto(b"x", ("127.0.0.9", 4000))
        self.packets += PACKETS
        wait_until(lambda: self.control.statistics()["packets_read"] >= self.packets, "packets")
        assert self.control.run("flush").returncode == 0

    def send_until(self, condition, what):
        def send():
            self.send()
            return condition()

        wait_until(send, what)

    def check(self, *collectors):
        """All is at one of them, once. A collector that has refused is believed to be back after 10 s."""

        def waits():
            (row,) = self.control.rows("show", "collectors")
            return row["records_waiting"]

        wait_until(lambda: waits() == 0, "all records sent")
        assert self.agent.stop() == 0, self.agent.errors
        summary = self.agent.summary()
        assert summary["records_lost"] == 0, summary
        wait_until(lambda: sum(map(packets_of, collectors)) >= self.packets, "all packets")
        assert sum(map(packets_of, collectors)) == self.packets


def packets_of(collector):
    decoder, packets = netflow9.Decoder(), 0
    for datagram in list(collector.datagrams):
        decoder.next_sequence.clear()  # others are at the other collector
        packets += sum(flow[netflow9.PACKETS] for flow in decoder.decode(datagram).flows)
    return packets


@pytest.fixture
def site(host, flowagent, agentctl, directory, cleanup):
    return lambda collector: Site(host("names"), flowagent, agentctl, directory, cleanup, collector)


def test_an_answer_that_changes_disappears_and_comes_back_is_followed(site):
    site = site(f"{NAME}:{PORT}")
    one, other = site.collector(ONE), site.collector(OTHER)
    site.names.serve(f"--host-record={NAME},{ONE}")
    site.start()
    site.send_until(lambda: one.datagrams, "the first address")
    site.names.serve(f"--host-record={NAME},{OTHER}")
    site.send_until(lambda: other.datagrams, "the second address")
    site.names.serve()  # no such name: what is known stays
    wait_until(lambda: site.names.was_asked(NAME), "a look-up without an answer")
    before = len(other.datagrams)
    site.send()
    other.wait_for_datagrams(before + 1)
    site.names.stop()
    site.send()
    before = len(one.datagrams)
    site.names.serve(f"--host-record={NAME},{ONE}")
    site.send_until(lambda: len(one.datagrams) > before, "the first address again")
    site.check(one, other)


def test_a_service_goes_by_priority_and_follows_its_records(site):
    site = site(f"srv:{SERVICE}")
    one, other = site.collector(ONE, 4001), site.collector(OTHER, 4002)
    hosts = [f"--host-record=h1.flows.test,{ONE}", f"--host-record=h2.flows.test,{OTHER}"]

    def records(first, second):
        return [f"--srv-host={SERVICE},h1.flows.test,4001,{first},1",
                f"--srv-host={SERVICE},h2.flows.test,4002,{second},1", *hosts]  # fmt: skip

    site.names.serve(*records(10, 20))
    site.start()
    for _ in range(3):
        site.send()
    one.wait_for_datagrams(3)
    assert not other.datagrams
    (row,) = site.control.rows("show", "collectors")
    assert row["name"] == f"srv:{SERVICE}" and row["remote"] == f"{ONE}:4001"
    site.names.serve(f"--srv-host={SERVICE},h2.flows.test,4002,10,1", *hosts)
    site.send_until(lambda: other.datagrams, "the other host")
    site.check(one, other)


def test_another_host_of_a_service_takes_over_and_nothing_is_lost(site):
    site = site(f"srv:{SERVICE}")
    one, other = site.collector(ONE, 4001), site.collector(OTHER, 4002)
    site.names.serve(f"--srv-host={SERVICE},h1.flows.test,4001,10,1", f"--srv-host={SERVICE},h2.flows.test,4002,20,1",
                     f"--host-record=h1.flows.test,{ONE}", f"--host-record=h2.flows.test,{OTHER}")  # fmt: skip
    site.start()
    site.send()
    one.wait_for_datagrams(1)
    one.leave()
    site.send_until(lambda: other.datagrams, "the next host")
    site.check(one, other)
