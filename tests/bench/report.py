"""What the figures say: the table with targets, and the plots.

As a program: report.py RESULTS_JSON prints the table in Markdown, for README.md beside it, and makes the plots anew.
"""

import json
import sys
from pathlib import Path

from helpers import BenchError, run

NAMES = {
    "floor": "floor",
    "flowagent": "flowagent",
    "flowagent-pcap": "flowagent by libpcap",
    "softflowd": "softflowd",
    "nfpcapd": "nfpcapd",
    "pmacct": "pmacct",
}


def ratio(value, other):
    return f"1/{other / value:.1f}" if value < other else f"{value / other:.2f}"


def row(what, shown, target="", met=None):
    return {"what": what, "shown": shown, "target": target, "met": met}


def rows_of_files(results):
    for name, part, words in (
        ("web", 6, "offline web, CPU per packet"),
        ("elephants", 4, "offline elephants, CPU per packet"),
        ("scan", 4, "offline scan, CPU per new flow"),
    ):
        if name not in results:
            continue
        probes = results[name]["probes"]
        own, peer = probes["flowagent"]["cpu_ns"], probes["softflowd"]["cpu_ns"]
        yield row(
            words,
            f"{own:.0f} ns, {ratio(own, peer)} of softflowd's {peer:.0f} ns",
            f"<= 1/{part} of softflowd",
            own <= peer / part,
        )
        others = [
            f"{NAMES[other]} {value['cpu_ns']:.0f}"
            for other, value in probes.items()
            if other not in ("flowagent", "softflowd")
        ]
        yield row("  others", ", ".join(others) + " ns")
        exact = [
            f"{NAMES[probe]} {'exact' if value['is_exact'] else 'NOT'}" for probe, value in probes.items()
        ]
        yield row(
            f"  packets, bytes, flows of {name}", ", ".join(exact), "exact", probes["flowagent"]["is_exact"]
        )


def rows_of_instructions(results):
    for name, (count, aim) in results.get("instructions", {}).items():
        yield row(f"user instructions per packet, {name}", f"{count:.0f}", f"<= {aim}", count <= aim)


def rows_of_growth(results):
    if "growth" not in results:
        return
    growth = results["growth"]
    sizes = sorted(growth, key=int)
    first, last = growth[sizes[0]], growth[sizes[-1]]
    grown = last["flowagent"] / first["flowagent"]
    yield row(
        f"growth, {sizes[0]} to {sizes[-1]} flows",
        f"x{grown:.1f}: {' '.join(format(growth[size]['flowagent'], '.0f') for size in sizes)} ns",
        "<= x3",
        grown <= 3,
    )
    yield row(
        "  floor",
        f"x{last['floor'] / first['floor']:.1f}: "
        f"{' '.join(format(growth[size]['floor'], '.0f') for size in sizes)} ns",
    )
    peers = [growth[size]["softflowd"] for size in sizes if "softflowd" in growth[size]]
    if peers:
        yield row(
            "  softflowd",
            f"x{peers[-1] / peers[0]:.1f}: {' '.join(format(peer, '.0f') for peer in peers)} ns",
        )


def rows_of_storm(results):
    if "storm" not in results:
        return
    own, peer, flows = results["storm"]["flowagent"], results["storm"]["softflowd"], results["storm"]["flows"]
    yield row(
        f"memory per flow at {flows} flows",
        f"{own['bytes_per_flow']:.0f} B; softflowd " f"{peer['bytes_per_flow']:.0f} B",
        "<= 128 B",
        own["bytes_per_flow"] <= 128,
    )
    yield row(
        f"storm of {flows} flows to 208 KiB",
        f"{own['lost']} lost, {own['seconds']:.1f} s, "
        f"{own['records_per_datagram']:.1f} records per datagram",
        "0 lost, <= 10 s",
        own["lost"] == 0 and own["seconds"] <= 10 and own["is_exact"],
    )
    yield row("  softflowd", f"{100 * peer['lost'] / flows:.1f} % lost")


