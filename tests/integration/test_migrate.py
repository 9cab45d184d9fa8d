"""agentctl migrate: each case of tests/migrate becomes what its .expect says, and flowagent takes it."""

import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import programs
import traffic
from conftest import BUILD, Hosts
from flows import FlowTable

CASES = Path(__file__).parents[1] / "migrate"
CAPTURE = CASES / "aux" / "small.pcap"
DONE, FAILED, USAGE = range(3)
FIN_AND_RST = r"FIN and RST end nothing early.*"
ANY = ""  # the line is for people

# Lines of .expect, and where the output has them: an option, a comment, or lost (a comment and a
# line on standard error). {1} is the first group of the line.
# A collector with this among its fields.
FIELDS = r"^collector = .*,fields=default\S*\+{}\b"

EXPECTED = [
    (r"peer: .*", None, ANY),
    (r"default: NFLOG group\(s\) (\d+) .*", "option", r"^nflog = {1}\b"),
    (r"carry: interface (\S+) has number (\d+): .*", "option", r"^if-map = (.*,)?{1}={2}(,|$)"),
    (r"carry: interface (\S+) exported with number \d+ \(if-map (\S+)\)", "option", r"^if-map = {2}$"),
    (r"carry: if-map (\S+)", "option", r"^if-map = (.*,)?{1}(,|$)"),
    (r"\w+: active timeout (?:\(maxlife\) )?(\d+) s", "option", r"^active-timeout = {1}s$"),
    (r"missing: active timeout \(maxlife\) 0 .*", "option", r"^active-timeout = off$"),
    (r"\w+: inactive timeout (\d+) s", "option", r"^inactive-timeout = {1}s$"),
    (rf"default: {FIN_AND_RST}", "option", r"^inactive-timeout = (\d+)s$(.|\n)*^timeout = tcp.fin=\1s,tcp.rst=\1s$"),
    (r"\w+: timeout (\S+) (\d+) s", "option", r"^timeout = (.*,)?{1}={2}s(,|$)"),
    (r"\w+: (?:NetFlow v|export version )(5|9|10)(?: for .*)?", "option", r"^(collector = .*,version=|export-version = ){1}\b"),
    (r"missing: NetFlow v(7)", "option", r"^collector = .*,version={1}\b"),
    (r"default: IPv4 only; .*", "comment", r"IPv4 only before"),
    (r"default: IPv6 is not counted \(v5\); .*", "comment", r"softflowd counts no IPv6"),
    (r"carry: collector (\S+), mirror", "option", r"^collector = {1},(?!.*mode=)"),
    (r"carry: collector (\S+), round-robin", "option", r"^collector = {1},.*mode=round-robin"),
    (r"carry: collector ([^ ,]+)(?: for .*)?", "option", r"^collector = {1},"),
    (r"note: no collector.*", "lost", r"no collector"),
    (r"default: engine type and id 0; .*", "option", r"\A(?!(.|\n)*max-flows)(.|\n)*^source-id = 0$"),
    (r"\w+: source id (?:\(engine id\) )?(\d+)(?: for .*)?", "option", r"^source-id = {1}$"),
    (r"missing: netfilter mark as ToS .*", "option", r"^mark-as-tos = on$"),
    (r"drop: scan interval (\d+) s", "comment", r"not needed: -s {1}: scan interval"),
    (r"drop: pending queue (\d+)", "comment", r"not needed: -q {1}: pending queue"),
    (r"missing: (-\w \S+) \(PlanetLab: .*", "lost", r"{1}: flow files"),
    (r"drop: chroot (\S+): .*", "comment", r"not needed: -c {1}: chroot"),
    (r"drop: log destination and identifier (\S+) .*", "comment", r"not needed: -l {1}: log destination"),
    (r"carry: user (\S+)", "comment", r"-u {1}: the service is .*, _flowagent; .*user = {1}$"),
    (r"carry: log level (\S+)", "option", r"^log-level = {1}$"),
    (r"carry: kernel buffer (\d+) kB .*", "kilobytes", r"^(nflog|interface) = .*,buffer={1}\b"),
    (r"missing: real-time priority (\d+): (\w+) .*", "lost", r"-r {1}.*{2}"),
    (r"missing: delay of (\d+) ns after each (\d+) bytes; about export-rate=(\d+)", "lost", r"{1} ns after each {2} bytes; export-rate={3}"),
    (r"missing: fragment lifetime (\d+) s .*", "option", r"^fragment-lifetime = {1}s$"),
    (r"note: fprobe-ulog takes any name .*", "comment", r"takes any name that begins so.*eth0\.100"),
    (r"carry: capture on interface (\S+)", "option", r"^interface = {1}\b"),
    (r"broken: key \"interface\" is unknown .*", "lost", r"key interface is unknown"),
    (r"missing: promiscuous capture .*", "promiscuous", ANY),
    (r"note: interface chosen by pcap_lookupdev .*", "lost", r"pcap_lookupdev"),
    (r"note: without -fip .*", "comment", r"without -fip"),
    (r"note: beside it stands .*", None, ANY),
    (r'carry: filter "tcp and port 80" .*', "filter", r',filter="tcp&&port 80"'),
    (r'carry: filter "(.*?)" .*', "filter", r',filter="{1}"'),
    (r"carry: send by interface (\S+) .*", "option", r"^collector = .*,interface={1}\b"),
    (r"\w+: max flows (\d+)(?:;.*)?", "option", r"^max-flows = {1}$"),
    (r"\w+: flow key (\S+)(?: .*)?", "option", r"^flow-key = {1}(,interfaces)?$"),
    (r"default: times on the exporter's uptime .*", "option", r"^collector = .*,uptime=on\b"),
    (r"carry: transport udp", "option", r"^collector = (?!.*transport=)"),
    (r"carry: absolute times in milliseconds .*", "option", r"^collector = (?!.*uptime=)"),
    (r"missing: transport (\w+) with version (\d+)", "lost", r"transport {1} with version {2}"),
    (r"missing: MAC addresses in key and record .*", "option", FIELDS.format(r"sourceMacAddress\+destinationMacAddress")),
    (r"drop: foreground .*", "comment", r"not needed: -d: foreground"),
    (r"drop: pid file \((-p \S+)\)", "comment", r"not needed: {1}: pid file"),
    (r"drop: control socket: .* \((-c \S+)\)", "comment", r"not needed: {1}: control socket"),
    (r"drop: expint=(\d+).*", "comment", r"not needed: expint={1}"),
    (r"note: softflowd IPFIX without -A .*", "comment", r"IPFIX without -A"),
    (r"carry: read (?:capture )?file ([^ ;]+).*", "option", r"^read = {1}$"),
    (r"(?:carry: )?no sampling.*|carry: no sampling .*", "option", r"\A(?!(.|\n)*sampling=)"),
    (r"carry: packet sampling (\S+?)(?: on the source)?", "option", r"^(interface|read|nflog) = .*,sampling={1}\b"),
    (r'broken: "(.*)" is no named timeout: .*', "lost", r"{1} is no named timeout"),
    (r"broken: softflowd exits: .*", "lost", r"softflowd refuses it"),
    (r"broken: option host, port, .*", "lost", r"option host is unknown(.|\n)*option port is unknown(.|\n)*option netflow_version is unknown(.|\n)*-T 2 is refused"),
    # pmacctd and uacctd
    (r"missing: plugin (\S+) \(.*", "lost", r"plugin {1}: it is no export"),
    (r"carry: NFLOG group (\d+)", "option", r"^nflog = {1}\b"),
    (r"carry: buffer (\d+) bytes .*", "option", r"^nflog = .*,buffer={1}\b"),
    (r"carry: snaplen (\d+)", "option", r"^(nflog|interface) = .*,snaplen={1}\b"),
    (r"carry: source address (\S+) for .*", "option", r"^collector = .*,source={1}\b"),
    (r"missing: (src_mac|dst_mac)\b.*", "link", r"{1}"),
    (r"missing: (tag)\b.*", "lost", r"{1} in aggregate"),
    (r"drop: primitive flows: .*", "comment", r"not needed: flows in aggregate"),
    (r"drop: (networks_file_no_lpm|[a-z_]+)=? ?(\S+)", "comment", r"not needed: {1}[:=] ?{2}\b"),
    (r"missing: pre_tag_map (\S+)", "lost", r"pre_tag_map: {1}"),
    (r"missing: networks_file_no_lpm .*", "lost", r"networks_file_no_lpm"),
    (r"missing: interface number by tag .*", "lost", r"nfprobe_ifindex: tag"),
    (r"missing: times in microseconds", "lost", r"microseconds"),
    (r"carry: direction=(in|out) on the source for \S+ \(one source .*", "lost", r"cannot be both in and out"),
    (r"carry: direction=(in|out) on the source for \S+", "option", r"^(nflog|interface) = .*,direction={1}\b"),
    (r"carry: interface number (\d+) \(if-map\) for .*", "option", r"^if-map = \w+={1}$"),
    (r"note: the map is .*", "comment", r"if-map NAME=100"),
    (r"carry: (src_as|dst_as) from networks-file", "comment", r"{1} in aggregate: AS numbers are fields"),
    (r"carry: networks-file (\S+)", "option", r"^networks-file = {1}$"),
    (r"note: (timestamp_\w+) in aggregate: .*", "comment", r"{1} in aggregate"),
    (r"carry: TCP flags .*", "comment", r"tcpflags in aggregate"),
    (r"carry: interfaces and numbers of the map file .*", "option", r"^interface = eth0\b.*\n(.*\n)*interface = eth1\b"),
    (r"carry: interface numbers map", "option", r"^if-map = eth0=100,eth1=200$"),
    # ipt_NETFLOW
    (r"carry: collector (\S+), by interface (\S+), mirror", "option", r"^collector = {1},.*,interface={2}$"),
    (r"default: collector (\S+), mirror", "option", r"^collector = {1},(?!.*mode=)"),
    (r"note: rules -j NETFLOW become NFLOG rules: .*", "comment", r"rules -j NETFLOW become -j NFLOG --nflog-group 40"),
    (r"missing: NAT events .*", "translation", r"^collector = .*,fields=default\+postNATSourceIPv4Address\+"),
    (r"missing: send buffer (\d+) bytes .*", "lost", r"sndbuf={1}"),
    (r"carry: template-refresh (\d+) minutes, (\d+) packets", "option", r"^template-refresh = {1}m,{2}$"),
    (r"carry: FLOW sampling 1 in (\d+): .*", "option", r"^collector = .*,sampling={1}$"),
    (r"missing: MAC addresses \(built in .*", "comment", r"built with MAC addresses"),
    (r"note: VLAN: .*", "comment", r"vlanId"),
    (r"note: the rules have -m state .*", None, ANY),
    # rules
    (r"carry: -j NFLOG (--nflog-group \d+ --nflog-size \d+)(?: (--nflog-prefix \S+))?(?: .*)?", "option", r"NFLOG {1}.*{2}"),
    (r"note: POSTROUTING sees .*", "comment", r"POSTROUTING sees what leaves only"),
    (r"note: 20 bytes are .*", "comment", r"20 bytes are the IP header only"),
    (r"note: --state NEW: .*", "lost", r"only first packets"),
    (r"note: raw PREROUTING .*", "comment", r"raw PREROUTING knows no output interface"),
    (r"broken: not read by migrate rules; shown: (.*)", "lost", r"ferm, which is not read here; write there: {1}"),
    (r"carry: unchanged; flowagent -g (\d+)", "comment", r"nflog = {1}$"),
    (r"note: a packet that comes in by .*", "lost", r"logged twice"),
    (r"carry: group (\d+)", "option", r"NFLOG --nflog-group {1} .*--nflog-size 128$"),
    (r"note: --nflog-range is without effect .*", "lost", r"--nflog-range 64 has no effect"),
]


