"""Packets as they come, in a network namespace of our own: NFLOG, packet sockets, overload, start-up.

The packet path runs on processor 0, the probe on processor 1. Everything counts against the counter of the
rule: that is what the kernel has seen.
"""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import time

from helpers import Background, BenchError, Sink, helper, run, wait_until
from offline import account, memory_kib
from probes import Floor, Flowagent, FlowagentPcap, Nfpcapd, Pmacct, Softflowd

GROUP = 40
RULES = """
table ip bench {{
	counter seen {{
	}}
	chain seen {{
		counter name seen {log}
		drop
	}}
	chain in {{
		type filter hook prerouting priority raw
		ip daddr 198.51.100.1 jump seen
	}}
}}
"""
FLOWS = 10000


class Host:
    """A namespace with the loopback device and one rule."""

    def __init__(self, log):
        self.name = f"bench{os.getpid()}"
        run("ip", "netns", "add", self.name)
        self.prefix = ["nsenter", f"--net=/run/netns/{self.name}", "--"]
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run(*self.prefix, "nft", "-f", "-", input=RULES.format(log=log))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)

    def on(self, processor):
        return [*self.prefix, "taskset", "--cpu-list", str(processor)]

    def seen(self):
        """Packets that the rule has counted since the last question."""
        text = run(*self.prefix, "nft", "-j", "reset", "counters")
        return next(item["counter"]["packets"] for item in json.loads(text)["nftables"] if "counter" in item)

    def has_reader(self):
        text = run(*self.prefix, "cat", "/proc/net/netfilter/nfnetlink_log")
        return any(line.split()[0] == str(GROUP) for line in text.splitlines())

    def has_tap(self):
        return len(run(*self.prefix, "cat", "/proc/net/packet").splitlines()) > 1

    def flood(self, packets, rate, flows=FLOWS):
        return json.loads(run(*self.on(0), helper("flood"), flows, packets, rate, timeout=300))

    def inject(self, packets, flows=FLOWS):
        return json.loads(run(*self.on(0), helper("inject"), flows, packets, timeout=300))


def send(host, packets, rate):
    return host.inject(packets) if rate == "most" else host.flood(packets, rate)


def measure(host, probe, directory, packets, rate, source="nflog", pause_s=0):
    """One probe, from its start to its end, and packets at a rate in between.

    pause_s: hold the probe's first process for so long while packets come, so that queues overflow.
    """
    host.seen()
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink(directory, host.on(0))) if probe.has_sink else None
        command = probe.nflog(GROUP, sink) if source == "nflog" else probe.device("lo", sink)
        process, out = account(probe, command, directory, host.on(1))
        stack.enter_context(process)
        ready = host.has_reader if source == "nflog" else host.has_tap
        process.wait_for(ready, f"{probe.name} to read")
        time.sleep(0.5)  # peers bind before all of them is ready
        pid = json.loads(out.read_text())["pid"]
        if pause_s:
            sent = send_while_held(host, packets, pid, pause_s)
        else:
            sent = send(host, packets, rate)
        # The kernel's last batch leaves its queue after 0.1 s.
        time.sleep(1.0)
        probe.stop(process, pid)
        process.wait(120)
        used = json.loads(out.read_text())
        got = sink.result() if sink else {}
        counted = probe.counted(got, process.output)
        seen = host.seen() if source == "nflog" else sent["packets"]
        return {
            "kpps": sent["packets"] / sent["seconds"] / 1000,
            "path_ns": sent["cpu_ns"],
            "seen": seen,
            "counted": counted,
            "lost": seen - counted["packets"],
            "reported": probe.reported_loss(process.output),
            "user_ns": used["user"] * 1e9 / seen,
            "system_ns": used["system"] * 1e9 / seen,
            "cpu_ns": (used["user"] + used["system"]) * 1e9 / seen,
        }


def send_while_held(host, packets, pid, pause_s):
    os.kill(pid, signal.SIGSTOP)
    try:
        with Background([*host.on(0), helper("inject"), FLOWS, packets], "/dev/null") as sender:
            start = time.monotonic()
            time.sleep(pause_s)
            os.kill(pid, signal.SIGCONT)
            sender.wait(300)
            seconds = time.monotonic() - start
    finally:
        os.kill(pid, signal.SIGCONT)
    return {"packets": packets, "seconds": seconds, "cpu_ns": 0}


