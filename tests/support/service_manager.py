"""A stand-in for systemd: keeps the descriptors of a service, and hands them to the next process.

As sd_notify(3) and sd_listen_fds(3) say: FDSTORE=1 with FDNAME=, FDSTOREREMOVE=1, BARRIER=1.
"""

import contextlib
import fcntl
import os
import select
import socket
import threading

LISTEN_FDS_START = 3
HIGH = 200  # descriptors are moved out of the way first


class ServiceManager:
    """store: name -> descriptor. options() are for the Popen of the service, made anew for each start."""

    def __init__(self, directory, limit=512):
        self.path = str(directory / "notify.sock")
        self.state_directory = directory / "state"
        self.state_directory.mkdir()
        self.limit = limit
        self.says_limit = True  # systemd 254 and later
        self.store = {}
        self.messages = []  # lists of lines
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)
        self._stopping = False
        self._lock = threading.Lock()
        self._taking = threading.Lock()
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def close(self):
        self._stopping = True
        self._thread.join()
        self._socket.close()
        self.forget()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def forget(self):
        """As systemd does when a service is stopped."""
        with self._lock:
            for descriptor in self.store.values():
                os.close(descriptor)
            self.store = {}

    def _receive(self):
        while not self._stopping:
            if select.select([self._socket], [], [], 0.1)[0]:
                self._take_all()

    def _take_all(self):
        with self._taking, contextlib.suppress(BlockingIOError):
            while True:
                self._take()

    def _take(self):
        data, descriptors, _, _ = socket.recv_fds(self._socket, 4096, 8)
        lines = data.decode().splitlines()
        values = dict(line.split("=", 1) for line in lines)
        with self._lock:
            self.messages.append(lines)
            if values.get("FDSTOREREMOVE") == "1" and values["FDNAME"] in self.store:
                os.close(self.store.pop(values["FDNAME"]))
            # Without FDPOLL=0 systemd closes a socket at its first overflow.
            if values.get("FDSTORE") == "1" and values.get("FDPOLL") == "0":
                for descriptor in descriptors:
                    if len(self.store) < self.limit and values["FDNAME"] not in self.store:
                        self.store[values["FDNAME"]] = os.dup(descriptor)
        for descriptor in descriptors:
            os.close(descriptor)

    def keep(self, name, descriptor):
        """Put a copy into the store from here."""
        with self._lock:
            self.store[name] = os.dup(descriptor)

    def all_names(self):
        self._take_all()
        with self._lock:
            return sorted(self.store)

    def names(self):
        """But for the memories that outlive a kill."""
        return [name for name in self.all_names() if not name.startswith("kept")]

    def wait_ready(self, agent, what="ready"):
        """Until it says so, counted from the last messages.clear()."""
        agent.wait_until(lambda: "READY=1" in sum(self.messages, []), what)

    def options(self, **variables):
        """What the next process gets: environment, with these variables, wrapper, descriptors.

        First all that the last one has sent is done: systemd hears of its end after that.
        """
        self._take_all()
        with self._lock:
            items = sorted(self.store.items(), reverse=bool(len(self.messages) % 2))
        count = len(items)

        def place():
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH) for _, fd in items]
            for number, descriptor in enumerate(high, LISTEN_FDS_START):
                os.dup2(descriptor, number)

        environment = {
            "NOTIFY_SOCKET": self.path,
            "STATE_DIRECTORY": str(self.state_directory),
            **variables,
        }
        if self.says_limit:
            environment["FDSTORE"] = str(self.limit)
        if count:
            environment["LISTEN_FDS"] = str(count)
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in items)
        return {
            "environment": environment,
            "wrapper": ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"],
            "preexec_fn": place,
            "pass_fds": tuple(range(LISTEN_FDS_START, LISTEN_FDS_START + count)),
        }


