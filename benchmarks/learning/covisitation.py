"""Counting which items are chosen together, beside a plain loop over dicts, by the size of the catalogue.

One thread, in seconds of processor time, so that other processes do not count; the contestants take turns
within one run, because the machine's speed changes by the minute. An event is paired with its user's last
20 distinct items, found by each contestant itself; batches hold 1,024 events, and "one by one" hands over
the same events singly, as the evaluator does. The loop keeps every pair there is: it is exact, and needs
memory for all of them.
"""

import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from streamrec.domain.ranking.prequential import Events
from streamrec.domain.similarity.covisitation import CoVisitation, CoVisitationRules
from streamrec.evaluation.covisitation_ranker import CoVisitationRanker
from streamrec.settings.processes import CoVisitationSettings, LearningSettings

BATCH = 1024
N_USERS = 2_000
CATALOGUES = (1_682, 100_000)
N_BATCHES = 5
N_FILLED = 50
"""Batches before the first turn: nearly every user has a full history then."""

Contestant = Callable[[Events], None]


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns that each contestant takes.")] = 7,
) -> None:
    """Measure events counted per second."""
    results: dict[str, dict[str, float]] = {}
    for n_items in CATALOGUES:
        speeds = _race(n_items, rounds)
        ratio = speeds["micro-batches"] / speeds["dict of dicts"]
        results[f"{n_items} items"] = {**speeds, "micro-batches over dict of dicts": ratio}
        for name, speed in speeds.items():
            print(f"{n_items:>8,} items  {name:16} {speed:>10,.0f} events/s")
        print(f"{n_items:>8,} items  micro-batches over dict of dicts: {ratio:.1f}")
    results_file.write(json, results)


def _race(n_items: int, rounds: int) -> dict[str, float]:
    """Return each one's median speed over all turns, in events per second; the first turn only warms up."""
    random = np.random.default_rng(1)
    in_batches, singly, loop = _co_visitation(), _co_visitation(), DictOfDicts()
    contestants: dict[str, Contestant] = {
        "micro-batches": in_batches.learn,
        "one by one": lambda events: _singly(singly, events),
        "dict of dicts": loop.learn,
    }
    for _ in range(N_FILLED):
        events = _events(n_items, random)
        for counting in (in_batches, singly, loop):
            counting.learn(events)
    durations: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        batches = [_events(n_items, random) for _ in range(N_BATCHES)]
        for name, contestant in contestants.items():
            start = time.process_time()
            for events in batches:
                contestant(events)
            durations[name].append(time.process_time() - start)
    return {name: N_BATCHES * BATCH / statistics.median(times[1:]) for name, times in durations.items()}


def _co_visitation() -> CoVisitationRanker:
    settings = CoVisitationSettings()
    rules = CoVisitationRules(
        settings.n_kept, settings.distance_decay, settings.shrinkage, settings.half_life_s
    )
    return CoVisitationRanker(CoVisitation(rules), settings.history_length, LearningSettings().n_remembered)


def _events(n_items: int, random: np.random.Generator) -> Events:
    users = random.integers(0, N_USERS, BATCH)
    # Squaring makes some items popular.
    items: NDArray[np.int64] = (n_items * random.random(BATCH) ** 2).astype(np.int64)
    return Events(users, items, np.arange(BATCH, dtype=np.float64), np.ones(BATCH, np.float32))


def _singly(counting: CoVisitationRanker, events: Events) -> None:
    for index in range(len(events.user_rows)):
        counting.learn(events.at(slice(index, index + 1)))


class DictOfDicts:
    """The counting as one would write it down first."""

    def __init__(self) -> None:
        settings = CoVisitationSettings()
        self._gains = [settings.distance_decay**distance for distance in range(settings.history_length)]
        self._pairs: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self._counts: dict[int, float] = defaultdict(float)
        self._histories: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=settings.history_length))

    def learn(self, events: Events) -> None:
        """Count events one after the other."""
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            history = self._histories[user]
            if item in history:
                history.remove(item)
            for other, gain in zip(history, self._gains, strict=False):
                self._pairs[item][other] += gain
                self._pairs[other][item] += gain
            self._counts[item] += 1.0
            history.appendleft(item)


if __name__ == "__main__":
    typer.run(main)