def migrate(peer, *words, text=None):
    command = [BUILD / "agentctl", "migrate", peer, *(["--", *words] if words else [])]
    where = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
    return subprocess.run(
        command, capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=programs.PATIENCE_S, cwd=CASES, **where
    )


def cases():
    return sorted(CASES.glob("*.expect"))


def migrated(expect):
    """What agentctl migrate makes of the case beside an .expect."""
    (source,) = (path for path in CASES.glob(f"{expect.stem}.*") if path != expect)
    peer = re.match(r"(.*?)-\d", expect.stem)[1]
    text = source.read_text()
    if source.suffix != ".cmd":
        return migrate(peer, text=text)
    words = shlex.split(text, comments=True)[1:]
    return migrate(peer, *words[1 if peer == "ipt_NETFLOW" else 0 :])


def link_field(name, options):
    """The pattern of a collector with the field for a MAC address of nfprobe, and where it stands: v5 has none."""
    if "version=5" in options:
        return "lost", "MAC addresses: NetFlow v5 has no field"
    side = "Source" if name == "src_mac" else "Destination"
    leaves = ",direction=out" in options
    return "option", FIELDS.format(f"post{side}MacAddress" if leaves else f"{side.lower()}MacAddress")


def found(where, pattern, done):
    lines = done.stdout.splitlines()
    options = "\n".join(line for line in lines if not line.startswith("#"))
    comments = "\n".join(line for line in lines if line.startswith("#"))
    if where == "promiscuous":
        on_any = re.search(r"^interface = any\b", options, re.M)
        where, pattern = ("lost", r"promiscuous") if on_any else ("option", r"^interface = .*,promiscuous=on\b")
        if not re.search(r"^interface = ", options, re.M):
            where, pattern = "lost", r"no interface"
    if where == "link":
        where, pattern = link_field(pattern, options)
    if where == "translation" and "version=5" in options:
        where, pattern = "lost", r"natevents=1: NAT events need protocol 9 or 10"
    elif where == "translation":
        where = "option"
    if where == "filter":  # at an interface, or at none, which migrate says
        where, pattern = ("option", pattern) if re.search(r"^(interface|read) = ", options, re.M) else (None, "")
    texts = {None: [""], "option": [options], "comment": [comments], "lost": [comments, done.stderr]}[where]
    return all(re.search(pattern, text, re.M) for text in texts)


