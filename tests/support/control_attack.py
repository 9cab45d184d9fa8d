"""control_attack.py SOCKET - what a member of the socket's group can do to it; says "ready" when all of it is under way.

Half a request, 64 KiB of garbage, a reader that asks for all flows and reads none, and 1000 connections that say
nothing. Holds all that it has until its standard input ends.
"""

import contextlib
import socket
import sys

CONNECTIONS = 1000


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(sys.argv[1])
    return client


held = []
for request in b'{"v":1,"cmd":"show-', bytes(range(256)) * 256, b'{"v":1,"cmd":"show-flows"}\n':
    client = connect()
    with contextlib.suppress(OSError):  # cut in the middle of the garbage
        client.sendall(request)
    held.append(client)
for _ in range(CONNECTIONS):
    with contextlib.suppress(OSError):
        held.append(connect())
print("ready", flush=True)
sys.stdin.read()
