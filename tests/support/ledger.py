"""The equalities of the loss ledger, on the JSON that --summary writes and `show stats` sends."""

import json

# Every key that the contract names, with the type of its value.
SUMMARY_KEYS = {
    "packets_read": int,
    "packets_lost_kernel": int,
    "packets_ignored": dict,
    "packets_exported": int,
    "bytes_exported": int,
    "packets_cached": int,
    "packets_lost": int,
    "flows_created": int,
    "flows_cached": int,
    "records_expired": dict,
    "records_sent": int,
    "records_lost": int,
    "datagrams_sent": int,
    "packets_super": int,
    "packets_super_uncounted": int,
    "packets_split": int,
    "records_excluded": int,
    "packets_excluded": int,
}


def parse(text):
    """The one object in some output."""
    (line,) = text.splitlines()
    return json.loads(line)


def ignored(summary):
    return sum(summary["packets_ignored"].values())


def expired(summary):
    return sum(summary["records_expired"].values())


def check_summary(summary, matched=None):
    """The equalities, at any moment; what waits is 0 at the end of a run.

    matched: packets that the kernel matched (the rule's counter), if it is known.
    """
    for key, kind in SUMMARY_KEYS.items():
        assert isinstance(summary.get(key), kind), f"{key}: {summary.get(key)!r}"
    if matched is not None:
        assert summary["packets_read"] + summary["packets_lost_kernel"] == matched, summary
    accounted = summary["packets_exported"] + summary["packets_lost"] + summary["packets_cached"]
    accounted += ignored(summary) + summary.get("packets_waiting", 0)
    accounted += summary["packets_excluded"]
    assert summary["packets_read"] + summary["packets_split"] == accounted, summary
    assert summary["flows_created"] == expired(summary) + summary["flows_cached"], summary
    exported = summary["records_sent"] + summary["records_lost"] + summary.get("records_waiting", 0)
    exported += summary["records_excluded"]
    assert expired(summary) == exported, summary


def check_final(summary, matched=None):
    """check_summary(), and that the end left nothing behind."""
    check_summary(summary, matched)
    for key in "packets_cached", "flows_cached", "packets_waiting", "records_waiting":
        assert summary.get(key, 0) == 0, summary
