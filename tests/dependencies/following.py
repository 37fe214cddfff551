"""Places of the loops: what each has counted, against what stands in the log."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from streamrec.adapters.opening import open_cache, open_event_source
from streamrec.domain.experiments.exposure import decode_exposure
from streamrec.errors import StreamrecError
from streamrec.ports import IMPRESSIONS, INTERACTIONS, ITEM_VECTORS, Record, n_between
from streamrec.settings.processes import LocationSettings
from tests.dependencies.system import System

_POLLED = 1000


class Counted(NamedTuple):
    """How much of the log each loop has counted, or None where it can't be asked.

    Attributes
    ----------
    trainer
        Events.
    bars
        Values.
    attribution
        Lists of the experiment.
    index_server
        Positions in the item vectors.
    """

    trainer: float | None
    bars: float | None
    attribution: float | None
    index_server: float | None


class Log:
    """What stands in the log, read on by each look at it."""

    def __init__(self, system: System) -> None:
        settings = LocationSettings(events_url=system.locations["STREAMREC_EVENTS_URL"])
        self._url, self._vectors_url = settings.events_url, settings.vectors_url
        self.events: Counter[tuple[str, str]] = Counter()

    def counted(self) -> Counted:
        """Return what each loop counts once it has read everything, and note the events."""
        events = [json.loads(record.value) for record in self._records(INTERACTIONS) if record.value]
        events = [event for event in events if "item_id" in event]
        self.events = Counter((event["user_id"], event["item_id"]) for event in events)
        # A list that was appended again, because the log's answer was lost, counts once.
        lists = [decode_exposure(record.value) for record in self._records(IMPRESSIONS)]
        n_lists = len({(one.request_id, one.at, one.user_id) for one in lists})
        return Counted(len(events), len(events), n_lists, self._end_of_vectors())

    def _end_of_vectors(self) -> int:
        with closing(open_event_source(self._vectors_url, [ITEM_VECTORS], "dependencies")) as source:
            source.seek({})
            return sum(source.end_offsets()[ITEM_VECTORS].values())

    def _records(self, topic: str) -> Iterator[Record]:
        with closing(open_event_source(self._url, [topic], "dependencies")) as source:
            source.seek({})
            ends = source.end_offsets()
            while n_between(source.next_offsets(), ends):
                yield from source.poll(_POLLED, 1.0)


def counted_by_loops(system: System) -> Counted:
    """Ask each loop's results what it has counted."""
    return Counted(_of_trainer(system), _of_bars(system), _of_attribution(system), _of_index(system))


def _of_trainer(system: System) -> float | None:
    async def counters() -> dict[str, float]:
        cache = open_cache(system.locations["STREAMREC_CACHE_URL"])
        try:
            return dict(await cache.counters())
        finally:
            await cache.aclose()

    return asyncio.run(counters()).get("n_events")


def _of_bars(system: System) -> float | None:
    n = 0.0
    for number in range(10):
        bars = _got(system, f"/v1/items/i{number}/history?minutes=1440")
        if bars is None:
            return None
        n += sum(bar["count"] for bar in bars["bars"])
    return n


def _of_attribution(system: System) -> float | None:
    found = _got(system, "/v1/experiments/alike")
    results = None if found is None else found["results"]
    return None if results is None else results["exposures"]


def _of_index(system: System) -> float | None:
    try:
        return float(sum(system.index.get("/v1/stats")["next_offsets"].get(ITEM_VECTORS, {}).values()))
    except StreamrecError:
        return None


def _got(system: System, path: str) -> Any:
    try:
        return system.recommender.get(path)
    except StreamrecError:
        return None
