"""Items of a store that are followed: what is read of it, and when."""

import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.items.item import Item, ItemPage, ItemPosition
from streamrec.serving.filters.followed_items import READ_ANEW_AFTER_S, FollowedItems
from streamrec.telemetry import NullMetrics

N_ITEMS = 60


class Store(MemoryStore):
    """A store whose writers' clock is set by hand, and that counts the items it gives."""

    def __init__(self) -> None:
        super().__init__(lambda: self.now)
        self.now = 1_000_000.0
        self.n_read = 0

    async def changed_items(self, after: ItemPosition, limit: int) -> ItemPage:
        page = await super().changed_items(after, limit)
        self.n_read += len(page.items)
        return page

    def lose(self, item_id: str) -> None:
        """Be without an item, as after a restored backup."""
        self._items.pop(item_id)
        self._versions.pop(item_id)
        self._places = []


class Followed:
    """Followed items, which have clocks that are set by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.passed_s = 0.0
        self.ahead_s = 0.0
        self.items = FollowedItems(
            store, NullMetrics(), lambda: 1_000_000.0 + self.passed_s + self.ahead_s, lambda: self.passed_s
        )

    async def pass_on(self, seconds: float) -> None:
        """Let time pass, for the writers as well, with a look each second."""
        for _ in range(round(seconds)):
            self.passed_s += 1
            self.store.now += 1
            await self.items.look()

    async def put(self, *item_ids: str, at: float | None = None) -> None:
        """Have items written now, or by a clock that says something else."""
        now = self.store.now
        self.store.now = now if at is None else at
        await self.store.put_items([Item(item_id) for item_id in item_ids])
        self.store.now = now


@pytest.fixture
async def followed() -> Followed:
    made = Followed(Store())
    await made.put(*(f"i{number}" for number in range(N_ITEMS)))
    return made


async def test_a_catalogue_that_was_put_in_at_once_is_not_read_for_ever(followed: Followed) -> None:
    await followed.pass_on(15)
    assert len(followed.items.table) == N_ITEMS
    followed.store.n_read = 0
    await followed.pass_on(60)
    assert followed.store.n_read == 0
    await followed.put("new")
    await followed.pass_on(1)
    assert len(followed.items.table) == N_ITEMS + 1


@pytest.mark.parametrize("ago_s", [0, 3, 9])
async def test_a_catalogue_that_was_put_in_a_moment_ago_is_read_once(followed: Followed, ago_s: int) -> None:
    followed.passed_s += ago_s
    followed.store.now += ago_s
    await followed.pass_on(60)
    assert followed.store.n_read == N_ITEMS == len(followed.items.table)


async def test_a_catalogue_that_is_put_in_bit_by_bit_is_read_once(followed: Followed) -> None:
    for number in range(30):
        await followed.put(*(f"n{number}-{other}" for other in range(5)))
        await followed.pass_on(1)
    await followed.put("n0-0", "i0")
    await followed.pass_on(30)
    assert followed.store.n_read == N_ITEMS + 150 + 2
    assert len(followed.items.table) == N_ITEMS + 150


async def test_what_is_gone_from_the_store_is_forgotten_when_all_is_read_anew(followed: Followed) -> None:
    await followed.pass_on(30)
    followed.store.lose("i7")
    await followed.pass_on(READ_ANEW_AFTER_S)
    assert len(followed.items.table) == N_ITEMS - 1
    categories = followed.items.all_categories
    assert categories is not None
    assert len(categories) == N_ITEMS - 1


async def test_an_old_catalogue_is_read_once_at_the_start(followed: Followed) -> None:
    followed.passed_s, followed.store.now = 86_400.0, 1_086_400.0
    await followed.pass_on(60)
    assert followed.store.n_read == N_ITEMS == len(followed.items.table)


async def test_reading_anew_does_not_begin_the_watching_anew(followed: Followed) -> None:
    await followed.pass_on(READ_ANEW_AFTER_S - 60)
    followed.store.n_read = 0
    await followed.pass_on(120)
    assert followed.store.n_read == N_ITEMS


@pytest.mark.parametrize("after_s", [1, 5, 9, 11, 100])
async def test_what_is_written_by_a_clock_that_is_behind_is_found(followed: Followed, after_s: int) -> None:
    await followed.pass_on(after_s)
    await followed.put("late", at=followed.store.now - 8)
    await followed.pass_on(1)
    assert len(followed.items.table) == N_ITEMS + 1


async def test_what_is_written_again_by_a_clock_that_is_behind_is_found(followed: Followed) -> None:
    await followed.pass_on(60)
    await followed.put("again")
    await followed.pass_on(4)
    await followed.put("newest")
    await followed.pass_on(1)
    followed.store.n_read = 0
    await followed.put("again", at=followed.store.now - 3)
    await followed.pass_on(1)
    assert followed.store.n_read > 0
    followed.store.n_read = 0
    await followed.pass_on(30)
    assert followed.store.n_read == 0


@pytest.mark.parametrize("after_s", [1, 55, 59, 60, 61, 65, 75])
async def test_what_is_written_after_something_of_the_future_is_found(
    followed: Followed, after_s: int
) -> None:
    await followed.put("of the future", at=followed.store.now + 60)
    await followed.pass_on(after_s)
    await followed.put("late", at=followed.store.now - 5)
    await followed.pass_on(1)
    assert len(followed.items.table) == N_ITEMS + 2


@pytest.mark.parametrize("ahead_s", [-3000.0, -20.0, 20.0, 3000.0])
async def test_what_is_new_is_found_by_a_reader_whose_clock_is_wrong(
    followed: Followed, ahead_s: float
) -> None:
    followed.ahead_s = ahead_s
    await followed.pass_on(30)
    await followed.put("new")
    await followed.pass_on(1)
    assert len(followed.items.table) == N_ITEMS + 1
