"""count_results.py STATUS... JUNIT_XML... - one line "N passed, N failed" over all kinds of tests.

A STATUS is 0 or 1: that of a check that is one test. A results file that is missing, broken or empty is
one failure: its tests did not run. Status 1 on any failure.
"""

import sys
import xml.etree.ElementTree


def count(path):
    """(passed, failed, skipped) of one JUnit file, as ctest and pytest write them."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"{path}: {error}")
        return 0, 1, 0
    if not cases:
        print(f"{path}: no tests")
        return 0, 1, 0
    failed = skipped = 0
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.get("status") not in (None, "run") and case.find("skipped") is None:
            failed += 1  # ctest: not run, disabled
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            continue
        print(f"not passed: {case.get('classname')} {case.get('name')}")
    return len(cases) - failed - skipped, failed, skipped


def main():
    passed = failed = skipped = 0
    for argument in sys.argv[1:]:
        if argument in ("0", "1"):
            more = 1 - int(argument), int(argument), 0
        else:
            more = count(argument)
        passed, failed, skipped = passed + more[0], failed + more[1], skipped + more[2]
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
