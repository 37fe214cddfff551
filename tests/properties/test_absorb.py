"""The same events leave the same counts, in any batches and in any order within a minute."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.recent_pairs import slots_of
from streamrec.domain.events.weights import RETRACT
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.items.item_labels import ItemLabels
from streamrec.domain.sources.feeds import LATEST
from streamrec.domain.users.user import UserState
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.sights import Sight, without
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.neighbour_views import neighbours_of
from streamrec.publishing.views import NEW_ITEMS, PROMISING, rankings, user_states
from streamrec.settings.processes import CoVisitationSettings, LearningSettings, TrainerSettings
from tests.builders import WEIGHTS

START = 1.7e9
MINUTE = 60.0
TYPES = ["view", "view", "view", "impression", "dislike"]


def labels_of(item_id: str) -> ItemLabels:
    return ItemLabels((f"category {int(item_id[1:]) % 5}",), ("tag",))


LEARNING = LearningSettings(embedding_dim=4, n_negatives=5)


def trained(
    batches: list[list[Interaction]], *, by_value: bool = False
) -> tuple[TrainerState, set[tuple[str, str, float]]]:
    state = TrainerState("g", LEARNING, TrainerSettings(covisitation=CoVisitationSettings(n_kept=64)))
    rules = LearningRules(WEIGHTS, by_value, ContentIndex(), labels_of)
    seen = list[Sight]()
    for batch in batches:
        if batch:
            absorbed = absorb(state, batch, rules, 0.0)
            seen = [*without(seen, absorbed.unseen), *absorbed.seen]
    return state, set(seen)


def cut(events: list[Interaction], places: list[int]) -> list[list[Interaction]]:
    bounds = [0, *sorted(places), len(events)]
    return [events[first:last] for first, last in itertools.pairwise(bounds)]


def counts_of(state: TrainerState) -> dict[str, Any]:
    """Return what any order within a minute leaves alike, by ids."""
    n_items = state.item_ids.n_rows
    n_chosen = state.new_items.arrays()["n_events"]
    near = state.same_day.neighbours(np.arange(n_items), n_items) if n_items else None
    ids = state.item_ids.by_row()

    def named(rows: np.ndarray, counts: np.ndarray) -> dict[str | None, int]:
        return {ids[row]: n for row, n in zip(rows.tolist(), counts.tolist(), strict=True) if n}

    return {
        "counters": state.counters.as_numbers(),
        "rankings": {
            name: {entry.item_id: entry.score for entry in ranked}
            for name, ranked in rankings(state, {}).items()
            if name not in ("recent", NEW_ITEMS, PROMISING, LATEST)
        },
        "chosen": dict(zip(ids, n_chosen.tolist(), strict=False)),
        "same_day": {} if near is None else dict(zip(ids, map(named, near.rows, near.counts), strict=True)),
        "users": {
            user.user_id: (user.n_events, user.updated_at, sorted(user.disliked), profile_of(user))
            for user in user_states(state, np.arange(state.user_ids.n_rows))
        },
    }  # fmt: skip


def profile_of(user: UserState) -> list[tuple[str, int, float]]:
    uses = (*user.profile.categories, *user.profile.tags)
    return sorted((use.name, use.n_events, round(use.mean_value or 0, 2)) for use in uses)


def ordered_counts_of(state: TrainerState) -> dict[str, Any]:
    """Return what the order of events decides, and their batches do not."""
    near = neighbours_of(state, np.arange(state.item_ids.n_rows), 50)
    return {
        "neighbours": {
            item_id: {
                other: (similarity, support, follow)
                for other, similarity, support, follow in zip(
                    of_item.item_ids, of_item.similarities, of_item.supports, of_item.follows, strict=True
                )
            }
            for item_id, of_item in near.items()
        },
        "recent": {
            user.user_id: user.recent for user in user_states(state, np.arange(state.user_ids.n_rows))
        },
        "rankings": {
            name: {entry.item_id: entry.score for entry in rankings(state, {})[name]}
            for name in ("recent", NEW_ITEMS, LATEST)
        },
        "value weights": state.users.arrays()["sum_of_values"][: state.user_ids.n_rows].tolist(),
        "clock": state.clock.state(),
    }


def assert_alike(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, scores in expected["rankings"].items():
        assert found["rankings"][name] == pytest.approx(scores, rel=1e-6)
    assert found["chosen"] == pytest.approx(expected["chosen"], rel=1e-6)
    for name in ("counters", "same_day", "users"):
        assert found[name] == expected[name]


@st.composite
def streams(
    draw: st.DrawFn, steps: tuple[int, ...] = (0, 0, 1, 5), types: Sequence[str] = TYPES
) -> list[Interaction]:
    """Return events in the order of their minutes; pairs that share a slot of `RecentPairs` are left out."""
    n = draw(st.integers(1, 60))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    minutes = np.cumsum(chance.choice(steps, n))
    times = START + minutes * MINUTE + chance.integers(0, 60, n)
    users, items = chance.integers(0, 6, n), chance.integers(0, 15, n)
    slots: dict[int, tuple[int, int]] = {}
    events = []
    for at, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True)):
        slot = int(slots_of(np.array([(user << 32) | item]))[0])
        if slots.setdefault(slot, (user, item)) == (user, item):
            kind = types[int(chance.integers(0, len(types)))]
            events.append(
                Interaction(f"u{user}", f"i{item}", float(times[at]), kind, float(chance.integers(1, 9)))
            )
    return events


CUTS = st.lists(st.integers(0, 60), max_size=6)


@settings(max_examples=8, deadline=None)
@given(streams(steps=(0, 0, 1, 30, 600), types=[*TYPES, RETRACT]), CUTS)
def test_batches_change_nothing(events: list[Interaction], places: list[int]) -> None:
    whole, seen = trained([events], by_value=True)
    cuts = cut(events, [min(place, len(events)) for place in places])
    parts, seen_in_parts = trained(cuts, by_value=True)
    assert seen_in_parts == seen
    assert_alike(counts_of(parts), counts_of(whole))
    found, expected = ordered_counts_of(parts), ordered_counts_of(whole)
    for name in ("recent", "value weights", "clock"):
        assert found[name] == expected[name]
    for name, scores in expected["rankings"].items():
        assert found["rankings"][name] == pytest.approx(scores, rel=1e-6)
    assert found["neighbours"].keys() == expected["neighbours"].keys()
    for item_id, near in expected["neighbours"].items():
        assert found["neighbours"][item_id] == {
            # Published with three digits: what differs in its last bit may be rounded to the next of them.
            other: pytest.approx(figures, abs=1.1e-3)
            for other, figures in near.items()
        }


@settings(max_examples=8, deadline=None)
@given(streams(types=[*TYPES, RETRACT]), CUTS)
def test_what_was_taken_back_is_left_nowhere_in_a_users_document(
    events: list[Interaction], places: list[int]
) -> None:
    state, seen = trained(cut(events, [min(place, len(events)) for place in places]))
    chosen, disliked, sights = dict[str, list[str]](), dict[str, list[str]](), set[tuple[str, str]]()
    for event in events:
        user_id, item_id = event.user_id, event.item_id
        of_type = {"view": chosen, "dislike": disliked}.get(event.type)
        if event.type == RETRACT:
            sights.discard((user_id, item_id))
        if event.type in (RETRACT, "dislike", "view"):
            disliked[user_id] = [one for one in disliked.get(user_id, []) if one != item_id]
        if event.type == RETRACT:
            chosen[user_id] = [one for one in chosen.get(user_id, []) if one != item_id]
        if of_type is not None:
            of_type.setdefault(user_id, []).append(item_id)
            sights.add((user_id, item_id))
    assert {sight[:2] for sight in seen} == sights
    for user in user_states(state, np.arange(state.user_ids.n_rows)):
        own = chosen.get(user.user_id, [])
        assert list(user.recent) == own[-LEARNING.n_remembered :]
        assert list(user.disliked) == disliked.get(user.user_id, [])
        n_of_tag = [use.n_events for use in user.profile.tags]
        assert n_of_tag == ([len(own)] if own else [])


@settings(max_examples=8, deadline=None)
@given(streams(types=["view", "view", "impression"]), CUTS, st.integers(0, 2**32 - 1))
def test_the_order_within_a_minute_changes_no_count(
    events: list[Interaction], places: list[int], seed: int
) -> None:
    chance = np.random.default_rng(seed)
    order = sorted(range(len(events)), key=lambda at: (events[at].timestamp // MINUTE, chance.random()))
    mixed = [events[at] for at in order]
    whole, seen = trained([events])
    other, seen_in_other = trained(cut(mixed, [min(place, len(events)) for place in places]))
    assert seen_in_other == seen
    assert_alike(counts_of(other), counts_of(whole))


@pytest.mark.parametrize("n_batches", [1, 10, 400])
def test_many_events_of_one_user_weigh_the_same_however_they_come(n_batches: int) -> None:
    events = [Interaction("u", f"i{number}", START + number / 100) for number in range(400)]
    state, _ = trained([list(part) for part in np.array_split(np.array(events, object), n_batches)])
    cap = TrainerSettings().user_cap
    expected = cap + sum(cap / n for n in range(int(cap) + 1, 401))
    assert state.popularity.scores("all").sum() == pytest.approx(expected, rel=1e-3)
