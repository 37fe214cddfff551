"""Port of what is known of items."""

from collections.abc import Sequence
from typing import Protocol

from streamrec.domain.items.item import Item
from streamrec.serving.guard import Answered


class Metadata(Protocol):
    """Reader of what is known of items."""

    async def read(self, item_ids: Sequence[str]) -> Answered[dict[str, Item]]:
        """Return what is known of these."""
