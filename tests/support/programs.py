"""The programs of the end-to-end tests: flowagent, agentctl, nfacctd, nfcapd, tcpdump, tshark.

Each is started on a host (a Namespace, or None for the machine itself), waited for until it is
ready, and stopped by its own process id.
"""

import collections
import ipaddress
import json
import os
import re
import signal
import subprocess
from datetime import datetime
from pathlib import Path

from flows import ICMPV6, FlowKey, FlowTable, canonical_address
from pcap_reader import read_packets
from waiting import PATIENCE_S, wait_until

ENVIRONMENT = {
    **os.environ,
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    # A finding of a sanitizer must not look like one of our own exit statuses.
    "ASAN_OPTIONS": "exitcode=99:detect_stack_use_after_return=0",
    "LSAN_OPTIONS": "exitcode=99",
    "UBSAN_OPTIONS": "exitcode=99:halt_on_error=1:print_stacktrace=1",
}


def command_on(host, arguments):
    arguments = [str(argument) for argument in arguments]
    return host.command(*arguments) if host else arguments


class Program:
    """A program in the background, its output in two files of 'directory'."""

    def __init__(
        self, name, arguments, directory, host=None, stop_signal=signal.SIGTERM, **options
    ):
        self.name = name
        self.stop_signal = stop_signal
        self._out = Path(directory) / f"{name}.out"
        self._err = Path(directory) / f"{name}.err"
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self.process = subprocess.Popen(
                command_on(host, arguments),
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=out,
                stderr=err,
                env={**ENVIRONMENT, **options.pop("environment", {})},
                **options,
            )
        self.pid = self.process.pid

    @property
    def output(self):
        return self._out.read_text(errors="replace")

    @property
    def errors(self):
        return self._err.read_text(errors="replace")

    def wait_until(self, condition, what, timeout_s=PATIENCE_S):
        """wait_until() that gives up at once when the program has ended. Returns the value."""

        def check():
            value = condition()
            if value:
                return value
            status = self.process.poll()
            if status is not None:
                raise AssertionError(f"{self.name} ended with {status}: {self.errors}")
            return False

        return wait_until(check, f"{self.name}: {what}", timeout_s)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout_s=PATIENCE_S):
        """Exit status, once it has ended."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} did not end within {timeout_s} s: {self.errors}"
            ) from None

    def stop(self):
        """Ask it to end; returns its exit status."""
        if self.process.poll() is None:
            self.signal(self.stop_signal)
        return self.wait()

    def kill(self):
        """Last resort and SIGKILL test; harmless when it has ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Flowagent(Program):
    """The daemon. Options are the command line; a summary is added, and a control socket when live.

    control: socket of an earlier agent, whose instance this one goes on with.
    wrapper: words before the command.
    """

    count = 0

    def __init__(
        self, binary, options, directory, host=None, control=None, wrapper=(), **popen_options
    ):
        Flowagent.count += 1
        name = f"flowagent-{Flowagent.count}"
        self.host = host
        self.control = control or Path(directory) / f"{name}.sock"
        self._summary = Path(directory) / f"{name}.json"
        arguments = [*wrapper, binary, *options, "--summary", self._summary]
        if not {"-r", "--read"} & set(options):
            arguments += ["--control", self.control]
        super().__init__(name, arguments, directory, host, **popen_options)

    def wait_for_group(self, group=40):
        """Until it reads the NFLOG group: packets from now on are its own."""

        def is_bound():
            lines = self.host.read("netfilter/nfnetlink_log").splitlines()
            return any(int(line.split()[0]) == group for line in lines)

        self.wait_until(is_bound, f"group {group} read")
        self.wait_for_control()

    def wait_for_capture(self):
        """Until a packet socket is open on its host."""
        self.wait_until(lambda: len(self.host.read("packet").splitlines()) > 1, "packet socket")
        self.wait_for_control()

    def wait_for_control(self):
        self.wait_until(self.control.is_socket, "control socket")

    def summary(self):
        """What --summary wrote, after the end."""
        return json.loads(self._summary.read_text())


def nobody(group):
    return ["setpriv", "--reuid", "65534", "--regid", str(group), "--clear-groups"]


