"""Schemas of requests and answers: the checks and the OpenAPI document are made from these types."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from recommender_server.user_schemas import Habits, habits_of
from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.domain.items.item import Item, checked_attributes
from streamrec.domain.ranking.cursor import MAX_CURSOR_LENGTH
from streamrec.domain.ranking.recommendation import MAX_K, MAX_LISTED_IDS
from streamrec.domain.similarity.like_order import OrderName
from streamrec.domain.sources.table import SIMILARITIES, SimilarityKind
from streamrec.domain.users.user import NO_PROFILE, UserDocument
from streamrec.wire import EventRecord, ExactFloat

ExternalId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_BYTES, description=f"1 to {MAX_ID_BYTES} bytes of UTF-8."),
]
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
Cursor = Annotated[
    str,
    Meta(
        max_length=MAX_CURSOR_LENGTH,
        description="The `next_cursor` of the page before, with the same other parameters but for `k` and "
        "`explain`. Empty: the first page.",
    ),
]

_TIME_TEXT = r"^([0-9]{1,10}(\.[0-9]{1,9})?|(19[7-9][0-9]|[2-4][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)$"  # noqa: E501
_NUMBER_TEXT = r"^(-?[0-9]{1,15}(\.[0-9]{1,15})?|NaN|NULL|)$"


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


class RecommendationsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/recommendations`."""

    user_id: ExternalId | UnsetType = UNSET
    item_id: ExternalId | UnsetType = UNSET
    k: K = 10
    exclude_seen: Annotated[bool, Meta(description="Leave out what the user has seen.")] = True
    category: Categories = []
    exclude_ids: ExcludedIds = []
    only_ids: OnlyIds = []
    min_score: MinScore | UnsetType = UNSET
    diversity: Diversity | UnsetType = UNSET
    max_per_category: MaxPerCategory | UnsetType = UNSET
    cursor: Cursor = ""
    explain: Annotated[bool, Meta(description="Tell of each item why it is there.")] = False
    order: Order | UnsetType = UNSET


class PopularQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/popular`."""

    k: K = 10
    category: Categories = []
    cursor: Cursor = ""


class SimilarQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/items/{item_id}/similar`."""

    k: K = 10
    by: By = "blend"
    category: Categories = []
    exclude_ids: ExcludedIds = []
    only_ids: OnlyIds = []
    min_score: MinScore | UnsetType = UNSET
    order: Order | UnsetType = UNSET


class UsersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/users`."""

    prefix: Annotated[str, Meta(max_length=MAX_ID_BYTES, description="Start of the ids.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route without parameters."""


class Event(EventRecord, frozen=True, gc=False, omit_defaults=True):
    """An event: who did what to which item, when."""

    # The types are those of `EventRecord`; what `to_interaction` checks beyond them is told to readers here.
    timestamp: (
        Annotated[int, Meta(extra_json_schema={"minimum": 0, "exclusiveMaximum": MAX_TIMESTAMP_S})]
        | Annotated[float, Meta(extra_json_schema={"minimum": 0, "exclusiveMaximum": MAX_TIMESTAMP_S})]
        | Annotated[str, Meta(extra_json_schema={"pattern": _TIME_TEXT})]
        | None
    ) = None
    value: float | Annotated[str, Meta(extra_json_schema={"pattern": _NUMBER_TEXT})] | None = None


Events = Event | Annotated[list[Event], Meta(min_length=1, max_length=10_000)]


class EventsAccepted(msgspec.Struct, frozen=True):
    """The events are in the log; the trainer reads them next."""

    accepted: int


class ItemBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item's metadata; what is left out is empty."""

    kind: Annotated[str, Meta(max_length=256)] | None = None
    title: Annotated[str, Meta(max_length=2000)] | None = None
    text: str | None = None
    categories: Annotated[tuple[ExternalId, ...], Meta(max_length=100)] = ()
    is_hidden: bool = False
    attributes: dict[str, Any] = {}


class NamedItemBody(ItemBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item's metadata, with its id."""

    item_id: ExternalId | int | ExactFloat


ItemBodies = Annotated[list[NamedItemBody], Meta(min_length=1, max_length=10_000)]


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes of a user, as a service knows them; it replaces what was known."""

    attributes: dict[str, Any]


class UserView(msgspec.Struct, frozen=True):
    """A user, without the vector itself."""

    user_id: str
    attributes: dict[str, Any]
    generation: str | None
    has_vector: bool
    n_events: int
    updated_at: float | None
    recent: tuple[str, ...]
    disliked: tuple[str, ...]
    profile: Habits


class UserIds(msgspec.Struct, frozen=True):
    """Ids, in order of their bytes."""

    user_ids: list[str]


def item_of(item_id: str, body: ItemBody) -> Item:
    """Return the item that a body describes.

    Raises
    ------
    InvalidInput
        When its attributes are nested too deeply.
    """
    attributes = checked_attributes(body.attributes)
    return Item(
        item_id,
        kind=body.kind,
        title=body.title,
        text=body.text,
        categories=body.categories,
        is_hidden=body.is_hidden,
        attributes=attributes,
    )


def view_of(document: UserDocument) -> UserView:
    """Return what a caller is shown of a user."""
    state = document.state
    if state is None:
        return UserView(
            document.user_id,
            attributes=document.attributes,
            generation=None,
            has_vector=False,
            n_events=0,
            updated_at=None,
            recent=(),
            disliked=(),
            profile=habits_of(NO_PROFILE),
        )
    return UserView(
        document.user_id,
        attributes=document.attributes,
        generation=state.generation,
        has_vector=state.vector is not None,
        n_events=state.n_events,
        updated_at=state.updated_at,
        recent=state.recent,
        disliked=state.disliked,
        profile=habits_of(state.profile),
    )