def rows_of_nflog(results):
    if "nflog" in results:
        probes = results["nflog"]["probes"]
        own, peer, floor = probes["flowagent"], probes["pmacct"], probes["floor"]
        yield row(
            "NFLOG at 300 kpps, CPU per packet",
            f"{own['cpu_ns']:.0f} ns ({own['user_ns']:.0f} user), "
            f"{ratio(own['cpu_ns'], peer['cpu_ns'])} of uacctd's {peer['cpu_ns']:.0f} ns",
            "<= 1/6 of uacctd, <= 200 ns",
            own["cpu_ns"] <= min(peer["cpu_ns"] / 6, 200),
        )
        yield row("  bare reader", f"{floor['cpu_ns']:.0f} ns")
        yield row(
            "  packet path of the kernel",
            f"{own['path_ns']:.0f} ns with flowagent, {floor['path_ns']:.0f} bare reader, "
            f"{results['nflog']['path_without_log_ns']:.0f} without log",
        )
        yield row(
            "  packets, bytes, flows of NFLOG",
            f"{'exact' if own['is_exact'] else 'NOT'}",
            "exact",
            own["is_exact"],
        )
    if "loss_free" in results:
        free = results["loss_free"]
        own, floor, peer = free["flowagent"], free["floor"], free["pmacct"]
        limit = " (all that the sender gives)" if own["free_steps"] == 6 else ""
        # On the same step of the ladder the rates differ by what else runs on the machine.
        met = own["free_steps"] >= floor["free_steps"] or own["kpps"] >= 0.95 * floor["kpps"]
        yield row(
            "NFLOG rate without loss",
            f"{own['kpps']:.0f} kpps{limit}, bare reader {floor['kpps']:.0f}, " f"uacctd {peer['kpps']:.0f}",
            ">= 95 % of the bare reader",
            met,
        )
    if "overload" in results:
        own, peer = results["overload"]["flowagent"], results["overload"]["pmacct"]
        yield row(
            "NFLOG overload, loss reported",
            f"{own['reported']} of {own['lost']}; uacctd "
            f"{peer['reported'] or 'nothing'} of {peer['lost']}",
            "to the packet",
            own["lost"] > 0 and own["reported"] == own["lost"],
        )


def rows_of_asn_table(results):
    if "asn_table" not in results:
        return
    part = results["asn_table"]
    ipv4, ipv6 = part["prefixes"]
    megabytes = part["dump_bytes"] / 1e6
    yield row(
        f"AS table of {ipv4} + {ipv6} prefixes, CPU",
        f"{part['cpu_s']:.1f} s for {megabytes:.0f} MB of MRT, {megabytes / part['cpu_s']:.0f} MB/s",
        "<= 8 s",
        part["cpu_s"] <= 8,
    )
    yield row("  memory to make it", f"{part['mib']:.0f} MiB", "<= 300 MiB", part["mib"] <= 300)
    size = part["table_bytes"] / (1 << 20)
    yield row("  its size", f"{size:.1f} MiB", "<= 32 MiB", size <= 32)
    yield row("  prefixes and origins", "exact" if part["is_exact"] else "NOT", "exact", part["is_exact"])


def rows_of_device(results):
    if "device" in results:
        probes = results["device"]["probes"]
        own, peer = probes["flowagent"], probes["softflowd"]["cpu_ns"]
        yield row(
            "packet socket at 300 kpps, CPU per packet",
            f"{own['cpu_ns']:.0f} ns ({own['user_ns']:.0f} user), {ratio(own['cpu_ns'], peer)} of "
            f"softflowd's {peer:.0f} ns",
            "<= 1/4 of softflowd, <= 110 ns",
            own["cpu_ns"] <= min(peer / 4, 110),
        )
        yield row(
            "  packets, bytes, flows of the packet socket",
            f"{'exact' if own['is_exact'] else 'NOT'}",
            "exact",
            own["is_exact"],
        )
        for name, probe in probes.items():
            if name != "flowagent":
                yield row(f"  {NAMES[name]}", f"{probe['cpu_ns']:.0f} ns, {probe['lost']} lost")
    if "start_up" in results:
        start = results["start_up"]
        yield row(
            "start-up",
            f"{start['kib'] / 1024:.1f} MiB, {1000 * start['seconds']:.0f} ms",
            "< 20 MB",
            start["kib"] * 1024 < 20e6,
        )


def rows(results):
    for part in (
        rows_of_files,
        rows_of_instructions,
        rows_of_growth,
        rows_of_storm,
        rows_of_nflog,
        rows_of_device,
        rows_of_asn_table,
    ):
        yield from part(results)


def table(results):
    lines = [("", "measured", "target", "")]
    for item in rows(results):
        met = {None: "", True: "met", False: "NOT MET"}[item["met"]]
        lines.append((item["what"], item["shown"], item["target"], met))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def markdown(results):
    """Rows with a target only."""
    lines = ["| | measured | target | |", "| --- | --- | --- | --- |"]
    for item in rows(results):
        if item["target"]:
            met = "met" if item["met"] else "**not met**"
            lines.append(f"| {item['what'].strip()} | {item['shown']} | {item['target']} | {met} |")
    return "\n".join(lines)


