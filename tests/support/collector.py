"""A NetFlow collector that keeps every datagram: the test's own."""

import contextlib
import select
import socket
import threading

import ipfix
import netflow5
import netflow9
from netflow9 import DIRECTION, flow_key, flow_table
from waiting import wait_until

FIXED = dict.fromkeys(netflow5.FORMS, netflow5.Decoder)
DECODERS = {**FIXED, 9: netflow9.Decoder, 10: ipfix.Decoder}
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 64 << 20  # a reader in Python stalls at times; an unread flood must fit


class Collector:
    """UDP sink on 'address', in a namespace or on the machine's loopback.

    datagrams: list of bytes, in order of arrival. senders: addresses and ports that they came from.
    """

    def __init__(self, address="127.0.0.1", port=0, namespace=None):
        self.datagrams = []
        self.senders = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with namespace.entered() if namespace else contextlib.nullcontext():
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        self._socket.bind((address, port))
        self._socket.setblocking(False)
        self._lock = threading.Lock()
        self._address = address
        self.port = self._socket.getsockname()[1]
        self.host_port = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self._stopping = False
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self):
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while not self._stopping:
            if poll.poll(200):
                self._take()

    def _take(self):
        """All that has come. Who looks at it takes it too: at load the thread is late."""
        with self._lock, contextlib.suppress(BlockingIOError):
            while self._socket.fileno() >= 0:
                datagram, sender = self._socket.recvfrom(65536)
                self.datagrams.append(datagram)
                self.senders.add(sender)

    def close(self):
        self._stopping = True
        self._thread.join()
        with self._lock:
            self._socket.close()

    def leave(self):
        """Stop so that it is known what arrived: all that the socket took is read, and whatever
        comes later is refused."""
        self._stopping = True
        self._thread.join()
        # Connected to someone else it takes nothing from the agent any more.
        self._socket.connect((self._address, 9))
        self._take()
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait_for_datagrams(self, count):
        """Until at least 'count' have come."""
        wait_until(lambda: len(self.datagrams) >= count, f"{count} datagrams at the collector")

    def messages(self):
        """All datagrams so far, decoded strictly. The first says of which version all are."""
        self._take()
        datagrams = list(self.datagrams)
        if not datagrams:
            return []
        decoder = DECODERS[int.from_bytes(datagrams[0][:2], "big")]()
        for datagram in datagrams:
            decoder.decode(datagram)
        return decoder.messages

    def flows(self):
        """FlowTable of all records so far."""
        return flow_table(self.messages())

    def sides(self):
        """key -> set of the directions (0, 1, None for unknown) of its records so far."""
        sides = {}
        for message in self.messages():
            for values in message.flows:
                side = values.get(DIRECTION)
                assert side in (0, 1, None)  # the registry has no other
                sides.setdefault(flow_key(values), set()).add(side)
        return sides
