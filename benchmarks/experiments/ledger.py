"""Visits as a population remembers them, and the counts of experiments that follow from them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from benchmarks.experiments.population import Chosen
from streamrec.domain.experiments.exposure import Exposure

_ROUNDING = 1e-9

METRICS = ("ctr", "clicks", "purchases", "purchase_rate")


class Visit(NamedTuple):
    """A list that a user was shown, and what the user did; `teams` names each item's variant, if mixed."""

    user_id: str
    request_id: str
    experiment: str
    variant: str
    items: tuple[str, ...]
    teams: tuple[str, ...]
    chosen: Chosen


class Counts(msgspec.Struct):
    """Counts of one variant; `means` by metric, of users whose outcome is complete."""

    users: int = 0
    exposures: int = 0
    clicks: int = 0
    purchases: int = 0
    means: dict[str, float] = {}


def event_id(request_id: str, position: int, kind: str) -> str:
    """Return the id of a click or a purchase, the same whenever it is sent."""
    return f"{request_id}:{position}:{kind}"


class Written(NamedTuple):
    """Lists and events as the log has them.

    Attributes
    ----------
    times
        Request id -> when its list was shown, Unix seconds, once for each time it was written down.
    arrivals
        Event id -> when the event came first: a click whose answer is lost is sent again.
    """

    times: Mapping[str, Sequence[float]]
    arrivals: Mapping[str, float]

    @classmethod
    def of(cls, exposures: Iterable[Exposure], arrivals: Mapping[str, float]) -> "Written":
        """Return what stands in the log."""
        times: dict[str, list[float]] = defaultdict(list)
        for exposure in exposures:
            times[exposure.request_id].append(exposure.at)
        return cls(times, arrivals)

    def n_lost(self, visits: Iterable[Visit]) -> int:
        """Return how many lists were shown that are not in the log."""
        return sum(visit.request_id not in self.times for visit in visits)

    def n_unseen(self) -> int:
        """Return how many lists are in the log whose answer did not arrive, and was asked for again."""
        return sum(len(times) - 1 for times in self.times.values())


class Expected(NamedTuple):
    """Counts that an experiment must come to, and visits with clicks after their user's outcome."""

    variants: dict[str, Counts]
    wins: dict[str, int]
    ties: int
    n_late: int


def expected(visits: Iterable[Visit], written: Written, outcome_s: float) -> dict[str, Expected]:
    """Return by experiment what must be counted of visits whose lists are written down."""
    by_user: dict[tuple[str, str, str], list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.request_id in written.times:
            by_user[visit.experiment, visit.variant, visit.user_id].append(visit)
    found: dict[str, Expected] = {}
    sums: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: dict.fromkeys(METRICS, 0.0))
    for (experiment, variant, _), own in by_user.items():
        known = found.get(experiment, Expected({}, {}, 0, 0))
        counts = known.variants.setdefault(variant, Counts())
        counts.users += 1
        counts.exposures += sum(len(written.times[visit.request_id]) for visit in own)
        counts.clicks += sum(len(visit.chosen.clicked) for visit in own)
        counts.purchases += sum(len(visit.chosen.bought) for visit in own)
        since = min(at for visit in own for at in written.times[visit.request_id])
        in_time = [_until(visit, written, since + outcome_s) for visit in own]
        n_late = sum(visit.chosen != counted.chosen for visit, counted in zip(own, in_time, strict=True))
        n_shown = sum(at <= since + outcome_s for visit in own for at in written.times[visit.request_id])
        for name, value in _outcome(in_time, n_shown).items():
            sums[experiment, variant][name] += value
        found[experiment] = _preferring(known._replace(n_late=known.n_late + n_late), in_time)
    for (experiment, variant), totals in sums.items():
        counts = found[experiment].variants[variant]
        counts.means = {name: totals[name] / counts.users for name in METRICS}
    return found


def _until(visit: Visit, written: Written, end: float) -> Visit:
    """Return a visit with what was chosen until a time in Unix seconds."""

    def in_time(positions: Iterable[int], kind: str) -> tuple[int, ...]:
        ids = ((at, event_id(visit.request_id, at, kind)) for at in positions)
        return tuple(at for at, id_ in ids if written.arrivals[id_] <= end)

    clicked, bought = visit.chosen
    return visit._replace(chosen=Chosen(in_time(clicked, "click"), in_time(bought, "purchase")))


def _outcome(visits: Sequence[Visit], n_shown: int) -> dict[str, float]:
    n_bought = sum(len(visit.chosen.bought) for visit in visits)
    return {
        "ctr": sum(bool(visit.chosen.clicked) for visit in visits) / n_shown,
        "clicks": float(sum(len(visit.chosen.clicked) for visit in visits)),
        "purchases": float(n_bought),
        "purchase_rate": float(n_bought > 0),
    }


def _preferring(known: Expected, visits: Sequence[Visit]) -> Expected:
    """Return the counts with one more user's preference among the teams of mixed lists."""
    credit = Counter(visit.teams[at] for visit in visits if visit.teams for at in visit.chosen.clicked)
    most = max(credit.values(), default=0)
    best = [team for team, n in credit.items() if n == most]
    if not most:
        return known
    if len(best) > 1:
        return known._replace(ties=known.ties + 1)
    return known._replace(wins=known.wins | {best[0]: known.wins.get(best[0], 0) + 1})


def told(results: Mapping[str, Any]) -> Expected:
    """Return the counts that a report tells."""
    variants = {}
    for one in results["variants"]:
        funnel = results["funnel"][one["name"]]
        means = {name: one["metrics"].get(name, {}).get("mean") or 0.0 for name in METRICS}
        variants[one["name"]] = Counts(
            one["n_users"], one["n_exposures"], funnel["clicks"], funnel["purchases"], means
        )
    interleaving = results["interleaving"] or {"wins": {}, "ties": 0}
    wins = {name: n for name, n in interleaving["wins"].items() if n}
    return Expected(variants, wins, interleaving["ties"], 0)


def differences(wanted: Expected, found: Expected) -> list[str]:
    """Return in words where counts differ from what they must be."""
    figures, others = _figures(wanted), _figures(found)
    return [
        f"{name}: {others.get(name, 0.0):g} instead of {figures.get(name, 0.0):g}"
        for name in sorted(figures.keys() | others.keys())
        if abs(figures.get(name, 0.0) - others.get(name, 0.0)) > _ROUNDING
    ]


def _figures(one: Expected) -> dict[str, float]:
    figures = {f"preferring {name}": float(n) for name, n in one.wins.items()} | {"ties": float(one.ties)}
    for name, counts in one.variants.items():
        for field in ("users", "exposures", "clicks", "purchases"):
            figures[f"{name}, {field}"] = float(getattr(counts, field))
        figures |= {f"{name}, mean {metric}": mean for metric, mean in counts.means.items()}
    return figures
