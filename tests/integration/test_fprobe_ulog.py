"""The daemon under the name fprobe-ulog: the command line that its users have, and its process."""

import os
import re
import signal
import socket
import subprocess

import pytest

import netflow9
import netns
import programs
import traffic
from conftest import BUILD
from flows import FlowTable
from waiting import wait_until

SITE, PEER = "192.0.2.1", "192.0.2.2"
DEVICES = "null", "zero", "full", "random", "urandom", "tty"
DONE, FAILED = 0, 1
GROUP = "netfilter/nfnetlink_log"


def has_ended(pid):
    """Also where nobody has asked for its status yet: its parent is whoever adopts orphans here."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Site:
    """A host with the interface veth7, a /run and a /dev of its own, and programs that stand there."""

    def __init__(self, host, directory, cleanup):
        self.host, peer = host("site"), host("peer")
        self.peer = peer
        netns.connect((self.host, "veth7", [f"{SITE}/24"]), (peer, "eth0", [f"{PEER}/24"]))
        self.directory, self.cleanup = directory, cleanup
        self.run, device = directory / "run", directory / "dev"
        for path in self.run, device, directory / "bin":
            path.mkdir()
        for name in DEVICES:
            (device / name).touch()
        self.command = directory / "bin" / "fprobe-ulog"
        self.command.symlink_to(BUILD / "flowagent")
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(str(device / "log"))
        (device / "log").chmod(0o666)
        self.log.settimeout(programs.PATIENCE_S)
        cleanup.callback(self.log.close)
        binds = [f"mount --bind /dev/{name} {device / name}" for name in DEVICES]
        mounts = " && ".join([*binds, f"mount --bind {device} /dev", f"mount --bind {self.run} /run"])
        if subprocess.run(["unshare", "-m", "sh", "-c", mounts], capture_output=True).returncode:
            pytest.skip("no private mounts here")
        self.wrapper = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]

    def start(self, *words, environment=None):
        """Run the command to the end of the process that was started: (status, errors)."""
        done = subprocess.run(
            self.host.command(*self.wrapper, self.command, *words),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=programs.PATIENCE_S,
            env={**programs.ENVIRONMENT, **(environment or {})},
        )  # fmt: skip
        pid = self.pid() if done.returncode == DONE and self.pid_files() else None
        if pid:
            self.cleanup.callback(self.kill, pid)
        return done

    def pid_files(self):
        return sorted(path.name for path in self.run.glob("*.pid"))

    def pid(self):
        (path,) = self.run.glob("*.pid")
        return int(path.read_text() or 0)

    @staticmethod
    def kill(pid):
        if not has_ended(pid):
            os.kill(pid, signal.SIGKILL)

    def stop(self):
        pid = self.pid()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: has_ended(pid), "the end of fprobe-ulog")

    def wait_for_group(self, group=1):
        """NFLOG has it: packets from now on are read."""
        wait_until(lambda: re.search(rf"^ *{group} ", self.host.read(GROUP), re.M), f"group {group}")

    def logged(self, pattern):
        """The match in the next line of the system log that has one."""
        while True:
            line = self.log.recv(4096).decode()
            if match := re.search(pattern, line):
                return match

    def load_rules(self):
        """What is marked comes in; both directions are logged."""
        self.host.run("nft", "-f", "-", input="""