class Agentctl:
    """The tool, talking to one agent."""

    def __init__(self, binary, agent):
        self.binary = binary
        self.agent = agent

    def run(self, *arguments, prefix=(), timeout_s=PATIENCE_S, **options):
        """CompletedProcess with text output; never fails by itself."""
        command = [*prefix, self.binary, "-s", self.agent.control, *arguments]
        return subprocess.run(
            command_on(self.agent.host, command),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            timeout=timeout_s,
            **options,
        )

    def rows(self, *arguments):
        """Output of 'agentctl -J ARGUMENTS' as a list of objects; its status must be 0."""
        done = self.run("-J", *arguments)
        assert done.returncode == 0, f"agentctl {arguments}: {done.returncode}: {done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def statistics(self):
        (row,) = self.rows("show", "stats")
        return row


class Listen(Program):
    """agentctl -J listen; its rows after the end. It ends by Ctrl-C, or as its options say."""

    count = 0

    def __init__(self, binary, directory, *options, host=None, address="127.0.0.1", port=0):
        Listen.count += 1
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        command = [binary, "-J", "listen", place, *options]
        super().__init__(f"listen-{Listen.count}", command, directory, host, signal.SIGINT)
        found = self.wait_until(
            lambda: re.search(r"listening on (\S+:(\d+)),", self.errors), "it listens"
        )
        self.host_port, self.port = found.group(1), int(found.group(2))

    def rows(self, kind):
        lines = self.output.splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [row for row in rows if row["kind"] == kind]

    def findings(self):
        """{name: how often}, of all exporters; after the end."""
        sums = collections.Counter()
        for stream in self.rows("stream"):
            sums.update(stream["findings"])
        return dict(sums)

    def wait_for_flows(self, count):
        self.wait_until(lambda: len(self.rows("flow")) >= count, f"{count} flows")

    def flows(self):
        """FlowTable of what came."""
        table = FlowTable()
        for row in self.rows("flow"):
            key = FlowKey(
                canonical_address(row["src"]),
                canonical_address(row["dst"]),
                row["proto"],
                row["src_port"],
                row["dst_port"],
                row["tos"],
            )
            times = (row["start_unix_ms"], row["end_unix_ms"])
            table.add(key, row["packets"], row["bytes"], row["tcp_flags"] or 0, *times)
        return table


NFACCTD_CONFIG = """\
daemonize: false
logfile: {log}
{address}
nfacctd_port: {port}
nfacctd_disable_checks: false
nfacctd_disable_sanity_checks: false
nfacctd_as: {as_from}
nfacctd_net: {net_from}
{networks}
plugins: memory[asns]
imt_path[asns]: {pipe}
imt_mem_pools_number[asns]: 0
plugin_pipe_size[asns]: 33554432
aggregate[asns]: {aggregate}
"""
NFACCTD_GROUP = "nfacctd_ip: {any}\nnfacctd_mcast_groups: {group}"
PMACCT_AGGREGATE = "src_as, dst_as, src_host, dst_host, src_port, dst_port, proto, flows"
# What pmacct -s prints above its rows, for this aggregate.
PMACCT_HEADER = "SRC_AS DST_AS SRC_IP DST_IP SRC_PORT DST_PORT PROTOCOL PACKETS FLOWS BYTES"
PMACCT_TRIES = 10
PMACCT_SUMS = {"packets", "bytes", "flows", "tcp_flags", "stamp_updated", "timestamp_max", "timestamp_end"}
PMACCT_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": ICMPV6, "icmp6": ICMPV6}


def _keys_of(rows):
    """What names the rows of a pmacct table, without the sums."""
    return {frozenset((name, value) for name, value in row.items() if name not in PMACCT_SUMS) for row in rows}


