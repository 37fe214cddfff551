import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.snapshots import (
    current_generation,
    read_snapshot,
    set_current,
    write_snapshot,
)
from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.domain.events.erasure import NOTHING_VOID
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import LabelUse
from streamrec.errors import InvalidInput
from streamrec.learning.initial.fit import FitOptions
from streamrec.learning.initial.past import events_of
from streamrec.learning.initial.release import Release, Start, release, train_initially
from streamrec.learning.initial.warm_start import warm_start
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import similarity_vectors
from streamrec.ports import INTERACTIONS, Message, Snapshot, VectorTable
from streamrec.process.lease import LeaseKeeper
from streamrec.publishing.views import vector_table
from streamrec.settings.processes import LearningSettings, TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS, World

RULES = LearningRules(WEIGHTS, False, ContentIndex())


def history(n: int = 300) -> list[Interaction]:
    return [Interaction(f"u{n % 20}", f"i{(n * 7) % 30}", 100.0 + n, event_id=str(n)) for n in range(n)]


def fresh(**learning: int) -> TrainerState:
    settings = LearningSettings.model_validate({"embedding_dim": 8, **learning}) if learning else LEARNING
    return TrainerState(GENERATION, settings, TrainerSettings())


def fitted(events: list[Interaction], warm: Snapshot | None = None) -> TrainerState:
    state = fresh()
    train_initially(state, Start(events, RULES, FitOptions(max_epochs=2), warm), lambda *_: None)
    return state


def test_a_generation_is_released_whole(tmp_path: Path) -> None:
    world, state = World(tmp_path), fresh()
    events = [*history(), Interaction("u1", "bad", 1.0, "dislike")]
    events.append(Interaction("u2", "ad", 1.0, "impression"))
    past, _ = train_initially(state, Start(events, RULES, FitOptions(max_epochs=2)), lambda *_: None)
    lease = LeaseKeeper(world.store, "initial-training", "one", 30.0, world.clock)
    lease.wait(lambda: False, lambda _: None)
    checkpoints = Checkpoints(tmp_path, GENERATION)
    steps: list[tuple[int, int]] = []
    to = Release(
        store=world.store,
        cache=world.cache,
        checkpoints=checkpoints,
        lease=lease,
        write_snapshot=lambda snapshot: write_snapshot(tmp_path, snapshot),
        announce=lambda generation: set_current(tmp_path, generation),
        changelog_offsets={"item-vectors": {0: 7}},
        stream_offsets={INTERACTIONS: {0: 5}},
        provenance={"data": "x"},
        created_at=12.5,
    )
    release(state, past, to, lambda done, total: steps.append((done, total)))
    assert current_generation(tmp_path) == GENERATION
    assert steps[-1] == (20, 20)
    snapshot = read_snapshot(tmp_path, GENERATION)
    assert (len(snapshot.items.ids), snapshot.next_offsets) == (30, {"item-vectors": {0: 7}})
    document = asyncio.run(world.store.get_user("u1"))
    assert document is not None
    assert document.state is not None
    row = list(snapshot.users.ids).index("u1")
    # Of one user alone, and among all: sums may be taken in another order.
    assert document.state.vector is not None
    assert np.frombuffer(document.state.vector, "<f4") == pytest.approx(snapshot.users.vectors[row], abs=1e-6)
    assert document.state.disliked == ("bad",)
    assert snapshot.similarity_vectors is not None
    assert np.array_equal(snapshot.similarity_vectors[row], similarity_vectors(state, np.array([row]))[0])
    assert state.dirty_users.n_waiting == 0  # the snapshot has them
    chosen = {event.item_id for event in history() if event.user_id == "u1"}
    assert set(asyncio.run(world.store.seen_items("u1", 100))) == chosen
    restored = fresh()
    assert checkpoints.restore_newest(restored) == {INTERACTIONS: {0: 5}}
    assert restored.item_ids.by_row() == state.item_ids.by_row()
    assert len(asyncio.run(world.cache.popular("all", 100))) == 30


