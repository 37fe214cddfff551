"""Batches that are published, read again now and then."""

import time
from collections.abc import Callable

from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.errors import InvalidInput
from streamrec.ports import BatchListCatalog
from streamrec.serving.guard import Answered, Guard

READ_AGAIN_AFTER_S = 1.0
"""So long after a batch is published or withdrawn, answers may go by the one before."""


class PublishedBatches:
    """Reads which batches count, and users' lists of them.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(
        self, lists: BatchListCatalog, guard: Guard, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lists = lists
        self._guard = guard
        self._clock = clock
        self._batches: dict[str, Batch] = {}
        self._read_at = -float("inf")

    async def named(self, name: str) -> Answered[Batch | None]:
        """Return the batch of this name; None where the store does not tell.

        Raises
        ------
        InvalidInput
            When there is none, and the store says so.
        """
        failed = frozenset[str]()
        if name not in self._batches or self._clock() - self._read_at > READ_AGAIN_AFTER_S:
            failed = await self._read()
        batch = self._batches.get(name)
        if batch is None and not failed:
            known = ", ".join(map(repr, sorted(self._batches)[:50])) or "none is published"
            raise InvalidInput(f"there is no variant {name[:100]!r}; there are: {known}")
        return Answered(batch, failed)

    async def list_of(self, batch: Batch, user_id: str) -> Answered[list[ListedItem]]:
        """Return a user's list; empty where there is none."""
        found, failed = await self._guard.ask(lambda: self._lists.get_batch_list(batch, user_id), None)
        if found is None and not failed and await self._is_replaced(batch):
            # It was published anew since it was read last, and the lists of then are gone.
            newest = self._batches[batch.name]
            found, failed = await self._guard.ask(lambda: self._lists.get_batch_list(newest, user_id), None)
        return Answered(found or [], failed)

    async def _is_replaced(self, batch: Batch) -> bool:
        if self._clock() == self._read_at:
            return False
        failed = await self._read()
        newest = self._batches.get(batch.name)
        return not failed and newest is not None and newest.version != batch.version

    async def _read(self) -> frozenset[str]:
        batches, failed = await self._guard.ask(self._lists.get_batches, None)
        if batches is not None:
            self._batches = {batch.name: batch for batch in batches}
            self._read_at = self._clock()
        return failed