class Nfacctd(Program):
    """pmacct's collector with the memory plugin and, if given, a networks_file.

    table() and flows() are for its usual aggregate, rows() for any. networks: its nfacctd_net.

    SIGINT, because it ignores SIGTERM until the next packet.
    """

    def __init__(
        self, directory, address, port, host, networks_file=None, options="", aggregate=PMACCT_AGGREGATE,
        networks=None,
    ):
        directory = Path(directory)
        self.host = host
        name = f"nfacctd-{port}"
        self.pipe = directory / f"{name}.pipe"
        self.log = directory / f"{name}.log"
        self.log.unlink(missing_ok=True)  # of one before it, which has said that it listens
        config = directory / f"{name}.conf"
        config.write_text(
            NFACCTD_CONFIG.format(
                log=self.log,
                address=NFACCTD_GROUP.format(any="::" if ":" in address else "0.0.0.0", group=address)
                if ipaddress.ip_address(address).is_multicast
                else f"nfacctd_ip: {address}",
                port=port,
                pipe=self.pipe,
                as_from="file" if networks_file else "netflow",
                net_from=networks or ("file" if networks_file else "netflow"),
                networks=f"networks_file: {networks_file}" if networks_file else "",
                aggregate=aggregate,
            )
            + options
        )
        super().__init__(name, ["nfacctd", "-f", config], directory, host, signal.SIGINT)
        self.wait_until(
            lambda: "waiting for NetFlow" in self.log_text()
            and "waiting for data on" in self.log_text(),
            "it listens",
        )

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _ask(self, *options):
        done = subprocess.run(
            command_on(self.host, ["pmacct", "-s", "-p", self.pipe, *options]),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return done.stdout.splitlines()

    def _rows(self):
        return [json.loads(line) for line in self._ask("-O", "json") if line.startswith("{")]

    def rows(self):
        """Rows of its table by name: {"packets": 2, ...}. Rubbish, as in table(), is in one answer and not
        in the next: what a table has stays there, but for the sums."""
        rows = self._rows()
        for _ in range(PMACCT_TRIES):
            again = self._rows()
            if _keys_of(rows) <= _keys_of(again):
                return rows
            rows = again
        raise AssertionError(f"pmacct -s -O json printed rubbish {PMACCT_TRIES} times in a row: {rows}")

    def table(self):
        """Lines of the table that the operator sees.

        On a busy machine the client of pmacct 1.7.7 prints a row from its own memory now and then (9
        of 1,500 answers): it has AS numbers and no address. Such an answer is asked for again.
        """
        for _ in range(PMACCT_TRIES):
            lines = self._ask()
            rows = [row for row in map(str.split, lines) if len(row) == 10]
            if not any(row[0] != "0" and row[2] == "0" for row in rows):
                return lines
        raise AssertionError(f"pmacct -s printed rubbish {PMACCT_TRIES} times in a row: {lines}")

    def flows(self):
        """(FlowTable, {key: (source AS, destination AS)}, sum of FLOWS) of that table."""
        lines = self.table()
        assert lines, "pmacct -s printed nothing"
        assert " ".join(lines[0].split()) == PMACCT_HEADER
        table, as_numbers, flow_count = FlowTable(), {}, 0
        for line in lines[1:]:
            columns = line.split()
            if len(columns) != 10:  # "For a total of: N entries"
                continue
            key = FlowKey(
                canonical_address(columns[2]),
                canonical_address(columns[3]),
                PMACCT_PROTOCOLS.get(columns[6]) or int(columns[6]),
                int(columns[4]),
                int(columns[5]),
            )
            table.add(key, int(columns[7]), int(columns[9]))
            as_numbers[key] = (int(columns[0]), int(columns[1]))
            flow_count += int(columns[8])
        return table, as_numbers, flow_count

    def wait_for_packets(self, count):
        """Until its table holds as many packets: its plugin works behind its collector."""

        def has_them():
            lines = self.table()
            return len(lines) > 1 and self.flows()[0].packets() >= count

        self.wait_until(has_them, f"{count} packets in its table")


class Nfcapd(Program):
    """nfdump's collector; flows() after stop()."""

    def __init__(self, directory, address, port, host):
        self.host = host
        self.directory = Path(directory) / f"nfcapd-{port}"
        self.directory.mkdir()
        bind = "-J" if ipaddress.ip_address(address).is_multicast else "-b"
        options = ["-w", self.directory, bind, address, "-p", port, "-t", 3600, "-B", 4000000]
        super().__init__(f"nfcapd-{port}", ["nfcapd", *options], directory, host)
        self._socket = re.compile(rf":{port:04X} \S+ \S+ \S+:(\S+)")
        self.wait_until(lambda: self._unread() is not None, "it listens")

    def _unread(self):
        """Bytes in its socket, None without one."""
        found = self._socket.search(self.host.read("udp") + self.host.read("udp6"))
        return int(found.group(1), 16) if found else None

    def stop(self):
        self.wait_until(lambda: self._unread() == 0, "its socket empty")
        status = super().stop()
        assert status == 0, self.errors
        return status

    def version(self):
        """(1, 7, 1) of nfcapd."""
        text = subprocess.run(["nfcapd", "-V"], capture_output=True, text=True, check=True).stdout
        return tuple(map(int, re.search(r"(\d+)\.(\d+)\.(\d+)", text).groups()))

    def nfdump(self, *options):
        done = subprocess.run(
            ["nfdump", "-R", self.directory, *options],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=PATIENCE_S,
            check=True,
        )
        return done.stdout

    def flows(self):
        """FlowTable of what nfdump reads back, with TCP flags and times."""
        table = FlowTable()
        for row in json.loads(self.nfdump("-o", "json")):
            icmp_port = row.get("icmp_type", 0) * 256 + row.get("icmp_code", 0)
            key = FlowKey(
                canonical_address(row.get("src4_addr") or row["src6_addr"]),
                canonical_address(row.get("dst4_addr") or row["dst6_addr"]),
                row["proto"],
                row.get("src_port", 0),
                row.get("dst_port", icmp_port),
                row["src_tos"],
            )
            flags = _flags(row.get("tcp_flags", ""))
            times = (_unix_ms(row["first"]), _unix_ms(row["last"]))
            table.add(key, row["in_packets"], row["in_bytes"], flags, *times)
            if row.get("out_packets"):  # of a biflow; flags and times are those of one direction
                reverse = key._replace(
                    source=key.destination,
                    destination=key.source,
                    source_port=key.destination_port,
                    destination_port=key.source_port,
                )
                table.add(reverse, row["out_packets"], row["out_bytes"])
        return table


def _unix_ms(text):
    """nfdump's "2026-11-22T21:03:33.741", in the time zone of ENVIRONMENT."""
    time = datetime.fromisoformat(text + "+00:00")
    return round(time.timestamp() * 1000)


def _flags(text):
    """nfdump's "...AP.S." -> TCP flags."""
    return sum(bit for letter, bit in zip(text, (128, 64, 32, 16, 8, 4, 2, 1)) if letter != ".")


class Tcpdump(Program):
    """Capture on one device into a file. packets() can be read while it runs."""

    count = 0

    def __init__(self, directory, host, device, *filter_words, snap_length=0):
        Tcpdump.count += 1
        name = f"tcpdump-{Tcpdump.count}"
        self.path = Path(directory) / f"{name}.pcap"
        options = ["-Z", "root", "-n", "-U", "--immediate-mode", "-B", 65536, "-s", snap_length]
        command = ["tcpdump", "-i", device, *options, "-w", self.path, *filter_words]
        super().__init__(name, command, directory, host, signal.SIGINT)
        self.wait_until(lambda: "listening on" in self.errors, "it listens")

    def stop(self):
        status = super().stop()
        dropped = re.search(r"(\d+) packets dropped by kernel", self.errors)
        assert dropped and dropped.group(1) == "0", self.errors
        return status

    def packets(self):
        """All that it has written; [] while the last one is being written."""
        try:
            return read_packets(self.path)
        except ValueError:
            return []


# A remark on the port that the kernel happened to give the sender, not on what was sent.
TSHARK_CHAT = re.compile(r"\tPossible traceroute: hop #\d+, attempt #\d+\t(?!.*malformed).*:cflow$")


def tshark_fields(path, port, fields, *more):
    """What tshark prints of these fields, a line for each packet of a capture file."""
    shown = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-d", f"udp.port=={port},cflow", *more, "-T", "fields", *shown],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout


def tshark_complaints(path, port):
    """What tshark finds wrong with the NetFlow datagrams in a capture file: lines, best none."""
    fields = ("frame.number", "_ws.expert.message", "frame.protocols")
    wrong = f"udp.port=={port} && (_ws.malformed || _ws.expert || !cflow)"
    lines = tshark_fields(path, port, fields, "-Y", wrong).splitlines()
    return [line for line in lines if not TSHARK_CHAT.search(line)]


def tshark_values(path, port, field):
    """All values of a number that tshark decodes in a capture file."""
    text = tshark_fields(path, port, [field], "-Y", f"udp.port=={port}")
    return list(map(int, re.findall(r"\d+", text)))


def tshark_record_count(path, port):
    """How many data records tshark decodes in a capture file."""
    return len(re.findall(r"\d+", tshark_fields(path, port, ["cflow.packets"])))
