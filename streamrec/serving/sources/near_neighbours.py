"""Copies of items' neighbours inside the process: a user's last items are asked for again and again."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from streamrec.errors import Damaged
from streamrec.ports import Neighbours

TOO_OLD_S = 1.0
"""A copy older than this is read anew: within it the neighbours of an item hardly move."""

MAX_ITEMS = 2000
"""Some 15 MB at 50 neighbours each."""

Read = Callable[[Sequence[str]], Awaitable[dict[str, Neighbours]]]


class _Copy(NamedTuple):
    neighbours: Neighbours
    read_at: float


class NearNeighbours:
    """A bounded number of copies; those unused for longest go first.

    Parameters
    ----------
    read
        Reads the neighbours of some items.
    clock
        Seconds; only differences count.
    too_old_s
        Age from which a copy is not used any more; 0: none is.
    """

    def __init__(
        self,
        read: Read,
        clock: Callable[[], float],
        *,
        too_old_s: float = TOO_OLD_S,
        max_items: int = MAX_ITEMS,
    ) -> None:
        self._read = read
        self._clock = clock
        self._too_old_s = too_old_s
        self._max_items = max_items
        self._copies: OrderedDict[str, _Copy] = OrderedDict()

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out.

        Raises
        ------
        Damaged
            When some can't be read; its `rest` holds the others.
        """
        now = self._clock()
        copies = {item_id: copy for item_id in item_ids if (copy := self._young(item_id, now)) is not None}
        missing = [item_id for item_id in item_ids if item_id not in copies]
        if missing:
            found = await self._read_beside(copies, missing)
            # That an item has none is remembered too: new items are asked for most.
            copies.update((item_id, _Copy(found.get(item_id, Neighbours()), now)) for item_id in missing)
            self._keep({item_id: copies[item_id] for item_id in missing})
        return {item_id: copy.neighbours for item_id, copy in copies.items() if copy.neighbours}

    async def _read_beside(
        self, copies: Mapping[str, _Copy], missing: Sequence[str]
    ) -> dict[str, Neighbours]:
        try:
            return await self._read(missing)
        except Damaged as error:
            at_hand = {item_id: copy.neighbours for item_id, copy in copies.items() if copy.neighbours}
            read = error.rest if isinstance(error.rest, dict) else {}
            raise Damaged(str(error), rest=at_hand | read) from error

    def _young(self, item_id: str, now: float) -> _Copy | None:
        copy = self._copies.get(item_id)
        if copy is None or now - copy.read_at >= self._too_old_s:
            return None
        self._copies.move_to_end(item_id)
        return copy

    def _keep(self, copies: dict[str, _Copy]) -> None:
        for item_id, copy in copies.items():
            self._copies[item_id] = copy
            self._copies.move_to_end(item_id)
        while len(self._copies) > self._max_items:
            self._copies.popitem(last=False)
