"""Captures from a file: cost per packet, growth with the number of flows, memory, the storm at the end."""

import json
import signal
import statistics
import subprocess
import sys
import time

from helpers import HERE, FLOWAGENT, Background, BenchError, Sink, generate, run, used_by, wait_until
from probes import FLOWS_MAX, Floor, Flowagent, Nfpcapd, Pmacct, Softflowd

AGENTCTL = FLOWAGENT.parent / "agentctl"


class Accounted(Background):
    """A program under account.py, which ends what its program has left behind."""

    last_signal = signal.SIGQUIT


def account(probe, command, directory, prefix=()):
    """Starts a command under account.py; returns the process and the file of its result."""
    out = directory / f"{probe.name}.account"
    out.unlink(missing_ok=True)
    process = Accounted(
        [*prefix, sys.executable, "-B", HERE / "account.py", out, *command], directory / f"{probe.name}.log"
    )
    wait_until(out.exists, f"the start of {probe.name}")
    return process, out


def run_on_file(probe, capture, flows, directory, receive_buffer=512 << 20, with_sink=True):
    """One run to the end: what it used, and what it counted."""
    sink = Sink(directory, receive_buffer=receive_buffer) if probe.has_sink and with_sink else None
    try:
        start = time.monotonic()
        process, out = account(probe, probe.file(capture, sink, flows), directory)
        with process:
            process.wait()
        wall = time.monotonic() - start
        used = json.loads(out.read_text())
        if used["status"]:
            raise BenchError(f"{probe.name}: status {used['status']}: {process.output[-500:]}")
        got = sink.result() if sink else {}
        return {
            "cpu": used["user"] + used["system"],
            "user": used["user"],
            "system": used["system"],
            "wall": wall,
            "peak_kib": used["peak_kib"],
            "sink": got,
            "counted": probe.counted(got, process.output) if sink or not probe.has_sink else None,
        }
    finally:
        if sink:
            sink.__exit__()


def medians(runs, packets):
    """CPU nanoseconds per packet: median, lowest, highest; and whether all counted alike."""
    costs = [run["cpu"] * 1e9 / packets for run in runs]
    return {
        "cpu_ns": statistics.median(costs),
        "lowest_ns": min(costs),
        "highest_ns": max(costs),
        "wall_s": statistics.median(run["wall"] for run in runs),
        "counted": runs[-1]["counted"],
    }