def merge(runs):
    """Medians of the runs of one probe."""
    names = ("kpps", "path_ns", "cpu_ns", "user_ns", "system_ns")
    result = {name: statistics.median(run[name] for run in runs) for name in names}
    result["lost"] = max(run["lost"] for run in runs)
    result["is_exact"] = all(is_exact(run) for run in runs)
    return result


def is_exact(measured):
    """46 bytes a packet, and every flow in one record: the runs are shorter than any timeout."""
    counted = measured["counted"]
    truth = {"packets": measured["seen"], "bytes": 46 * measured["seen"], "flows": FLOWS}
    return all(counted[name] == truth[name] for name in counted)


def nflog(bench):
    """CPU per packet at 300 kpps, against the bare reader and uacctd; and what the packet path pays."""
    packets = bench.size(1500000)
    probes = [kind(bench.directory) for kind in (Floor, Flowagent, Pmacct)]
    runs = {probe.name: [] for probe in probes}
    with Host("") as host:
        path_floor = host.flood(packets, 300000)["cpu_ns"]
    with Host(f"log group {GROUP} snaplen 128") as host:
        for turn in range(bench.runs):
            for probe in probes:
                bench.say(f"nflog: 300 kpps, {probe.name}, run {turn + 1} of {bench.runs}")
                runs[probe.name].append(measure(host, probe, bench.directory, packets, 300000))
    return {
        "packets": packets,
        "path_without_log_ns": path_floor,
        "probes": {name: merge(done) for name, done in runs.items()},
    }


def lost_at(host, probe, bench, rate):
    """One step of the ladder. Up to three tries: other programs share this machine."""
    for _ in range(3):
        done = measure(host, probe, bench.directory, bench.size(4000000), rate)
        if not done["lost"]:
            break
    return {name: done[name] for name in ("kpps", "lost", "reported")}


def loss_free(bench):
    """Rates at which nothing is lost, up a ladder; the last step is all that the kernel gives. A probe that
    has lost packets is not tried higher up."""
    ladder = (300000, 600000, 900000, 1200000, 0, "most")
    probes = [kind(bench.directory) for kind in (Floor, Flowagent, Pmacct)]
    steps = {probe.name: [] for probe in probes}
    with Host(f"log group {GROUP} snaplen 128") as host:
        for rate in ladder:
            for probe in probes:
                if all(step["lost"] == 0 for step in steps[probe.name]):
                    bench.say(f"loss-free rate: {rate or 'flat out'}, {probe.name}")
                    steps[probe.name].append(lost_at(host, probe, bench, rate))
    result = {}
    for name, taken in steps.items():
        free = [step["kpps"] for step in taken if not step["lost"]]
        result[name] = {"steps": taken, "free_steps": len(free), "kpps": max(free, default=0)}
    return result


def overload(bench):
    """The probe is held for half a second while packets come as fast as they can."""
    result = {}
    with Host(f"log group {GROUP} snaplen 128") as host:
        for kind in (Floor, Flowagent, Pmacct):
            probe = kind(bench.directory)
            bench.say(f"overload: {probe.name}")
            done = measure(host, probe, bench.directory, 3000000, "most", pause_s=0.5)
            result[probe.name] = {name: done[name] for name in ("seen", "lost", "reported")}
    return result


def device(bench):
    """Packets from a packet socket."""
    packets = bench.size(1500000)
    probes = [kind(bench.directory) for kind in (Flowagent, FlowagentPcap, Softflowd, Nfpcapd, Pmacct)]
    runs = {probe.name: [] for probe in probes}
    with Host("") as host:
        for turn in range(bench.runs):
            for probe in probes:
                bench.say(f"device: 300 kpps, {probe.name}, run {turn + 1} of {bench.runs}")
                runs[probe.name].append(measure(host, probe, bench.directory, packets, 300000, "device"))
    return {"packets": packets, "probes": {name: merge(done) for name, done in runs.items()}}


def start_up(bench):
    """Time from exec to reading an NFLOG group, and memory then."""
    probe, times = Flowagent(bench.directory), []
    with Host(f"log group {GROUP} snaplen 128") as host, Sink(bench.directory, host.prefix) as sink:
        for _ in range(3):
            start = time.monotonic()
            command = [*host.prefix, *probe.nflog(GROUP, sink)]
            with Background(command, bench.directory / "start.log") as agent:
                agent.wait_for(host.has_reader, "flowagent to read")
                times.append(time.monotonic() - start)
                time.sleep(0.2)
                kib = memory_kib(agent.pid)
                agent.stop()
            wait_until(lambda: not host.has_reader(), "the group to be free")
    return {"seconds": statistics.median(times), "kib": kib}
