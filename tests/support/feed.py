"""A capture that the test writes while the agent reads it: each packet is a flow of its own."""

import os
import socket
import struct
from collections import Counter

import ledger
from waiting import wait_until

START_S = 1_700_000_000  # 22:13:20 UTC
GLOBAL_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)  # raw IP


def packet(number, time_s):
    """A UDP packet of a flow of its own, as a pcap record."""
    source, destination = struct.pack(">I", 0x0A000000 + number), bytes([198, 51, 100, 7])
    datagram = struct.pack(">HHHH", 1024 + number % 60000, 53, 8, 0)
    header = struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + source + destination
    seconds, fraction = divmod(time_s, 1)
    head = struct.pack("<IIII", int(seconds), int(fraction * 1e6), 28, 28)
    return head + header + datagram


def capture(path, count, step_s):
    """'count' flows of one packet, one every 'step_s' seconds."""
    with open(path, "wb") as file:
        file.write(GLOBAL_HEADER)
        file.writelines(packet(i, START_S + i * step_s) for i in range(count))
    return path


def numbers(flows):
    """Which packet() each flow is: a Counter."""
    return Counter(
        int.from_bytes(socket.inet_aton(flow["sourceIPv4Address"])[1:], "big") for flow in flows
    )


class Feed:
    """An agent that reads packets from a pipe, 50 a second of their clock; each is a flow, which
    leaves the agent a second later."""

    def __init__(self, flowagent, *options, **more):
        reader, writer = os.pipe()
        self.agent = flowagent(
            "--read", "-", "--user", "root", "--inactive-timeout", "1s", *options,
            stdin=reader, **more,
        )  # fmt: skip
        os.close(reader)
        self._pipe = os.fdopen(writer, "wb")
        self._pipe.write(GLOBAL_HEADER)
        self.count = 0

    def add(self, count):
        for _ in range(count):
            self._pipe.write(packet(self.count, START_S + self.count / 50))
            self.count += 1
        self._pipe.flush()

    def until(self, condition, what):
        """Add flows, a second of them at a time, until the condition holds."""

        def check():
            if condition():
                return True
            self.add(50)
            return False

        wait_until(check, what, interval_s=0.02)

    def end(self):
        """The summary, once all is exported."""
        self._pipe.close()
        status = self.agent.wait()
        summary = self.agent.summary()
        ledger.check_final(summary)
        lost = sum(row["records_lost"] for row in summary["collectors"])
        assert status == (1 if lost else 0), self.agent.errors
        assert summary["packets_read"] == self.count
        return summary