def loads(expect, text):
    """The firewall takes converted rules; in a network namespace of its own, where none is left."""
    command = {
        ".rules": ["iptables-restore", "--test"],
        ".nft": ["nft", "--check", "--file", "-"],
    }.get(next(path.suffix for path in CASES.glob(f"{expect.stem}.*") if path != expect))
    if command:
        done = subprocess.run(
            ["unshare", "--net", *command], input=text, capture_output=True, text=True, timeout=programs.PATIENCE_S
        )
        assert done.returncode == DONE, done.stderr + text


@pytest.mark.parametrize("expect", cases(), ids=lambda path: path.stem)
def test_case(expect, directory, flowagent_run):
    done = migrated(expect)
    assert done.returncode == DONE, done.stderr
    for line in expect.read_text().splitlines():
        rows = [(match, *row[1:]) for row in EXPECTED if (match := re.fullmatch(row[0], line))]
        assert rows, f"no row of EXPECTED for: {line}"
        match, where, pattern = rows[0]
        groups = match.groups()
        if where == "kilobytes":
            where, groups = "option", [str(int(groups[0]) * 1024)]
        for number, group in enumerate(groups, 1):
            pattern = pattern.replace(f"{{{number}}}", re.escape(group or ""))
        assert found(where, pattern, done), f"{line}\n{where}: {pattern}\n{done.stdout}{done.stderr}"
    if expect.stem.startswith("rules"):
        loads(expect, done.stdout)
    else:
        file = directory / "flowagent.conf"
        file.write_text(done.stdout)
        shutil.copytree(CASES / "aux", directory / "aux")
        shutil.copy(CASES / "aux" / "small.pcap", directory / "sample.pcap")
        checked = flowagent_run("--check-config", "--config", file, cwd=directory)
        assert checked.returncode == DONE, checked.stderr + done.stdout


