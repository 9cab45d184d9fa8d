"""IPFIX collectors over TCP and TLS: the test's own, and programs that write down what they get."""

import itertools
import contextlib
import socket
import ssl
import subprocess
import threading
import time

import ipfix
import programs
from netflow9 import flow_table
from waiting import wait_until

HEADER_SIZE = 16


def messages_of(stream):
    """([message], bytes left over) of what came in one connection: each header has its length."""
    messages = []
    while len(stream) >= HEADER_SIZE:
        length = int.from_bytes(stream[2:4], "big")
        assert stream[:2] == b"\0\x0a" and length >= HEADER_SIZE, stream[:HEADER_SIZE].hex()
        if len(stream) < length:
            break
        messages.append(bytes(stream[:length]))
        stream = stream[length:]
    return messages, bytes(stream)


def decode_session(stream, requested=0):
    """The messages of one connection, decoded strictly: templates come in the first ones alone (and
    when they were requested), their number is 0, and there are no gaps. An unfinished last one is left out:
    it comes again in the next connection."""
    decoder = ipfix.Decoder(is_session=True)
    for message in messages_of(stream)[0]:
        decoder.decode(message)
    messages = decoder.messages
    if messages:
        assert messages[0].sequence == 0 and messages[0].templates and not messages[0].flows
        later = list(itertools.dropwhile(lambda message: message.templates and not message.flows, messages))
        assert sum(bool(message.templates) for message in later) == requested
    return messages


def table_of(sessions):
    return flow_table([message for stream in sessions for message in decode_session(stream)])


class StreamCollector:
    """Listens on 'address', in a namespace or on the machine; over TLS with an ssl.SSLContext.

    sessions: what each connection brought so far, bytes. context may be changed between connections.
    """

    def __init__(self, address="127.0.0.1", port=0, namespace=None, context=None):
        self._address, self._namespace = address, namespace
        self.context = context
        self.sessions = []
        self._is_reading = threading.Event()
        self._is_reading.set()
        self.port = port
        self.start()
        self.host_port = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"

    def start(self):
        """Listen (again, at the same port)."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        with self._namespace.entered() if self._namespace else contextlib.nullcontext():
            self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._listener.bind((self._address, self.port))
        self._listener.listen()
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        readers = []
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                readers.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                readers[-1].start()
        for reader in readers:
            reader.join()
        self._listener.close()

    def _serve(self, connection):
        """Each by a thread of its own: of a connection that the agent gave up no end may come."""
        connection.settimeout(5)
        with contextlib.suppress(OSError), connection:  # of TLS, too
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                self._receive(connection)

    def _receive(self, connection):
        stream = bytearray()
        self.sessions.append(stream)
        connection.settimeout(0.1)
        while not self._stopping:
            if not self._is_reading.wait(0.1):
                continue
            with contextlib.suppress(TimeoutError):
                part = connection.recv(65536)
                if not part:
                    return
                stream += part
        self._drain(connection, stream)

    @staticmethod
    def _drain(connection, stream):
        connection.settimeout(0.3)
        deadline = time.monotonic() + 5
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline and (part := connection.recv(65536)):
                stream += part

    def pause(self):
        """Do not read, as a program that hangs."""
        self._is_reading.clear()

    def resume(self):
        self._is_reading.set()

    def leave(self):
        """Stop listening, read until nothing comes for a moment, and close the connection.

        What comes after that moment is lost although it was acknowledged: so whoever wants all
        stops the sender meanwhile.
        """
        self._stopping = True
        self._is_reading.set()
        self._thread.join()

    close = leave

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def flows(self):
        """FlowTable of all sessions."""
        return table_of(self.sessions)


class OpensslServer(programs.Program):
    """openssl s_server, which writes what it decrypts to its standard output."""

    count = 0

    def __init__(self, directory, host, address, port, *options):
        OpensslServer.count += 1
        self.port = port
        super().__init__(
            f"s_server-{OpensslServer.count}",
            ["openssl", "s_server", "-accept", f"{address}:{port}", "-quiet", *options],
            directory,
            host,
            stdin=subprocess.PIPE,  # it ends with that
        )
        listening = f":{port:04X} "
        self.wait_until(lambda: listening in (host.read("tcp") + host.read("tcp6")), "it listens")

    def stream(self):
        return self._out.read_bytes()

    def wait_for_messages(self, count):
        self.wait_until(lambda: len(messages_of(self.stream())[0]) >= count, f"{count} messages")


class Certificates:
    """An authority, and what it has signed, made by openssl."""

    def __init__(self, directory):
        self._directory = directory
        self.authority, _ = self._make("authority")
        self.other_authority, _ = self._make("other-authority")

    def _make(self, name, *options, days=30):
        certificate, key = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-days", days, *options,
        )  # fmt: skip
        return certificate, key

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def issue(self, name, alternative="DNS:localhost,IP:127.0.0.1", expired=False):
        """(certificate, key) of 'name'."""
        request, certificate = self._directory / f"{name}.csr", self._directory / f"{name}.pem"
        key, extensions = self._directory / f"{name}.key", self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", request, "-subj", f"/CN={name}",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.authority, "-out", certificate,
            "-CAkey", self._directory / "authority.key", "-CAcreateserial",
            "-extfile", extensions, "-days", -1 if expired else 30,
        )  # fmt: skip
        return certificate, key


def server_context(identity, client_authority=None, maximum=None):
    """For a StreamCollector over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity)
    if maximum:
        context.maximum_version = maximum
    if client_authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    return context


def wait_for_packets(sink, count):
    """Until its sessions have as many packets: the last ones may be on the way."""
    wait_until(lambda: sink.flows().packets() >= count, f"{count} packets at the collector")
