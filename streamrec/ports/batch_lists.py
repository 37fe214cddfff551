"""Port of the lists that were made for users beforehand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from streamrec.domain.items.batch_lists import Batch, ListedItem, decode_batch
from streamrec.errors import Damaged


class BatchListCatalog(Protocol):
    """Batches of lists by name, one version of which counts; the others are on their way in or out."""

    async def get_batches(self) -> list[Batch]:
        """Return what is published, in order of names; what can't be read is left out."""

    async def get_batch_list(self, batch: Batch, user_id: str) -> list[ListedItem] | None:
        """Return a user's list, best first; None where there is none."""

    async def put_batch_lists(
        self, name: str, version: int, lists: Mapping[str, Sequence[ListedItem]]
    ) -> None:
        """Write lists of up to 1,000 users, in place of those that they have in this version."""

    async def drop_batch_lists(self, name: str, version: int, user_ids: Sequence[str]) -> int:
        """Delete the lists that these users have in a version; return how many that were."""

    async def publish_batch(self, batch: Batch) -> None:
        """Let a version be the one that counts, and delete the lists of all others of this name."""

    async def delete_batch(self, name: str) -> bool:
        """Delete all versions; return whether one was published."""

    async def erase_batch_lists(self, user_id: str) -> None:
        """Delete the user's lists of all names and versions, published or not."""


def batches_in(written: Iterable[tuple[str, str | bytes]]) -> list[Batch]:
    """Return batches by (name, JSON text), in order of names, without those that can't be read."""
    batches = []
    for name, text in written:
        try:
            batches.append(decode_batch(text, name))
        except Damaged:
            continue
    return sorted(batches, key=lambda batch: batch.name)
