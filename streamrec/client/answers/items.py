"""Items, and what their values did."""

from typing import Any

import msgspec


class Item(msgspec.Struct, frozen=True):
    """An item's metadata; what is not known is empty. `updated_at`: Unix seconds of the last change."""

    item_id: str
    kind: str | None = None
    title: str | None = None
    text: str | None = None
    categories: tuple[str, ...] = ()
    is_hidden: bool = False
    attributes: dict[str, Any] = {}
    updated_at: float = 0.0


class ItemsAnswer(msgspec.Struct, frozen=True):
    """Items in order of their ids, hidden ones too; `next_after`: where the next page begins, or None."""

    items: list[Item]
    next_after: str | None


class ChooserView(msgspec.Struct, frozen=True):
    """A user who chose an item; `chosen_at`: Unix seconds of the event, or None where that is not kept."""

    user_id: str
    chosen_at: int | None


class ChoosersAnswer(msgspec.Struct, frozen=True):
    """Users who chose an item lately; `next_after`: where to look on, or None when all were looked at."""

    item_id: str
    users: list[ChooserView]
    next_after: str | None


class Bar(msgspec.Struct, frozen=True):
    """Open, high, low and close of an item's value from `minute` on (Unix seconds), a minute or more."""

    minute: int
    open: float
    high: float
    low: float
    close: float
    count: int
    sum: float


class HistoryAnswer(msgspec.Struct, frozen=True):
    """An item's bars, oldest first; `now`: the newest event time of the stream, None before the first."""

    item_id: str
    resolution: str
    now: float | None
    bars: list[Bar]


class ChosenShare(msgspec.Struct, frozen=True):
    """Share of an item's showings after which it was chosen, with the bounds of 95 %."""

    share: float
    low: float
    high: float


class ExposuresAnswer(msgspec.Struct, frozen=True):
    """Counts of an item in the last 24 hours, by the hour, the oldest first; `at`: when each hour begins.

    `events` are those about it by type. `chosen_share` is None before it was shown to a user.
    """

    item_id: str
    at: list[int]
    shown: list[int]
    shown_to_user: list[int]
    chosen: list[int]
    events: dict[str, list[int]]
    chosen_share: ChosenShare | None
