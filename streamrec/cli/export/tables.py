"""Tables that are exported: where their rows come from."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow

from streamrec.adapters.opening import open_event_source, open_store, open_trainer_store
from streamrec.cli.export.table_file import Row, Table
from streamrec.cli.loading import patiently_called
from streamrec.cli.retraining.archiving import events_that_count, ever_erased_in, past_commands
from streamrec.cli.service_call import Service
from streamrec.cli.training.initial_history import until_told
from streamrec.datasets.archive.parts import SCHEMA as EVENTS
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged, Unavailable
from streamrec.payload import decoded
from streamrec.ports import INTERACTIONS, DocumentStore, n_between
from streamrec.settings.processes import LocationSettings

_USERS_AT_ONCE = 1000

_MOST_ITEMS, _MOST_USERS = 20_000, 500
"""Of one request for lists: all of its lists together, and its users."""

_POLL_AT_ONCE = 8192

_GROUP = "export"

_TEXT = pyarrow.string()

_USERS = pyarrow.schema(
    [
        ("user_id", _TEXT),
        ("attributes", _TEXT),  # JSON: each user may have others
        ("n_events", pyarrow.int64()),
        ("updated_at", pyarrow.float64()),  # Unix seconds of the newest event
        ("recent", pyarrow.list_(_TEXT)),  # newest last
        ("disliked", pyarrow.list_(_TEXT)),
        ("generation", _TEXT),
        ("vector", pyarrow.list_(pyarrow.float32())),
    ]
)

_ITEMS = pyarrow.schema(
    [
        ("item_id", _TEXT),
        ("kind", _TEXT),
        ("title", _TEXT),
        ("text", _TEXT),
        ("categories", pyarrow.list_(_TEXT)),
        ("hidden", pyarrow.bool_()),
        ("attributes", _TEXT),  # JSON
        ("updated_at", pyarrow.float64()),
    ]
)

_LISTS = pyarrow.schema(
    [
        ("user_id", _TEXT),
        ("rank", pyarrow.int32()),  # from 1
        ("item_id", _TEXT),
        ("score", pyarrow.float64()),
        ("source", _TEXT),
        ("generation", _TEXT),
    ]
)


class _Listed(msgspec.Struct):
    """The part of a recommended item that is exported."""

    item_id: str
    score: float
    source: str


class _List(msgspec.Struct):
    """The part of an answer that is exported."""

    items: list[_Listed]
    generation: str | None
    degraded: bool


class _Answer(msgspec.Struct):
    """Answer to one user of a batch; `recommendations` is None where the service refuses the id."""

    user_id: str
    recommendations: _List | None = None


class _Answers(msgspec.Struct):
    """Answer to a batch."""

    answers: list[_Answer]


class Exporting(NamedTuple):
    """Parts that are exported from, and how long lists are."""

    locations: LocationSettings
    service: Service
    k: int

    def users(self) -> Table:
        """Return what is known of every user."""
        return Table(_USERS, map(_of_user, self._documents()))

    def items(self) -> Table:
        """Return the metadata of all items."""
        return Table(_ITEMS, self._items())

    def events(self) -> Table:
        """Return the events of the log that count."""
        return Table(EVENTS, self._events())

    def lists(self) -> Table:
        """Return what every user would be served now."""
        return Table(_LISTS, self._lists())

    def _documents(self) -> Iterator[UserDocument]:
        with asyncio.Runner() as runner:
            store = open_store(self.locations.store_url)
            try:
                last = ""
                while user_ids := runner.run(_next_ids(store, last)):
                    found = runner.run(store.get_users(user_ids))
                    yield from (found[user_id] for user_id in user_ids if user_id in found)
                    last = user_ids[-1]
            finally:
                runner.run(store.aclose())

    def _items(self) -> Iterator[Row]:
        with closing(open_trainer_store(self.locations.store_url)) as store:
            for item in store.read_items():
                yield (
                    item.item_id, item.kind, item.title, item.text, list(item.categories), item.is_hidden,
                    _json(item.attributes), item.updated_at,
                )  # fmt: skip

    def _events(self) -> Iterator[Row]:
        patient = until_told()
        commands = past_commands(self.locations)
        with (
            closing(open_event_source(self.locations.events_url, [INTERACTIONS], _GROUP)) as source,
            closing(open_trainer_store(self.locations.store_url)) as store,
        ):
            erased = patient(ever_erased_in, store, source, commands)
            erased_in_log = erased.in_log(patient(source.identity_of, INTERACTIONS))
            patient(source.seek, {})
            ends = {INTERACTIONS: patient(source.end_offsets)[INTERACTIONS]}
            while n_between(source.next_offsets(), ends):
                records = patient(source.poll, _POLL_AT_ONCE, 1.0)
                for one in events_that_count(records, ends, erased_in_log)[0]:
                    event = one.event
                    yield (
                        event.user_id, event.item_id, event.timestamp, event.type, event.value,
                        event.event_id, one.appended_at, one.partition, one.offset,
                    )  # fmt: skip

    def _lists(self) -> Iterator[Row]:
        n_at_once = max(1, min(_MOST_USERS, _MOST_ITEMS // self.k))
        waiting: list[str] = []
        for document in self._documents():
            waiting.append(document.user_id)
            if len(waiting) == n_at_once:
                yield from self._lists_of(waiting)
                waiting = []
        if waiting:
            yield from self._lists_of(waiting)

    def _lists_of(self, user_ids: Sequence[str]) -> Iterator[Row]:
        for answer in patiently_called()(_whole_lists, self.service, user_ids, self.k):
            if (found := answer.recommendations) is not None:
                for rank, item in enumerate(found.items, start=1):
                    yield answer.user_id, rank, item.item_id, item.score, item.source, found.generation


async def _next_ids(store: DocumentStore, last: str) -> list[str]:
    return await store.find_users("", _USERS_AT_ONCE, last)


def _whole_lists(service: Service, user_ids: Sequence[str], k: int) -> list[_Answer]:
    """Ask for lists of some users.

    Raises
    ------
    Unavailable
        When one could not be made of all that lists are made of: it would be worse than what is served.
    """
    told = service.call("POST", "/v1/recommendations:batch", {"users": list(user_ids), "k": k})
    try:
        answers: list[_Answer] = decoded(partial(msgspec.convert, type=_Answers), told).answers
    except Damaged as error:
        raise Unavailable(f"{service.address} is no recommender: {error}") from error
    n_degraded = sum(one.recommendations is not None and one.recommendations.degraded for one in answers)
    if n_degraded:
        raise Unavailable(
            f"{service.address} answers for {n_degraded} of {len(answers)} users without one of its parts:"
            " see /health/ready there, and export the lists once all of them are back"
        )
    return answers


def _of_user(document: UserDocument) -> Row:
    state = document.state
    if state is None:
        return (document.user_id, _json(document.attributes), 0, None, [], [], None, None)
    vector = None if state.vector is None else np.frombuffer(state.vector, "<f4")
    return (
        document.user_id, _json(document.attributes), state.n_events, state.updated_at, list(state.recent),
        list(state.disliked), state.generation, vector,
    )  # fmt: skip


def _json(attributes: dict[str, Any]) -> str:
    return msgspec.json.encode(attributes).decode()
