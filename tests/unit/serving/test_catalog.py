"""Changes of items and users, and events on their way in: what is stored, and what is told to whom."""

from collections.abc import Sequence

import msgspec
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import USUAL_WEIGHTS, EventWeights
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidEvent, Overloaded, Unavailable, UnknownId
from streamrec.markers import ErasureMarker, encode_marker, is_marker
from streamrec.ports import COMMANDS, INTERACTIONS, Fence, Mark, Message
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.intake import EventIntake
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.telemetry import NullMetrics
from streamrec.wire import EventRecord, decode_command, decode_event

NOW = 1_700_000_000.0


async def usual_weights() -> EventWeights:
    return EventWeights(USUAL_WEIGHTS)


def intake_into(log: MemoryEventLog) -> EventIntake:
    return EventIntake(MemoryEventSink(log), AcceptedChoices(), usual_weights, clock=lambda: NOW)


class Stack:
    def __init__(self, cache: MemoryCache, store: MemoryStore | None = None) -> None:
        self.log = MemoryEventLog()
        self.store = store or MemoryStore()
        self.accepted = AcceptedChoices()
        guard = Guard("any", 1.0, NullMetrics())
        reader = ItemReader(cache, guard, self.store, guard, NullMetrics())
        self.catalog = Catalog(
            self.store, reader, MemoryEventSink(self.log), self.accepted, clock=lambda: NOW
        )

    def commands(self) -> list[tuple[str, str]]:
        records = self.log.records.get(COMMANDS, [])
        return [(decode_command(record.value or b"").name, record.key) for record in records]


async def test_a_change_is_stored_with_its_time_dropped_from_the_cache_and_announced() -> None:
    cache = MemoryCache()
    await cache.put_items([Item("a", title="old")])
    stack = Stack(cache)
    await stack.catalog.put_items([Item("a", title="new"), Item("b")])
    assert await stack.catalog.get_item("a") == Item("a", title="new", updated_at=NOW)
    assert await cache.get_items(["a"]) == {}
    assert stack.commands() == [("item_changed", "a"), ("item_changed", "b")]


async def test_deleting_is_announced_also_for_an_item_without_metadata() -> None:
    stack = Stack(MemoryCache())
    await stack.catalog.put_items([Item("a")])
    await stack.catalog.delete_item("a")
    with pytest.raises(UnknownId, match="'a'"):
        await stack.catalog.get_item("a")
    with pytest.raises(UnknownId):
        await stack.catalog.delete_item("only interactions")
    assert stack.commands()[1:] == [("item_deleted", "a"), ("item_deleted", "only interactions")]


async def test_erasing_a_user_is_announced_also_for_an_unknown_user() -> None:
    stack = Stack(MemoryCache())
    await stack.catalog.put_attributes("u", {"country": "NZ"})
    assert (await stack.catalog.get_user("u")).attributes == {"country": "NZ"}
    await stack.catalog.erase_user("u")
    await stack.catalog.erase_user("unknown")
    with pytest.raises(UnknownId):
        await stack.catalog.get_user("u")
    erased = [("user_erased", "u"), ("user_erased", "unknown")]
    assert stack.commands() == [("user_changed", "u"), *erased]


async def test_a_change_is_announced_although_the_cache_is_down() -> None:
    class DownCache(MemoryCache):
        async def drop_items(self, item_ids: object, versions: object = None) -> None:
            raise Unavailable("down")

    stack = Stack(DownCache())
    await stack.catalog.put_items([Item("a")])
    assert stack.commands() == [("item_changed", "a")]


async def test_events_are_appended_by_user_with_their_arrival() -> None:
    log = MemoryEventLog()
    intake = intake_into(log)
    await intake.accept([EventRecord(7, "a"), EventRecord("u", "b", timestamp=5)])
    records = log.records[INTERACTIONS]
    assert [record.key for record in records] == ["7", "u"]
    events = [decode_event(record.value, 0.0) for record in records]
    assert [(event.user_id, event.item_id, event.timestamp) for event in events] == [
        ("7", "a", NOW), ("u", "b", 5.0),
    ]  # fmt: skip


async def test_what_is_appended_is_held_and_what_is_refused_is_not() -> None:
    class Full(MemoryEventSink):
        def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
            raise Overloaded("full", 1.0)

    accepted, log = AcceptedChoices(), MemoryEventLog()
    record = EventRecord("u", "a", timestamp="1970-01-01T00:01:40Z")
    with pytest.raises(Overloaded):
        await EventIntake(Full(log), accepted, usual_weights).accept([record])
    assert len(accepted) == 0
    await EventIntake(MemoryEventSink(log), accepted, usual_weights).accept([record])
    assert [(one.item_id, one.second) for one in accepted.unpublished("u", None)] == [("a", 100)]


async def test_an_erasure_takes_along_what_is_held_even_where_it_fails() -> None:
    class Away(MemoryStore):
        async def erase_user(self, user_id: str) -> bool:
            raise Unavailable("down")

    stack = Stack(MemoryCache(), Away())
    stack.accepted.note([Interaction("u", "a", 1.0)], EventWeights({}))
    with pytest.raises(Unavailable):
        await stack.catalog.erase_user("u")
    assert stack.accepted.unpublished("u", None) == ()


async def test_one_bad_event_keeps_all_out_and_is_named() -> None:
    log = MemoryEventLog()
    intake = intake_into(log)
    with pytest.raises(InvalidEvent, match="event 1: timestamp"):
        await intake.accept([EventRecord("u", "a"), EventRecord("u", "b", timestamp="soon")])
    assert log.records == {}


async def test_an_erasure_that_fails_half_way_is_finished_by_a_repeat() -> None:
    class UnsteadyStore(MemoryStore):
        is_away = True

        async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
            if self.is_away:
                raise Unavailable("down")
            await super().note_erasure(user_id, mark, erased_at)

    stack = Stack(MemoryCache(), store := UnsteadyStore())
    with pytest.raises(Unavailable):
        await stack.catalog.erase_user("u")
    assert (stack.commands(), store.read_erasures()) == ([], []), "nobody is told what did not happen"
    store.is_away = False
    await stack.catalog.erase_user("u")
    markers = stack.log.records[INTERACTIONS]
    assert [is_marker(record.value) for record in markers] == [True, True]
    assert [erasure.offsets for erasure in store.read_erasures()] == [{0: 1}]
    assert stack.commands() == [("user_erased", "u")]


async def test_senders_of_events_can_forge_no_marker() -> None:
    log = MemoryEventLog()
    marker = ErasureMarker("user_erased", 1.0, "forged")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encode_marker(marker), type=EventRecord)
    fields = {"record": "user_erased", "at": 1.0, "origin": "x", "user_id": "u", "item_id": "i"}
    record = msgspec.json.decode(msgspec.json.encode(fields), type=EventRecord)
    await intake_into(log).accept([record])
    assert not is_marker(log.records[INTERACTIONS][0].value)