def test_whoever_only_dislikes_has_a_vector_too() -> None:
    state = fitted([*history(), Interaction("hater", "bad", 1.0, "dislike")])
    users = vector_table(state, of_users=True)
    assert len(users.ids) == len(users.vectors) == 21
    assert "hater" in users.ids
    assert np.isfinite(users.vectors).all()


def test_the_same_history_gives_the_same_model() -> None:
    one, two = fitted(history()), fitted(history())
    for name, tensor in one.learner.state_tensors().items():
        assert two.learner.state_tensors()[name].equal(tensor), name


def test_profiles_are_of_what_the_history_holds() -> None:
    state = fresh()
    rules = RULES._replace(labels_of=ItemCategories([Item("i0", categories=("war",))]).labels)
    events = [*history(), Interaction("u0", "i0", 1.0, value=3.0), Interaction("u0", "i0", 2.0, "dislike")]
    train_initially(state, Start(events, rules, FitOptions(max_epochs=1)), lambda *_: None)
    of_user = state.user_categories.of(state.user_ids.rows_of(["u0", "u1"]))
    n_before = sum((event.user_id, event.item_id) == ("u0", "i0") for event in history())
    assert of_user == [(LabelUse("war", n_before + 1, 3.0),), ()]


def test_repeats_in_a_history_teach_once() -> None:
    once, twice = fresh(), fresh()
    train_initially(once, Start(history(), RULES, FitOptions(max_epochs=1)), lambda *_: None)
    train_initially(twice, Start(history() * 2, RULES, FitOptions(max_epochs=1)), lambda *_: None)
    assert once.users.n_events.tolist() == twice.users.n_events.tolist()


def test_nothing_to_learn_is_an_error() -> None:
    ads = [Interaction("u", "i", 1.0, "impression")]
    for events in ([], ads):
        with pytest.raises(InvalidInput, match="no event of positive weight"):
            train_initially(fresh(), Start(events, RULES, FitOptions()), lambda *_: None)


def test_given_vectors_are_where_known_ids_start() -> None:
    state = fresh()
    state.item_ids.rows_of(["a", "b"], add=True)
    state.user_ids.rows_of(["u", "v"], add=True)
    items = VectorTable(["b", "stranger"], np.arange(18, dtype=np.float32).reshape(2, 9))
    users = VectorTable(["u"], np.array([[1, 2, 3, 4, 5, 6, 7, 8, 1]], np.float32))
    assert warm_start(state, items, users) == (1, 1)
    model = state.learner.model
    assert model.items.rows[1].tolist() == list(range(9))
    assert model.users.rows[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert model.users.rows[1].abs().max() < 1


def test_given_vectors_must_fit_the_model() -> None:
    two_wide = VectorTable(["a"], np.zeros((1, 2), np.float32))
    fine = VectorTable([], np.zeros((0, 9), np.float32))
    with pytest.raises(InvalidInput, match="items have 1 dimensions, the model has 8"):
        warm_start(fresh(), two_wide, fine)
    with pytest.raises(InvalidInput, match="users is not finite"):
        warm_start(fresh(), fine, VectorTable(["u"], np.full((1, 9), np.nan, np.float32)))


def test_a_stream_is_read_to_its_end_and_misfits_are_passed_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    payloads = [json.dumps({"user_id": "u", "item_id": f"i{n}"}).encode() for n in range(10)]
    world.sink.append(INTERACTIONS, [Message("u", payload) for payload in [*payloads, b"garbage"]])
    source = MemoryEventSource(world.log, [INTERACTIONS], "initial-training")
    ends = source.end_offsets()
    world.sink.append(INTERACTIONS, [Message("u", payloads[0])])  # the stream's
    found = events_of(source, ends, NOTHING_VOID, {})
    assert [event.item_id for event in found] == [f"i{n}" for n in range(10)]
