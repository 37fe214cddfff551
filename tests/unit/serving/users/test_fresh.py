"""Users with what they chose since they were published: the vector, and all that goes with it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT
from streamrec.domain.users.context import ContextRules, Weighing
from streamrec.domain.users.user import UserDocument, UserState
from streamrec.errors import Unavailable
from streamrec.ports import Neighbours, UserProfile
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.recommender import UNKNOWN_USER
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.serving.users.fresh import FreshUsers
from streamrec.telemetry import NullMetrics
from tests.builders import WEIGHTS


def packed(*numbers: float) -> bytes:
    return np.array(numbers, "<f4").tobytes()


def adding(*numbers: float, generation: str = "g1") -> Neighbours:
    return Neighbours(["x"], [0.5], [1.0], [0.0], generation=generation, past=packed(*numbers))


KNOWN = UserState(
    "known", "g1", packed(1, 0, 1), recent=("a",), n_events=4, recent_at=(90,), disliked=("bad",)
)


class System:
    """Users "known", who chose a once and is published, and "new", who is not."""

    def __init__(self) -> None:
        self.cache: Any = MemoryCache()
        self.cache.publish_neighbours({"a": adding(1, 0), "b": adding(0, 1), "c": adding(0, 3)})
        self.accepted = AcceptedChoices()
        self.rules = ContextRules(n=3, decay=1.0, floor=1.0)
        self.known: UserState = KNOWN
        self.failed: frozenset[str] = frozenset()

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        seen = ["a", "bad"] if with_seen else []
        published = UserProfile(UserDocument(user_id, self.known, {"age": 9}), seen)
        return Answered(published if user_id == "known" else UNKNOWN_USER, self.failed)

    def weighing(self) -> Weighing:
        return Weighing(self.rules, 60.0)

    def choose(self, *item_ids: str, user_id: str = "known", at: float = 100.0, **fields: Any) -> None:
        self.accepted.note([Interaction(user_id, item_id, at, **fields) for item_id in item_ids], WEIGHTS)

    async def ask(self, user_id: str = "known", *, with_seen: bool = True) -> Answered[UserProfile]:
        guard = Guard("cache", 30.0, NullMetrics())
        users = FreshUsers(self, self.accepted, self.cache, guard, self, NullMetrics())
        return await users.profile(user_id, with_seen=with_seen)

    async def state(self, user_id: str = "known") -> UserState:
        document = (await self.ask(user_id)).value.document
        assert document is not None
        assert document.state is not None
        return document.state

    async def vector(self, user_id: str = "known") -> Sequence[float] | None:
        vector = (await self.state(user_id)).vector
        return None if vector is None else np.frombuffer(vector, "<f4").astype(float).round(4).tolist()


@pytest.fixture
def system() -> System:
    return System()


async def test_who_chose_nothing_meanwhile_is_as_published(system: System) -> None:
    system.choose("b", user_id="other")
    assert await system.ask() == await system.profile("known", with_seen=True)
    assert await system.ask("new") == Answered(UNKNOWN_USER)


async def test_a_choice_joins_all_that_is_known_of_a_user(system: System) -> None:
    system.choose("b", at=100.7)
    system.choose("c", at=99.0)
    system.choose("d", type="dislike")
    profile = (await system.ask()).value
    assert profile.document is not None
    assert profile.document.attributes == {"age": 9}
    assert profile.seen == ["d", "c", "b", "a", "bad"]
    assert (await system.ask(with_seen=False)).value.seen == []
    state = await system.state()
    assert (state.recent, state.recent_at, state.n_events) == (("a", "b", "c"), (90, 100, 99), 7)
    assert state.disliked == ("bad", "d")
    # A third each of a, b and c, where all of it was a.
    assert await system.vector() == pytest.approx([1 / 3, 4 / 3, 1], abs=1e-4)


async def test_one_that_is_published_is_counted_once(system: System) -> None:
    system.choose("b")
    system.known = msgspec.structs.replace(KNOWN, recent=("a", "b"), recent_at=(90, 100), n_events=5)
    assert await system.state() == system.known


async def test_the_same_item_twice_weighs_twice(system: System) -> None:
    system.choose("b", "b")
    assert await system.vector() == pytest.approx([1 / 3, 2 / 3, 1], abs=1e-4)


async def test_a_newcomer_has_a_vector_of_the_choices_alone(system: System) -> None:
    system.choose("b", "a", user_id="new")
    state = await system.state("new")
    assert (state.generation, state.recent, state.n_events) == ("g1", ("b", "a"), 2)
    assert await system.vector("new") == [0.5, 0.5, 1]


async def test_a_newcomer_whose_choices_no_model_knows_has_the_choices(system: System) -> None:
    system.choose("unknown", user_id="new")
    state = await system.state("new")
    assert (state.vector, state.generation, state.recent, state.n_events) == (None, "", ("unknown",), 1)


async def test_vectors_of_two_generations_are_not_mixed(system: System) -> None:
    """The cache has items of the next generation while the user still has a vector of the one before."""
    system.cache.publish_neighbours({"b": adding(9, 9, generation="g2")})
    system.choose("b")
    assert await system.vector() == [1, 0, 1]
    system.choose("c")
    # What is of the vector's own generation counts on.
    assert await system.vector() == [0.5, 1.5, 1]
    system.choose("a", "b", user_id="new")
    assert (await system.state("new")).generation == "g2"
    assert await system.vector("new") == [9, 9, 1]


@pytest.mark.parametrize(
    "past", [b"", b"abc", packed(1), packed(1, 2, 3), packed(np.nan, 0), packed(np.inf, 0), packed(3e38, 0)]
)
async def test_what_is_no_row_changes_no_vector(system: System, past: bytes) -> None:
    for item_id in ("b", "c"):
        spoiled = msgspec.structs.replace(adding(0, 1), past=past)
        system.cache.publish_neighbours({item_id: spoiled})
    system.known = msgspec.structs.replace(KNOWN, vector=packed(3e38, 0, 1))
    system.choose("b", "c")
    assert await system.vector() == pytest.approx([3e38, 0, 1])
    assert (await system.state()).recent == ("a", "b", "c")


async def test_where_rules_or_rows_are_of_before_vectors_stay(system: System) -> None:
    system.choose("b")
    system.rules = ContextRules()
    assert await system.vector() == [1, 0, 1]
    system.rules = ContextRules(n=3)
    system.cache = MemoryCache()
    system.cache.publish_neighbours({"b": Neighbours(["x"], [0.5], [1.0], [0.0])})
    assert await system.vector() == [1, 0, 1]
    assert (await system.state()).n_events == 5


async def test_without_the_cache_the_choices_count_all_the_same(system: System) -> None:
    class Down:
        async def neighbours(self, item_ids: object) -> dict[str, Neighbours]:
            raise Unavailable("down")

    system.cache = Down()
    system.choose("b")
    assert await system.vector() == [1, 0, 1]
    assert (await system.state()).recent == ("a", "b")


async def test_without_the_store_the_choices_are_what_is_known(system: System) -> None:
    system.failed = frozenset({"store"})
    system.choose("b", user_id="new")
    answered = await system.ask("new")
    assert answered.failed == {"store"}
    assert await system.vector("new") == [0, 1, 1]


async def test_what_is_taken_back_leaves_nothing_whether_it_was_published_or_not(system: System) -> None:
    system.choose("b", "c", "b")
    system.choose("d", type="dislike")
    system.choose("b", "d", "a", "bad", type=RETRACT)
    profile = (await system.ask()).value
    assert profile.seen == ["c"]
    state = await system.state()
    assert (state.recent, state.recent_at, state.disliked, state.n_events) == (("c",), (100,), (), 3)
    assert await system.vector() == [0, 3, 1]


async def test_of_who_takes_back_all_that_is_known_the_own_row_is_left(system: System) -> None:
    system.known = msgspec.structs.replace(KNOWN, vector=packed(1.25, 2, 1))
    system.choose("a", type=RETRACT)
    assert await system.vector() == [0.25, 2, 1]
    assert (await system.state()).recent == ()


async def test_a_published_choice_that_is_dated_later_is_not_taken_back(system: System) -> None:
    system.choose("a", type=RETRACT, at=89.0)
    assert (await system.state()).recent == ("a",)
    assert await system.vector() == [1, 0, 1]


async def test_what_nobody_said_may_be_taken_back(system: System) -> None:
    system.choose("b", "unknown", type=RETRACT)
    assert await system.state() == system.known
    system.choose("b", type=RETRACT, user_id="new")
    assert (await system.ask("new")).value.seen == []


async def test_a_retraction_that_the_trainer_has_read_does_no_more_harm(system: System) -> None:
    """It is held, for no state tells that it was read: neither a later choice nor a later dislike is lost."""
    for type_ in ("dislike", RETRACT, "dislike"):
        system.choose("b", type=type_)
    system.known = msgspec.structs.replace(KNOWN, disliked=("bad", "b"))
    assert (await system.state()).disliked == ("bad", "b")
    system.choose("b", type=RETRACT)
    system.choose("b", at=101.0)
    system.known = msgspec.structs.replace(KNOWN, recent=("a", "b"), recent_at=(90, 101), n_events=5)
    assert await system.state() == system.known
