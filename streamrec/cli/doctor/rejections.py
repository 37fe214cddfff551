"""Refused records, as `doctor` tells of them."""

import time
from collections import Counter
from contextlib import closing
from datetime import timedelta

from streamrec.adapters.opening import open_event_source
from streamrec.errors import InvalidEvent, StreamrecError
from streamrec.ports import REJECTED, Offsets, Record, n_between
from streamrec.wire import decode_rejected

_N_LATEST = 100
"""Of which the reasons are told: enough to see what goes wrong now, read in a moment."""

_PATIENCE_S = 3.0
_LONGEST_EXAMPLE = 120


def rejections_in(url: str) -> str:
    """Return how many records the log keeps as rejected, and why the latest were; empty where it is none.

    A log that does not let us read them has told so by its own check, or keeps them from us: no part is
    unwell for that.
    """
    try:
        with closing(open_event_source(url, [REJECTED], "doctor")) as source:
            ends = source.end_offsets()
            source.seek({})
            n_kept = n_between(source.next_offsets(), ends)
            source.seek(_before(ends, source.next_offsets()))
            deadline = time.monotonic() + _PATIENCE_S
            records: list[Record] = []
            while n_between(source.next_offsets(), ends) and time.monotonic() < deadline:
                records += [record for record in source.poll(_N_LATEST, 0.2) if record.value is not None]
    except StreamrecError:
        return ""
    return _told(n_kept, records[-_N_LATEST:]) if n_kept and records else ""


def _before(ends: Offsets, starts: Offsets) -> Offsets:
    """Return the offsets from which the latest are read."""
    return {
        topic: {
            number: max(starts.get(topic, {}).get(number, 0), end - _N_LATEST)
            for number, end in partitions.items()
        }
        for topic, partitions in ends.items()
    }


def _told(n_kept: int, latest: list[Record]) -> str:
    reasons: Counter[str] = Counter()
    example = ""
    for record in latest:
        try:
            rejected = decode_rejected(record.value or b"")
        except InvalidEvent:
            continue
        reasons[rejected.reason] += 1
        example = rejected.message[:_LONGEST_EXAMPLE]
    if not reasons:
        return ""
    age = timedelta(seconds=max(0, round(time.time() - latest[-1].timestamp)))
    by_reason = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
    which = "they are" if len(latest) == n_kept else f"the latest {len(latest)} are"
    return (
        f"; {n_kept:,} rejected records in {REJECTED}, the last {age} ago; {which}: {by_reason}; for example:"
        f" {example}"
    )
