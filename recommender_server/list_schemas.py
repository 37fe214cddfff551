"""Schemas of what is asked of lists: the checks and the OpenAPI document are made from these types."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from recommender_server.schemas import ExternalId
from streamrec.domain.filters.condition import Conditions
from streamrec.domain.filters.grammar import condition_of
from streamrec.domain.ranking.cursor import MAX_CURSOR_LENGTH
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import MAX_K, MAX_LISTED_IDS
from streamrec.domain.similarity.like_order import LikeOrder, OrderName
from streamrec.domain.sources.feeds import POPULAR_WINDOW, WindowName
from streamrec.domain.sources.table import SIMILARITIES, SimilarityKind
from streamrec.serving.filters.item_filters import category_of

K = Annotated[int, Meta(ge=1, le=MAX_K, description="Items wanted.")]
Categories = Annotated[list[ExternalId], Meta(max_length=100, description="Only items of one of these.")]
ExcludedIds = Annotated[
    list[ExternalId], Meta(max_length=MAX_LISTED_IDS, description="Leave these items out as well.")
]
OnlyIds = Annotated[
    list[ExternalId],
    Meta(
        max_length=MAX_LISTED_IDS,
        description="Rank just these items; those that nothing is known of come last, as they were given.",
    ),
]
MinScore = Annotated[float, Meta(ge=-1e9, le=1e9, description="Only items that score at least this much.")]
Diversity = Annotated[
    float,
    Meta(
        ge=0, le=1, description="0: the best, however similar; 1: the least similar. Default: the server's."
    ),
]
MaxPerCategory = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_K,
        description="Items of one category while there are others. Default: the server's.",
    ),
]
Filter = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=1000)]],
    Meta(
        max_length=20,
        description="Only items that fulfil all of these conditions on what is known of them, as `price<50`, "
        "`in_stock=true`, `category=Drama`, `brand in (A, B)` or `released>=2024-01-01`.",
    ),
]
Cursor = Annotated[
    str,
    Meta(
        max_length=MAX_CURSOR_LENGTH,
        description="The `next_cursor` of the page before, with the same other parameters but for `k` and "
        "`explain`. Empty: the first page.",
    ),
]
By = Annotated[
    SimilarityKind,
    Meta(description=f"Kind of similarity: {'; '.join(kind.words for kind in SIMILARITIES.values())}."),
]
Order = Annotated[
    OrderName,
    Meta(
        description="Of items similar to one: by score; those of its main category first; of these the "
        "nearest by a number, as the price, first. Default: the server's."
    ),
]


Window = Annotated[
    WindowName,
    Meta(
        description="What is popular within which time goes first: half-lives of a week, a day and an hour "
        "of the stream, of the newest events, and for ever, unless the trainer is set otherwise."
    ),
]


Variant = Annotated[
    str,
    Meta(
        max_length=64,
        description="Name of published lists, as `als`: the user's list of them, and behind it, where it does"
        " not suffice, what is recommended without. There is one page of it; `diversity`,"
        " `max_per_category` and `explain` apply only behind it.",
    ),
]


class RecommendationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/recommendations`."""

    user_id: ExternalId | UnsetType = UNSET
    item_id: ExternalId | UnsetType = UNSET
    k: K = 10
    exclude_seen: Annotated[bool, Meta(description="Leave out what the user has seen.")] = True
    category: Categories = []
    filter: Filter = []
    exclude_ids: ExcludedIds = []
    only_ids: OnlyIds = []
    min_score: MinScore | UnsetType = UNSET
    diversity: Diversity | UnsetType = UNSET
    max_per_category: MaxPerCategory | UnsetType = UNSET
    cursor: Cursor = ""
    explain: Annotated[bool, Meta(description="Tell of each item why it is there.")] = False
    order: Order | UnsetType = UNSET
    variant: Variant = ""


class FeedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/trending` and `GET /v1/latest`."""

    k: K = 10
    category: Categories = []
    filter: Filter = []
    cursor: Cursor = ""


class PopularQuery(FeedQuery, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/popular`."""

    window: Window = POPULAR_WINDOW


class SimilarQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/items/{item_id}/similar`."""

    k: K = 10
    by: By = "blend"
    category: Categories = []
    filter: Filter = []
    exclude_ids: ExcludedIds = []
    only_ids: OnlyIds = []
    min_score: MinScore | UnsetType = UNSET
    order: Order | UnsetType = UNSET


def wanted_of(names: Sequence[str], texts: Sequence[str]) -> tuple[frozenset[str], Conditions | UnsetType]:
    """Return what a request wants of all items: categories and conditions.

    The categories are those named as such, or else in a condition; each condition is there once, and they
    are unset where the request names none.

    Raises
    ------
    InvalidInput
        When a text is no condition.
    """
    conditions = tuple(dict.fromkeys(map(condition_of, texts)))
    if names or not conditions:
        return frozenset(names), conditions or UNSET
    return category_of(conditions), conditions


def shape_of(default: Shape, diversity: float | UnsetType, max_per_category: int | UnsetType) -> Shape:
    """Return the shape that a request wants of its list, by default in what it does not name."""
    return Shape(
        default.diversity if diversity is UNSET else diversity,
        default.max_per_category if max_per_category is UNSET else max_per_category,
    )


def like_order_of(default: LikeOrder, name: OrderName | UnsetType) -> LikeOrder:
    """Return the order that a request wants of similar items, the default where it names none."""
    return default if name is UNSET else default._replace(name=name)
