"""What a process holds of choices that it took in, for how long, and of how many users."""

import threading
from typing import Any

import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.users.user import UserState
from streamrec.serving.users.accepted import MAX_AGE_S, MAX_CHOICES, AcceptedChoices
from tests.builders import WEIGHTS, SteppingClock


def choice(item_id: str, at: float = 5.0, user_id: str = "u", **fields: Any) -> Interaction:
    return Interaction(user_id, item_id, at, **fields)


def state_with(*pairs: tuple[str, int], disliked: tuple[str, ...] = ()) -> UserState:
    recent, recent_at = tuple(item for item, _ in pairs), tuple(at for _, at in pairs)
    return UserState("u", "g1", None, recent, disliked, len(pairs), recent_at=recent_at)


def ids_in(accepted: AcceptedChoices, state: UserState | None = None, user_id: str = "u") -> list[str]:
    return [one.item_id for one in accepted.unpublished(user_id, state)]


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def accepted(clock: SteppingClock) -> AcceptedChoices:
    return AcceptedChoices(clock)


def test_choices_are_held_until_the_published_state_has_them(accepted: AcceptedChoices) -> None:
    accepted.note([choice("a", 5.9), choice("b", 6.0), choice("c", 7.0)], WEIGHTS)
    assert ids_in(accepted) == ["a", "b", "c"]
    assert ids_in(accepted, state_with(("before", 1), ("a", 5))) == ["b", "c"]
    assert ids_in(accepted, state_with(("a", 5), ("b", 6), ("c", 7))) == []
    assert len(accepted) == 0
    assert ids_in(accepted, state_with()) == [], "what was published once is not held any more"


def test_users_do_not_mix(accepted: AcceptedChoices) -> None:
    accepted.note([choice("a"), choice("b", user_id="v")], WEIGHTS)
    assert (ids_in(accepted), ids_in(accepted, user_id="v"), ids_in(accepted, user_id="w")) == (
        ["a"], ["b"], [],
    )  # fmt: skip


def test_an_item_that_is_chosen_again_is_held_though_the_first_time_is_published(
    accepted: AcceptedChoices,
) -> None:
    accepted.note([choice("a", 50.0)], WEIGHTS)
    assert ids_in(accepted, state_with(("a", 5))) == ["a"]


def test_what_came_before_a_published_choice_was_read_as_well(accepted: AcceptedChoices) -> None:
    """The trainer passes over events of deleted items; they must not be held for that."""
    accepted.note([choice("deleted"), choice("a", 6.0), choice("b", 7.0)], WEIGHTS)
    assert ids_in(accepted, state_with(("a", 6))) == ["b"]


@pytest.mark.parametrize("at", [0.0, 4_102_444_800.0, 2.0**40])
def test_times_of_any_clock_are_told_again(accepted: AcceptedChoices, at: float) -> None:
    accepted.note([choice("late", 100.0), choice("odd", at), choice("early", 50.0)], WEIGHTS)
    assert ids_in(accepted) == ["late", "odd", "early"]
    assert ids_in(accepted, state_with(("late", 100), ("odd", int(min(at, 2**32 - 1))))) == ["early"]


def test_dislikes_are_held_until_they_are_published_and_impressions_are_not(
    accepted: AcceptedChoices,
) -> None:
    accepted.note([choice("a"), choice("b", type="dislike"), choice("c", type="impression")], WEIGHTS)
    assert [(one.item_id, one.is_choice) for one in accepted.unpublished("u", state_with())] == [
        ("a", True), ("b", False),
    ]  # fmt: skip
    assert ids_in(accepted, state_with(disliked=("b",))) == ["a"]


def test_a_repeat_of_an_event_id_is_none(accepted: AcceptedChoices) -> None:
    accepted.note([choice("a", event_id="1")], WEIGHTS)
    assert ids_in(accepted, state_with(("a", 5))) == []
    accepted.note([choice("a", 9.0, event_id="1"), choice("b", 9.0, event_id="2")], WEIGHTS)
    assert ids_in(accepted, state_with(("a", 5))) == ["b"]


def test_without_times_in_the_state_its_items_tell(accepted: AcceptedChoices) -> None:
    accepted.note([choice("a"), choice("b")], WEIGHTS)
    state = UserState("u", "g1", None, recent=("a",))
    assert ids_in(accepted, state) == ["b"]


def test_a_trainer_that_never_comes_back_leaves_nothing_behind(
    accepted: AcceptedChoices, clock: SteppingClock
) -> None:
    accepted.note([choice("a")], WEIGHTS)
    clock.now += MAX_AGE_S - 1
    accepted.note([choice("b", user_id="v")], WEIGHTS)
    assert ids_in(accepted) == ["a"]
    clock.now += 2
    assert ids_in(accepted) == []
    accepted.note([choice("c", user_id="w")], WEIGHTS)
    clock.now += MAX_AGE_S
    accepted.note([choice("d", user_id="x")], WEIGHTS)
    assert len(accepted) == 2, "v went unasked, w and x are young enough"


def test_of_a_user_who_sends_very_much_the_newest_are_held(accepted: AcceptedChoices) -> None:
    accepted.note((choice(f"i{number}", float(number)) for number in range(100_000)), WEIGHTS)
    assert ids_in(accepted) == [f"i{number}" for number in range(100_000 - MAX_CHOICES, 100_000)]


def test_of_very_many_users_those_who_chose_last_are_held(clock: SteppingClock) -> None:
    accepted = AcceptedChoices(clock, max_users=100)
    accepted.note((choice("a", user_id=f"u{number}") for number in range(1000)), WEIGHTS)
    accepted.note([choice("b", user_id="u900"), choice("a", user_id="new")], WEIGHTS)
    assert len(accepted) == 100
    assert [ids_in(accepted, user_id=name) for name in ("u899", "u900", "u901", "u902")] == [
        [], ["a", "b"], [], ["a"],
    ]  # fmt: skip


def test_what_is_forgotten_is_gone(accepted: AcceptedChoices) -> None:
    accepted.note([choice("a"), choice("b"), choice("a", user_id="v"), choice("a", user_id="w")], WEIGHTS)
    accepted.forget_item("a")
    accepted.forget_item("never here")
    assert [ids_in(accepted, user_id=name) for name in "uvw"] == [["b"], [], []]
    accepted.forget_user("u")
    accepted.forget_user("never here")
    assert ids_in(accepted) == []


def test_an_item_that_comes_back_may_be_chosen_again(accepted: AcceptedChoices, clock: SteppingClock) -> None:
    accepted.note([choice("a")], WEIGHTS)
    accepted.forget_item("a")
    clock.now += 1
    accepted.note([choice("a", 8.0)], WEIGHTS)
    assert [one.second for one in accepted.unpublished("u", None)] == [8]


def test_threads_lose_nothing() -> None:
    accepted = AcceptedChoices()
    weights = EventWeights({})

    def work(user_id: str) -> None:
        for number in range(2000):
            accepted.note([choice(f"{user_id}{number}", float(number), user_id)], weights)
            accepted.unpublished("shared", None)
            accepted.note([choice(f"{user_id}{number}", float(number), "shared")], weights)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "abcd":
        assert ids_in(accepted, user_id=name) == [f"{name}{n}" for n in range(2000 - MAX_CHOICES, 2000)]
    assert len(ids_in(accepted, user_id="shared")) == MAX_CHOICES
