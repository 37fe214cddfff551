"""The port of what is counted of items, hour by hour, by any number of servers."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class ItemTallies(Protocol):
    """Counts of items by name, for a day. They name no user; losing them loses figures to look at."""

    async def add_tallies(self, hour: int, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counts of an hour since 1970, by item and name; what is older than a day may go.

        Raises
        ------
        Unavailable
            When it is not known that they were added.
        """

    async def tallies(self, item_id: str, hours: Sequence[int]) -> dict[tuple[int, str], int]:
        """Return an item's counts in some hours, by hour and name; what was not counted is left out."""
