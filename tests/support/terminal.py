"""A terminal of a given size, with a program in it: tmux draws, so what is compared is what is seen."""

import itertools
import os
import shlex
import subprocess

from waiting import wait_until

_numbers = itertools.count()


class Terminal:
    """Runs a command in a tmux server of its own; keys in, screens out."""

    def __init__(self, command, directory, width, height, environment=()):
        self.socket = directory / f"tmux-{next(_numbers)}"
        settings = directory / "tmux.conf"
        settings.write_text("set -g status off\nset -g remain-on-exit on\nset -g escape-time 0\n")
        variables = {"LC_ALL": "C.UTF-8", **dict(environment)}
        words = ["env", *(f"{name}={value}" for name, value in variables.items()), *map(str, command)]
        # tmux misses the status of a program now and then: the shell around it writes it down.
        self.status = directory / f"{self.socket.name}.status"
        self._tmux(
            "-f", settings, "new-session", "-d", "-x", width, "-y", height,
            f"trap : INT; {shlex.join(words)}; echo $? >{shlex.quote(str(self.status))}",
        )  # fmt: skip

    def _tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-u", "-S", self.socket, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return done.stdout

    def screen(self):
        """The lines, without the blanks at their ends."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").split("\n")[:-1]]

    def keys(self, *keys):
        self._tmux("send-keys", *keys)

    def resize(self, width, height):
        self._tmux("resize-window", "-x", width, "-y", height)

    def wait_for(self, condition, what):
        """Until condition(screen) holds; the screen."""
        screens = []

        def holds():
            screens.append(self.screen())
            return condition(screens[-1])

        try:
            wait_until(holds, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; there was\n" + "\n".join(screens[-1])) from None
        return screens[-1]

    def wait_for_end(self):
        """Until the program has ended; its exit status."""
        return int(wait_until(lambda: self.status.exists() and self.status.read_text(), "the end"))

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=60)
