"""Sampling of the trainer's figures: from one look a second to one point an interval."""

from collections.abc import Mapping

from streamrec.domain.status.point import RINGS, Ring, StatusPoint

_MEANS = ("lag_s", "lag_events", "item_staleness_s", "users_published_after_s", "n_users", "n_items")

_TOTALS = {"n_rejected": "rejected", "n_repeats": "repeats", "model_reverts": "reverts"}
"""Totals that grow, and what their growth in an interval is called."""

_RECALL = ".recall_at_10"
_PREQUENTIAL = "prequential."


class StatusSampling:
    """Makes points of what is noted about once a second.

    A clock that is set back begins a new point; one that jumps ahead leaves a gap.

    >>> sampling = StatusSampling()
    >>> for now, n_events in ((100.0, 0.0), (104.0, 40.0), (108.0, 60.0), (111.0, 60.0)):
    ...     points = sampling.note(now, {"n_events": n_events, "lag_s": 2.0})
    >>> points[0].at, points[0].values["events_per_s"], points[0].values["lag_s"]
    (100, 7.5, 2.0)
    """

    def __init__(self) -> None:
        self._before: Mapping[str, float] = {}
        self._noted_at = float("-inf")
        self._open: dict[str, _Interval] = {}

    def note(self, now: float, numbers: Mapping[str, float]) -> list[StatusPoint]:
        """Note figures of the moment `now` (Unix seconds); return the points that it ends."""
        before, elapsed_s = self._before, now - self._noted_at
        is_first = not before or elapsed_s < 0
        grown = {
            name: 0.0 if is_first else max(0.0, numbers.get(name, 0.0) - before.get(name, 0.0))
            for name in ("n_events", *_TOTALS)
        }
        means = _means(numbers)
        ended = []
        for name, ring in RINGS.items():
            interval = self._open.get(name)
            if interval is None or interval.at != ring.begins(now):
                if interval is not None:
                    ended.append(interval.point())
                interval = self._open[name] = _Interval(ring, ring.begins(now))
            interval.add(means, grown, 0.0 if is_first else elapsed_s)
        self._before, self._noted_at = dict(numbers), now
        return ended


class _Interval:
    def __init__(self, ring: Ring, at: int) -> None:
        self.at = at
        self._ring = ring
        self._sums: dict[str, float] = {}
        self._ns: dict[str, int] = {}
        self._grown: dict[str, float] = {}
        self._elapsed_s = 0.0

    def add(self, means: Mapping[str, float], grown: Mapping[str, float], elapsed_s: float) -> None:
        for name, value in means.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._ns[name] = self._ns.get(name, 0) + 1
        for name, n in grown.items():
            self._grown[name] = self._grown.get(name, 0.0) + n
        self._elapsed_s += elapsed_s

    def point(self) -> StatusPoint:
        values = {name: total / self._ns[name] for name, total in self._sums.items()}
        values |= {shown: self._grown[name] for name, shown in _TOTALS.items()}
        if self._elapsed_s > 0:
            values["events_per_s"] = self._grown["n_events"] / self._elapsed_s
        return StatusPoint(self._ring.interval_s, self.at, values)


def _means(numbers: Mapping[str, float]) -> dict[str, float]:
    """Return the figures of the moment that an interval has the mean of, by the names of the series."""
    means = {name: numbers[name] for name in _MEANS if name in numbers}
    if "lag_s" in means:
        means["freshness_s"] = means["lag_s"] + means.get("users_published_after_s", 0.0)
    for name, value in numbers.items():
        if name.startswith(_PREQUENTIAL) and name.endswith(_RECALL):
            means[f"recall.{name[len(_PREQUENTIAL) : -len(_RECALL)]}"] = value
    return means
