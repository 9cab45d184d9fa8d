"""What flowagent-asn costs: a dump of the size of a RIS collector's, made into the table of AS numbers."""

import os
import statistics
import subprocess

from helpers import ROOT, BenchError, helper, run

FLOWAGENT_ASN = ROOT / "build" / "release" / "flowagent-asn"
PREFIXES = 1_050_000, 220_000  # IPv4, IPv6: the internet of 2026
PEERS = 40


def build(*arguments):
    """CPU seconds and peak memory in MiB of one run of flowagent-asn."""
    process = subprocess.Popen(list(map(str, (FLOWAGENT_ASN, "--quiet", *arguments))))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"flowagent-asn: status {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def asn_table(bench):
    """The dump is plain: unpacking is not counted."""
    run("ninja", "-C", ROOT / "build" / "release", "flowagent-asn")
    dump, text, table, networks = (
        bench.directory / name for name in ("dump", "expected", "table", "networks")
    )
    sizes = [bench.size(count) for count in PREFIXES]
    with open(dump, "wb") as file:
        command = [helper("generate_mrt"), *sizes, PEERS, text]
        subprocess.run(list(map(str, command)), stdout=file, check=True)
    measured = [build("--output", table, dump) for _ in range(bench.runs)]
    build("--networks-file", networks, dump)
    # The generator writes an address with all its groups; the order of lines is the same.
    lines = [line.replace(":0:0::/", "::/").replace(":0::/", "::/") for line in open(text)]
    with open(networks) as file:
        is_exact = list(file) == lines
    return {
        "prefixes": sizes,
        "dump_bytes": dump.stat().st_size,
        "cpu_s": statistics.median(cpu for cpu, _ in measured),
        "mib": max(mib for _, mib in measured),
        "table_bytes": table.stat().st_size,
        "is_exact": is_exact,
    }
