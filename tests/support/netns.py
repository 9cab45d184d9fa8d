"""Hosts as network namespaces, connected by veth pairs, quiet enough to count packets in them."""

import contextlib
import ctypes
import itertools
import os
import re
import subprocess

from waiting import PATIENCE_S, wait_until

CLONE_NEWNET = 0x40000000
PREFIX = "fa"  # namespaces are fa<pid>-<number>-<host>
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def _set_namespace(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """One host. Close it, or use it as a context manager."""

    def __init__(self, host):
        self.name = f"{PREFIX}{os.getpid()}-{next(_numbers)}-{host}"
        _ip("netns", "add", self.name)
        self.path = f"/run/netns/{self.name}"
        self.ip("link", "set", "lo", "up")
        # Multicast listener reports come when they like: packets that no test has sent.
        self.run("nft", "add", "table", "ip6", "quiet")
        self.run("nft", "add chain ip6 quiet out { type filter hook output priority -400; }")
        self.run("nft", "add", "rule", "ip6", "quiet", "out", "icmpv6", "type", 143, "drop")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)

    def command(self, *arguments):
        """The command line that runs 'arguments' on this host."""
        return ["nsenter", f"--net={self.path}", "--", *map(str, arguments)]

    def run(self, *arguments, timeout_s=PATIENCE_S, **options):
        """Run to its end; returns standard output. Fails with standard error in the message."""
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=timeout_s, **options
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}: status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, *arguments):
        return self.run("ip", *arguments)

    def add_address(self, address, device):
        """Usable at once: without nodad even an address of lo is tentative until a kernel thread runs."""
        nodad = ["nodad"] if ":" in address else []
        self.ip("address", "add", address, "dev", device, *nodad)

    def sysctl(self, name, value):
        """Settings of the network are those of the namespace of who opens them."""
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    def read(self, proc_net_path):
        return self.run("cat", f"/proc/net/{proc_net_path}")

    @contextlib.contextmanager
    def entered(self):
        """Sockets that this thread opens within belong to this host, for as long as they live."""
        with open("/proc/thread-self/ns/net") as home, open(self.path) as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())


def with_length(addresses):
    """Addresses with the length of their network, as connect() wants them."""
    return [address + ("/64" if ":" in address else "/24") for address in addresses]


def connect(left, right):
    """veth pair between (namespace, device, [address/length ...]) and another of the kind.

    No ARP and no neighbour discovery (fixed neighbours), no link-local addresses, no duplicate
    address detection, no router solicitation, no offloads and no super-packets: what the hooks see
    is what the wire carries, and nothing is on the wire that a test has not caused.
    """
    (one, one_device, one_addresses), (two, two_device, two_addresses) = left, right
    for namespace in (one, two):
        namespace.sysctl("ipv6/conf/default/accept_ra", 0)
        namespace.sysctl("ipv6/conf/default/accept_dad", 0)
    _ip("link", "add", one_device, "netns", one.name, "type", "veth",
        "peer", "name", two_device, "netns", two.name)  # fmt: skip
    for namespace, device, addresses in left, right:
        namespace.ip("link", "set", device, "addrgenmode", "none", "gso_max_segs", "1")
        namespace.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off",
                      "tx", "off", "rx", "off")  # fmt: skip
        for address in addresses:
            namespace.add_address(address, device)
        namespace.ip("link", "set", device, "up")
    for here, device, there, there_device, addresses in (
        (one, one_device, two, two_device, two_addresses),
        (two, two_device, one, one_device, one_addresses),
    ):
        hardware = hardware_address(there, there_device)
        for address in addresses:
            here.ip("neighbour", "replace", address.split("/")[0], "lladdr", hardware,
                    "dev", device, "nud", "permanent")  # fmt: skip
    for namespace, device, _ in left, right:
        # The one that came up before its peer drops what it is given until a kernel thread has noticed the carrier.
        wait_until(lambda: "noop" not in namespace.ip("link", "show", "dev", device), f"{device} active")


def hardware_address(namespace, device):
    return re.search(r"link/ether (\S+)", namespace.ip("link", "show", device)).group(1)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=PATIENCE_S)


def remove_leftovers():
    """Remove namespaces of runs that were killed before they could clean up."""
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for name in re.findall(rf"^({PREFIX}\d+-\S+)", listing.stdout, re.MULTILINE):
        pid = re.match(rf"{PREFIX}(\d+)-", name).group(1)
        if not os.path.exists(f"/proc/{pid}"):
            subprocess.run(["ip", "netns", "delete", name], check=False)
