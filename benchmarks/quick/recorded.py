"""Recorded ratios, each with a tolerance that comes of how much the recorded runs differed."""

import statistics
from collections.abc import Mapping, Sequence

import msgspec

LEAST_TOLERANCE = 0.05
"""Relative, of `ENOUGH` runs: where the code lies in memory moves a ratio by some hundredths."""

ENOUGH = 10
"""Fewer runs tell less of the noise: a single one that it may be ten times the least."""

SAFETY = 1.5
"""Of ten runs the farthest is 1.8 standard deviations off on average, if they are normal; half as much again
is passed by one run in 300."""


class Figure(msgspec.Struct):
    """One recorded ratio.

    Attributes
    ----------
    ratio
        Median of the runs.
    tolerance
        How far above it a later run may be, as a share of it.
    runs
        The ratio of each run.
    """

    ratio: float
    tolerance: float
    runs: list[float]


class Recorded(msgspec.Struct):
    """Figures that later runs are held against."""

    figures: dict[str, Figure]


def figure_of(runs: Sequence[float]) -> Figure:
    """Return the median of some runs, and a tolerance that leaves room beyond the farthest from it.

    >>> figure_of([10.0, 11.0, 10.0, 9.0])
    Figure(ratio=10.0, tolerance=0.15, runs=[10.0, 11.0, 10.0, 9.0])
    >>> figure_of([2.0] * 10).tolerance, figure_of([2.0]).tolerance
    (0.05, 0.5)
    """
    ratio = statistics.median(runs)
    farthest = max(abs(run / ratio - 1) for run in runs)
    least = LEAST_TOLERANCE * max(1.0, ENOUGH / len(runs))
    return Figure(ratio, round(max(least, SAFETY * farthest), 3), list(runs))


def risen(found: Mapping[str, float], recorded: Recorded) -> list[str]:
    """Return what is wrong with some ratios, a line each.

    >>> recorded = Recorded({"hop": Figure(2.0, 0.1, []), "list": Figure(5.0, 0.1, [])})
    >>> risen({"hop": 2.1, "list": 6.0}, recorded)
    ['list: 6.00, recorded 5.00, at most 5.50']
    >>> risen({"hop": 2.0}, recorded)
    ['other figures were recorded: record them again']
    """
    if found.keys() != recorded.figures.keys():
        return ["other figures were recorded: record them again"]
    return [
        f"{name}: {ratio:.2f}, recorded {figure.ratio:.2f}, at most {most:.2f}"
        for name, ratio in found.items()
        if ratio > (most := (figure := recorded.figures[name]).ratio * (1 + figure.tolerance))
    ]
