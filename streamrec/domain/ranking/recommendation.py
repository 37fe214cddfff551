"""Request for recommendations, its answer, and how an answer fills up."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from streamrec.domain.filters.condition import Conditions, all_hold
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.explanation import Explanation
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.domain.sources.table import SourceName

MAX_K = 1000

MAX_LISTED_IDS = 1000
"""Items that a request may exclude, and that it may allow."""

BasedOn = Literal["user_id", "item_id", "popular_items"]

PopularBecause = Literal[
    "anybody", "unknown_user", "unknown_item", "nothing_fits", "store_unavailable", "cache_unavailable",
    "index_unavailable",
]  # fmt: skip


class RecommendationRequest(msgspec.Struct, frozen=True):
    """Parameters of a request for recommendations.

    Attributes
    ----------
    k
        Items wanted, 1 to `MAX_K`.
    user_id, item_id
        Either, both or neither; the item helps an unknown user who looks at it.
    exclude_seen
        Leave out what the user has seen. What the user dislikes is left out always.
    categories
        Only items of at least one of these; empty: all items.
    exclude_ids
        Not these either.
    only_ids
        Just these, ranked; empty: all items.
    min_score
        Only items that score at least this much; None: all.
    shape
        Shape wanted of the list.
    cursor
        Cursor of the page before; None: this is the first page.
    explain
        Whether each item gets an explanation.
    like_order
        Order of similar items, where the request names only an item.
    conditions
        Only items that fulfil these; unset: there are none, and a cursor from before there were any goes on.
    """

    k: int = 10
    user_id: str | None = None
    item_id: str | None = None
    exclude_seen: bool = True
    categories: frozenset[str] = frozenset()
    exclude_ids: frozenset[str] = frozenset()
    only_ids: tuple[str, ...] = ()
    min_score: float | None = None
    shape: Shape = Shape()
    cursor: str | None = None
    explain: bool = False
    like_order: LikeOrder = LikeOrder()
    conditions: Conditions | UnsetType = UNSET

    @property
    def required(self) -> Conditions:
        """The conditions; none where they are unset."""
        return () if self.conditions is UNSET else self.conditions


class RecommendedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of an answer: its score, its main source, and its metadata.

    The score estimates how probably, of all candidates of this answer, the item is the one chosen next.
    The item's `text` is not among them: it may be long, and `GET /v1/items/{item_id}` has it. In a list that
    an experiment interleaves, `team` is the variant that the item is of.
    """

    item_id: str
    score: float
    source: SourceName
    kind: str | None = None
    title: str | None = None
    categories: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    explanation: Explanation | None = None
    team: str | None = None


class Recommendations(msgspec.Struct, frozen=True):
    """An answer, best first.

    Attributes
    ----------
    based_on
        Input that the best part of the answer is based on.
    generation
        Of the model that scored; None when only popularity did.
    degraded
        A store or the index did not answer in time: this is the best of what still works.
    next_cursor
        Cursor of the next page; None when there is nothing more.
    popular_because
        Why nothing in the answer goes by who asks; None where something does.
    warnings
        What in the request fits no item, and what an answer to it may lack.
    request_id
        Id of the answer: an event that comes of it names it.
    experiments
        Variant by experiment, of those that the user is in.
    """

    items: list[RecommendedItem]
    based_on: BasedOn
    generation: str | None
    degraded: bool
    next_cursor: str | None = None
    popular_because: PopularBecause | None = None
    warnings: list[str] = []
    request_id: str | UnsetType = UNSET
    experiments: dict[str, str] | UnsetType = UNSET


class Selection:
    """Fills up to `k` in the order of offers: no repeats, nothing banned, nothing hidden.

    >>> selection = Selection(2, {"seen"})
    >>> selection.offer([("seen", 9.0), ("a", 2.0), ("a", 1.0), ("b", 0.5), ("c", 0.1)], "gmf", {})
    2
    >>> [item.item_id for item in selection.items], selection.n_missing
    (['a', 'b'], 0)
    """

    def __init__(self, k: int, banned: Collection[str], conditions: Conditions = ()) -> None:
        self.items: list[RecommendedItem] = []
        self._k = k
        self._banned = banned
        self._conditions = conditions
        self._taken: set[str] = set()

    @property
    def n_missing(self) -> int:
        """Number of items still to be found."""
        return self._k - len(self.items)

    def offer(
        self,
        candidates: Iterable[tuple[str, float]],
        source: SourceName,
        metadata: Mapping[str, Item],
        categories: Collection[str] = (),
    ) -> int:
        """Take what fits and return how many that were.

        Parameters
        ----------
        candidates
            (item_id, score), best first.
        metadata
            What is known of the candidates; an item without metadata is in no category.
        categories
            Take only items of one of these; empty: any item.
        """
        n_before = len(self.items)
        for item_id, score in candidates:
            self.offer_one(item_id, score, source, metadata.get(item_id), categories)
        return len(self.items) - n_before

    def offer_one(
        self,
        item_id: str,
        score: float,
        source: SourceName,
        item: Item | None,
        categories: Collection[str] = (),
        *,
        is_trusted: bool = False,
    ) -> None:
        """Take one item, of which this is known, if it fits.

        Parameters
        ----------
        is_trusted
            Whether it is known from elsewhere to fulfil the conditions, should nobody tell of it now.
        """
        if len(self.items) == self._k or item_id in self._taken or item_id in self._banned:
            return
        is_told = item is not None or not is_trusted
        if self._conditions and is_told and not all_hold(self._conditions, item or Item(item_id)):
            return
        if item is None:
            if categories:
                return
            taken = RecommendedItem(item_id, score, source)
        elif item.is_hidden or (categories and not _shares(item.categories, categories)):
            return
        else:
            taken = RecommendedItem(
                item_id, score, source, item.kind, item.title, item.categories, item.attributes
            )
        self._taken.add(item_id)
        self.items.append(taken)


def _shares(of_item: Iterable[str], wanted: Collection[str]) -> bool:
    return any(category in wanted for category in of_item)
