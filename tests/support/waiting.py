"""Waiting for a condition with a bound, in place of sleeping for a guess."""

import time

PATIENCE_S = 180  # generous: sanitizer builds on a loaded machine; only a failure takes this long


def wait_until(condition, what, timeout_s=PATIENCE_S, interval_s=0.05):
    """Poll until condition() is true and return its value; AssertionError after 'timeout_s'."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(interval_s)