table ip probe {
	chain in {
		type filter hook input priority mangle; policy accept;
		iifname veth7 meta mark set 0x2e log group 1 snaplen 128
	}
	chain out {
		type filter hook output priority mangle; policy accept;
		oifname veth7 log group 1 snaplen 128
	}
}
""")  # fmt: skip

    def talk(self, dialogues=10):
        """Several dialogues; returns their FlowTable as it is exported: with the mark as ToS."""
        sent, exported = FlowTable(), FlowTable()
        for number in range(dialogues):
            traffic.udp_dialogue((self.peer, PEER), (self.host, SITE), sent, 3, 50 + number, 200)
        for key, totals in sent.flows.items():
            key = key._replace(tos=0x2E if key.destination == SITE else 0)
            exported.add(key, totals.packets, totals.octets, totals.tcp_flags, totals.first_ms, totals.last_ms)
        return exported


@pytest.fixture
def site(host, directory, cleanup):
    return Site(host, directory, cleanup)


def numbers(sink, name):
    return {values[name] for message in sink.messages() for values in message.flows}


@pytest.mark.parametrize("version", (1, 5, 7))
def test_mirror_and_round_robin(version, site, collector):
    """As the manual promises: all flows to the first, each to one of the other two; exact sums."""
    sinks = [collector("127.0.0.1", port, site.host) for port in (2055, 2056, 2057)]
    words = f"-U 1 -n {version} -e 300 -d 60 -Xveth:100 -M 127.0.0.1:2055 127.0.0.1:2056//r 127.0.0.1:2057//r"
    done = site.start(*words.split())
    assert done.returncode == DONE, done.stderr
    site.wait_for_group()
    site.load_rules()
    expected = site.talk()
    site.stop()
    wait_until(lambda: sinks[0].flows().packets() == expected.packets(), "all packets at the mirror")
    wait_until(lambda: sum(sink.flows().packets() for sink in sinks[1:]) == expected.packets(), "all packets at the others")
    mirror, *shares = [sink.flows() for sink in sinks]
    assert mirror.counters() == expected.counters()
    both = FlowTable()
    for share in shares:
        assert share.flows
        for key, totals in share.flows.items():
            assert key not in both.flows
            both.add(key, totals.packets, totals.octets, totals.tcp_flags, totals.first_ms, totals.last_ms)
    assert both.counters() == expected.counters()
    assert abs(len(shares[0].flows) - len(shares[1].flows)) <= 1
    versions = {int.from_bytes(datagram[:2], "big") for sink in sinks for datagram in sink.datagrams}
    assert versions == {version}
    assert numbers(sinks[0], netflow9.INPUT_INTERFACE) == {107, 0}
    assert numbers(sinks[0], netflow9.OUTPUT_INTERFACE) == {107, 0}


def test_process_in_the_background(site):
    """It returns when it reads; the process is the leader of a session with nothing of the terminal, and
    the pid file goes with it. The log says what has no meaning here, once."""
    done = site.start("-s", "10", "-q", "500", "-b", "200", "-l", "1:site7", "-v", "7", "127.0.0.1:2055")
    assert done.returncode == DONE, done.stderr
    pid = site.pid()
    assert site.pid_files() == ["fprobe-ulog[site7].pid"]
    assert os.getsid(pid) == pid
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    prefix = r"^<\d+>\w{3} [ \d]\d [\d:]{8} fprobe-ulog\[site7\]\[\d+\]: "
    for words in "-s 10: scan", "-q 500: pending", "-b 200: memory":
        site.logged(f"{prefix}not needed: {words}")
    site.logged(f"<30>.*\\[{pid}\\]: reading nflog:1")
    site.stop()
    site.logged("SIGTERM: stopping")
    assert site.pid_files() == []


def test_other_user(site):
    """A user who may not remove the pid file leaves it empty."""
    done = site.start("-u", "nobody", "127.0.0.1:2055")
    assert done.returncode == DONE, done.stderr
    pid = site.pid()
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    assert re.search(r"^Uid:\s+(\d+)", status, re.M)[1] != "0"
    site.stop()
    assert site.pid() == 0


def test_root_directory(site, collector):
    """In a root directory where no name can be looked up: names are looked up before, also for `agentctl set`."""
    jail = site.directory / "jail"
    jail.mkdir()
    sink = collector("127.0.0.1", 2055, site.host)
    # The leak sanitizer looks into /proc.
    no_leaks = {"ASAN_OPTIONS": f"{programs.ENVIRONMENT['ASAN_OPTIONS']}:detect_leaks=0"}
    done = site.start("-c", jail, "-u", "nobody", "localhost:2055", environment=no_leaks)
    assert done.returncode == DONE, done.stderr
    assert os.readlink(f"/proc/{site.pid()}/root") == str(jail)
    site.wait_for_group()
    site.load_rules()
    expected = site.talk(2)
    done = subprocess.run(
        [BUILD / "agentctl", "-s", site.run / "flowagent" / "control.sock", "set", "active-timeout", "200s"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=programs.PATIENCE_S,
        env=programs.ENVIRONMENT,
    )  # fmt: skip
    assert done.stdout == "active-timeout: 5m -> 3m20s\n", done.stderr
    site.stop()
    wait_until(lambda: sink.flows().packets() == expected.packets(), "all packets")
    assert sink.flows().counters("tos") == expected.counters("tos")


def test_priority(site):
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        pytest.skip("no real-time priorities here")
    done = site.start("-r", "2", "127.0.0.1:2055")
    assert done.returncode == DONE, done.stderr
    threads = [int(thread) for thread in os.listdir(f"/proc/{site.pid()}/task")]
    assert len(threads) >= 3
    for thread in threads:
        assert os.sched_getscheduler(thread) == os.SCHED_FIFO
        assert os.sched_getparam(thread).sched_priority == 2
    site.stop()


def test_in_the_foreground(site, cleanup):
    """-l 2: the log is standard output, and nothing goes to the background."""
    command = [*site.wrapper, site.command, "-l", "2", "-U", "5", "127.0.0.1:2055"]
    program = programs.Program("fprobe-ulog", command, site.directory, site.host)
    cleanup.callback(program.kill)
    program.wait_until(lambda: "reading nflog:3" in program.output, "both groups")
    assert site.pid() == program.pid
    assert "fprobe-ulog: reading nflog:1\n" in program.output
    assert "-j ULOG of group 3 becomes -j NFLOG --nflog-group 3" in program.output
    assert program.stop() == DONE
    assert program.errors == ""
    assert site.pid_files() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "9", "127.0.0.1:2055"], "-n 9: expected 1, 5 or 7"),
        (["-U", "0", "127.0.0.1:2055"], "-U 0: no bit is set"),
        (["-X", "eth", "127.0.0.1:2055"], "-X eth: expected BASE:NUMBER"),
        (["-r", "200", "127.0.0.1:2055"], "-r 200: expected a priority"),
        (["-l", "7", "127.0.0.1:2055"], "-l 7: expected 0, 1, 2 or 3"),
        (["-l", "1:a/b", "127.0.0.1:2055"], "-l 1:a/b: expected"),
        (["-Z", "127.0.0.1:2055"], "fprobe-ulog has no option -Z"),
        (["-e", "5"], "no collector"),
        (["-u", "nosuchuser", "127.0.0.1:2055"], "user nosuchuser"),
        (["-c", "/nonexistent", "127.0.0.1:2055"], "/nonexistent"),
        (["-c", "/", "no-such-host.invalid:2055"], "no-such-host.invalid"),
        (["127.0.0.1:port"], "port"),
    ],
)
def test_what_is_wrong_ends_with_1(words, message, site):
    """Also what is found out in the background only: the process that was started waits for it."""
    done = site.start(*words)
    assert done.returncode == FAILED
    assert message in done.stderr
    assert site.pid_files() == []


def test_help(site):
    done = site.start("-h")
    assert done.returncode == DONE
    assert done.stdout.startswith("Usage: fprobe-ulog [OPTION...] HOST:PORT")
    assert not done.stderr


def send_frames(site, frames):
    with site.peer.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for frame in frames:
            sender.send(frame)


def capture_frames():
    """TCP, UDP, ICMP and fragments of IPv4, in Ethernet frames for nobody in particular."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
    from scapy.layers.l2 import Ether

    packets = []
    for number in range(40):
        layer = IP(src=f"198.51.100.{number % 8 + 1}", dst="203.0.113.9", id=number, tos=0x10)
        payloads = [UDP(sport=2000 + number % 16, dport=53), TCP(sport=3000 + number % 16, dport=80, flags="PA")]
        packet = layer / payloads[number % 2] / (b"x" * (number * 7))
        packets += fragment(layer / payloads[0] / (b"f" * 2000), 1000) if number % 10 == 9 else [packet]
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x0800)
    return [bytes(ether / packet) for packet in packets]