@pytest.mark.parametrize(
    ("peer", "words", "status", "message"),
    [
        ("nprobe", ["-i", "eth0"], USAGE, '"nprobe" is not known here; expected fprobe-ulog'),
        ("softflowd", ["-i"], DONE, "-i wants a value"),
        ("softflowd", ["-z", "-i", "eth0"], DONE, "softflowd has no option -z"),
        ("softflowd", ["-i", "eth0\ncontrol = none", "-n", "h:1"], DONE, ""),
        ("softflowd", ["-i", "eth0", "-t", "tcp=0"], DONE, "timeout tcp 0"),
        ("softflowd", ["-i", "eth0", "-s", "many"], DONE, "-s many: expected a number"),
        ("softflowd", ["-i", "eth0", 'tcp[2:2] = "80"'], DONE, "it has double quotes"),
        ("fprobe-ulog", ["-U", "0x2", "h:1"], DONE, "-U 0x2: expected a number"),
        ("fprobe-ulog", ["-X", "eth", "h:1"], DONE, "-X eth: expected BASE:NUMBER"),
        ("fprobe-ulog", ["-t", "0:1", "h:1"], DONE, "-t 0:1: expected BYTES:NANOSECONDS"),
        ("softflowd", ["-i", "eth0", "-C", "40"], DONE, "snaplen of 40: flowagent takes 64 to 65535 bytes; 64 is written"),
        ("fprobe", ["-i", "eth0", "-m", "many", "h:1"], DONE, "-m many: expected a number"),
        ("fprobe-ulog", ["-m", "many", "-B", "x", "h:1"], DONE, "-B x: expected a number"),
        ("fprobe", ["-i", "eth0", "-x", "1:x", "h:1"], DONE, "-x 1:x: expected INPUT[:OUTPUT]"),
        ("fprobe", ["-i", "eth0", "-B", "1"], DONE, "buffer of 1: flowagent takes 65536 to 1073741824 bytes; 65536 is"),
        ("fprobe", ["-i", "eth0", "-B", "99999999999"], DONE, "1073741824 is written"),
        ("uacctd", ["-f", "x"], FAILED, "is read from standard input"),
        ("ipt_NETFLOW", ["protocol=7"], DONE, "the module has 5, 9 and 10"),
        ("ipt_NETFLOW", ["destination"], DONE, '"destination": expected NAME=VALUE'),
        ("ipt_NETFLOW", ["sampler=hash"], DONE, "sampler=hash: expected METHOD:N"),
        ("ipt_NETFLOW", ["colour=1"], DONE, "colour=1: no parameter that is known here"),
        ("fprobe-ulog", ["-e", "9999999", "h:1"], DONE, "active timeout 9999999 s: more than flowagent's longest"),
        ("fprobe-ulog", ["-n", "9", "h:1"], DONE, "-n 9: expected 1, 5 or 7; 5 is taken"),
    ],
)
def test_what_is_wrong_is_said(peer, words, status, message):
    done = migrate(peer, *words)
    assert done.returncode == status
    assert message in done.stderr
    assert "\ncontrol = none" not in done.stdout
    assert once(done.stderr)


