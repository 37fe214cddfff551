"""Schemas of requests and answers: the checks and the OpenAPI document are made from these types."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from recommender_server.user_schemas import Habits, habits_of
from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.domain.items.item import Item, checked_attributes
from streamrec.domain.users.user import NO_PROFILE, UserDocument
from streamrec.wire import EventRecord, ExactFloat

ExternalId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_BYTES, description=f"1 to {MAX_ID_BYTES} bytes of UTF-8."),
]
_TIME_TEXT = r"^([0-9]{1,10}(\.[0-9]{1,9})?|(19[7-9][0-9]|[2-4][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)$"  # noqa: E501
_NUMBER_TEXT = r"^(-?[0-9]{1,15}(\.[0-9]{1,15})?|NaN|NULL|)$"


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route without parameters."""


class Event(EventRecord, frozen=True, gc=False, omit_defaults=True):
    """An event: who did what to which item, when.

    The type `retract` takes back what the user said of the item; `less` asks for less of what it is like.
    """

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
    less_like: tuple[str, ...]
    profile: Habits


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
            less_like=(),
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
        less_like=tuple(one.item_id for one in state.less),
        profile=habits_of(state.profile),
    )
