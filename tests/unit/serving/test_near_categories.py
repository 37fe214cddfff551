"""Categories of candidates: who is asked for them, how often, and what happens when nobody answers."""

import asyncio
from collections.abc import Sequence

from streamrec.domain.items.category_table import N_NUMBERS
from streamrec.domain.items.item import Item
from streamrec.serving.guard import Answered
from streamrec.serving.sources.near_categories import (
    ASKED_AGAIN_AFTER_S,
    RENEWED_AFTER_S,
    TOO_OLD_S,
    NearCategories,
)
from tests.builders import SteppingClock


class Items:
    """Metadata that can be away, and notes what it is asked for."""

    def __init__(self) -> None:
        self.categories = {"a": ("war",), "b": ("drama", "war")}
        self.is_away = False
        self.asked: list[list[str]] = []

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        self.asked.append(list(item_ids))
        await asyncio.sleep(0)
        if self.is_away:
            return Answered({}, frozenset({"store"}))
        known = [id_ for id_ in item_ids if id_ in self.categories]
        return Answered({id_: Item(id_, categories=self.categories[id_]) for id_ in known})


async def reach(near: NearCategories, item_ids: list[str]) -> Answered[bool]:
    """Look at items, and have renewed what is found older, as a request does."""
    glance = near.glance()
    glance.of(item_ids)
    return await near.renew(glance.older) if glance.older else Answered(False)


def n_categories(near: NearCategories, *item_ids: str) -> list[int]:
    counts: list[int] = (near.table.of(item_ids) < N_NUMBERS).sum(axis=1).tolist()
    return counts


async def test_each_item_is_read_once_and_together_with_the_others() -> None:
    items = Items()
    near = NearCategories(items, SteppingClock())
    assert await reach(near, ["a", "b", "without metadata"]) == Answered(True)
    assert n_categories(near, "a", "b", "without metadata") == [1, 2, 0]
    assert await reach(near, ["b", "without metadata"]) == Answered(False)
    assert items.asked == [["a", "b", "without metadata"]]


async def test_what_is_in_use_is_renewed_without_that_anybody_waits() -> None:
    items, clock = Items(), SteppingClock()
    near = NearCategories(items, clock)
    await reach(near, ["a", "b"])
    items.categories["a"] = ("war", "comedy", "old")
    clock.now += RENEWED_AFTER_S + 1
    assert await reach(near, ["a"]) == Answered(False)
    assert n_categories(near, "a") == [1]
    await near.aclose()
    assert n_categories(near, "a", "b") == [3, 2]
    assert items.asked[1:] == [["a"]]


async def test_what_is_too_old_is_waited_for() -> None:
    items, clock = Items(), SteppingClock()
    near = NearCategories(items, clock)
    await reach(near, ["a"])
    items.categories["a"] = ()
    clock.now += TOO_OLD_S + 1
    assert await reach(near, ["a"]) == Answered(True)
    assert n_categories(near, "a") == [0]


async def test_what_cannot_be_read_is_told_keeps_its_last_categories_and_is_asked_for_later() -> None:
    items, clock = Items(), SteppingClock()
    near = NearCategories(items, clock)
    await reach(near, ["a"])
    items.is_away = True
    clock.now += TOO_OLD_S + 1
    assert await reach(near, ["a", "b"]) == Answered(True, frozenset({"store"}))
    assert n_categories(near, "a", "b") == [1, 0]
    items.is_away = False
    assert await reach(near, ["a", "b"]) == Answered(False)
    await near.aclose()
    assert len(items.asked) == 2
    clock.now += ASKED_AGAIN_AFTER_S + 1
    await reach(near, ["a", "b"])
    await near.aclose()
    assert n_categories(near, "a", "b") == [1, 2]