OF_NFPROBE = "plugins: nfprobe\nnfprobe_receiver: 192.0.2.1:1\n"


@pytest.mark.parametrize(
    ("peer", "words", "text", "written", "said"),
    [
        ("softflowd", ["-t", "tcp=1D2H", "-t", "udp=1W", "-t", "maxlife=90M"], None, r"tcp=93600s,.*udp=604800s(.|\n)*^active-timeout = 5400s$", ""),
        ("softflowd", ["-t", "general=3000000"], None, "general=2000000s", "general of 3000000 s: flowagent's longest, 2000000 s"),
        ("softflowd", ["-t", "udp=1h30m5"], None, "udp=5405s", ""),
        ("softflowd", ["-t", "udp=5x"], None, "udp=300s", "udp=5x: expected a time such as"),
        ("softflowd", ["-t", "udp=99999w"], None, "udp=300s", "udp=99999w: expected a time such as"),
        ("softflowd", ["-m", "0"], None, "^max-flows = 8192$", "-m 0: expected a number from 1"),
        ("softflowd", ["-m", "300000000"], None, "^max-flows = 268435456$", "flowagent's most, 268435456, is written"),
        ("softflowd", ["-L", "0"], None, "^collector = 192.0.2.1:1,version=5$", "-L 0: expected a number from 1 to 255"),
        ("fprobe", ["-d", "2500000"], None, "tcp.fin=2000000s", "inactive timeout of 2500000 s: flowagent's longest"),
        ("fprobe-ulog", ["-X", "eth:1,lo:"], None, "^if-map = eth:1$", "-X lo:: expected BASE:NUMBER"),
        ("ipt_NETFLOW", ["maxflows=0"], None, r"\A(?!(.|\n)*^max-flows)", ""),
        ("ipt_NETFLOW", ["refresh-rate=0"], None, "^template-refresh = 30m,20$", "refresh_rate=0: expected a number from 1"),
        ("ipt_NETFLOW", ["engine_id=99999999999"], None, "^source-id = 0$", "engine_id=99999999999: expected a number"),
        ("uacctd", [], OF_NFPROBE + "nfprobe_ipprec: 46\n", r",version=10$", "nfprobe_ipprec: 46: expected a number from 0 to 7"),
        ("uacctd", [], OF_NFPROBE + "nfprobe_ipprec: 5\nnfprobe_hoplimit: 9\n", r",ttl=9,dscp=cs5$", ""),
        ("uacctd", [], OF_NFPROBE + "nfprobe_hoplimit: 300\n", r",version=10$", "nfprobe_hoplimit: 300: expected a number from 1 to 255"),
        ("uacctd", [], OF_NFPROBE + "nfprobe_maxflows: 0\n", "^max-flows = 8192$", "nfprobe_maxflows: 0: expected a number from 1"),
        ("uacctd", [], OF_NFPROBE + "uacctd_group: 70000\n", "^nflog = 0$", "uacctd_group: 70000: expected a number from 0 to 65535"),
    ],
)  # fmt: skip
def test_numbers_out_of_bounds(peer, words, text, written, said, tmp_path, flowagent_run):
    """What the peer takes is written, what flowagent has no room for is said: the agent takes what is written."""
    needed = {"softflowd": ["-i", "eth0", "-n", "192.0.2.1:1"], "fprobe": ["-i", "eth0", "192.0.2.1:1"]}
    words = [*needed.get(peer, ["192.0.2.1:1"] if peer == "fprobe-ulog" else []), *words]
    done = migrate(peer, *words, text=text)
    assert done.returncode == DONE
    assert re.search(written, done.stdout, re.M), done.stdout
    assert said in done.stderr and (said or not done.stderr), done.stderr
    file = tmp_path / "flowagent.conf"
    file.write_text(done.stdout)
    checked = flowagent_run("--check-config", "--config", file, cwd=tmp_path)
    assert checked.returncode == DONE, checked.stderr + done.stdout


def once(text):
    """What is wrong is said in one line only: each wrong number of these tests has words of its own."""
    wrong = re.findall(r"(\S+): expected a number", text)
    return len(wrong) == len(set(wrong))


@pytest.mark.parametrize(
    ("numbers", "keys"), [("10:20", ",input=10,output=20"), ("7", ",input=7"), ("0:9", ",output=9"), ("0:0", "")]
)
def test_fixed_numbers(numbers, keys):
    done = migrate("fprobe", "-ieth0", "-p", "-x", numbers, "192.0.2.1:2055")
    assert f"interface = eth0{keys}\n" in done.stdout


