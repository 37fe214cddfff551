"""Copies of items' neighbours inside the process: a user's last items are asked for again and again."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from streamrec.domain.similarity.neighbour import decode_neighbours
from streamrec.errors import Damaged
from streamrec.payload import decoded_each
from streamrec.ports import Neighbours
from streamrec.serving.sources.copies import Copies

TOO_OLD_S = 1.0
"""A copy older than this is read anew: within it the neighbours of an item hardly move."""

MAX_ITEMS = 2000
"""Some 15 MB at 50 neighbours each."""

Read = Callable[[Sequence[str]], Awaitable[dict[str, Neighbours]]]


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
        self._copies = Copies[Neighbours](max_items)

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out.

        Raises
        ------
        Damaged
            When some can't be read; its `rest` holds the others.
        """
        now = self._clock()
        since = now - self._too_old_s
        copies = self._copies.some(item_ids).items()
        at_hand = {item_id: near for item_id, (near, read_at) in copies if read_at > since}
        missing = [item_id for item_id in item_ids if item_id not in at_hand]
        if missing:
            found = await self._read_beside(at_hand, missing)
            # That an item has none is remembered too: new items are asked for most.
            read = {item_id: found.get(item_id, Neighbours()) for item_id in missing}
            self._copies.keep(read, now)
            at_hand.update(read)
        return {item_id: near for item_id, near in at_hand.items() if near}

    async def _read_beside(
        self, at_hand: Mapping[str, Neighbours], missing: Sequence[str]
    ) -> dict[str, Neighbours]:
        try:
            return await self._read(missing)
        except Damaged as error:
            known = {item_id: near for item_id, near in at_hand.items() if near}
            read = error.rest if isinstance(error.rest, dict) else {}
            raise Damaged(str(error), rest=known | read) from error


class DecodedNeighbours:
    """Decodes neighbours, and remembers of what: most are as they were when they are read anew.

    To decode them and to number them takes some hundred times as long as to see that they are the same.
    """

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._copies = Copies[tuple[bytes, Neighbours]](max_items)

    def of(self, written: Iterable[tuple[str, bytes]]) -> dict[str, Neighbours]:
        """Return the neighbours of items, of which these bytes are stored.

        Raises
        ------
        Damaged
            When some can't be read, or are of another version; its `rest` holds the others.
        """
        return decoded_each(
            self._decoded, ((item_id, (item_id, value)) for item_id, value in written), "neighbours"
        )

    def _decoded(self, written: tuple[str, bytes]) -> Neighbours:
        item_id, value = written
        copy = self._copies.get(item_id)
        if copy is not None and copy.value[0] == value:
            return copy.value[1]
        neighbours = decode_neighbours(value)
        self._copies.keep({item_id: (value, neighbours)}, read_at=0.0)
        return neighbours