def files(bench, name, mode, packets, flows):
    """One capture, all probes, interleaved. pmacctd gets a twentieth: it is that slow."""
    directory = bench.directory
    capture, part = directory / f"{name}.pcap", directory / f"{name}-part.pcap"
    truth = generate(mode, packets, flows, capture)
    part_truth = generate(mode, packets // 20, flows, part)
    probes = [kind(directory) for kind in (Floor, Flowagent, Softflowd, Nfpcapd)]
    runs = {probe.name: [] for probe in probes}
    for turn in range(bench.runs):
        for probe in probes:
            bench.say(f"{name}: {probe.name}, run {turn + 1} of {bench.runs}")
            runs[probe.name].append(run_on_file(probe, capture, truth["flows"] + 1024, directory))
    result = {probe: medians(done, packets) for probe, done in runs.items()}
    for probe in result.values():
        probe["is_exact"] = probe["counted"] == truth
    if bench.with_slow:
        bench.say(f"{name}: pmacctd, a twentieth of the packets")
        slow = medians([run_on_file(Pmacct(directory), part, 0, directory)], packets // 20)
        result["pmacct"] = {**slow, "is_exact": slow["counted"] == part_truth}
    capture.unlink()
    part.unlink()
    return {"packets": packets, "truth": truth, "probes": result}


def growth(bench):
    """CPU per packet of a known flow: a run with the packets less one without. Nothing is exported."""
    directory, result = bench.directory, {}
    once, again = directory / "once.pcap", directory / "again.pcap"
    for flows in (1000, 10000, 100000, 1000000, 4000000)[: 3 if bench.is_quick else 5]:
        known = bench.size(4000000)
        truth = generate("growth", flows, flows, once)
        truth_again = generate("growth", flows + known, flows, again)
        probes = [Floor(directory), Flowagent(directory)]
        costs = {probe.name: [] for probe in probes}
        for turn in range(bench.runs):
            for probe in probes:
                bench.say(f"growth: {flows} flows, {probe.name}, run {turn + 1} of {bench.runs}")
                cpu = [
                    run_on_file(probe, file, flows + 1024, directory, with_sink=False)["cpu"]
                    for file in (once, again)
                ]
                costs[probe.name].append((cpu[1] - cpu[0]) * 1e9 / known)
                check_growth(probe, truth_again)
        result[flows] = {name: statistics.median(values) for name, values in costs.items()}
        if flows <= 1000000 and bench.with_slow:
            result[flows]["softflowd"] = growth_softflowd(bench, flows, once, truth)
    once.unlink()
    again.unlink()
    return result


def check_growth(probe, truth):
    """Without a collector the agent's own ledger is the witness."""
    if probe.name == "flowagent":
        summary = probe.summary()
        if summary["packets_read"] != truth["packets"] or summary["flows_created"] != truth["flows"]:
            raise BenchError(f"growth: the ledger says {summary}, the capture holds {truth}")


def growth_softflowd(bench, flows, once, truth):
    some = bench.directory / "some.pcap"
    known = bench.size(1000000)
    generate("growth", flows + known, flows, some)
    bench.say(f"growth: {flows} flows, softflowd")
    probe = Softflowd(bench.directory)
    cpu = [run_on_file(probe, file, flows, bench.directory)["cpu"] for file in (once, some)]
    some.unlink()
    return (cpu[1] - cpu[0]) * 1e9 / known


def memory_kib(pid):
    return round(used_by(pid)[1] * 1024)


def flows_cached(control):
    done = subprocess.run([AGENTCTL, "-s", control, "-J", "show", "stats"], capture_output=True, text=True)
    return json.loads(done.stdout)["flows_cached"] if done.returncode == 0 else -1


def storm(bench):
    """All flows of a full cache expire at once, to a collector with the kernel's default buffer. The capture
    comes through a pipe: while that is open the cache is full and the memory can be read."""
    directory, flows = bench.directory, bench.size(1000000)
    capture = directory / "storm.pcap"
    truth = generate("storm", flows, 0, capture)
    result = {"flows": flows}
    bench.say("storm: flowagent")
    with Sink(directory, receive_buffer=0) as sink:
        result["flowagent"] = storm_flowagent(directory, capture, flows, sink)
        end = result["flowagent"].pop("end")
        got = sink.result()
    result["flowagent"].update(
        seconds=got["last_s"] - end,
        lost=flows - got["flows"],
        records_per_datagram=got["flows"] / got["datagrams"],
        is_exact=all(got[name] == truth[name] for name in truth),
    )
    bench.say("storm: softflowd")
    peer = run_on_file(Softflowd(directory), capture, flows, directory, receive_buffer=0)
    result["softflowd"] = {
        "lost": flows - peer["sink"]["flows"],
        "seconds": peer["wall"],
        "bytes_per_flow": peer["peak_kib"] * 1024 / flows,
    }
    capture.unlink()
    return result


def storm_flowagent(directory, capture, flows, sink):
    control = directory / "storm.sock"
    command = [
        FLOWAGENT,
        "--control",
        control,
        "--user",
        "root",
        "--max-flows",
        max(flows, 1048576),
        "--log-level",
        "error",
        "--read",
        "-",
        "--collector",
        sink.address,
    ]
    with Background(command, directory / "storm.log", stdin=subprocess.PIPE) as agent:
        agent.wait_for(lambda: flows_cached(control) == 0, "flowagent to answer")
        empty_kib = memory_kib(agent.pid)
        with open(capture, "rb") as file:
            while block := file.read(1 << 20):
                agent.process.stdin.write(block)
        agent.process.stdin.flush()
        agent.wait_for(lambda: flows_cached(control) == flows, "all flows to be cached")
        full_kib = memory_kib(agent.pid)
        end = time.monotonic()
        agent.process.stdin.close()
        if agent.wait():
            raise BenchError(f"storm: flowagent: {agent.output[-500:]}")
    return {
        "end": end,
        "empty_kib": empty_kib,
        "full_kib": full_kib,
        "bytes_per_flow": full_kib * 1024 / flows,
    }


def web(bench):
    return files(bench, "web", "web", bench.size(5000000), 100000)


def elephants(bench):
    return files(bench, "elephants", "elephants", bench.size(5000000), 500)


def scan(bench):
    return files(bench, "scan", "scan", bench.size(2000000), 0)


def instructions(bench):
    """The counts of tests/bench/instructions, which judges them."""
    with_update = subprocess.run(
        [HERE / "instructions", "--runs", "1", "--json"], capture_output=True, text=True
    )
    return json.loads(with_update.stdout.splitlines()[-1])
