"""coverage_by_room.py FILE - what gcovr has summed up, by room and by top folder. Status 1 below an aim."""

import json
import sys
from collections import Counter
from pathlib import PurePath

AIMS = {"lib": 90, "exporter": 90, "agent": 80}  # per cent of lines


def main(path):
    covered, total = Counter(), Counter()
    with open(path, encoding="utf-8") as file:
        for source in json.load(file)["files"]:
            room = PurePath(source["filename"]).parent
            for name in {str(room), room.parts[0]}:
                covered[name] += source["line_covered"]
                total[name] += source["line_total"]
    for name in sorted(set(total) - set(AIMS)):
        print(f"{name:24} {100 * covered[name] / total[name]:6.1f} % of {total[name]} lines")
    is_met = True
    for name, aim in AIMS.items():
        share = 100 * covered[name] / total[name] if total[name] else 0
        is_met &= share >= aim
        print(f"{name + '/ with its rooms':24} {share:6.1f} % of {total[name]} lines, at least {aim} %")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
