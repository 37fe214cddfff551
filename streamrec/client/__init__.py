"""A typed client of the recommender's HTTP API, for threads and for an event loop.

>>> from streamrec.client import Client
>>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
...     client.post_events({"user_id": "me", "item_id": "255"})
...     for item in client.recommendations(user_id="me", k=5).items:
...         print(item.item_id, item.score, item.source)

It imports nothing else of streamrec, neither what learns nor what serves: httpcore and msgspec are all that
it needs.
"""

from streamrec.client.answers.items import Item
from streamrec.client.async_client import AsyncClient
from streamrec.client.async_event_buffer import AsyncEventBuffer
from streamrec.client.attempts import Retries
from streamrec.client.bounds import Bounds
from streamrec.client.calls.events import Event
from streamrec.client.calls.lists import BatchUser
from streamrec.client.calls.own_data import ToldFile
from streamrec.client.client import Client
from streamrec.client.errors import (
    BufferFull,
    Conflict,
    EventsRejected,
    Forbidden,
    InvalidRequest,
    NotDelivered,
    NotFound,
    NotReached,
    RecommenderError,
    ServerFailed,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unsendable,
)
from streamrec.client.event_buffer import EventBuffer

__all__ = [
    "AsyncClient", "AsyncEventBuffer", "BatchUser", "Bounds", "BufferFull", "Client", "Conflict", "Event",
    "EventBuffer", "EventsRejected", "Forbidden", "InvalidRequest", "Item", "NotDelivered", "NotFound",
    "NotReached", "RecommenderError", "Retries", "ServerFailed", "TimedOut", "ToldFile", "Unauthorized",
    "Unavailable", "UnexpectedAnswer", "Unsendable",
]  # fmt: skip
