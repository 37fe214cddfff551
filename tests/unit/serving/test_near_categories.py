"""Categories of candidates: who is asked for them, how often, and what happens when nobody answers."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.category_table import N_NUMBERS, N_WORDS, Glance
from streamrec.domain.items.item import Item, ItemPage, ItemPosition
from streamrec.serving.filters.followed_items import READ_ANEW_AFTER_S, FollowedItems
from streamrec.serving.guard import Answered
from streamrec.serving.sources.near_categories import (
    ASKED_AGAIN_AFTER_S,
    RENEWED_AFTER_S,
    TOO_OLD_S,
    Categories,
    FollowedCategories,
    NearCategories,
)
from streamrec.telemetry import NullMetrics
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
        return Answered({id_: Item(id_, title=id_ * 3, categories=self.categories[id_]) for id_ in known})


async def reach(near: Categories, item_ids: list[str]) -> Answered[bool]:
    """Look at items, and have renewed what is found older, as a request does."""
    glance = near.glance()
    assert glance is not None
    glance.rows(item_ids)
    return await near.renew(glance.older) if glance.older else Answered(False)


def words_of(glance: Glance, item_ids: list[str]) -> NDArray[np.int16]:
    return glance.table.words[glance.rows(item_ids)]


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


async def test_words_are_at_hand_with_the_categories() -> None:
    near = NearCategories(Items(), SteppingClock())
    await reach(near, ["a", "b", "without metadata"])
    # The words of a title, and each category as one.
    n_words = (words_of(near.glance(), ["a", "b", "without metadata"]) < N_WORDS).sum(axis=1)
    assert n_words.tolist() == [2, 3, 0]


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


class RestoredStore(MemoryStore):
    """A store that may be given back from a backup of before there were items."""

    is_empty = False

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        page = await super().changed_items(after, limit)
        return ItemPage({}, after, is_last=True) if self.is_empty else page


def followed_by(store: MemoryStore, items: Items, most_items: int) -> tuple[FollowedItems, Categories]:
    followed = FollowedItems(store, NullMetrics(), most_items=most_items)
    return followed, FollowedCategories(followed, NearCategories(items))


def n_seen(categories: Categories, *item_ids: str) -> list[int]:
    glance = categories.glance()
    assert glance is not None
    counts: list[int] = (glance.table.of(item_ids) < N_NUMBERS).sum(axis=1).tolist()
    return counts


async def test_of_followed_items_nothing_is_read_however_old_and_changes_are_seen() -> None:
    store, items = MemoryStore(), Items()
    await store.put_items([Item("a", categories=("war",)), Item("hidden", categories=("x",), is_hidden=True)])
    followed, categories = followed_by(store, items, most_items=10)
    await reach(categories, ["a"])
    assert items.asked == [["a"]]  # nothing is followed yet
    await followed.look()
    assert await reach(categories, ["a", "hidden", "without metadata"]) == Answered(False)
    assert n_seen(categories, "a", "hidden", "without metadata") == [1, 1, 0]
    await store.put_items([Item("a", title="The Birds", categories=("war", "drama"))])
    glance = categories.glance()
    assert glance is not None
    assert (words_of(glance, ["a"]) < N_WORDS).sum() == 1
    await store.delete_item("hidden")
    await followed.look()
    assert n_seen(categories, "a", "hidden") == [2, 0]
    assert (words_of(glance, ["a", "hidden"]) < N_WORDS).sum(axis=1).tolist() == [4, 0]
    assert items.asked == [["a"]]


async def test_of_more_items_than_are_followed_those_in_use_are_read() -> None:
    store, items = MemoryStore(), Items()
    await store.put_items([Item("a"), Item("b"), Item("c")])
    followed, categories = followed_by(store, items, most_items=3)
    await followed.look()
    assert await reach(categories, ["b"]) == Answered(True)
    assert n_seen(categories, "a", "b") == [0, 2]
    assert items.asked == [["b"]]


async def test_items_that_a_restored_store_does_not_have_lose_their_categories() -> None:
    store, clock = RestoredStore(), SteppingClock()
    await store.put_items([Item("a", categories=("war",))])
    followed = FollowedItems(store, NullMetrics(), clock=clock)
    await followed.look()
    assert followed.all_categories is not None
    store.is_empty = True
    clock.now += READ_ANEW_AFTER_S + 1
    await followed.look()
    assert len(followed.all_categories) == 0
