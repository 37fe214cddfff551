"""What the trainer finds out about the live index, with a scripted or an exact one in its place."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_index_lookup
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.ports import ByVector, IndexAnswer, ItemQuery, VectorTable
from streamrec.settings.processes import TrainerSettings
from streamrec.shadow.live_evaluation import LiveEvaluation
from streamrec.shadow.live_index import LiveIndex, LookUp
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, WEIGHTS, SteppingClock, World, events

QUERY = ByVector(b"", 10)
EXACT = [f"i{n}" for n in range(10)]


class Scripted:
    """An index that gives the answers it was given; None: it does not serve the generation."""

    def __init__(self, *answers: Sequence[str] | None | Exception) -> None:
        self.answers = list(answers)

    def search(self, _query: ItemQuery) -> IndexAnswer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        ids = answer or ()
        return IndexAnswer("g1", ids, [0.0] * len(ids), is_missing=answer is None)

    def close(self) -> None:
        """Nothing to release."""


class Counts(NullMetrics):
    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def count(self, name: str, n: int = 1) -> None:
        self.of[name] += n


class Asking:
    def __init__(self, index: Scripted) -> None:
        self.metrics, self.clock = Counts(), SteppingClock()
        self.live = LiveIndex(index, 1.0, self.metrics, self.clock)

    def ask(self, target: str = "i0") -> None:
        assert self.live.is_due(self.clock.now)
        self.live.look_up(LookUp(QUERY, EXACT, target), self.clock.now)
        while not self.live.is_due(float("inf")):  # until the answer is in
            pass

    def close(self) -> dict[str, float]:
        gauges = self.live.gauges()
        self.live.close()
        return gauges


def test_recall_is_the_share_of_the_exact_best_that_came_back() -> None:
    asking = Asking(Scripted(EXACT, [*EXACT[:4], *(f"x{n}" for n in range(6))]))
    asking.ask(target="i0")
    asking.clock.now += 1.0
    asking.ask(target="i9")  # not in the second answer
    gauges = asking.close()
    assert gauges["live_index_recall_at_10"] == pytest.approx(0.7)
    assert gauges["prequential.live_index.recall_at_10"] == 0.5


def test_not_more_often_than_the_rate_and_never_at_none() -> None:
    asking = Asking(Scripted(EXACT))
    asking.ask()
    assert not asking.live.is_due(asking.clock.now + 0.9)
    assert asking.live.is_due(asking.clock.now + 1.0)
    asking.close()
    never = LiveIndex(Scripted(), 0.0, NullMetrics(), asking.clock)
    assert not never.is_due(1e12)
    never.close()


def test_an_index_that_is_away_is_counted_and_left_alone_for_a_while() -> None:
    asking = Asking(Scripted(Unavailable("refused"), EXACT))
    asking.ask()
    assert asking.metrics.of == {"live_index_failures": 1}
    assert not asking.live.is_due(asking.clock.now + 9.0)
    asking.clock.now += 10.0
    asking.ask()
    assert asking.close()["live_index_recall_at_10"] == 1.0


def test_another_generation_says_nothing_about_ours() -> None:
    asking = Asking(Scripted(None))
    asking.ask()
    assert asking.close() == {}


class Exact:
    """The model's own vectors, searched exactly."""

    def __init__(self, table: VectorTable) -> None:
        self._index = MemoryIndex({GENERATION: table})
        self.queries: list[ItemQuery] = []

    def search(self, query: ItemQuery) -> IndexAnswer:
        self.queries.append(query)
        return asyncio.run(self._index.search(query))

    def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_exact_index_gives_back_the_models_own_best_without_what_the_user_has(world: World) -> None:
    drawn = np.random.default_rng(1).integers([7, 60], size=(200, 2)).tolist()
    pairs = [(f"u{user}", f"i{item}") for user, item in drawn]
    world.send(*events(*pairs))
    trainer = world.trainer()
    trainer.step()
    state = trainer.state
    rows = np.arange(len(state.item_ids))
    vectors = state.learner.model.item_vectors(torch.from_numpy(rows)).numpy()
    index = Exact(VectorTable(state.item_ids.ids_at(rows.tolist()), vectors))
    live = LiveIndex(index, 1.0, NullMetrics(), world.clock)
    evaluation = LiveEvaluation(state, TrainerSettings(evaluations_per_s=1.0), live)
    own = {item_id for user_id, item_id in pairs if user_id == "u1"}
    new = next(item_id for _, item_id in pairs if item_id not in own)
    evaluation.sample([Interaction("u1", new, 1.0)], WEIGHTS, world.clock.now)
    assert evaluation.gauges()["evaluation_failures"] == 0
    while not live.is_due(float("inf")):
        pass
    gauges = evaluation.gauges()
    assert set(index.queries[0].exclude) == own
    assert gauges["live_index_recall_at_10"] == 1.0
    name = "recall_at_10"
    assert gauges[f"prequential.live_index.{name}"] == gauges[f"prequential.gmf.{name}"]
    live.close()
    trainer.finish()


def test_a_thread_asks_the_service_and_hears_that_it_is_away() -> None:
    with pytest.raises(ConfigurationError, match="http://host:8100"):
        open_index_lookup("redis://nowhere", 1.0)
    lookup = open_index_lookup("http://127.0.0.1:9", 1.0)
    with pytest.raises(Unavailable, match="127.0.0.1:9"):
        lookup.search(QUERY)
    lookup.close()
