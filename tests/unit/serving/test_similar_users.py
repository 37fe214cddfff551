from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.users.user import UserState
from streamrec.errors import UnknownId
from streamrec.ports import IndexAnswer, IndexQuery, UserUpdates, VectorTable
from streamrec.serving.guard import Guard
from streamrec.serving.similar_users import SimilarUserFinder
from streamrec.telemetry import NullMetrics

ANGLES = {"ann": 0, "bob": 10, "cid": 30, "dan": 90}


def vector_at(degrees: float) -> np.ndarray:
    """Return a vector at an angle; the last component is the factor of an item's bias."""
    radians = np.deg2rad(degrees)
    return np.array([np.cos(radians), np.sin(radians), 1.0], "<f4")


def table_of(angles: Mapping[str, float]) -> VectorTable:
    return VectorTable(list(angles), np.array([vector_at(degrees) for degrees in angles.values()]))


def state_of(user_id: str, **fields: Any) -> UserState:
    fields = {"recent": ("north-east",), "generation": "g1", "vector": b""} | fields
    return UserState(user_id=user_id, **fields)


class Asked(MemoryIndex):
    """An index that notes what it was asked."""

    def __init__(self, tables: Mapping[str, VectorTable]) -> None:
        items = table_of({"east": 0, "north-east": 45, "north": 90})
        super().__init__(dict.fromkeys(tables, items), tables)
        self.queries: list[IndexQuery] = []

    async def search(self, query: IndexQuery) -> IndexAnswer:
        self.queries.append(query)
        return await super().search(query)


class Stack:
    """A store and an index of the users of `ANGLES`, and its search for similar users."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.index = Asked({"g1": table_of(ANGLES)})
        self.put(*map(state_of, ANGLES))

    def put(self, *states: UserState) -> None:
        lease = self.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        self.store.publish_users(UserUpdates(states, []), lease)

    async def similar(self, user_id: str, k: int = 10) -> tuple[list[str], str | None]:
        guard = Guard("any", 1.0, NullMetrics())
        found = await SimilarUserFinder(self.store, guard, self.index, guard).similar(user_id, k)
        return [user.document.user_id for user in found.users], found.reason


@pytest.fixture
def stack() -> Stack:
    return Stack()


async def test_the_nearest_come_first_without_the_one_asked_for(stack: Stack) -> None:
    assert await stack.similar("bob") == (["ann", "cid", "dan"], None)
    assert await stack.similar("bob", 1) == (["ann"], None)


async def test_scores_are_cosines(stack: Stack) -> None:
    guard = Guard("any", 1.0, NullMetrics())
    found = await SimilarUserFinder(stack.store, guard, stack.index, guard).similar("ann", 2)
    assert [user.score for user in found.users] == pytest.approx(np.cos(np.deg2rad([10, 30])), abs=1e-6)


async def test_the_erased_never_appear_also_when_the_index_knows_them_still(stack: Stack) -> None:
    await stack.store.erase_user("ann")
    await stack.store.erase_user("dan")
    await stack.store.put_attributes("dan", {"came": "back"})
    assert await stack.similar("bob") == (["cid"], None)
    with pytest.raises(UnknownId):
        await stack.similar("ann")


async def test_room_that_the_erased_leave_is_filled(stack: Stack) -> None:
    await stack.store.erase_user("ann")
    assert await stack.similar("bob", 2) == (["cid", "dan"], None)


async def test_an_unknown_id_is_not_found(stack: Stack) -> None:
    with pytest.raises(UnknownId, match="'nobody'"):
        await stack.similar("nobody")
    assert stack.index.queries == []


async def test_somebody_who_chose_nothing_is_cold(stack: Stack) -> None:
    await stack.store.put_attributes("attributes alone", {"country": "NZ"})
    stack.put(state_of("sour", recent=(), disliked=("i",)), state_of("odd", recent=("unknown",)))
    for user_id in ("attributes alone", "sour", "odd"):
        assert await stack.similar(user_id) == ([], "cold")


async def test_somebody_the_index_does_not_have_yet_is_folded_in(stack: Stack) -> None:
    stack.put(state_of("new", recent=("east", "unknown", "north-east")))
    assert await stack.similar("new", 2) == (["cid", "bob"], "fold_in")


async def test_a_user_whose_document_stayed_with_an_older_generation_is_found_in_the_current(
    stack: Stack,
) -> None:
    stack.index = Asked({"g1": table_of(ANGLES), "g2": table_of({"ann": 0.0, "dan": 1.0})})
    assert await stack.similar("ann") == (["dan"], None)
    stack.put(state_of("left behind", generation="g0"))
    assert await stack.similar("left behind", 1) == (["dan"], "fold_in")


async def test_no_more_are_asked_for_than_an_index_gives(stack: Stack) -> None:
    await stack.similar("bob", 1000)
    assert stack.index.queries[0].k == 1000
