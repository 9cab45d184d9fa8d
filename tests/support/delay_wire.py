"""A wire of known delay and loss between two hosts, for kernels without netem: a process that hands packets from one TUN device
to another, and counts what it does to TCP."""

import fcntl
import heapq
import json
import os
import select
import signal
import struct
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
TCP, SYN, FIN, ACK = 6, 2, 1, 16
MASK, HALF = 0xFFFFFFFF, 0x80000000
HELD_S = 0.003  # a packet that is to be overtaken waits this long for one that follows


def tun(host, device, addresses):
    """A device on a host: the descriptor of its other end."""
    with host.entered():
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    host.sysctl(f"ipv6/conf/{device}/accept_dad", 0)
    host.ip("link", "set", device, "addrgenmode", "none", "gso_max_segs", "1")  # no super-packets
    for address in addresses:
        host.add_address(address, device)
    host.ip("link", "set", device, "up")
    return descriptor


def time_stamp(options):
    """TSval (RFC 7323), None without one."""
    while options and options[0]:
        if options[0] == 8:
            return int.from_bytes(options[2:6], "big")
        options = options[1 if options[0] == 1 else max(options[1], 2) :]
    return None


class Segment:
    """What a packet with TCP says."""

    def __init__(self, packet):
        version = packet[0] >> 4
        header = (packet[0] & 15) * 4 if version == 4 else 40
        whole = struct.unpack_from(">H", packet, 2)[0] if version == 4 else 40 + struct.unpack_from(">H", packet, 4)[0]
        self.is_tcp = packet[9 if version == 4 else 6] == TCP
        if not self.is_tcp:
            return
        self.ports = struct.unpack_from(">HH", packet, header)
        (self.sequence,) = struct.unpack_from(">I", packet, header + 4)
        self.flags = packet[header + 13]
        size = (packet[header + 12] >> 4) * 4
        self.stamp = time_stamp(packet[header + 20 : header + size])
        payload = whole - header - size
        self.length = payload + bool(self.flags & SYN) + bool(self.flags & FIN)


class Direction:
    """Of a connection: what its sender has sent, and what became of it."""

    def __init__(self):
        self.first = None  # sequence number; others count from it
        self.sent = self.delivered = 0  # up to here
        self.packets = {"sent": 0, "delivered": 0, "dropped": 0}
        self.retransmitted = {"sent": 0, "delivered": 0}  # by where somebody looks
        self.overtaken = 0
        self.new = 0  # packets with data that bring something new

    def send(self, segment):
        """Whether it has been sent before, as a whole or in part."""
        self.packets["sent"] += 1
        if self.first is None:
            self.first = segment.sequence
        start = (segment.sequence - self.first) & MASK
        is_again = segment.length > 0 and start < self.sent
        self.retransmitted["sent"] += is_again
        if segment.length and not is_again:
            self.new += 1
            self.sent = start + segment.length
        return is_again

    def deliver(self, segment, is_again):
        self.packets["delivered"] += 1
        if not segment.length:
            return
        start = (segment.sequence - self.first) & MASK
        self.retransmitted["delivered"] += is_again
        self.overtaken += not is_again and start < self.delivered
        self.delivered = max(self.delivered, start + segment.length)


class DelayWire:
    """Between 'near' and 'far', (host, device, [address/length]) each. Every 'loss'th packet with new data does not arrive, and every 'detour'th
    that comes from the far end is overtaken by the next one."""

    def __init__(self, near, far, delay_s, loss=0, detour=0):
        self.ends = [tun(*near), tun(*far)]
        self.delay_s, self.loss, self.detour = delay_s, loss, detour
        self.directions = {}
        self._answers, self._answer = os.pipe()
        self._ask_out, self._ask = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._run()
            finally:
                os._exit(1)
        for descriptor in self.ends:
            os.close(descriptor)

    def ask(self):
        """"source port,destination port" -> what is known of that direction."""
        os.write(self._ask, b"?")
        text = b""
        while not text.endswith(b"\n"):
            text += os.read(self._answers, 65536)
        return json.loads(text)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    # ---- the process ----

    def _run(self):
        self._due, self._number, self._held = [], 0, None
        while True:
            now = time.monotonic()
            if self._held and now > self._held[0]:
                self._release()
            while self._due and self._due[0][0] <= now:
                self._write(*heapq.heappop(self._due)[2:])
            soonest = min([due[0] for due in self._due[:1]] + ([self._held[0]] if self._held else []), default=now + 1)
            readable, _, _ = select.select([*self.ends, self._ask_out], [], [], max(0, soonest - time.monotonic()))
            for end in (0, 1):
                if self.ends[end] in readable:
                    self._read(end)
            if self._ask_out in readable:
                os.read(self._ask_out, 1)
                os.write(self._answer, json.dumps({
                    key: {name: value for name, value in vars(direction).items() if name != "first"}
                    for key, direction in self.directions.items()
                }).encode() + b"\n")  # fmt: skip

    def _later(self, *what):
        self._number += 1
        heapq.heappush(self._due, (time.monotonic() + self.delay_s, self._number, *what))

    def _release(self):
        what, self._held = self._held[1], None
        self._later(*what)

    def _read(self, end):
        packet = os.read(self.ends[end], 65536)
        segment = Segment(packet)
        if not segment.is_tcp:
            return
        direction = self.directions.setdefault("%d,%d" % segment.ports, Direction())
        is_again = direction.send(segment)
        what = (end, packet, segment, direction, is_again)
        is_data = segment.length > 0 and not is_again and not segment.flags & (SYN | FIN)
        if is_data and self.loss and direction.new % self.loss == 0:
            direction.packets["dropped"] += 1
        elif is_data and end == 1 and self.detour and direction.new % self.detour == 0 and not self._held:
            self._held = (time.monotonic() + HELD_S, what)
        else:
            self._later(*what)
            if self._held and is_data and self._held[1][3] is direction:
                self._release()

    def _write(self, end, packet, segment, direction, is_again):
        os.write(self.ends[1 - end], packet)
        direction.deliver(segment, is_again)