def test_fixed_number_of_a_log_group():
    text = "uacctd_group: 5\nplugins: nfprobe[a]\nnfprobe_receiver: h:1\nnfprobe_ifindex: 12\nnfprobe_direction: out\n"
    done = migrate("uacctd", text=text)
    assert re.search(r"^nflog = 5,.*\boutput=12\b", done.stdout, re.M), done.stdout


PLUGINS = "plugins: nfprobe[a], nfprobe[b]\nnfprobe_receiver[a]: h:1\nnfprobe_receiver[b]: h:2\n"
FIRST, SECOND = "nfprobe_ifindex[a]: 12\n", "nfprobe_ifindex[b]: 13\n"
OTHER = "nfprobe_ifindex: 13 of the plugin b"


@pytest.mark.parametrize(
    ("peer", "text", "written", "said"),
    [
        ("uacctd", FIRST + SECOND, r"^nflog = 5,.*\binput=12$", OTHER),
        ("uacctd", FIRST + SECOND + "nfprobe_direction[b]: out\n", r"^nflog = 5,.*\binput=12,output=13\b", None),
        ("uacctd", FIRST + "nfprobe_ifindex[b]: x\n", r"^nflog = 5,.*\binput=12$", "nfprobe_ifindex: x: expected a number"),
        ("uacctd", FIRST + "nfprobe_ifindex[b]: 12\n", r"^nflog = 5,.*\binput=12$", None),
        ("pmacctd", "pcap_interface: eth0\n" + FIRST + SECOND, r"^if-map = eth0=12$", OTHER),
        ("pmacctd", "pcap_interface: eth0\nnfprobe_ifindex: x\n", r"^interface = eth0", "nfprobe_ifindex: x: expected a number"),
        ("pmacctd", "pcap_savefile: a.pcap\n" + SECOND, r"^read = a.pcap", OTHER),
    ],
)
def test_numbers_of_plugins(peer, text, written, said):
    """Each is written, or said."""
    done = migrate(peer, text=("uacctd_group: 5\n" if peer == "uacctd" else "") + PLUGINS + text)
    assert re.search(written, done.stdout, re.M), done.stdout
    found = {line for line in done.stderr.splitlines() if "nfprobe_ifindex" in line}
    assert len(found) == (said is not None) and all(said in line for line in found), found


def test_groups_of_the_mask():
    done = migrate("fprobe-ulog", "-U", "5", "192.0.2.1:2055/192.0.2.9/r")
    assert re.findall(r"^nflog = (\d+)$", done.stdout, re.M) == ["1", "3"]
    assert "collector = 192.0.2.1:2055,version=5,source=192.0.2.9,mode=round-robin\n" in done.stdout


@pytest.mark.parametrize(
    ("peer", "text", "message"),
    [
        ("uacctd", "plugins: nfprobe\nuacctd_group: x\n", "uacctd_group: x: expected a number"),
        ("uacctd", "plugins: nfprobe\nuacctd_nl_size: x\n", "buffer x: expected a number"),
        ("pmacctd", "plugins: nfprobe\nnfprobe_receiver: h:1\n", "no interface"),
        ("pmacctd", "pcap_interfaces_map: none.map\nplugins: nfprobe\n", "none.map"),
        ("softflowd", "OPTIONS\n", '"OPTIONS": expected NAME=VALUE'),
        ("rules", "*filter\nCOMMIT\n", "no rule has the target"),
        ("rules", "-A INPUT -j ULOG --ulog-nlgroup x\n", '"x": expected a number'),
    ],
)
def test_what_is_wrong_in_a_file_is_said(peer, text, message):
    done = migrate(peer, text=text)
    assert done.returncode == DONE
    assert message in done.stderr
    assert once(done.stderr)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("uacctd_group 2\n", '"uacctd_group 2": expected KEY: VALUE'),
        ("plugins: memory\n", "no plugin nfprobe"),
        ("", "no plugin nfprobe"),
    ],
)
def test_what_exports_nothing_is_no_success(text, message):
    """Nobody must take such an output for a configuration that replaces something."""
    done = migrate("uacctd", text=text)
    assert done.returncode == FAILED
    assert message in done.stderr


def test_input_that_is_no_text():
    done = migrate("rules", text="-A INPUT\0 -j ULOG\n")
    assert done.returncode == FAILED
    assert "it has a zero byte" in done.stderr


def test_two_sets_of_timeouts_need_two_agents():
    text = "plugins: nfprobe[a],nfprobe[b]\nnfprobe_receiver[a]: h:1\nnfprobe_receiver[b]: h:2\n"
    done = migrate("uacctd", text=text + "nfprobe_timeouts[b]: tcp=5\n")
    assert "nfprobe_timeouts of b: two sets of timeouts need two agents" in done.stderr
    assert re.findall(r"^collector = (h:\d)", done.stdout, re.M) == ["h:1", "h:2"]


