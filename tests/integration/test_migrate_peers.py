"""Each case of tests/migrate whose probe is in Debian, beside that probe: the case as it stands, what agentctl
migrate makes of it, and one capture on the interface or in the log group that it names: the same keys, the same sums.

Peer and agent run one after the other on a host where the names and addresses of the case exist. Besides what
keeps a peer in the foreground, says when it has read all, and makes fprobe send what it has, nothing is changed.
"""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess

import pytest

import netns
import programs
from capture_files import packet, pcap
from conftest import BUILD
from flows import ICMP as ICMP_PROTOCOL
from test_migrate import CASES, cases, migrated
from waiting import wait_until

PEERS = "softflowd", "fprobe", "pmacctd", "uacctd"
# What cannot be held against its peer, and why.
APART = {
    "softflowd-11-bare-timeout": "softflowd refuses it",
    "softflowd-13-tcp-v5": "NetFlow v5 over TCP is not to be had",
    "softflowd-23-uci-package-default": "samples, and so counts other packets at each run",
    "softflowd-25-uci-wrong-names": "no collector, and softflowd refuses -T 2",
    "fprobe-09-round-robin": "no interface: libpcap chooses one",
    "pmacctd-13-sampling100": "samples at random",
}
TWICE = "pmacctd-05-issue687-in-out"  # each packet by two plugins: the user's fault, which is not carried over
TIME_NS = 1_700_000_000_000_000_000
OURS = re.compile(r"203\.0\.113\.|198\.51\.100\.|192\.0\.2\.[1-7]$|2001:db8:")
LOG_GROUP = """table inet probe {{ chain in {{ type filter hook prerouting priority -300;
    iifname eth0 log group {} snaplen 128
}}; }}"""


def runnable():
    return [path for path in cases() if re.match(rf"({'|'.join(PEERS)})-\d", path.stem) and path.stem not in APART]


def test_all_but_those_that_are_named_are_held_against_their_peers():
    names = {path.stem for path in cases() if re.match(rf"({'|'.join(PEERS)})-\d", path.stem)}
    assert len(names) == 37 and set(APART) < names and len(runnable()) == len(names) - len(APART)


class Case:
    def __init__(self, expect):
        self.expect, self.name = expect, expect.stem
        self.peer = self.name.split("-")[0]
        (self.source,) = (path for path in CASES.glob(f"{expect.stem}.*") if path != expect)
        self.text = self.source.read_text()
        self.conf = migrated(expect).stdout

    def words(self):
        """The command line; of a file, the one that Debian's unit makes of it."""
        if self.source.suffix == ".cmd":
            return shlex.split(self.text, comments=True)[1:]
        lines = [line for line in self.text.splitlines() if "=" in line and line[0] not in "#!"]
        values = {key.upper(): value for key, _, value in (shlex.split(line)[0].partition("=") for line in lines)}
        collector = [values["FLOW_COLLECTOR"]] if "FLOW_COLLECTOR" in values else []
        options = shlex.split(values.get("OPTIONS", "") + " " + values.get("OTHER_ARGS", ""))
        return [f"-i{values['INTERFACE']}", *options, *collector]

    def found(self, key):
        return re.findall(rf"^{key} = ([^,\n]+)", self.conf, re.M)

    def collector(self):
        (place,) = set(self.found("collector"))
        host, _, port = place.rpartition(":")
        return host.replace("localhost", "127.0.0.1"), int(port)


    def count(self, capture, words="ip or ip6"):
        """How many packets of the capture its filter takes, as tcpdump says."""
        given = re.search(r'filter="(.*?)"', self.conf)
        filter_ = f"({given[1]}) and ({words})" if given else words
        command = ["tcpdump", "-n", "-r", capture, filter_]
        return len(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())

    def exported(self, capture):
        """Of these, how many have a form in its version."""
        return self.count(capture, "ip" if "version=5" in self.conf else "ip or ip6")


class Site:
    """The host of a case: its interfaces, its addresses, and one who sends to it."""

    def __init__(self, make_host, case, directory):
        self.host, self.sender = make_host("site"), make_host("sender")
        self.directory = directory
        devices = [name for name in case.found("interface") if name != "any"] or ["eth0"]
        self.devices = devices + ["eth0"] * ("eth0" not in devices)
        for device in self.devices:
            netns.connect((self.host, device, []), (self.sender, device, []))
            self.host.sysctl(f"ipv4/conf/{device}/rp_filter", 0)
        addresses = [case.collector()[0], *re.findall(r"source=([0-9.]+)", case.conf)]
        for address in {address for address in addresses if not address.startswith("127.")}:
            self.host.add_address(f"{address}/32", "lo")
        for group in case.found("nflog"):
            self.host.run("nft", "-f", "-", input=LOG_GROUP.format(group))
        shutil.copytree(CASES / "aux", directory / "aux")

    def send(self, frames):
        with self.sender.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((self.devices[0], 0))
            for frame in frames:
                sender.send(frame)


