"""An item in a ranking."""

from typing import NamedTuple


class RankedItem(NamedTuple):
    """An item and its score; higher is better."""

    item_id: str
    score: float
