"""Lists of items, and why an item is in one."""

from typing import Any

import msgspec


class Cause(msgspec.Struct, frozen=True):
    """An item of the user's own, and its share of a score."""

    item_id: str
    share: float


class Explanation(msgspec.Struct, frozen=True):
    """Reasons for an item of a list.

    Attributes
    ----------
    sources
        Parts of the score by source; they add up to it.
    because
        Items of the user's own without which the score would be lower.
    reasons
        Ends of the sentence "it is here because it ...".
    less
        What the user asked for less of and the item has, in words.
    """

    sources: dict[str, float]
    because: list[Cause]
    reasons: list[str] = []
    less: list[str] = []


class RecommendedItem(msgspec.Struct, frozen=True):
    """An item of a list: its score, the source that proposed it, and what is known of it.

    In a list that an experiment interleaves, `team` is the variant that the item is of.
    """

    item_id: str
    score: float
    source: str
    kind: str | None = None
    title: str | None = None
    categories: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    explanation: Explanation | None = None
    team: str | None = None


class Recommendations(msgspec.Struct, frozen=True):
    """A list, best first.

    Attributes
    ----------
    based_on
        ``user_id``, ``item_id`` or ``popular_items``.
    generation
        Of the model that scored; None when only popularity did.
    degraded
        A part did not answer in time: this is the best of what still works.
    next_cursor
        Names the next page; None on the last one.
    popular_because
        Why nothing in the list goes by who asks; None where something does.
    warnings
        What in the request fits no item, and what the answer may lack.
    request_id
        Names the answer, in an event that comes of it; empty in lists that no experiment looks at.
    experiments
        Variant by experiment, of those that the user is in.
    """

    items: list[RecommendedItem]
    based_on: str
    generation: str | None
    degraded: bool
    next_cursor: str | None = None
    popular_because: str | None = None
    warnings: list[str] = []
    request_id: str = ""
    experiments: dict[str, str] = {}


class UserAnswer(msgspec.Struct, frozen=True):
    """Answer to one user of a batch: a list, or why there is none."""

    user_id: str
    recommendations: Recommendations | None = None
    error: str | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """Answers in the order of the users."""

    answers: list[UserAnswer]


class SimilarItem(msgspec.Struct, frozen=True):
    """An item similar to another; `support`: how often both were chosen together, where that counts."""

    item_id: str
    score: float
    source: str
    support: float | None
    kind: str | None = None
    title: str | None = None
    categories: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class SimilarItems(msgspec.Struct, frozen=True):
    """Items similar to one, in the order asked for."""

    item_id: str
    by: str
    items: list[SimilarItem]
    generation: str | None
    degraded: bool
    warnings: list[str] = []
