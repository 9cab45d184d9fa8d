"""Real traffic between two hosts through real sockets, with what was sent in a FlowTable.

For UDP, ICMP and fragments the generator knows every packet. TCP's segments are the kernel's
affair: there the truth is a capture on the same device; the generator knows only that the payload
arrived.
"""

import os
import socket
import struct
import threading

from flows import ICMP, ICMPV6, UDP, FlowKey
from waiting import PATIENCE_S

UDP_HEADER, ICMP_HEADER, FRAGMENT_HEADER = 8, 8, 8
ICMP_ECHO, ICMP_ECHO_REPLY, ICMPV6_ECHO, ICMPV6_ECHO_REPLY = 8, 0, 128, 129


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ip_header(address):
    return 40 if ":" in address else 20


def open_socket(namespace, address, kind, protocol=0):
    with namespace.entered():
        opened = socket.socket(family_of(address), kind, protocol)
    opened.settimeout(PATIENCE_S)
    return opened


def bound_socket(namespace, address, kind, port=0):
    opened = open_socket(namespace, address, kind)
    if port:  # with port 0 it would let the kernel choose the port of another such socket
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    return opened


def udp_dialogue(client, server, table, count, request_bytes, answer_bytes, tos=0):
    """'count' datagrams each way. client, server: (namespace, address)."""
    (client_host, client_address), (server_host, server_address) = client, server
    overhead = ip_header(client_address) + UDP_HEADER
    with bound_socket(client_host, client_address, socket.SOCK_DGRAM) as asking, bound_socket(
        server_host, server_address, socket.SOCK_DGRAM
    ) as answering:
        if tos and ":" not in client_address:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        elif tos:
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
        ports = asking.getsockname()[1], answering.getsockname()[1]
        for _ in range(count):
            asking.sendto(b"q" * request_bytes, answering.getsockname())
            _, peer = answering.recvfrom(65536)
            answering.sendto(b"a" * answer_bytes, peer)
            asking.recvfrom(65536)
    there = FlowKey(client_address, server_address, UDP, *ports, tos)
    back = FlowKey(server_address, client_address, UDP, *reversed(ports))
    table.add(there, count, count * (overhead + request_bytes))
    table.add(back, count, count * (overhead + answer_bytes))


def udp_fragments(sender, receiver, table, payload_bytes, mtu=1500):
    """One datagram that needs several packets, one way, counted as the wire carries it."""
    (sender_host, source), (receiver_host, destination) = sender, receiver
    with bound_socket(sender_host, source, socket.SOCK_DGRAM) as sending, bound_socket(
        receiver_host, destination, socket.SOCK_DGRAM
    ) as receiving:
        sending.sendto(b"f" * payload_bytes, receiving.getsockname())
        received, _ = receiving.recvfrom(65536)
        ports = sending.getsockname()[1], receiving.getsockname()[1]
    assert len(received) == payload_bytes
    header = ip_header(source) + (FRAGMENT_HEADER if ":" in source else 0)
    room = (mtu - header) // 8 * 8
    packets = -(-(payload_bytes + UDP_HEADER) // room)
    table.add(
        FlowKey(source, destination, UDP, *ports),
        packets,
        packets * header + UDP_HEADER + payload_bytes,
    )


def _read_exactly(stream, count):
    while count:
        piece = stream.recv(min(count, 65536))
        assert piece, "the connection ended early"
        count -= len(piece)


def tcp_transfer(client, server, request_bytes, answer_bytes, pause=None):
    """A connection: request, answer, orderly close by both. Returns the two FlowKeys.

    pause: is called when half of the request is on its way.
    """
    (client_host, client_address), (server_host, server_address) = client, server
    failures = []

    def serve():
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE_S)
                _read_exactly(connection, request_bytes)
                connection.sendall(b"a" * answer_bytes)
        except OSError as error:
            failures.append(error)

    with bound_socket(server_host, server_address, socket.SOCK_STREAM) as listener:
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        with bound_socket(client_host, client_address, socket.SOCK_STREAM) as calling:
            calling.connect(listener.getsockname())
            ports = calling.getsockname()[1], listener.getsockname()[1]
            before = request_bytes // 2 if pause else 0
            calling.sendall(b"q" * before)
            if pause:
                pause()
            calling.sendall(b"q" * (request_bytes - before))
            _read_exactly(calling, answer_bytes)
            assert calling.recv(1) == b""
        thread.join()
    assert not failures, failures
    there = FlowKey(client_address, server_address, socket.IPPROTO_TCP, *ports)
    return there, FlowKey(server_address, client_address, socket.IPPROTO_TCP, *reversed(ports))


def _checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(client, server_address, table, count, payload_bytes):
    """'count' echo requests, each answered by the other host's kernel. payload_bytes is even."""
    client_host, client_address = client
    is_ipv6 = ":" in client_address
    protocol = ICMPV6 if is_ipv6 else ICMP
    request, reply = (
        (ICMPV6_ECHO, ICMPV6_ECHO_REPLY) if is_ipv6 else (ICMP_ECHO, ICMP_ECHO_REPLY)
    )
    identifier = os.getpid() & 0xFFFF
    with open_socket(client_host, client_address, socket.SOCK_RAW, protocol) as raw:
        raw.bind((client_address, 0))
        for number in range(count):
            body = struct.pack(">HH", identifier, number) + b"p" * payload_bytes
            checksum = 0 if is_ipv6 else _checksum(struct.pack(">BBH", request, 0, 0) + body)
            raw.sendto(struct.pack(">BBH", request, 0, checksum) + body, (server_address, 0))
            answer = b""
            while (answer[:1], answer[4:8]) != (bytes([reply]), body[:4]):
                answer = raw.recv(65536)[0 if is_ipv6 else 20 :]
    octets = count * (ip_header(client_address) + ICMP_HEADER + payload_bytes)
    there = FlowKey(client_address, server_address, protocol, 0, request * 256)
    back = FlowKey(server_address, client_address, protocol, 0, reply * 256)
    table.add(there, count, octets)
    table.add(back, count, octets)