@pytest.mark.parametrize(
    ("key", "one", "other", "message"),
    [
        ("aggregate", "src_host", "dst_host,proto", "two flow keys"),
        ("nfprobe_engine", "1", "2", "two source ids"),
        ("sampling_rate", "10", "20", "two sampling rates"),
        ("networks_file", "/a", "/b", "two files of networks"),
    ],
)
def test_what_two_plugins_have_for_themselves(key, one, other, message):
    """pmacct's keys may name a plugin. The first plugin's value is taken, and another one's is no silent loss."""
    text = "uacctd_group: 5\nplugins: nfprobe[a],nfprobe[b]\nnfprobe_receiver[a]: h:1\nnfprobe_receiver[b]: h:2\n"
    done = migrate("uacctd", text=f"{text}{key}[a]: {one}\n{key}[b]: {other}\n")
    assert f"{key} of b: {message} need two agents (flowagent@)" in done.stderr
    alone = migrate("uacctd", text=f"{text}{key}: {one}\n")
    assert done.stdout.count("need two agents") == 1 and "need two agents" not in alone.stdout
    assert [line for line in done.stdout.splitlines() if not line.startswith("#")] == [
        line for line in alone.stdout.splitlines() if not line.startswith("#")
    ]


@pytest.mark.parametrize(
    ("aggregate", "version", "side", "names"),
    [
        ("src_host, src_mac", "9", "", "sourceMacAddress"),
        ("src_host,dst_mac", "10", "in", "destinationMacAddress"),
        ("src_mac,dst_mac,dst_host", "10", "out", "postSourceMacAddress+postDestinationMacAddress"),
        ("src_host,proto", "10", "", None),
        ("src_host,src_mac", "5", "", None),
    ],
)
def test_mac_addresses_of_nfprobe(aggregate, version, side, names):
    """nfprobe sends 56 and 80, and with direction out 81 and 57."""
    text = f"aggregate[a]: {aggregate}\nnfprobe_version: {version}\nnfprobe_receiver: h:1\nplugins: nfprobe[a]\n"
    done = migrate("pmacctd", text=text + "pcap_interface: e\n" + (f"nfprobe_direction: {side}\n" if side else ""))
    assert re.findall(r"^collector = .*,fields=(.*)$", done.stdout, re.M) == ([f"default+{names}"] if names else [])
    assert ("MAC addresses: NetFlow v5 has no field" in done.stderr) == (version == "5")


@pytest.mark.parametrize(
    ("words", "fields", "message"),
    [
        ("aggr dir mac nel\noptions ipt_NETFLOW protocol=9", "sourceMacAddress+destinationMacAddress", ""),
        (
            "mac\nnet.netflow.protocol=10\nnet.netflow.natevents = 1",
            "postNATSourceIPv4Address+postNATDestinationIPv4Address+postNAPTSourceTransportPort"
            "+postNAPTDestinationTransportPort+sourceMacAddress+destinationMacAddress",
            "",
        ),
        ("mac vlan\noptions ipt_NETFLOW protocol=5", None, "NetFlow v5 has no field"),
        ("macro\noptions ipt_NETFLOW protocol=9", None, ""),
    ],
)
def test_what_ipt_netflow_was_built_with(words, fields, message):
    done = migrate("ipt_NETFLOW", text=f"ipt_NETFLOW 2.6, srcversion 0123456789ABCDEF01234567; {words}\n")
    expected = [f"default+{fields}"] if fields else []
    assert re.findall(r"^collector = .*,fields=([^,\n]*)", done.stdout, re.M) == expected
    assert message in done.stderr and "if the module was built" not in done.stdout


def test_a_rule_that_is_converted_keeps_what_follows():
    rules = "-A INPUT -j ULOG --ulog-qthreshold 50 -m comment --comment \"a -j b\"\n-A INPUT -j NETFLOW -i eth0\n"
    done = migrate("rules", text=rules)
    assert done.stdout.splitlines()[:2] == [
        '-A INPUT -j NFLOG --nflog-group 1 --nflog-size 128 -m comment --comment "a -j b"',
        "-A INPUT -j NFLOG --nflog-group 40 --nflog-size 128 -i eth0",
    ]
    nft = migrate("rules", text='counter packets 1 bytes 2 xt target "NETFLOW" comment "x"\n')
    assert nft.stdout.splitlines()[0] == 'counter packets 1 bytes 2 log group 40 snaplen 128 comment "x"'


def flows_of(listen, packets, run):
    """{key: (packets, bytes)} of what run(HOST:PORT) exports. ToS and VLAN are not in every key; what
    is not in the key is left out by flowagent and zero in softflowd's records."""
    listener = listen()
    run(listener.host_port)
    listener.wait_until(lambda: listener.flows().packets() >= packets, f"{packets} packets")
    listener.stop()
    counters = listener.flows().counters("tos", "vlan")
    return {tuple(part or 0 for part in key): sums for key, sums in counters.items()}