def test_same_flows_as_fprobe(site, collector, flowagent, cleanup):
    """The pcap sibling of Debian, and the agent with its migrated command line, on one capture: the
    same keys and sums. fprobe's queue takes 100 packets; these are fewer. What it has in its buffer when
    it is stopped is lost, so its flows leave by their timeout."""
    sinks = {name: collector("127.0.0.1", 0, site.host) for name in ("fprobe", "flowagent")}
    words = ["-i", "veth7", "-fip", "-e", "300", "-d", "1", "-s", "1"]
    foreign = [*words, "-l", "2", sinks["fprobe"].host_port]
    peer = programs.Program("fprobe", [*site.wrapper, "fprobe", *foreign], site.directory, site.host)
    cleanup.callback(peer.kill)
    migrated = subprocess.run(
        [BUILD / "agentctl", "migrate", "fprobe", "--", *words, sinks["flowagent"].host_port],
        capture_output=True, text=True, timeout=programs.PATIENCE_S, check=True,
    )  # fmt: skip
    (site.directory / "migrated.conf").write_text(migrated.stdout)
    agent = flowagent("--config", site.directory / "migrated.conf", host=site.host)
    agent.wait_for_capture()
    peer.wait_until(lambda: "collector #1" in peer.output, "what it says when it reads")
    frames = capture_frames()
    send_frames(site, frames)
    for sink in sinks.values():
        wait_until(lambda sink=sink: sink.flows().packets() >= len(frames), f"{len(frames)} packets")
    assert agent.stop() == DONE, agent.errors
    peer.stop()
    theirs, ours = sinks["fprobe"].flows(), sinks["flowagent"].flows()
    assert ours.packets() == theirs.packets() == len(frames)
    assert ours.counters("tos") == theirs.counters("tos")
