"""The experiments that run, as a server knows them."""

import asyncio
from collections.abc import Callable

import msgspec
from structlog.testing import capture_logs

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.experiments.definition import Changes, encode_experiment
from streamrec.errors import Unavailable
from streamrec.ports import StoredExperiments
from streamrec.serving.experiments.challenger import ServedChallenger, guarded_users
from streamrec.serving.experiments.running import TRUSTED_S, RunningExperiments, unfitness
from streamrec.serving.guard import Guard
from streamrec.serving.sources.learned_blend import LearnedBlend
from tests.unit.serving.experiments.shop import Counted, experiment

RUNNING = experiment("x", Changes(), Changes())


class Away(MemoryStore):
    is_away = False

    async def get_experiments(self) -> StoredExperiments:
        if self.is_away:
            raise Unavailable("the store is away")
        return await super().get_experiments()


class Known:
    def __init__(self) -> None:
        self.now = 100.0
        self.store, self.metrics = Away(), Counted()
        guard = Guard("store", 0.5, self.metrics)
        self.cache = MemoryCache()
        learned = LearnedBlend(self.cache, guard)
        challenger = ServedChallenger(
            self.cache, guard, guarded_users(self.store, guard), learned, self.metrics, lambda: self.now
        )
        self.running = RunningExperiments(self.store, guard, challenger, self.metrics, lambda: self.now)

    def is_assigned(self) -> bool:
        return bool(self.running.assigner().assigned("u", {}))


async def eventually(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_stop_is_read_beside_the_answers() -> None:
    known = Known()
    await known.store.put_experiment(RUNNING, 0)
    known.running.start()
    await eventually(known.is_assigned)
    await known.store.put_experiment(msgspec.structs.replace(RUNNING, version=2, state="stopped"), 1)
    await eventually(lambda: not known.is_assigned())
    await known.running.aclose()


async def test_while_the_store_is_silent_what_was_known_goes_on_for_a_while() -> None:
    known = Known()
    await known.store.put_experiment(RUNNING, 0)
    await known.running.refresh()
    known.store.is_away = True
    known.now += TRUSTED_S - 1
    await known.running.refresh()
    assert known.is_assigned()
    known.now += 2
    await known.running.refresh()
    assert not known.is_assigned()
    assert known.metrics.counts["recommender.unavailable.store"] == 2
    known.store.is_away = False
    await known.running.refresh()
    assert known.is_assigned()


async def test_what_can_not_be_read_is_passed_over_counted_and_told_once() -> None:
    known = Known()
    await known.store.put_experiment(RUNNING, 0)
    known.store.documents["broken"] = 1, b"{"
    odd = experiment("odd", Changes(sources=("no such",)), Changes(), layer="page")
    known.store.documents["odd"] = 1, encode_experiment(odd)
    with capture_logs() as lines:
        for _ in range(3):
            await known.running.refresh()
    assert known.is_assigned()
    assert known.metrics.counts["recommender.experiments_broken"] == 6
    told = [
        (line["experiment"], line["log_level"]) for line in lines if line["event"] == "experiment_passed_over"
    ]
    assert told == [("broken", "warning"), ("odd", "warning")]


def test_what_no_server_can_do_is_named() -> None:
    assert "the sources are" in (unfitness(experiment("x", Changes(sources=("gmf", "x")), Changes())) or "")
    assert unfitness(experiment("x", Changes(sources=("gmf",), generation="champion"), Changes())) is None
