"""The NFLOG rules that an operator may have, with counters: nft, iptables-nft, iptables-legacy."""

import json
import re

from flows import Totals

MARK = "0xf10a"  # on the agent's own datagrams


class Nft:
    name = "nft"

    def install(self, host, device, group=40, skip_own=True):
        skip = f"meta mark {MARK} return" if skip_own else ""
        host.run("nft", "-f", "-", input=f"""
table inet test {{
	chain in {{
		type filter hook prerouting priority raw; policy accept;
		iifname "{device}" counter log group {group} snaplen 96
	}}
	chain out {{
		type filter hook postrouting priority srcnat + 10; policy accept;
		oifname != "{device}" return
		{skip}
		counter log group {group} snaplen 96
	}}
}}
""")  # fmt: skip

    def matched(self, host):
        """Totals of the packets that the rules have logged."""
        totals = Totals()
        listing = json.loads(host.run("nft", "-j", "list", "table", "inet", "test"))
        for item in listing["nftables"]:
            for expression in item.get("rule", {}).get("expr", []):
                if "counter" in expression:
                    counter = expression["counter"]
                    totals.add(counter["packets"], counter["bytes"])
        return totals


class Iptables:
    """One rule per direction and family."""

    def __init__(self, flavour):
        self.name = f"iptables-{flavour}"
        self.commands = [f"iptables-{flavour}", f"ip6tables-{flavour}"]

    def install(self, host, device, group=40, skip_own=True):
        log = ["-j", "NFLOG", "--nflog-group", group, "--nflog-size", "96"]
        for command in self.commands:
            host.run(command, "-w", "-t", "raw", "-A", "PREROUTING", "-i", device, *log)
            if skip_own:
                host.run(command, "-w", "-t", "mangle", "-A", "POSTROUTING",
                         "-m", "mark", "--mark", MARK, "-j", "RETURN")  # fmt: skip
            host.run(command, "-w", "-t", "mangle", "-A", "POSTROUTING", "-o", device, *log)

    def matched(self, host):
        totals = Totals()
        for command in self.commands:
            for table in "raw", "mangle":
                rules = host.run(f"{command}-save", "-c", "-t", table)
                for packets, octets in re.findall(r"^\[(\d+):(\d+)\].* NFLOG ", rules, re.M):
                    totals.add(int(packets), int(octets))
        return totals


FIREWALLS = [Nft(), Iptables("nft"), Iptables("legacy")]
