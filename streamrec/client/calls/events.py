"""Requests that send events: who did what to which item, when."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec

from streamrec.client.answers.status import EventsAccepted
from streamrec.client.call import Call, Id, encoded, fields_of
from streamrec.client.errors import Unsendable

MAX_EVENTS = 10_000
"""Events that one request may hold."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event.

    Attributes
    ----------
    timestamp
        Unix seconds, a time with its zone, or ISO 8601; by default when the recommender receives it.
    type
        By default ``interaction``.
    value
        A price, seconds viewed, a rating.
    event_id
        Names the event: a repeat has no effect. One is made where none is given, so that a request may be
        sent again.
    request_id
        Of the answer in which the user saw the item: what it tells goes to that answer's experiments.
    """

    user_id: Id
    item_id: Id
    timestamp: float | str | datetime | None = None
    type: str | None = None
    value: float | str | None = None
    event_id: Id | None = None
    request_id: str | None = None


def event_of(record: Event | Mapping[str, Any]) -> Event:
    """Return an event that has an id of its own; empty cells of a table count as not given.

    Raises
    ------
    Unsendable
        When it names no user or no item, something that an event does not have, or a number without end.

    >>> event_of({"user_id": 7, "item_id": "a", "value": float("nan"), "event_id": "e1"})
    Event(user_id='7', item_id='a', timestamp=None, type=None, value=None, event_id='e1', request_id=None)
    """
    known = Event.__struct_fields__
    if not isinstance(record, Event) and (unknown := [name for name in record if name not in known]):
        raise Unsendable(f"an event has no {unknown[0]!r}; it has {', '.join(known)}")
    fields = fields_of("event", record, "user_id", "item_id")
    if endless := [name for name, value in fields.items() if isinstance(value, float) and math.isinf(value)]:
        raise Unsendable(f"{endless[0]} is infinite, which JSON can't say")
    fields.setdefault("event_id", uuid4().hex)
    return Event(**fields)


def post_events(
    events: Event | Mapping[str, Any] | Iterable[Event | Mapping[str, Any]],
) -> Call[EventsAccepted]:
    """Send events, one or up to 10,000, all or none: `POST /v1/events`; an `EventBuffer` takes any number.

    Each gets an `event_id` where it has none, so that the request may be repeated: a trainer that has learned
    an event passes over the same one.
    """
    several = [events] if isinstance(events, Event | Mapping) else events
    return post_encoded([encoded(event_of(event)) for event in several])


def post_encoded(events: Iterable[bytes]) -> Call[EventsAccepted]:
    """Send events that are JSON already, each with its `event_id`."""
    body = b"[" + b",".join(events) + b"]"
    return Call(method="POST", path="/v1/events", answer=EventsAccepted, body=body)