HEAD = """set terminal svg dynamic size 720,300 font 'sans,12' background 'white'
set output '{path}'
set style data histograms
set style fill solid 0.8 border -1
set boxwidth 0.9
set grid ytics
set key top left reverse Left
set title '{title}' noenhanced
"""


def plot(path, title, body):
    run("gnuplot", "-", input=HEAD.format(path=path, title=title) + body)


def plot_files(results, path):
    captures = [name for name in ("web", "elephants", "scan") if name in results]
    probes = ["floor", "flowagent", "softflowd", "nfpcapd"]
    lines = [
        " ".join([name, *(f"{results[name]['probes'][probe]['cpu_ns']:.1f}" for probe in probes)])
        for name in captures
    ]
    data = "$data << END\nx " + " ".join(probes) + "\n" + "\n".join(lines) + "\nEND\n"
    plot(
        path,
        "CPU per packet from a file, export included",
        data
        + "set logscale y\nset yrange [10:*]\nset ylabel 'ns'\nset style histogram clustered gap 1\n"
        + f"plot for [i=2:{len(probes) + 1}] $data using i:xtic(1) title columnheader(i)\n",
    )


def plot_growth(results, path):
    growth = results["growth"]
    lines = [
        f"{size} "
        + " ".join(
            f"{growth[size][probe]:.1f}" if probe in growth[size] else "?"
            for probe in ("floor", "flowagent", "softflowd")
        )
        for size in sorted(growth, key=int)
    ]
    data = "$data << END\nx floor flowagent softflowd\n" + "\n".join(lines) + "\nEND\n"
    plot(
        path,
        "CPU per packet of a known flow, by number of flows",
        data
        + "set logscale xy\nset ylabel 'ns'\nset xlabel 'flows'\nset datafile missing '?'\n"
        + "set style data linespoints\nset format x '10^%T'\nset yrange [10:*]\n"
        + "plot for [i=2:4] $data using 1:i title columnheader(i) linewidth 2\n",
    )


def plot_nflog(results, path):
    probes = results["nflog"]["probes"]
    names = {"floor": "bare reader", "flowagent": "flowagent", "pmacct": "uacctd"}
    lines = [
        f'"{names[name]}" ' + f"{probes[name]['user_ns']:.1f} {probes[name]['system_ns']:.1f}"
        for name in names
    ]
    data = "$data << END\nx user kernel\n" + "\n".join(lines) + "\nEND\n"
    plot(
        path,
        "NFLOG at 300,000 packets/s: CPU per packet of all threads",
        data
        + "set ylabel 'ns'\nset style histogram rowstacked\nset boxwidth 0.5\nset yrange [0:*]\n"
        + "plot for [i=2:3] $data using i:xtic(1) title columnheader(i)\n",
    )


def plot_packet_path(costs, path):
    """costs: {flows: {source: ns}}, with "nothing" among the sources."""
    first = next(iter(costs.values()))
    sources = [source for source in first if source != "nothing"]
    lines = [
        f"{flows} " + " ".join(f"{cost[source] - cost['nothing']:.1f}" for source in sources)
        for flows, cost in costs.items()
    ]
    plot(
        path,
        "What a reader adds to the way of a packet through the kernel",
        "$data << END\nx " + " ".join(sources) + "\n" + "\n".join(lines) + "\nEND\n"
        + "set ylabel 'ns'\nset style histogram clustered gap 1\nset key outside right\nset yrange [0:*]\n"
        + f"plot for [i=2:{len(sources) + 1}] $data using i:xtic(1) title columnheader(i)\n",
    )  # fmt: skip


def plots(results, directory):
    """One SVG for each kind of figure that there is."""
    if "web" in results:
        plot_files(results, directory / "offline.svg")
    if "growth" in results:
        plot_growth(results, directory / "growth.svg")
    if "nflog" in results:
        plot_nflog(results, directory / "nflog.svg")
    for path in directory.glob("*.svg"):
        if path.stat().st_size > 60000:
            raise BenchError(f"{path}: too large to be kept in the repository")


if __name__ == "__main__":
    kept = Path(sys.argv[1])
    kept_results = json.loads(kept.read_text())
    plots(kept_results, kept.parent)
    print(markdown(kept_results))
