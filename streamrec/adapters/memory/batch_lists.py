"""Lists made beforehand, in memory: for tests."""

from collections.abc import Mapping, Sequence

from streamrec.domain.items.batch_lists import Batch, ListedItem


class MemoryBatchLists:
    """Implements `BatchListCatalog`."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._lists: dict[tuple[str, int], dict[str, list[ListedItem]]] = {}

    async def get_batches(self) -> list[Batch]:
        """Return what is published, in order of names."""
        return [self._batches[name] for name in sorted(self._batches)]

    async def get_batch_list(self, batch: Batch, user_id: str) -> list[ListedItem] | None:
        """Return a user's list, best first; None where there is none."""
        return self._lists.get((batch.name, batch.version), {}).get(user_id)

    async def put_batch_lists(
        self, name: str, version: int, lists: Mapping[str, Sequence[ListedItem]]
    ) -> None:
        """Write lists, in place of those that the users have in this version."""
        written = {user_id: list(items) for user_id, items in lists.items()}
        self._lists.setdefault((name, version), {}).update(written)

    async def drop_batch_lists(self, name: str, version: int, user_ids: Sequence[str]) -> int:
        """Delete the lists that these users have in a version; return how many that were."""
        lists = self._lists.get((name, version), {})
        return sum(lists.pop(user_id, None) is not None for user_id in user_ids)

    async def publish_batch(self, batch: Batch) -> None:
        """Let a version be the one that counts, and delete the lists of all others of this name."""
        self._batches[batch.name] = batch
        for name, version in list(self._lists):
            if name == batch.name and version != batch.version:
                del self._lists[name, version]

    async def delete_batch(self, name: str) -> bool:
        """Delete all versions; return whether one was published."""
        for key in [key for key in list(self._lists) if key[0] == name]:
            del self._lists[key]
        return self._batches.pop(name, None) is not None

    async def erase_batch_lists(self, user_id: str) -> None:
        """Delete the user's lists of all names and versions."""
        for lists in list(self._lists.values()):
            lists.pop(user_id, None)
