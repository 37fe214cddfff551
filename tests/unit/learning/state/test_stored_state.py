"""What a checkpoint holds of each part is read, or that part alone starts afresh and says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs
from torch import Tensor

from models.checkpoint import Checkpoint
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.observed import ObservedEvents
from streamrec.domain.events.weights import LESS
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item_labels import ItemLabels
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.sources.table import COLUMNS
from streamrec.errors import CorruptArtifact
from streamrec.learning.absorb import absorb
from streamrec.learning.counting import count_history
from streamrec.learning.initial.history import gather
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.stored_state import restore, to_checkpoint
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.neighbour_views import neighbours_of
from streamrec.publishing.views import rankings, user_states, vector_table
from streamrec.settings.processes import CoVisitationSettings, LearningSettings, TrainerSettings
from streamrec.shadow.live_serving import LiveServing
from tests.builders import WEIGHTS

LEARNING = LearningSettings(embedding_dim=4)
SETTINGS = TrainerSettings(covisitation=CoVisitationSettings(n_kept=16))
N_USERS, N_ITEMS = 7, 12

NOT_NEEDED = ("half_life", "is_in_events", "read_by", "extra_weights")
"""Arrays that earlier versions did not write."""


def labels_of(item_id: str) -> ItemLabels:
    return ItemLabels((f"c{item_id[-1]}",), ("tag",))


RULES = LearningRules(WEIGHTS, True, ContentIndex(), labels_of)


def events(n: int, start: int = 0) -> list[Interaction]:
    kinds = ["view"] * 9 + ["dislike"]
    return [
        Interaction(
            f"u{number % N_USERS}",
            f"i{number * number % N_ITEMS}",
            1e9 + 600.0 * number,
            LESS if number % 100 == 99 else kinds[number % 10],
            2.0,
        )
        for number in range(start, start + n)
    ]


def fresh() -> TrainerState:
    return TrainerState("g1", LEARNING, SETTINGS)


def learned() -> TrainerState:
    state = fresh()
    for first in range(0, 300, 50):
        absorb(state, events(50, first), RULES, now=5.0)
    state.dirty_items.take(2)
    state.dirty_users.take(3)
    teach_blend(state)
    assert state.blend.n_learned > 0
    return state


def teach_blend(state: TrainerState) -> None:
    serving = LiveServing(state, 10)
    for number in range(N_USERS * N_ITEMS):
        event = Interaction(f"u{number % N_USERS}", f"i{number % N_ITEMS}", 1.0)
        serving.learn(event, is_new_only=False)


@pytest.fixture(scope="module")
def whole() -> Checkpoint:
    """Give a checkpoint; to be copied by who changes it."""
    return to_checkpoint(learned(), {"interactions": {0: 300}})


def tensors_of_parts() -> list[str]:
    parts = fresh().parts
    del parts["popularity"]  # see below: a window is lost alone
    return [f"{name}/{key}" for name, part in parts.items() for key in part.arrays()]


def restored(checkpoint: Checkpoint) -> tuple[TrainerState, list[Any]]:
    state = fresh()
    with capture_logs() as said:
        assert restore(state, checkpoint) == {"interactions": {0: 300}}
    return state, said


def assert_goes_on(state: TrainerState) -> None:
    """Look whether a state learns, forgets, is published, serves and is stored."""
    more = [*events(80, 300), Interaction("newcomer", "i-new", 1e9, "view", 3.0)]
    absorb(state, more, RULES, now=6.0)
    state.forget_users(["u1"])
    state.forget_items(["i1"])
    rows = np.flatnonzero([user_id is not None for user_id in state.user_ids.by_row()])
    assert len(user_states(state, rows)) == N_USERS
    assert all(rankings(state, {})[window] for window in state.popularity.windows)
    assert neighbours_of(state, np.arange(state.item_ids.n_rows), 5)
    assert vector_table(state, of_users=False).ids
    assert LiveServing(state, 10).recommend(RecommendationRequest(3, "u2")).items
    again = fresh()
    with capture_logs() as said:
        restore(again, to_checkpoint(state, {}))
    assert said == []


def assert_fresh(name: str, part: StatePart) -> None:
    expected = fresh().parts[name].arrays()
    for key, array in part.arrays().items():
        if name in ("users", "dirty_users", "dirty_items"):  # a row each; all vectors are to be published
            assert not array.any(), key
        else:
            assert np.array_equal(array, expected[key]), key


def assert_restored(state: TrainerState, checkpoint: Checkpoint, *, but: str) -> None:
    found = to_checkpoint(state, {"interactions": {0: 300}})
    for name, tensor in found.tensors.items():
        if not name.startswith(but):
            assert tensor.equal(checkpoint.tensors[name]), name
    # What users dislike is kept when their counts are lost.
    assert found.state == checkpoint.state


def test_a_whole_checkpoint_is_restored_without_a_word(whole: Checkpoint) -> None:
    state, said = restored(whole)
    assert said == []
    assert to_checkpoint(state, {}).tensors.keys() == whole.tensors.keys()
    assert_restored(state, whole, but="nothing")
    assert all(part.arrays() or part.entries() for part in state.parts.values())
    assert_goes_on(state)


@pytest.mark.parametrize("damage", ["missing", "of another shape"])
@pytest.mark.parametrize("tensor", tensors_of_parts())
def test_a_part_that_does_not_fit_starts_afresh_and_all_else_goes_on(
    whole: Checkpoint, tensor: str, damage: str
) -> None:
    name, _, key = tensor.partition("/")
    tensors = dict(whole.tensors)
    if damage == "of another shape":
        tensors[tensor] = tensors[tensor][None, :].clone()
    elif key not in NOT_NEEDED and name not in ("dirty_users", "dirty_items"):
        del tensors[tensor]
    else:
        return
    state, said = restored(Checkpoint(tensors, whole.state))
    (line,) = said
    assert (line["event"], line["part"], line["log_level"]) == ("state_part_starts_afresh", name, "warning")
    assert key in line["reason"]
    assert_fresh(name, state.parts[name])
    assert_restored(state, whole, but=f"{name}/")
    assert_goes_on(state)


@pytest.mark.parametrize("key", ["counts", "added", "clock", "half_life", "is_in_events"])
@pytest.mark.parametrize("window", ["all", "day", "recent"])
def test_a_window_of_popularity_that_does_not_fit_starts_afresh_alone(
    whole: Checkpoint, window: str, key: str
) -> None:
    tensors: dict[str, Tensor] = {**whole.tensors, f"popularity/{key}.{window}": torch.zeros(3, 3)}
    state, said = restored(Checkpoint(tensors, whole.state))
    assert [(line["part"], line["reason"].partition(":")[0]) for line in said] == [
        ("popularity", f"window {window}")
    ]
    assert state.popularity.scores(window).tolist() == []
    others = {name: tensor for name, tensor in whole.tensors.items() if not name.endswith(f".{window}")}
    found = to_checkpoint(state, {}).tensors
    assert all(found[name].equal(tensor) for name, tensor in others.items())
    assert_goes_on(state)


@pytest.mark.parametrize("name", [*fresh().parts])
def test_a_part_that_the_checkpoint_does_not_know_starts_afresh(whole: Checkpoint, name: str) -> None:
    tensors = {key: tensor for key, tensor in whole.tensors.items() if not key.startswith(f"{name}/")}
    labels = whole.state["user_labels"]
    written = {
        **whole.state,
        "disliked": whole.state["disliked"] if name != "users" else None,
        "user_labels": {kind: names for kind, names in labels.items() if name != f"user_{kind}"},
        "parts": {key: entries for key, entries in whole.state["parts"].items() if key != name},
    }
    state, said = restored(Checkpoint(tensors, written))
    assert [(line["part"], "before there was such a part" in line["reason"]) for line in said] == [
        (name, True)
    ]
    assert_fresh(name, state.parts[name])
    assert_goes_on(state)


def test_a_part_that_this_version_does_not_know_is_left_out_and_named(whole: Checkpoint) -> None:
    tensors = {**whole.tensors, "hourly_mood/counts": torch.zeros(3)}
    written = {**whole.state, "parts": {**whole.state["parts"], "weather": ["sun"]}}
    state, said = restored(Checkpoint(tensors, written))
    assert [(line["event"], line["part"]) for line in said] == [
        ("unknown_state_part_left_out", "hourly_mood"),
        ("unknown_state_part_left_out", "weather"),
    ]
    assert_restored(state, whole, but="nothing")


def test_a_model_that_does_not_fit_never_starts_afresh(whole: Checkpoint, tmp_path: Path) -> None:
    state, _ = restored(whole)
    state.learning = LearningSettings(embedding_dim=8)  # another one's model
    Checkpoints(tmp_path, "g1").write(state, {}, token=0)
    with pytest.raises(CorruptArtifact, match="does not hold together"):
        Checkpoints(tmp_path, "g1").open_newest(LEARNING, SETTINGS)


@pytest.mark.parametrize("sources", [COLUMNS[:-1], (*COLUMNS[:-1], "another"), (*COLUMNS, "one_more")])
@pytest.mark.parametrize("is_named", [True, False])
def test_another_source_in_the_blend_lets_it_learn_anew(sources: tuple[str, ...], *, is_named: bool) -> None:
    """Weights of eight sources, multiplied with ranks of nine, ended the trainer at each of its starts."""
    state = learned()
    state.blend = BlendRanker(sources)
    written = to_checkpoint(state, {"interactions": {0: 300}})
    if not is_named:  # as earlier versions wrote them
        if len(sources) == len(COLUMNS):
            return
        del written.state["parts"]
    state, said = restored(written)
    (line,) = (line for line in said if line["part"] != "user_less")
    assert (line["event"], line["part"]) == ("state_part_starts_afresh", "blend")
    assert ("it was learned of gmf, covisitation" if is_named else "is of shape") in line["reason"]
    assert state.blend.n_learned == 0
    teach_blend(state)
    assert state.blend.n_learned > 0
    assert_goes_on(state)


def test_a_window_that_counts_in_another_unit_now_goes_on_from_nothing(tmp_path: Path) -> None:
    Checkpoints(tmp_path, "g1").write(learned(), {}, token=0)
    half_lives = {**SETTINGS.popularity_half_lives, "recent": 3600.0, "hour": "5 events", "day": 1000.0}
    settings = SETTINGS.model_copy(update={"popularity_half_lives": half_lives})
    with capture_logs() as said:
        state, _ = Checkpoints(tmp_path, "g1").open_newest(LEARNING, settings)
    (line,) = said
    assert line["part"] == "popularity"
    assert line["reason"] == (
        "window hour: its half-life was in seconds; window recent: its half-life was in events"
    )
    assert state.popularity.scores("day").max() > 0  # of another pace: its counts are kept
    people = [Interaction(f"v{number}", "liked", 1e9 + 180_600.0) for number in range(30)]
    absorb(state, people, RULES, now=6.0)
    for window in ("recent", "hour", "day"):
        assert state.popularity.top(window, 1).tolist() == [state.item_ids.row("liked")], window


class Readers(StatePart):
    """A part as somebody may add it: how often each item was chosen."""

    def __init__(self) -> None:
        self.n_chosen = np.zeros(0, np.int64)

    def observe(self, events: ObservedEvents) -> None:
        rows = events.choices.item_rows
        self.n_chosen = grown(self.n_chosen, int(rows.max(initial=-1)) + 1)
        np.add.at(self.n_chosen, rows, 1)

    def forget_items(self, rows: np.ndarray) -> None:
        self.n_chosen[rows[rows < len(self.n_chosen)]] = 0

    def arrays(self) -> dict[str, np.ndarray]:
        return {"n_chosen": self.n_chosen}

    def load_arrays(self, arrays: Arrays) -> None:
        self.n_chosen = stored(arrays, "n_chosen", np.int64, None)


class StateWithReaders(TrainerState):
    def _make_parts(self, settings: TrainerSettings) -> None:
        super()._make_parts(settings)
        self.readers = Readers()


def test_a_part_is_added_by_one_class_and_one_line() -> None:
    """It counts stream and history, forgets what is deleted, and is stored: nothing else is changed."""
    state, replayed, again = (StateWithReaders("g1", LEARNING, SETTINGS) for _ in range(3))
    absorb(state, events(60), RULES, now=5.0)
    count_history(replayed, gather(events(60), replayed, RULES), RULES)
    n_chosen = state.readers.n_chosen.tolist()
    assert sum(n_chosen) == 54
    assert replayed.readers.n_chosen.tolist() == n_chosen
    state.forget_items(["i1"])
    restore(again, to_checkpoint(state, {}))
    row = next(row for row, n in enumerate(n_chosen) if n and not again.readers.n_chosen[row])
    assert state.item_ids.id_at(row) is None
    assert again.readers.n_chosen.sum() == 54 - n_chosen[row]
    _, said = restored(to_checkpoint(state, {"interactions": {0: 300}}))
    assert [line["part"] for line in said] == ["readers"]  # and a version without it reads the rest
