"""Fixtures: one per program, and the hosts. Everything started is stopped, also on failure.

FLOWAGENT_BUILD names the build under test (with sanitizers), FLOWAGENT_RELEASE_BUILD one without,
for tests with a promise about time.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import asn_tables  # noqa: E402
import netns  # noqa: E402
import programs  # noqa: E402
from collector import Collector  # noqa: E402
from doctor import Doctor  # noqa: E402
from firewalls import Nft  # noqa: E402

BUILD = Path(os.environ.get("FLOWAGENT_BUILD", ROOT / "build" / "dev"))
RELEASE_BUILD = Path(os.environ.get("FLOWAGENT_RELEASE_BUILD", ROOT / "build" / "release"))


def pytest_configure(config):
    config.addinivalue_line("markers", "quiet: a rate that only a quiet machine shows; tests/run -m quiet")
    config.addinivalue_line("markers", "kernels: needs what not every kernel has; tests/kernels runs it")


def pytest_sessionstart():
    netns.remove_leftovers()


@pytest.fixture
def cleanup():
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def directory(cleanup):
    """For files of one test; readable by every user, because some programs change theirs."""
    path = Path(tempfile.mkdtemp(prefix="flowagent-test-"))
    cleanup.callback(shutil.rmtree, path, ignore_errors=True)
    path.chmod(0o755)
    return path


@pytest.fixture
def flowagent(cleanup, directory):
    """flowagent(*options, host=None, release=False) starts the daemon."""

    def start(*options, host=None, release=False, **popen_options):
        binary = (RELEASE_BUILD if release else BUILD) / "flowagent"
        agent = programs.Flowagent(binary, options, directory, host, **popen_options)
        cleanup.callback(agent.kill)
        return agent

    return start


@pytest.fixture
def flowagent_run():
    """flowagent_run(*arguments) runs it to its end: CompletedProcess. No option is added."""

    def run(*arguments, host=None, prefix=(), **options):
        command = [*prefix, BUILD / "flowagent", *arguments]
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            programs.command_on(host, command),
            capture_output=True,
            text=True,
            env=programs.ENVIRONMENT,
            timeout=programs.PATIENCE_S,
            **options,
        )

    return run


@pytest.fixture
def agentctl():
    """agentctl(agent) gives the tool for one agent."""
    return lambda agent: programs.Agentctl(BUILD / "agentctl", agent)


@pytest.fixture
def collector(cleanup):
    """collector(address="127.0.0.1", port=0, host=None) starts a collector of our own."""

    def start(address="127.0.0.1", port=0, host=None):
        return cleanup.enter_context(Collector(address, port, host))

    return start


@pytest.fixture
def listen(cleanup, directory):
    """listen(*options, host=None) starts agentctl listen on a port of its own."""

    def start(*options, **where):
        program = programs.Listen(BUILD / "agentctl", directory, *options, **where)
        cleanup.callback(program.kill)
        return program

    return start


def _program(name, kind):
    @pytest.fixture(name=name)
    def fixture(cleanup, directory):
        def start(*arguments, **options):
            program = kind(directory, *arguments, **options)
            cleanup.callback(program.kill)
            return program

        return start

    return fixture


nfacctd = _program("nfacctd", programs.Nfacctd)
nfcapd = _program("nfcapd", programs.Nfcapd)
tcpdump = _program("tcpdump", programs.Tcpdump)


@pytest.fixture
def host(cleanup):
    """host(name) makes one host that stands alone."""
    return lambda name: cleanup.enter_context(netns.Namespace(name))


class Hosts:
    """A server on its ISP's router, the internet behind that, and a collector host out there.

    server eth0 192.0.2.10, 2001:db8:1::10 -- eth0 internet eth1 -- eth0 172.16.0.2 collector
    """

    SERVER = ("192.0.2.10", "2001:db8:1::10")
    ROUTER = ("192.0.2.1", "2001:db8:1::1")
    REMOTE = ("198.51.100.7", "2001:db8:2::7")
    OTHER = ("203.0.113.53", "2001:db8:3::53")
    COLLECTOR = ("172.16.0.2", "2001:db8:f::2")
    COLLECTOR_ROUTER = ("172.16.0.1", "2001:db8:f::1")

    def __init__(self, make_host):
        self.server, self.internet, self.collector = map(make_host, ("server", "internet", "coll"))
        netns.connect(
            (self.server, "eth0", with_length(self.SERVER)),
            (self.internet, "eth0", with_length(self.ROUTER)),
        )
        netns.connect(
            (self.internet, "eth1", with_length(self.COLLECTOR_ROUTER)),
            (self.collector, "eth0", with_length(self.COLLECTOR)),
        )
        for address in self.REMOTE + self.OTHER:
            self.internet.add_address(address, "lo")
        self.internet.sysctl("ipv4/ip_forward", 1)
        self.internet.sysctl("ipv6/conf/all/forwarding", 1)
        for namespace, router in (
            (self.server, self.ROUTER),
            (self.collector, self.COLLECTOR_ROUTER),
        ):
            for address in router:
                namespace.ip("route", "add", "default", "via", address)


def with_length(addresses):
    return [address + ("/64" if ":" in address else "/24") for address in addresses]


@pytest.fixture
def hosts(host):
    return Hosts(host)


@pytest.fixture
def doctor(hosts, flowagent, directory):
    return Doctor(BUILD, hosts, flowagent, directory)


@pytest.fixture
def asn_table(directory):
    """asn_table(rows, path=None, **facts) makes a table: its path. See asn_tables.make_table()."""

    def make(rows, path=None, **facts):
        path = path or directory / "asn.table"
        asn_tables.make_table(BUILD / "tests" / "asn_table_tool", path, rows, **facts)
        return path

    return make


@pytest.fixture(scope="session")
def udp_flood(tmp_path_factory):
    """Path of the packet generator."""
    binary = tmp_path_factory.mktemp("bin") / "udp_flood"
    source = ROOT / "tests" / "support" / "udp_flood.c"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", binary, source], check=True)
    return binary


class Flood:
    """The server sends to a black hole out on the internet, and a rule logs it."""

    TARGET = "198.18.0.0"
    FLOWS, PACKETS = 3000, 10**9  # more packets than are needed on any machine: it is ended early

    def __init__(self, cleanup, hosts, binary):
        self._server, self._binary, self._cleanup = hosts.server, binary, cleanup
        hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
        self._firewall = Nft()
        self._firewall.install(hosts.server, "eth0")

    def begin(self, rate):
        numbers = map(str, (self.FLOWS, self.PACKETS, rate))
        command = [self._binary, Hosts.SERVER[0], self.TARGET, *numbers]
        self._sender = subprocess.Popen(self._server.command(*command))
        self._cleanup.callback(self.end)

    def end(self):
        """Stop sending, at any packet. The rule has counted what went out."""
        self._sender.kill()
        self._sender.wait()

    def packets(self):
        return self._firewall.matched(self._server).packets


@pytest.fixture
def flood(cleanup, hosts, udp_flood):
    return Flood(cleanup, hosts, udp_flood)


