"""What the program of --bpf counts, read out of its maps beside the agent: at any moment, also while no agent runs."""

import ctypes
import mmap
import os
import struct
from pathlib import Path

from tc_programs import _bpf

MAP_GET_FD_BY_ID = 14
ARRAY, RING = 2, 27  # BPF_MAP_TYPE_...
COUNTERS_BYTES, RECORD_BYTES = 64, 160  # struct capture_bpf_counters; a record with the ring's header, without an owner
SEEN, LOST, FOREIGN, COUNTED = range(4)  # members of it
FACTS = "map_type", "map_id", "value_size", "max_entries"
PAGE = mmap.PAGESIZE


def _maps(pid):
    """Facts of the maps that a process has."""
    for place in Path(f"/proc/{pid}/fdinfo").iterdir():
        text = place.read_text()
        if "map_id:" in text:
            facts = (line.split(":", 1) for line in text.splitlines())
            yield {key: int(value, 0) for key, value in facts if key in FACTS}


def _map_memory(identifier, size, offset=0):
    descriptor, _ = _bpf(MAP_GET_FD_BY_ID, struct.pack("I", identifier))
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    try:
        return memoryview(mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)).cast("Q")
    finally:
        os.close(descriptor)


def possible_cpus():
    return int(Path("/sys/devices/system/cpu/possible").read_text().strip().rpartition("-")[2]) + 1


class BpfLedger:
    """The maps of the one BPF source of an agent. They are held, so an agent that is killed takes nothing away."""

    def __init__(self, pid):
        self.cpus = possible_cpus()
        maps = list(_maps(pid))
        ring = next(each for each in maps if each["map_type"] == RING)
        counters = next(
            each for each in maps
            if (each["map_type"], each["value_size"], each["max_entries"]) == (ARRAY, COUNTERS_BYTES, self.cpus)
        )  # fmt: skip
        self._counters = _map_memory(counters["map_id"], -(-self.cpus * COUNTERS_BYTES // PAGE) * PAGE)
        self._produced = _map_memory(ring["map_id"], PAGE, PAGE)

    def _sum(self, member):
        return sum(self._counters[cpu * COUNTERS_BYTES // 8 + member] for cpu in range(self.cpus))

    def ended(self):
        """Packets of which it is known what became of them: handed up, lost, foreign, or counted."""
        assert self._produced[0] % RECORD_BYTES == 0
        return self._produced[0] // RECORD_BYTES + self._sum(LOST) + self._sum(FOREIGN) + self._sum(COUNTED)

    def lost(self):
        return self._sum(LOST)

    def check(self):
        """Each packet seen is one of these, but for one on each processor that is just being looked at. Returns how many were seen."""
        before = self.ended()
        seen = self._sum(SEEN)
        after = self.ended()
        assert before <= seen <= after + self.cpus, (before, seen, after)
        return seen

    def check_all(self):
        """While nothing comes."""
        assert self._sum(SEEN) == self.ended()