def capture_frames(hardware, has_icmp):
    """6 packets of each flow of TCP, UDP and ICMP, IPv4 and IPv6, with addresses that the filters of the cases take
    and that are nobody's here. No frame is short enough to be padded, which softflowd would count."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    flows = [
        IP(src="203.0.113.9", dst="198.51.100.7") / TCP(sport=40000, dport=80, flags="PA"),
        IP(src="198.51.100.7", dst="203.0.113.9") / TCP(sport=80, dport=40000, flags="A"),
        IP(src="203.0.113.9", dst="198.51.100.7", tos=0x28) / TCP(sport=40001, dport=443, flags="A"),
        IP(src="203.0.113.10", dst="198.51.100.53") / UDP(sport=5300, dport=53),
        IP(src="198.51.100.53", dst="203.0.113.10") / UDP(sport=53, dport=5300),
        IP(src="203.0.113.11", dst="198.51.100.8") / ICMP(type=8),
        IP(src="198.51.100.8", dst="203.0.113.11") / ICMP(type=0),
        IPv6(src="2001:db8:3::9", dst="2001:db8:2::7") / TCP(sport=40002, dport=80, flags="PA"),
        IPv6(src="2001:db8:2::7", dst="2001:db8:3::9") / TCP(sport=80, dport=40002, flags="A"),
        IPv6(src="2001:db8:3::9", dst="2001:db8:2::53") / UDP(sport=5301, dport=53),
    ]
    flows = [flow for flow in flows if has_icmp or ICMP not in flow]
    ether = Ether(src="02:00:00:00:00:01", dst=hardware)
    return [bytes(ether / flow / (b"x" * (40 + 10 * turn))) for turn in range(6) for flow in flows]


class Sums:
    """What comes to the collector of a case. A capture of any device has the export as well: only flows of the capture count."""

    def __init__(self, case, site, cleanup):
        host, port = case.collector()
        self.listener = programs.Listen(BUILD / "agentctl", site.directory, host=site.host, address=host, port=port)
        cleanup.callback(self.listener.kill)

    def now(self):
        """{key: (packets, bytes)}; ToS and VLAN are not in every key, and what is not in one is left out or 0."""
        counters = self.listener.flows().counters("tos", "vlan")
        sums = {tuple(part or 0 for part in key): amounts for key, amounts in counters.items()}
        return {key: amounts for key, amounts in sums.items() if OURS.match(key[0]) and OURS.match(key[1])}

    def packets(self):
        return sum(packets for packets, _ in self.now().values())

    def end(self, least):
        """All of it, once there are this many packets."""
        wait_until(lambda: self.packets() >= least, f"{least} packets")
        self.listener.stop()
        return self.now()


def without(words, *letters):
    """A command line without these options, whose values stand behind the letter or are the next word."""
    kept, is_value = [], False
    for word in words:
        if not is_value and word[:2] not in letters:
            kept.append(word)
        is_value = not is_value and word in letters
    return kept


class Softflowd:
    """Reads the capture as a file: from an interface it gets whole blocks of the kernel's ring only, and loses the
    last at its end (libpcap with no timeout)."""

    def __init__(self, case, site):
        paths = ["-c", "none", "-p", site.directory / "softflowd.pid", "-r", site.directory / "capture.pcap"]
        command = ["softflowd", *without(case.words(), "-i", "-p", "-c"), *paths]
        command += [] if "-d" in command else ["-d"]
        self.program = programs.Program("softflowd", command, site.directory, site.host)

    def finish(self, count):
        assert self.program.wait() == 0, self.program.errors


class Pmacct:
    """pmacctd or uacctd. A second plugin shows what came; both send and write all at their end. Queues are the
    usual ones: in those of some cases a few packets wait for more. With savefile_wait 1.7.7 reads its file over and over."""

    def __init__(self, case, site):
        self.pipe, self.ends = site.directory / "seen.pipe", bool(case.found("read"))
        kept = [line for line in case.text.splitlines() if not re.match(r"daemonize|savefile_wait|imt_path|plugin_(pipe|buffer)_size|syslog|pidfile", line)]
        text = "\n".join(re.sub(r"^(plugins:.*?)(, *memory\b\S*)?$", r"\1, memory", line) for line in kept)
        conf = site.directory / "peer.conf"
        conf.write_text(f"{text}\ndaemonize: false\nimt_path: {self.pipe}\n")
        self.program = programs.Program(
            case.peer, [case.peer, "-f", conf], site.directory, site.host, signal.SIGINT, cwd=site.directory
        )

    def finish(self, count):
        if self.ends:
            self.program.wait()
            return
        self.program.wait_until(lambda: self.packets() >= count, f"{count} packets")
        self.program.stop()

    def packets(self):
        done = subprocess.run(["pmacct", "-s", "-O", "json", "-p", self.pipe], capture_output=True, text=True, check=False)
        return sum(json.loads(line)["packets"] for line in done.stdout.splitlines() if line.startswith("{"))

    def is_ready(self):
        return self.pipe.exists()


class Fprobe:
    """Sends nothing at its end, and says nothing of packets: its flows leave by a timeout of a second, of all that
    its filter takes."""

    def __init__(self, case, site):
        # A /run of its own for the pid file.
        private = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh"]
        options = ["-l", "2", "-s", "1", "-d", "1"]
        self.program = programs.Program("fprobe", [*private, "fprobe", *without(case.words(), "-d"), *options], site.directory, site.host)

    def is_ready(self):
        return "collector #1" in self.program.output

    def finish(self, count):
        pass


def icmp_as_usual(key):
    """fprobe has the type as source port and the code as destination port; others type * 256 + code as the latter."""
    source, destination, protocol, kind, code, *rest = key
    return (source, destination, protocol, 0, kind * 256 + code, *rest) if protocol == ICMP_PROTOCOL else key


PROBES = {"softflowd": Softflowd, "fprobe": Fprobe, "pmacctd": Pmacct, "uacctd": Pmacct}


def is_reading(site, case):
    """Its packet socket, or its log group, is there."""
    groups = case.found("nflog")
    if groups:
        return re.search(rf"^ *{groups[0]} ", site.host.read("netfilter/nfnetlink_log"), re.M)
    return case.found("read") or len(site.host.read("packet").splitlines()) > 1


@pytest.mark.parametrize("expect", runnable(), ids=lambda path: path.stem)
def test_same_flows_as_the_peer(expect, host, directory, cleanup, flowagent):
    case = Case(expect)
    site = Site(host, case, directory)
    reads = [directory / path for path in case.found("read")]
    # What is for another host never comes to a log group, and does to who asks an interface for all.
    hardware = netns.hardware_address(site.host, "eth0") if case.found("nflog") else "02:00:00:00:00:02"
    # uacctd 1.7.7 with the second plugin ends by SIGSEGV at a packet of ICMP.
    frames = [] if reads else capture_frames(hardware, has_icmp=case.peer != "uacctd")
    (capture,) = reads or [directory / "capture.pcap"]
    if not reads:
        capture.write_bytes(pcap([packet(TIME_NS + number, 1, frame) for number, frame in enumerate(frames)]))
    sums = Sums(case, site, cleanup)
    peer = PROBES[case.peer](case, site)
    cleanup.callback(peer.program.kill)
    if case.peer != "softflowd" and not reads:
        peer.program.wait_until(lambda: peer.is_ready() and is_reading(site, case), "it reads")
        site.send(frames)
    peer.finish(case.count(capture))
    theirs = sums.end(case.exported(capture))
    peer.program.kill()

    file = directory / "flowagent.conf"
    file.write_text(case.conf)
    sums = Sums(case, site, cleanup)
    agent = flowagent("--config", file, host=site.host, cwd=directory)
    if not reads:
        agent.wait_until(lambda: "flowagent: reading " in agent.errors and is_reading(site, case), "it reads")
        site.send(frames)
    assert (agent.wait if reads else agent.stop)() == 0, agent.errors
    ours = sums.end(case.exported(capture))
    if case.peer == "fprobe":
        theirs = {icmp_as_usual(key): amounts for key, amounts in theirs.items()}
    if case.name == TWICE:
        theirs = {key: (packets // 2, octets // 2) for key, (packets, octets) in theirs.items()}
    assert theirs and ours == theirs
