"""Time of the shop in slices: within one, the month is the same, and so are the laws."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import Catalog
from lab.generator.laws import season
from lab.generator.population import Population


@dataclass(frozen=True)
class Slice:
    """A piece of time.

    Attributes
    ----------
    begin, end
        Unix seconds.
    month
        Of the year, from 0.
    is_drifted
        Whether it lies after the change of laws.
    n_events
        That are drawn for sessions which begin in it.
    """

    begin: float
    end: float
    month: int
    is_drifted: bool
    n_events: int


@dataclass(frozen=True)
class Span:
    """Whole time of the shop, and the moment of its change, in Unix seconds."""

    begin: float
    end: float
    drift_at: float


def span_of(settings: GeneratorSection) -> Span:
    """Return the time that settings make."""
    begin = datetime.combine(settings.start, time(), UTC).timestamp()
    length = timedelta(days=settings.days).total_seconds()
    return Span(begin, begin + length, begin + settings.drift.at * length)


def user_weights(
    population: Population, settings: GeneratorSection, begin: float, end: float, traffic: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (U,) how many sessions users begin in a piece of time, beside one another.

    Activity, times the season of the primary category, times the part of the time in which the user is there.

    Parameters
    ----------
    traffic
        (C,) season of each category in that month.
    """
    span = span_of(settings)
    arrivals = span.begin + population.arrivals * (span.end - span.begin)
    is_there = np.clip((end - arrivals) / (end - begin), 0.0, 1.0)
    return population.activity * traffic[population.preferred // settings.n_subcategories] * is_there


def slices_of(
    settings: GeneratorSection, catalog: Catalog, population: Population, drifted: Population
) -> list[Slice]:
    """Return the slices in order; their numbers of events add up to `n_interactions`."""
    span = span_of(settings)
    pieces = _months(span, with_drift=settings.drift.kind != "none")
    volumes = []
    for begin, end, month in pieces:
        traffic = season(month, catalog.season_peaks, settings.season_strength)
        users = drifted if begin >= span.drift_at else population
        volumes.append((end - begin) * user_weights(users, settings, begin, end, traffic).sum())
    n_events = _rounded(np.array(volumes), settings.n_interactions)
    slices = []
    for (begin, end, month), n in zip(pieces, n_events, strict=True):
        n_parts = max(-(-n // settings.rows_per_part), 1)
        edges = np.linspace(begin, end, n_parts + 1).tolist()
        is_drifted = settings.drift.kind != "none" and begin >= span.drift_at
        for number, n_of_part in enumerate(_rounded(np.ones(n_parts), n)):
            slices.append(Slice(edges[number], edges[number + 1], month, is_drifted, n_of_part))
    return slices


def _months(span: Span, *, with_drift: bool) -> list[tuple[float, float, int]]:
    """Return (begin, end, month) of calendar months, cut at the beginning, at the end and at the change."""
    cuts = {span.begin, span.end} | ({span.drift_at} if with_drift else set())
    moment = datetime.fromtimestamp(span.begin, UTC).replace(day=1)
    while moment.timestamp() < span.end:
        cuts.add(max(moment.timestamp(), span.begin))
        moment = (moment + timedelta(days=32)).replace(day=1)
    edges = sorted(cuts)
    months = [datetime.fromtimestamp(edge, UTC).month - 1 for edge in edges]
    return list(zip(edges, edges[1:], months, strict=False))


def _rounded(weights: NDArray[np.float64], total: int) -> list[int]:
    """Return whole numbers in proportion to weights, which add up to the total."""
    reached = (np.cumsum(weights) / weights.sum() * total).round().astype(int)
    return [int(n) for n in np.diff(reached, prepend=0)]
