"""count_results.py STATUS... JUNIT_XML... - one line "N passed, N failed" over all kinds of tests.

A STATUS is 0 or 1: that of a check that is one test. A results file that is missing, broken or empty is
one failure: its tests did not run. Each failure is named with its assertion below it, so that nobody has to
look for it in what the tests have printed. Status 1 on any failure.
"""

import re
import sys
import xml.etree.ElementTree

LINES_SHOWN = 12  # of one failure
# What says why in the output of a unit test: cmocka's lines and those of sanitizers.
REASON = re.compile(r"\[ +(ERROR|LINE) +\]|Sanitizer|runtime error:|Assertion|error: ")


def reasons(case):
    """The lines of a failed test that say why: pytest's assertion, or what a unit test has printed last."""
    for name in ("failure", "error"):
        fault = case.find(name)
        if fault is None:
            continue
        lines = [line for line in (fault.text or "").splitlines() if line.startswith("E  ")]
        if lines:
            return [line[1:].strip() for line in lines[-LINES_SHOWN:]]
    output = [line for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
    telling = [line for line in output if REASON.search(line)]
    messages = [fault.get("message", "") for fault in case if fault.tag != "system-out"]
    return (telling or output[-(LINES_SHOWN // 2) :] or messages)[:LINES_SHOWN]


def show(case):
    print(f"not passed: {case.get('classname')} {case.get('name')}")
    for line in reasons(case):
        print(f"    {line}")


def is_failed(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return True
    # ctest says "skipped" also of a test that it cannot find or that is disabled.
    skipped = case.find("skipped")
    return case.get("status") not in (None, "run") and (
        skipped is None or not skipped.get("message", "").startswith("SKIP_")
    )


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
        if is_failed(case):
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            continue
        show(case)
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
