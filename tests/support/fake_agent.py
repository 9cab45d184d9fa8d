"""An agent that says what it is told to: its end of the control socket, for tests of agentctl."""

import contextlib
import json
import socket
import socketserver
import threading


class FakeAgent:
    """answer(request) gives the rows, or an error as text."""

    def __init__(self, path, answer):
        self.control = path
        self.requests = []
        self._connections = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(handler):
                self._connections.append(handler.connection)
                for line in handler.rfile:
                    request = json.loads(line)
                    self.requests.append(request)
                    handler.wfile.write(self._lines(answer(request)))

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = Server(str(path), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def _lines(rows):
        if isinstance(rows, str):
            lines = [{"error": {"code": "bad-request", "text": rows}}]
        else:
            lines = [*rows, {"end": True, "rows": len(rows)}]
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def close(self):
        """No answers any more, also on connections that are there."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