def run_program(directory, *command, endings=(DONE,)):
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=directory, timeout=programs.PATIENCE_S, stdin=subprocess.DEVNULL
    )
    assert done.returncode in endings, done.stdout + done.stderr


def run_migrated(directory, done):
    file = directory / "migrated.conf"
    file.write_text(done.stdout)
    run_program(directory, BUILD / "flowagent", "--config", file, "--control", "none")


@pytest.mark.parametrize("level", ("full", "proto", "ip"))
def test_same_flows_as_softflowd(level, listen, directory):
    """40 packets, 1420 bytes: same keys, same sums."""
    words = ["-r", str(CAPTURE), "-v", "9", "-A", "milli", "-T", level, "-t", "maxlife=1h", "-d"]
    paths = ["-c", "none", "-p", str(directory / "softflowd.pid")]

    def peer(address):
        run_program(directory, "softflowd", *words, *paths, "-n", address)

    def agent(address):
        run_migrated(directory, migrate("softflowd", *words, *paths, "-n", address))

    expected = flows_of(listen, 40, peer)
    assert sum(octets for _, octets in expected.values()) == 1420
    assert flows_of(listen, 40, agent) == expected


def test_same_flows_as_pmacctd(listen, directory):
    """At the end of a file pmacctd stops its plugin, and ends with 1 when it meets the plugin's closed
    pipe first; its flows are out by then, and flows_of() waits for them."""
    text = (
        f"daemonize: false\npcap_savefile: {CAPTURE}\nplugins: nfprobe\nnfprobe_version: 9\n"
        "nfprobe_receiver: RECEIVER\naggregate: src_host, dst_host, src_port, dst_port, proto, tos\n"
    )

    def peer(address):
        file = directory / "pmacctd.conf"
        file.write_text(text.replace("RECEIVER", address))
        run_program(directory, "pmacctd", "-f", file, endings=(DONE, FAILED))

    def agent(address):
        run_migrated(directory, migrate("pmacctd", text=text.replace("RECEIVER", address)))

    expected = flows_of(listen, 40, peer)
    assert sum(octets for _, octets in expected.values()) == 1420
    assert flows_of(listen, 40, agent) == expected


def test_same_flows_as_uacctd(hosts, listen, flowagent, directory):
    """Both read the same packets, each from a group of its own."""
    listeners = [listen(host=hosts.server) for _ in range(2)]
    conf = (
        "daemonize: false\nuacctd_group: {}\nuacctd_nl_size: 2097152\nsnaplen: 128\nplugins: nfprobe\n"
        "nfprobe_version: 9\nnfprobe_receiver: {}\naggregate: src_host,dst_host,src_port,dst_port,proto,tos\n"
    )
    texts = [conf.format(2 + i, listener.host_port) for i, listener in enumerate(listeners)]
    (directory / "uacctd.conf").write_text(texts[0])
    (directory / "migrated.conf").write_text(migrate("uacctd", text=texts[1]).stdout)
    command = ["uacctd", "-f", directory / "uacctd.conf"]
    peer = programs.Program("uacctd", command, directory, hosts.server, signal.SIGINT)
    agent = flowagent("--config", directory / "migrated.conf", host=hosts.server)
    try:
        agent.wait_for_group(3)
        peer.wait_until(lambda: re.search(r"^ *2 ", hosts.server.read("netfilter/nfnetlink_log"), re.M), "group 2")
        for hook, name in ("prerouting", "iifname"), ("postrouting", "oifname"):
            hosts.server.run("nft", "add table inet probe")
            hosts.server.run("nft", f"add chain inet probe {hook} {{ type filter hook {hook} priority 0; }}")
            for group in 2, 3:
                rule = f"{name} eth0 meta l4proto udp log group {group} snaplen 128"
                hosts.server.run("nft", f"add rule inet probe {hook} {rule}")
        sent = FlowTable()
        for server, remote, tos in zip(Hosts.SERVER, Hosts.REMOTE, (0, 0xB8)):
            traffic.udp_dialogue((hosts.server, server), (hosts.internet, remote), sent, 20, 40, 200, tos=tos)
        assert agent.stop() == 0, agent.errors
    finally:
        peer.stop()
    for listener in listeners:
        listener.wait_until(lambda one=listener: one.flows().packets() >= 80, "80 packets")
        listener.stop()
    theirs, ours = [listener.flows() for listener in listeners]
    assert ours.counters() == sent.counters()
    assert ours.counters("tos") == theirs.counters("tos")  # pmacct 1.7.7 has no traffic class of IPv6
