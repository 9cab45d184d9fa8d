"""An agent whose Nth allocation fails, at the start or while it runs."""

import mmap
import os
import struct
import subprocess
from pathlib import Path

from programs import ENVIRONMENT, PATIENCE_S

SOURCE = Path(__file__).with_name("failing_memory.c")
CAPTURE = Path(__file__).resolve().parents[1] / "wire" / "captures" / "ndpi-dns.pcap"
DONE, FAILED, INVALID = 0, 1, 2


class Starvation:
    """Preloads failing_memory.c; 'environment' is for the agent."""

    def __init__(self, directory):
        library, numbers = Path(directory) / "failing_memory.so", Path(directory) / "failing_memory"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, SOURCE], check=True)
        numbers.write_bytes(bytes(16))
        self._file = open(numbers, "r+b")
        self._numbers = mmap.mmap(self._file.fileno(), 16)
        self.environment = {"LD_PRELOAD": str(library), "FAILING_MEMORY": str(numbers)}

    def fail(self, number):
        """Have allocation 'number' from now on fail; 0: none any more."""
        self._numbers[0:8] = struct.pack("q", number)

    def failed(self):
        """How many allocations have failed."""
        return struct.unpack("q", self._numbers[8:16])[0]

    def close(self):
        self._numbers.close()
        self._file.close()


def start_fault(agent, starvation, directory, number):
    """What is wrong with a run of which allocation 'number' fails; None if nothing is.

    It reads a capture into a file, with everything that allocates at the start. It may do without the
    allocation, or end with a message; it may not crash, hang, or say nothing.
    """
    directory = Path(directory)
    before = starvation.failed()
    starvation.fail(number)
    done = subprocess.run(
        [
            agent, "--read", CAPTURE, "--max-flows", "1000", "--applications-file", "/etc/services",
            "-n", f"{directory / 'out.json'},version=json", "-n", "127.0.0.1:9,transport=tcp,spool=1M",
            "-n", "localhost:9,filter=proto=udp", "--if-map", "eth:100,wg0=7", "--summary", directory / "summary",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
        env={**ENVIRONMENT, **starvation.environment},
    )  # fmt: skip
    starvation.fail(0)
    for path in directory.glob("out.json*"):
        os.unlink(path)
    if done.returncode not in (DONE, FAILED, INVALID):
        return f"allocation {number}: status {done.returncode}: {done.stderr.strip()}"
    if starvation.failed() > before and done.returncode != DONE and "flowagent: " not in done.stderr:
        return f"allocation {number}: status {done.returncode} without a word"
    return None
