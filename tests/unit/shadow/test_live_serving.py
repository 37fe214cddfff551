"""What the trainer would answer, what its blend learns from it, and what servers make of that blend."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.ranking.user_columns import LIGHT
from streamrec.domain.sources.covisitation import COVISITATION
from streamrec.domain.sources.followers import FOLLOWERS
from streamrec.domain.sources.table import COLUMNS, first_blend
from streamrec.ports import RankedItem, VectorTable
from streamrec.publishing.views import blend_of
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.settings.processes import TrainerSettings
from streamrec.shadow.live_evaluation import LiveEvaluation
from streamrec.shadow.live_serving import LiveServing
from streamrec.shadow.predicted_events import PredictedEvents
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, WEIGHTS, RunningTrainer, World, events

N_PAIRS = 30
EVALUATING = TrainerSettings(evaluations_per_s=10_000.0)


def live(trainer: RunningTrainer, n: int) -> None:
    """Let users choose, a batch after an item that all kinds of people choose, its companion."""
    chance = np.random.default_rng(0)
    for _ in range(n):
        users, items = chance.permutation(25)[:6].tolist(), chance.integers(N_PAIRS, size=6).tolist()
        for kind in ("first", "second"):
            pairs = zip(users, items, strict=True)
            trainer.world.send(*events(*((f"u{user}", f"{kind}{item}") for user, item in pairs)))
            trainer.step()


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[RunningTrainer]:
    world = World(tmp_path)
    made = world.trainer(evaluations_per_s=10_000.0)
    live(made, 30)
    made.step(60)
    yield made
    made.finish()


def weight_of(source: str, blend: Any) -> float:
    return float(blend.weights[LIGHT][blend.sources.index(source)])


def test_it_answers_by_the_state_of_the_moment(trainer: RunningTrainer) -> None:
    serving = LiveServing(trainer.state, 200)
    world = trainer.world
    world.send(*events(("fresh", "first3")))
    trainer.step()
    answer = serving.recommend(RecommendationRequest(10, "fresh"))
    ids = [item.item_id for item in answer.items]
    assert "second3" in ids
    assert "first3" not in ids
    assert (len(ids), len(set(ids)), answer.degraded, answer.generation) == (10, 10, False, GENERATION)
    assert serving.answered_from is not None
    assert set(ids) <= set(trainer.state.item_ids.ids_at(serving.answered_from.numbers.tolist()))


def test_who_may_choose_again_is_offered_what_was_chosen(trainer: RunningTrainer) -> None:
    serving = LiveServing(trainer.state, 200)
    state = trainer.state
    recent = state.learner.recent_items(np.array([state.user_ids.row("u1")]), 50)[0].tolist()
    own = set(state.item_ids.ids_at(recent))
    listed = {
        wants_new: {
            item.item_id
            for item in serving.recommend(RecommendationRequest(1000, "u1", exclude_seen=wants_new)).items
        }
        for wants_new in (True, False)
    }
    assert not own & listed[True]
    assert own <= listed[False]


def test_the_blend_learns_from_the_answer_and_from_nothing_else_of_it(trainer: RunningTrainer) -> None:
    serving, blend = LiveServing(trainer.state, 200), trainer.state.blend
    before = blend.n_learned
    serving.learn_from_answer("second3")  # nothing was answered yet
    assert blend.n_learned == before
    answer = serving.recommend(RecommendationRequest(10, "u1"))
    serving.learn_from_answer(answer.items[3].item_id)
    assert blend.n_learned == before + 1
    serving.learn_from_answer("proposed by nobody")
    assert blend.n_learned == before + 1
    serving.learn(Interaction("u2", answer.items[0].item_id, 1.0), is_new_only=False)
    assert blend.n_learned == before + 2


def test_sources_that_are_left_out_propose_nothing(trainer: RunningTrainer) -> None:
    serving = LiveServing(trainer.state, 200, frozenset(COLUMNS) - {COVISITATION.name})
    serving.recommend(RecommendationRequest(10, "u1"))
    candidates = serving.answered_from
    assert candidates is not None
    used: list[bool] = np.any(candidates.features[:, : len(COLUMNS)] != 0, axis=0).tolist()
    assert [name for name, is_used in zip(COLUMNS, used, strict=True) if is_used] == [COVISITATION.name]


def test_the_stream_teaches_the_blend_whom_users_follow(trainer: RunningTrainer) -> None:
    blend = trainer.state.blend.published()
    assert blend.n_learned > 50
    start = first_blend().published()
    personal = (COVISITATION.name, FOLLOWERS.name)
    assert sum(weight_of(name, blend) for name in personal) > 0.05 + sum(
        weight_of(name, start) for name in personal
    )


def test_what_is_served_is_scored_beside_the_model_and_popularity(
    trainer: RunningTrainer, tmp_path: Path
) -> None:
    predicted = PredictedEvents(tmp_path / "predicted.npy")
    evaluation = LiveEvaluation(trainer.state, EVALUATING, predicted=predicted)
    assert not any(evaluation.gauges().values())
    row = trainer.state.user_ids.row("u1")
    is_own = trainer.state.learner.known_among(row, np.arange(trainer.state.item_ids.n_rows))
    new = [id_ for id_ in trainer.state.item_ids.ids_at(np.flatnonzero(~is_own).tolist()) if id_]
    before = trainer.state.blend.n_learned
    evaluation.sample([Interaction("u1", item_id, 1.0) for item_id in new], WEIGHTS, 1.0)
    gauges = evaluation.gauges()
    for model in ("served", "gmf", "popularity"):
        assert gauges[f"prequential.{model}.n_events"] == len(new)
    # Each of the user's possible items once: those in the list of ten are hits, whatever the list is.
    assert gauges["prequential.served.recall_at_10"] == pytest.approx(10 / len(new), abs=0.15)
    assert trainer.state.blend.n_learned > before
    ranks = PredictedEvents(tmp_path / "predicted.npy").ranks()
    assert sum(rank < 10 for rank in ranks.values()) / len(new) == gauges["prequential.served.recall_at_10"]


def test_an_item_that_nobody_knows_is_a_miss_and_teaches_nothing(trainer: RunningTrainer) -> None:
    evaluation = LiveEvaluation(trainer.state, EVALUATING)
    before = trainer.state.blend.n_learned
    evaluation.sample([Interaction("u1", "never seen", 1.0)], WEIGHTS, 1.0)
    assert evaluation.gauges()["prequential.served.recall_at_10"] == 0
    assert trainer.state.blend.n_learned == before
    evaluation.sample([Interaction("never seen", "first1", 1.0)], WEIGHTS, 1.0)
    assert evaluation.gauges()["prequential.served.n_events"] == 1


def test_an_event_that_cannot_be_evaluated_is_counted_and_stops_nothing(trainer: RunningTrainer) -> None:
    evaluation = LiveEvaluation(trainer.state, EVALUATING)
    # A blend of another number of sources: its arrays and the candidates' do not go together.
    trainer.state.blend = BlendRanker(("gmf",))
    with structlog.testing.capture_logs() as lines:
        evaluation.sample([Interaction("u1", "first3", 1.0), Interaction("u1", "first4", 1.0)], WEIGHTS, 1.0)
    gauges = evaluation.gauges()
    assert gauges["evaluation_failures"] == 2.0
    assert not any(name.startswith("prequential.") for name in gauges)
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["evaluation_failed"]


def test_a_checkpoint_restores_the_blend_bit_for_bit(tmp_path: Path) -> None:
    world = World(tmp_path)
    trainer = world.trainer(evaluations_per_s=10_000.0)
    live(trainer, 10)
    trainer.finish()
    arrays = trainer.state.blend.arrays()
    assert trainer.state.blend.n_learned > 20
    again = world.trainer("two", is_restored=True)
    restored = again.state.blend.arrays()
    assert arrays.keys() == restored.keys()
    assert all(np.array_equal(arrays[name], restored[name]) for name in arrays)
    again.finish()


async def first_of(world: World, user_id: str) -> str:
    """Return what a new server puts first for a user."""
    published = world.published_vectors()
    rows = np.stack([np.frombuffer(record.vector or b"", "<f4") for record in published.values()])
    index = MemoryIndex({GENERATION: VectorTable(list(published), rows)})
    serving = serving_over(world.store, world.cache, index, NullMetrics(), ServingLimits())
    answer = await serving.recommender.recommend(RecommendationRequest(10, user_id))
    await serving.items.aclose()
    await serving.blend.aclose()
    return answer.items[0].item_id


def test_servers_order_by_the_blend_that_the_trainer_published(trainer: RunningTrainer) -> None:
    world = trainer.world
    world.send(*events(*[("steady", f"first{n}") for n in range(8)]))
    trainer.step(60)
    learned = asyncio.run(world.cache.blend())
    assert learned == blend_of(trainer.state, WEIGHTS)
    live = LiveServing(trainer.state, 200).recommend(RecommendationRequest(10, "steady"))
    assert asyncio.run(first_of(world, "steady")) == live.items[0].item_id
    # What the server is told to believe decides: here, nothing but what is popular now.
    world.cache.publish_popular({"recent": [RankedItem("second29", 1.0)]})
    only_recent = first_blend()
    arrays = only_recent.arrays()
    arrays["weights"] = np.tile(np.array([name == "popular_recent" for name in COLUMNS], np.float32), (3, 1))
    only_recent.load_arrays(arrays)
    world.cache.publish_blend(only_recent.published())
    assert asyncio.run(first_of(world, "steady")) == "second29"
