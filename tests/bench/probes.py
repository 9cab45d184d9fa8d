"""The probes that are measured: how each is started on a file, an NFLOG group or a device, and stopped.

A probe is a class with a name and the methods file(), nflog(), device(), each returning the command line for
what it supports, or None. All send NetFlow v9 to a sink, except nfpcapd, which writes files, and the floors.
"""

import json
import os
import re
import signal
import subprocess

from helpers import FLOWAGENT, helper, run

FLOWS_MAX = 8388608


class Probe:
    name = ""
    stop_signal = signal.SIGTERM
    has_sink = True

    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return self.directory / f"{self.name}-{name}"

    def file(self, capture, sink, flows):
        return None

    def nflog(self, group, sink):
        return None

    def device(self, device, sink):
        return None

    def stop(self, process, pid):
        """Ask it to export everything and end."""
        process.process.send_signal(self.stop_signal)

    def counted(self, sink, output):
        """packets, bytes, flows that it has put out."""
        return {name: sink[name] for name in ("packets", "bytes", "flows")}

    def reported_loss(self, output):
        """Packets that it says the kernel has lost; None if it says nothing."""
        return None


class Flowagent(Probe):
    name = "flowagent"

    def command(self, sink, flows, *source):
        collector = ["--collector", sink.address] if sink else []
        return [
            FLOWAGENT,
            "--control",
            "none",
            "--user",
            "root",
            "--max-flows",
            flows,
            "--log-level",
            "error",
            "--summary",
            self.path("summary"),
            *source,
            *collector,
        ]

    def file(self, capture, sink, flows):
        return self.command(sink, flows, "--export-rate", "0", "--read", capture)

    def nflog(self, group, sink):
        return self.command(sink, 131072, "--nflog", group)

    def device(self, device, sink):
        return self.command(sink, 131072, "--interface", device)

    def summary(self):
        return json.loads(self.path("summary").read_text())

    def reported_loss(self, output):
        return self.summary()["packets_lost_kernel"]


class FlowagentPcap(Flowagent):
    """With a filter that the ring of its own does not take: libpcap reads."""

    name = "flowagent-pcap"

    def device(self, device, sink):
        return self.command(sink, 131072, "--interface", f'{device},filter="udp dst port 9 or vlan 4000"')


class Softflowd(Probe):
    name = "softflowd"

    def command(self, sink, control, *more):
        # Without a socket a file ends it; in the foreground only softflowctl makes it export at the end.
        return [
            "softflowd",
            "-d",
            "-c",
            control,
            "-p",
            self.path("pid"),
            "-v",
            "9",
            "-m",
            FLOWS_MAX,
            "-n",
            sink.address,
            *more,
        ]

    def file(self, capture, sink, flows):
        return self.command(sink, "none", "-r", capture)

    def device(self, device, sink):
        return self.command(sink, self.path("control"), "-i", device, "udp dst port 9")

    def stop(self, process, pid):
        run("softflowctl", "-c", self.path("control"), "shutdown")


class Nfpcapd(Probe):
    name = "nfpcapd"
    stop_signal = signal.SIGINT
    has_sink = False

    def command(self, *source):
        files = self.path("files")
        files.mkdir(exist_ok=True)
        for old in files.iterdir():
            old.unlink()
        return ["nfpcapd", "-w", files, "-B", 1048576, *source]

    def file(self, capture, sink, flows):
        return self.command("-r", capture)

    def device(self, device, sink):
        return self.command("-i", device, "udp dst port 9")

    def counted(self, sink, output):
        """From its files. Flows are its own: each question to port 53 is one."""
        text = run("nfdump", "-q", "-R", self.path("files"), "-I")
        found = dict(re.findall(r"^(\w+): (\d+)$", text, re.MULTILINE))
        return {name: int(found.get(name.capitalize(), 0)) for name in ("packets", "bytes", "flows")}


class Pmacct(Probe):
    """pmacctd and uacctd with nfprobe, tuned: large netlink buffer, batches, and a large pipe."""

    name = "pmacct"
    stop_signal = signal.SIGINT
    CONFIG = """
daemonize: false
snaplen: 128
plugins: nfprobe
aggregate: src_host, dst_host, src_port, dst_port, proto, tos
nfprobe_receiver: {receiver}
nfprobe_version: 9
nfprobe_maxflows: 2097152
nfprobe_timeouts: tcp=15:tcp.rst=15:tcp.fin=15:udp=15:icmp=15:general=15:maxlife=60
plugin_pipe_size: 268435456
plugin_buffer_size: 102400
"""

    def command(self, program, sink, more):
        config = self.path("conf")
        config.write_text(self.CONFIG.format(receiver=sink.address) + more)
        return [program, "-f", config]

    def file(self, capture, sink, flows):
        return self.command("pmacctd", sink, f"pcap_savefile: {capture}\n")

    def nflog(self, group, sink):
        return self.command(
            "uacctd", sink, f"uacctd_group: {group}\nuacctd_nl_size: 4194304\nuacctd_threshold: 1000\n"
        )

    def device(self, device, sink):
        return self.command("pmacctd", sink, f"pcap_interface: {device}\npcap_filter: udp dst port 9\n")

    def stop(self, process, pid):
        # To the core process, which then tells its plugin.
        os.kill(pid, self.stop_signal)


class Floor(Probe):
    """The bare table and the bare reader: what cannot be saved."""

    name = "floor"
    has_sink = False

    def file(self, capture, sink, flows):
        return [helper("flow_floor"), capture, flows]

    def nflog(self, group, sink):
        return [helper("nflog_reader"), group]

    def result(self, output):
        return json.loads(output.strip().splitlines()[-1])

    def counted(self, sink, output):
        result = self.result(output)
        return {name: result[name] for name in ("packets", "bytes", "flows") if name in result}

    def reported_loss(self, output):
        return self.result(output)["lost"]


def installed(package):
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True
    )
    return status.stdout == "installed"


def install_peers():
    """The peers and the plotter from Debian. Their services are not started."""
    wanted = [
        package
        for package in ("softflowd", "pmacct", "nfdump", "gnuplot-nox", "nftables", "valgrind")
        if not installed(package)
    ]
    if wanted:
        policy = "/usr/sbin/policy-rc.d"
        is_ours = not os.path.exists(policy)
        if is_ours:
            with open(policy, "w") as file:
                file.write("#!/bin/sh\nexit 101\n")
            os.chmod(policy, 0o755)
        apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            run(*apt, "update", env=environment)
            run(*apt, "install", "--no-install-recommends", *wanted, env=environment)
        finally:
            if is_ours:
                os.unlink(policy)
